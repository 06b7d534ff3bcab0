//! What clients that hold something have in common: how many there are, how fast they ask, where.
//! What they ask is not decided here.

use fracas_checker::event::{Key, Nanos, NodeId, Op};

use crate::look::{self, Look};
use crate::{Lane, Load, Stream, readers};

/// Clients per node.
const PER_NODE: usize = 2;

/// Operations per second and client; fewer where the user asks for less in all.
const RATE: f64 = 6.0;
/// Reads per second and node of what they guard.
const READS: f64 = 2.0;

/// How to look at what `keys` guard, and at the locks themselves.
pub(crate) fn looks(keys: &[Key], ttl: Option<Nanos>) -> Vec<Look> {
    let mut looks = finals(keys);
    looks.extend(look::grants(keys, ttl));
    looks
}

/// How to look at what `keys` guard.
pub(crate) fn finals(keys: &[Key]) -> Vec<Look> {
    look::each(keys, |key| Op::Read { key })
}

/// A lane for each of them, and readers of what `keys` guard; `client` makes the one with this
/// number.
///
/// They seek the leader: a holder that asks a node which does not lead any more could never give
/// back.
pub(crate) fn lanes(
    load: &Load,
    keys: &[Key],
    client: impl Fn(u64) -> Box<dyn Stream>,
) -> Vec<Lane> {
    let nodes = std::iter::repeat_n(&load.nodes, PER_NODE).flatten();
    let rate = Some(load.light_rate(RATE, PER_NODE * load.nodes.len()));
    let lane = |(node, holder): (&NodeId, u64)| Lane {
        node: *node,
        rate,
        seeks_leader: true,
        overlaps: false,
        stream: client(holder),
    };
    let readers = readers::lanes(load, keys, load.light_rate(READS, load.nodes.len()));
    nodes.zip(1..).map(lane).chain(readers).collect()
}
