//! Which holds cannot both be.

use super::holds::{Held, Hold, Way};
use crate::catalogue;
use crate::linearizability::call::Call;
use crate::linearizability::finding::Violation;
use crate::objects::zones::{Zone, crossing};

/// Every hold, and whether it is known to be one.
pub(super) fn all(held: &[Held]) -> impl Iterator<Item = &Hold> {
    held.iter().flat_map(|holder| match &holder.way {
        Way::Only(holds) | Way::Loose(holds) => holds.as_slice(),
        Way::Unknown => &[],
    })
}

/// Two of the holds, or a hold and one of the calls `alone`, that cannot both be. With a call alone
/// go all calls for its holder, without which it may be illegal by itself.
pub(super) fn crossing_of<'h>(
    calls: &[Call<'_>],
    holds: impl Iterator<Item = &'h Hold>,
    alone: impl Iterator<Item = (usize, &'h [usize])>,
) -> Option<Violation> {
    let mut zones = Vec::new();
    let mut members: Vec<Vec<usize>> = Vec::new();
    for hold in holds {
        zones.push(hold.zone(calls));
        members.push(std::iter::once(hold.acquire).chain(hold.release).collect());
    }
    for (place, holder) in alone {
        zones.push(Zone::of(calls, [place]));
        members.push(holder.to_vec());
    }
    let (first, second) = crossing(&zones)?;
    let mut calls = [members[first].as_slice(), members[second].as_slice()].concat();
    calls.sort_unstable();
    calls.dedup();
    Some(Violation { class: catalogue::LOCK_HELD_TWICE, calls })
}
