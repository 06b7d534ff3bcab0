//! Takes away from refuted transactions the registers that the refutation does not need.
//!
//! Registers do not know of each other: of a legal order, what is left without some of them is
//! legal. Which transactions may go is said by [`crate::objects::unseen`].

use std::collections::BTreeSet;

use super::decide::decide;
use super::refuters::{Conflict, conflict};
use crate::linearizability::call::Call;
use crate::linearizability::object::{Weakened, only};
use crate::objects::list_append::lists::micros;
use crate::op::{Key, Op, Outcome};
use crate::transaction::Micro;

/// How many calls may be looked at while registers are left out.
const EFFORT: usize = 5_000_000;

/// Transactions that name the registers of the refutation and no other; by invocation. Those that
/// name none of them are left out.
pub(super) fn weakened(calls: &[Call<'_>]) -> Weakened {
    let about = match conflict(calls) {
        Some(Conflict::Internal { txn, key }) => return on(&calls[txn..=txn], &[&key].into()),
        Some(Conflict::Unwritten { found_by, key, .. }) => {
            return on(&calls[found_by..=found_by], &[&key].into());
        }
        Some(Conflict::Register { key }) => return on(calls, &[&key].into()),
        None if decide(calls).is_refuted() => fewest(calls),
        None => return Weakened::new(),
    };
    on(calls, &about)
}

/// As few registers as still show it: halves of them are left out, then quarters, and so on.
fn fewest<'a>(calls: &[Call<'a>]) -> BTreeSet<&'a Key> {
    let named = |call: &Call<'a>| micros(call).map_or(&[][..], |(ops, _)| ops).iter().map(name);
    let all: BTreeSet<&Key> = calls.iter().flat_map(named).collect();
    let mut kept: Vec<&Key> = all.into_iter().collect();
    let (mut size, mut effort) = (kept.len().div_ceil(2), EFFORT);
    while size > 0 {
        let mut place = 0;
        while place < kept.len() && effort > 0 {
            effort = effort.saturating_sub(calls.len());
            let mut fewer = kept.clone();
            fewer.drain(place..kept.len().min(place + size));
            let left = on(calls, &fewer.iter().copied().collect());
            if decide(&only(calls, &left)).is_refuted() {
                kept = fewer;
            } else {
                place += size;
            }
        }
        size /= 2;
    }
    kept.into_iter().collect()
}

/// What `calls` did with the registers in `about`.
fn on(calls: &[Call<'_>], about: &BTreeSet<&Key>) -> Weakened {
    let narrow = |call: &Call<'_>| {
        let (ops, _) = micros(call)?;
        let ops: Vec<Micro> =
            ops.iter().filter(|micro| about.contains(name(micro))).cloned().collect();
        let ops: std::sync::Arc<[Micro]> = ops.into();
        let both = (Op::Txn { ops: ops.clone() }, Outcome::Txn { ops: ops.clone() });
        (!ops.is_empty()).then_some((call.id, both))
    };
    calls.iter().filter_map(narrow).collect()
}

fn name(micro: &Micro) -> &Key {
    match micro {
        Micro::Read { key, .. } | Micro::Append { key, .. } | Micro::Write { key, .. } => key,
    }
}
