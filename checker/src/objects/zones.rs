//! Contiguous parts of a legal order, and which two of them cannot both be.
//!
//! A *zone* stands for calls with nothing of another zone between them in any legal order: a hold
//! with its acquire and its release, a write with everything that saw it. Between zones only real
//! time speaks here; what is inside one is its maker's business. After Gibbons and Korach,
//! “Testing shared memories” (1997).

use crate::event::Nanos;
use crate::linearizability::call::Call;

/// One contiguous part. Times are one later than the clock says, so that 0 is before all time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Zone {
    /// The smallest completion, and whose it is.
    pub(super) first: (u64, Option<usize>),
    /// The largest invocation, and whose it is.
    pub(super) last: (u64, Option<usize>),
}

impl Zone {
    /// A zone of no call: it comes before and after all others.
    pub(super) const EMPTY: Self = Self { first: (u64::MAX, None), last: (0, None) };

    /// The state before the first call, which ended before time began.
    pub(super) const INITIAL: Self = Self { first: (0, None), last: (0, None) };

    /// A zone of these calls.
    pub(super) fn of(calls: &[Call<'_>], places: impl IntoIterator<Item = usize>) -> Self {
        places.into_iter().fold(Self::EMPTY, |zone, place| zone.with(calls, place))
    }

    /// This zone and one more call.
    pub(super) fn with(self, calls: &[Call<'_>], place: usize) -> Self {
        let (ended, began) = (ended(&calls[place]), began(&calls[place]));
        Self {
            first: if ended < self.first.0 { (ended, Some(place)) } else { self.first },
            last: if began > self.last.0 { (began, Some(place)) } else { self.last },
        }
    }

    /// This zone with an end that is never reached, so that it comes after all others.
    pub(super) fn endless(self) -> Self {
        Self { last: (u64::MAX, self.last.1), ..self }
    }

    /// Whether it has to come before `other`: one of its calls ended before one of the other began.
    pub(super) fn precedes(&self, other: &Self) -> bool {
        self.first.0 < other.last.0
    }
}

/// When a call ended, one later than the clock says; an indeterminate one never does.
pub(super) fn ended(call: &Call<'_>) -> Nanos {
    call.end.map_or(u64::MAX, |end| end.saturating_add(1))
}

/// When a call began, one later than the clock says.
pub(super) fn began(call: &Call<'_>) -> Nanos {
    call.start.saturating_add(1)
}

/// Places of two zones that would each have to come before the other, if there are any; without
/// such a pair the zones have an order.
///
/// Pairs suffice. In a cycle of precedence let A be a zone with the smallest first completion, and
/// P the one before it. Whatever has a predecessor Q in the cycle began something after Q's first
/// completion, so after A's: A precedes them all, P too, and P precedes A.
///
/// Sorting finds a pair: of the zones that complete something before they have begun everything
/// (*forward* ones), two cross if they overlap, and then some two neighbours do; one of the others
/// crosses a forward zone that contains it; two of those never cross.
pub(super) fn crossing(zones: &[Zone]) -> Option<(usize, usize)> {
    let is_forward = |place: &usize| zones[*place].first.0 < zones[*place].last.0;
    let (mut forward, backward): (Vec<usize>, Vec<usize>) = (0..zones.len()).partition(is_forward);
    forward.sort_unstable_by_key(|place| (zones[*place].first.0, *place));
    let overlap = |pair: &&[usize]| zones[pair[1]].precedes(&zones[pair[0]]);
    if let Some(pair) = forward.windows(2).find(overlap) {
        return Some((pair[0], pair[1]));
    }
    backward.into_iter().find_map(|inner| {
        let before = forward.partition_point(|outer| zones[*outer].precedes(&zones[inner]));
        let outer = *forward.get(before.checked_sub(1)?)?;
        zones[inner].precedes(&zones[outer]).then_some((outer, inner))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(first: u64, last: u64) -> Zone {
        Zone { first: (first, None), last: (last, None) }
    }

    /// Whether these zones, as first completion and last invocation, have two that cross.
    #[track_caller]
    fn check(zones: &[(u64, u64)], expect: bool) {
        let zones: Vec<Zone> = zones.iter().map(|(first, last)| zone(*first, *last)).collect();
        assert_eq!(crossing(&zones).is_some(), expect);
        if let Some((first, second)) = crossing(&zones) {
            assert!(zones[first].precedes(&zones[second]) && zones[second].precedes(&zones[first]));
        }
    }

    #[test]
    fn zones_cross_where_each_must_come_first() {
        check(&[], false);
        check(&[(10, 20), (20, 30)], false);
        check(&[(10, 21), (20, 30)], true);
        check(&[(10, 30), (15, 15)], true);
        check(&[(10, 30), (30, 10)], false);
        check(&[(10, 30), (29, 11)], true);
        check(&[(10, 30), (30, 50), (40, 20)], false);
        check(&[(20, 5), (15, 7)], false);
    }
}
