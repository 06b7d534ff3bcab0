//! Where each node of a deployed target is, for what asks them. Data only.

use std::collections::BTreeMap;

use fracas_checker::NodeId;

use crate::template::Variables;

/// How each node is spoken to.
pub(crate) type Endpoints = BTreeMap<NodeId, Endpoint>;

/// How one node is spoken to.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// The beginning of its addresses; empty where client programs alone know it.
    pub(crate) base: String,
    pub(crate) variables: Variables,
}
