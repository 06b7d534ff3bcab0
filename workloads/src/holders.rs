//! What clients that hold something have in common: how many there are, how fast they ask, where.
//! What they ask is not decided here.

use std::collections::BTreeSet;

use fracas_checker::event::{Key, Nanos, NodeId, Op, OpKind};

use crate::{Lane, Size, Stream, readers};

/// Clients per node.
const PER_NODE: usize = 2;

/// Operations per second and client; fewer where the user asks for less in all.
const RATE: f64 = 6.0;
/// Reads per second and node of what they guard.
const READS: f64 = 2.0;

/// What they hold, and what it guards: a key each.
pub(crate) fn keys(size: &Size, name: fn(u16) -> Key) -> Vec<Key> {
    (0..size.keys.max(1)).map(name).collect()
}

/// What they ask of a target: what they need, and guarded writes where it serves those.
pub(crate) fn asks(needs: &[OpKind], serves: &BTreeSet<OpKind>) -> BTreeSet<OpKind> {
    let guarded = serves.get(&OpKind::GuardedWrite).copied();
    needs.iter().copied().chain(guarded).collect()
}

/// Who looks whether a lock is still held: a holder that no client is.
const LOOKER: u64 = 1_000_000;

/// How to look at what `keys` guard, and at the locks themselves: whether one is held can only be
/// seen by asking for it, and what was granted so is given back at once.
pub(crate) fn looks(keys: Vec<Key>, ttl: Option<Nanos>) -> Vec<Vec<Op>> {
    let look = |key: Key| {
        let acquire = Op::Acquire { key: key.clone(), holder: LOOKER, ttl };
        let release = Op::Release { key: key.clone(), holder: LOOKER };
        [vec![Op::Read { key }], vec![acquire, release]]
    };
    keys.into_iter().flat_map(look).collect()
}

/// A lane for each of them, and readers of what `keys` guard; `client` makes the one with this
/// number.
///
/// They seek the leader: a holder that asks a node which does not lead any more could never give
/// back.
pub(crate) fn lanes(
    size: &Size,
    keys: &[Key],
    client: impl Fn(u64) -> Box<dyn Stream>,
) -> Vec<Lane> {
    let nodes = std::iter::repeat_n(&size.nodes, PER_NODE).flatten();
    let rate = Some(size.light_rate(RATE, PER_NODE * size.nodes.len()));
    let lane = |(node, holder): (&NodeId, u64)| Lane {
        node: *node,
        rate,
        seeks_leader: true,
        overlaps: false,
        stream: client(holder),
    };
    let readers = readers::lanes(size, keys, size.light_rate(READS, size.nodes.len()));
    nodes.zip(1..).map(lane).chain(readers).collect()
}
