//! Locks that know their holder, and their near-linear check.
//!
//! A lock is held by one at a time, so a legal order is a row of holds (see `holds`), and two of
//! them that would each have to come before the other refute it (see `super::zones`). Where the
//! calls for a holder fall into holds in one way only, that is exact. Where they may in several,
//! the one that is tried first may show that the lock is legal; holds of the other holders, and the
//! calls of this one each by itself, may show that it is not; otherwise a search decides.

mod class;
mod crossings;
mod holds;

use crossings::{all, crossing_of};
use holds::{Held, Hold, Way};

use crate::hashing::Map;
use crate::linearizability::call::Call;
use crate::linearizability::finding::{Finding, Violation};
use crate::linearizability::minimise::{EFFORT, Part, by_parts};
use crate::linearizability::object::{Object, Weakened};
use crate::linearizability::refuted::{Explanation, Refuted};
use crate::models::Lock;
use crate::op::{Op, OpKind};

impl Object for Lock {
    const NAMES: &'static [&'static str] = &["lock", "owner-lock"];
    const ID: &'static str = "lock/linearizable";
    const PROMISE: &'static str =
        "a lock has one holder at a time, and only the holder gives it back";
    const ASSUMPTIONS: &'static [&'static str] = &[
        "every lock starts free",
        "a grant does not expire: leases are judged by `lease/exclusive`",
        "a lock is not re-entrant",
    ];
    const KINDS: &'static [OpKind] = &[OpKind::Acquire, OpKind::Release];

    /// A lease expires: `lease/exclusive` judges that.
    fn is_one<'a>(mut ops: impl Iterator<Item = &'a Op>) -> bool {
        !ops.any(|op| matches!(op, Op::Acquire { ttl: Some(_), .. } | Op::Renew { .. }))
    }

    fn decide_fast(calls: &[Call<'_>]) -> Finding {
        match holds::holds(calls) {
            None => Finding::Ambiguous,
            Some(Err(violation)) => Finding::Refuted(violation),
            Some(Ok(held)) => judge(calls, &held),
        }
    }

    fn part(call: &Call<'_>) -> Part {
        // Without one of its holders a lock is as legal as with it.
        match call.op {
            Op::Acquire { holder, .. } | Op::Release { holder, .. } => Part::Number(*holder),
            _ => Part::Needed,
        }
    }

    fn smallest<'a>(
        calls: &[Call<'a>],
        _: &'a Weakened,
        refuted: &dyn Fn(&[Call<'a>]) -> bool,
    ) -> Vec<Call<'a>> {
        let known: Vec<Call<'a>> = match Self::decide_fast(calls) {
            Finding::Refuted(violation) => {
                violation.calls.iter().map(|place| calls[*place]).collect()
            }
            _ => Vec::new(),
        };
        let calls = if !known.is_empty() && refuted(&known) { known } else { calls.to_vec() };
        let parts = parts(&calls);
        by_parts(
            &calls,
            |call| parts.get(&call.id).cloned().unwrap_or(Part::Needed),
            EFFORT,
            refuted,
        )
    }

    fn explanation<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
        class::explanation(refuted)
    }
}

fn judge(calls: &[Call<'_>], held: &[Held]) -> Finding {
    let unknown = held.iter().any(|holder| matches!(holder.way, Way::Unknown));
    let only = held.iter().all(|holder| matches!(holder.way, Way::Only(_)));
    if !unknown {
        match crossed(calls, all(held)) {
            None => return Finding::Legal,
            Some(violation) if only => return Finding::Refuted(violation),
            Some(_) => {}
        }
    }
    let certain = held.iter().filter(|holder| matches!(holder.way, Way::Only(_)));
    let others = held.iter().filter(|holder| !matches!(holder.way, Way::Only(_)));
    let holds = certain.flat_map(|holder| all(std::slice::from_ref(holder)));
    let alone = others
        .flat_map(|holder| holder.calls.iter().map(|place| (*place, holder.calls.as_slice())));
    let found = crossing_of(calls, holds, alone);
    found.map_or(Finding::Ambiguous, Finding::Refuted)
}

fn crossed<'h>(calls: &[Call<'_>], holds: impl Iterator<Item = &'h Hold>) -> Option<Violation> {
    crossing_of(calls, holds, std::iter::empty())
}

/// What may be taken away without making a legal lock illegal, by id: a hold where it is certain
/// which calls it is made of, else all calls for a holder.
fn parts(calls: &[Call<'_>]) -> Map<u64, Part> {
    let mut parts = Map::default();
    let Some(Ok(held)) = holds::holds(calls) else {
        return calls.iter().map(|call| (call.id, Lock::part(call))).collect();
    };
    for (number, holder) in (0_u64..).zip(held) {
        for place in holder.calls {
            parts.insert(calls[place].id, Part::Element((-1 - number as i64).into()));
        }
        let Way::Only(holds) = holder.way else { continue };
        for hold in holds {
            for place in std::iter::once(hold.acquire).chain(hold.release) {
                parts.insert(calls[place].id, Part::Number(hold.acquire as u64));
            }
        }
    }
    parts
}
