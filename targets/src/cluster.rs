//! The cluster that a target is deployed on, and how its nodes are spoken to. Data only.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use fracas_checker::NodeId;

/// The cluster a target is to be deployed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterSpec {
    /// The program.
    pub binary: PathBuf,
    /// Its other programs, by name.
    pub others: BTreeMap<String, PathBuf>,
    /// Its nodes.
    pub nodes: Vec<NodeSpec>,
    /// Appended to every node's command, of several processes to that of the first, such as
    /// `--bug stale-reads`.
    pub extra_args: Vec<String>,
}

/// One node of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSpec {
    /// Its name.
    pub id: NodeId,
    /// Its address.
    pub ip: Ipv4Addr,
    /// The directory that belongs to it alone.
    pub dir: PathBuf,
}

/// What the texts of a preparation are filled in with.
#[derive(Debug, Clone, Copy)]
pub struct PrepareIn<'a> {
    /// The directory of the target file.
    pub target: &'a Path,
    /// The directory to be filled.
    pub dir: &'a Path,
    /// What the server says of its version, where the key has it.
    pub version: Option<&'a str>,
}
