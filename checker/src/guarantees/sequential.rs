//! Sequential consistency of one register whose values name their writes.
//!
//! Is there one order of all operations, as one copy would allow it, in which the operations of
//! every session stand in their order? With such values this is easy, though in general it is not:
//! in any such order a version and those who saw it stand together, and a compare-and-set joins what
//! it replaced with what it wrote. So versions form *blocks*, contiguous and with a forced order
//! inside. What remains is the order of blocks, and all that speaks about it is the order of
//! sessions: a deed of one block followed by a deed of another. An order exists iff
//!
//! 1. no version was replaced twice, and none replaces itself through others;
//! 2. within a session, no deed stands before one of an earlier version of the same block, and none
//!    saw a version that the session wrote only later;
//! 3. the blocks, ordered by consecutive deeds, have no cycle; “absent” is in the first block.
//!
//! Necessary, obviously. Sufficient: sort the blocks; in each, version by version, the write and then
//! those who saw it, in any order that keeps their sessions': they are one session's in a row, or
//! several sessions', which do not bind each other.
//!
//! A write of unknown outcome comes before nothing. This is decided on one key only: that every key
//! is sequentially consistent does not make all of them together so, as it would with
//! linearizability. Broken on one key is broken all the same.

use super::guarantee::Standing;
use super::order::saw_the_future;
use super::sessions::{Deed, Sessions, Version};

/// Where a version stands: its block, and its place in it.
type Place = (usize, usize);

/// Whether the key that `sessions` tell of is sequentially consistent.
pub(super) fn standing(sessions: &Sessions<'_>) -> Standing {
    let broken = match places(sessions) {
        None => true,
        Some(places) => saw_the_future(sessions) || is_circular(sessions, &places),
    };
    match (broken, sessions.left_out) {
        (true, _) => Standing::Broken,
        (false, false) => Standing::Holds,
        (false, true) => Standing::NotShownBroken,
    }
}

/// The place of every version; none if compare-and-sets contradict each other.
fn places(sessions: &Sessions<'_>) -> Option<Vec<Place>> {
    let (mut next, mut has_before) =
        (vec![None; sessions.versions], vec![false; sessions.versions]);
    for (old, new) in &sessions.replaced {
        if next[*old].replace(*new).is_some() {
            return None;
        }
        has_before[*new] = true;
    }
    let mut places = vec![None; sessions.versions];
    for head in (0..sessions.versions).filter(|version| !has_before[*version]) {
        let (mut version, mut level) = (Some(head), 0);
        while let Some(here) = version {
            places[here] = Some((head, level));
            (version, level) = (next[here], level + 1);
        }
    }
    // Who is in no chain is in a ring.
    places.into_iter().collect()
}

/// Whether no order of the blocks suits every session.
fn is_circular(sessions: &Sessions<'_>, places: &[Place]) -> bool {
    let first = places[0].0;
    let mut steps: Vec<(usize, usize)> = Vec::new();
    for deeds in &sessions.deeds {
        let mut last: Option<Place> = None;
        for deed in deeds {
            let here = places[deed.version()];
            match last {
                // Back within the block, or back to what comes before all others.
                Some(last) if last.0 == here.0 && last.1 > here.1 => return true,
                Some(last) if last.0 != here.0 && here.0 == first => return true,
                Some(last) if last.0 != here.0 => steps.push((last.0, here.0)),
                _ => {}
            }
            if !matches!(deed, Deed::MayHaveWritten(_)) {
                last = Some(here);
            }
        }
    }
    has_circle(sessions.versions, steps)
}

/// Whether `steps` between nodes below `count` lead in a circle: takes away, one after the other,
/// the nodes that no step leads to; those of a circle stay.
fn has_circle(count: usize, mut steps: Vec<(usize, usize)>) -> bool {
    steps.sort_unstable();
    let mut incoming = vec![0_usize; count];
    steps.iter().for_each(|(_, to)| incoming[*to] += 1);
    let mut free: Vec<usize> = (0..count).filter(|node| incoming[*node] == 0).collect();
    let mut taken = 0;
    while let Some(node) = free.pop() {
        taken += 1;
        let begin = steps.partition_point(|(from, _)| *from < node);
        for (_, to) in steps[begin..].iter().take_while(|(from, _)| *from == node) {
            incoming[*to] -= 1;
            if incoming[*to] == 0 {
                free.push(*to);
            }
        }
    }
    taken < count
}

impl Deed {
    fn version(self) -> Version {
        match self {
            Self::Saw(version) | Self::Wrote(version) | Self::MayHaveWritten(version) => version,
        }
    }
}
