//! Clusters on the loopback interface, for tests.

use std::net::Ipv4Addr;
use std::path::Path;

use fracas_checker::NodeId;
use fracas_targets::{ClusterSpec, KnownFault, NodeSpec};

/// Kinds of faults that there may be.
pub(crate) const FAULTS: [KnownFault; 10] = [
    fault("partition", false),
    fault("pause", false),
    fault("kill", false),
    fault("power", true),
    fault("clock", false),
    fault("slow", false),
    fault("loss", false),
    fault("disk", true),
    fault("starve", false),
    fault("restart", false),
];

const fn fault(word: &'static str, needs_data: bool) -> KnownFault {
    KnownFault { word, needs_data }
}

/// The address of a node, different in every test process: ports may be fixed.
pub(crate) fn address(number: u8) -> Ipv4Addr {
    let [_, _, high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, high.max(1), low, number)
}

/// Nodes `n1` … on loopback addresses, with their directories below `dir`.
pub(crate) fn loopback(binary: &str, nodes: u8, dir: &Path) -> ClusterSpec {
    let node = |number: u8| {
        let id = NodeId(number.into());
        NodeSpec { id, ip: address(number), dir: dir.join(id.to_string()) }
    };
    ClusterSpec {
        binary: binary.into(),
        nodes: (1..=nodes).map(node).collect(),
        extra_args: Vec::new(),
    }
}
