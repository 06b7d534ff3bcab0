//! Locks with fencing tokens and what they guard, and their near-linear check.
//!
//! The grants and the guarded resource have nothing to do with each other but their name, so they
//! are two objects and each is judged alone.
//!
//! *Grants.* The order is that of their tokens; it only has to respect real time. A grant without a
//! token, or one that nobody saw, says nothing. The watch and the decision are one, see `Grants`.
//!
//! *The guarded resource.* See `guard`.

mod class;
mod grants;
mod guard;
mod stairs;

use std::collections::BTreeSet;

use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;
use crate::linearizability::minimise::{EFFORT, Part, by_parts};
use crate::linearizability::object::{Object, Weakened};
use crate::linearizability::refuted::{Explanation, Refuted};
use crate::models::Fencing;
use crate::op::{Op, OpKind, Outcome};
use crate::value::Value;
pub(crate) use grants::Grants;
use grants::{misgranted, shown};
pub(crate) use stairs::Stairs;

impl Object for Fencing {
    const NAMES: &'static [&'static str] = &["fencing", "fencing-lock"];
    const ID: &'static str = "fencing/linearizable";
    const PROMISE: &'static str = "fencing tokens strictly increase in the order of the grants, and \
         the guarded resource takes no write with a lower one than before";
    const ASSUMPTIONS: &'static [&'static str] = &[
        "every guarded resource starts absent, and no token has been shown to it",
        "whether holders exclude each other is asked by `lock/linearizable`, or by \
         `lease/exclusive` where grants expire",
    ];
    const KINDS: &'static [OpKind] = &[OpKind::Acquire, OpKind::GuardedWrite, OpKind::Read];

    /// A key that is written without ever showing a token is a plain register.
    fn is_one<'a>(ops: impl Iterator<Item = &'a Op>) -> bool {
        let kinds: BTreeSet<OpKind> = ops.map(Op::kind).collect();
        let guarded = [OpKind::Acquire, OpKind::GuardedWrite].iter().any(|k| kinds.contains(k));
        guarded || !kinds.iter().any(|kind| kind.disturbs(Self::KINDS))
    }

    fn decide_fast(calls: &[Call<'_>]) -> Finding {
        let known = |call: &Call<'_>| {
            matches!(
                (call.op, call.outcome),
                (Op::Acquire { .. }, None | Some(Outcome::Acquire { .. }))
                    | (Op::GuardedWrite { .. }, None | Some(Outcome::GuardedWrite))
                    | (Op::Read { .. }, Some(Outcome::Read { .. }))
            )
        };
        if !calls.iter().all(known) {
            return Finding::Ambiguous;
        }
        if let Some(pair) = misgranted(calls) {
            return Finding::refuted(pair.class(), vec![pair.first, pair.second]);
        }
        guard::judge(calls)
    }

    fn part(call: &Call<'_>) -> Part {
        match (call.op, call.outcome) {
            (Op::GuardedWrite { value, .. }, _)
            | (Op::Read { .. }, Some(Outcome::Read { value: Some(value) })) => {
                Part::Element(value.clone())
            }
            _ => Part::Alone,
        }
    }

    fn smallest<'a>(
        calls: &[Call<'a>],
        _: &'a Weakened,
        refuted: &dyn Fn(&[Call<'a>]) -> bool,
    ) -> Vec<Call<'a>> {
        if let Some(pair) = misgranted(calls) {
            return vec![calls[pair.first], calls[pair.second]];
        }
        let known: Vec<Call<'a>> =
            guard::witness(calls).into_iter().map(|place| calls[place]).collect();
        let calls = if !known.is_empty() && refuted(&known) { known } else { calls.to_vec() };
        let mut small = by_parts(&calls, Self::part, EFFORT, refuted);
        // Of what is left a read may go alone, and then a write that nothing reads any more.
        for _ in 0..2 {
            let read: BTreeSet<Value> = small.iter().filter_map(shown).cloned().collect();
            let part = |call: &Call<'a>| match call.op {
                Op::GuardedWrite { value, .. } if read.contains(value) => Part::Needed,
                _ => Part::Alone,
            };
            small = by_parts(&small, part, EFFORT, refuted);
        }
        small
    }

    fn explanation<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
        class::explanation(refuted)
    }
}
