//! Clusters on the loopback interface, for tests.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::LazyLock;

use fracas_checker::NodeId;
use fracas_targets::{ClusterSpec, KnownFault, NodeSpec};

/// Kinds of faults that there may be, and a scenario of two of them.
pub(crate) static FAULTS: LazyLock<Vec<KnownFault>> = LazyLock::new(|| {
    let kinds = [
        "partition",
        "pause",
        "kill",
        "power",
        "clock",
        "slow",
        "loss",
        "disk",
        "starve",
        "restart",
        "upgrade",
        "membership",
    ];
    let needs_data = |word: &str| matches!(word, "power" | "disk");
    let kind = |word| KnownFault {
        word,
        needs: Vec::new(),
        needs_data: needs_data(word),
        needs_membership: word == "membership",
    };
    let needs = vec!["partition", "pause"];
    let scenario =
        KnownFault { word: "hub-pauses", needs, needs_data: false, needs_membership: false };
    kinds.into_iter().map(kind).chain([scenario]).collect()
});

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
        others: Default::default(),
        extra_args: Vec::new(),
    }
}
