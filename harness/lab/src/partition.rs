//! By which of its ways the network is cut.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use fracas_checker::fault::Cut;

use super::error::LabError;
use super::iptables::Iptables;
use super::links::Network;
use super::nft::open_nft;
use super::partitioner::Partitioner;

/// The mechanism by which partitions are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mechanism {
    /// The first that works: nft, then iptables.
    #[default]
    Auto,
    /// One packet filter on the bridge: atomic for all nodes.
    Nft,
    /// The program `iptables` in every node's network namespace: node after node.
    Iptables,
}

/// Opens the mechanism that was asked for.
pub(crate) fn open(
    mechanism: Mechanism,
    network: &Network,
) -> Result<Box<dyn Partitioner>, LabError> {
    match mechanism {
        Mechanism::Nft => nft(),
        Mechanism::Iptables => iptables(network),
        Mechanism::Auto => Ok(nft().unwrap_or_else(|no_nft| {
            iptables(network).unwrap_or_else(|no_iptables| {
                Box::new(Missing(format!("no nft ({no_nft}) and no iptables ({no_iptables})")))
            })
        })),
    }
}

/// No way to cut the network. Everything else can be done to its nodes.
struct Missing(String);

impl Partitioner for Missing {
    fn name(&self) -> &'static str {
        "none"
    }

    fn replace(&mut self, cuts: &[Cut], diverted: &[Cut]) -> Result<(), LabError> {
        if cuts.is_empty() && diverted.is_empty() {
            return Ok(());
        }
        Err(LabError::Unavailable {
            what: "find a way to cut the network".into(),
            why: self.0.clone(),
            mend: "load the modules `nf_tables` and `nft_meta_bridge`, or install `iptables`"
                .into(),
        })
    }

    fn drops(&mut self) -> Result<BTreeMap<Cut, u64>, LabError> {
        Ok(BTreeMap::new())
    }
}

/// Opens the packet filter on the bridge.
fn nft() -> Result<Box<dyn Partitioner>, LabError> {
    open_nft().map(|nft| Box::new(nft) as Box<dyn Partitioner>)
}

/// Opens the program in every node's namespace.
fn iptables(network: &Network) -> Result<Box<dyn Partitioner>, LabError> {
    Iptables::open(network).map(|iptables| Box::new(iptables) as Box<dyn Partitioner>)
}
