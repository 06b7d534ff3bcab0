//! Versioned configurations, and their near-linear check.
//!
//! Generations order everything, see `chain`. What refutes a long chain is rarely more than a few
//! generations of it, see `witness`.

mod chain;
mod class;
mod witness;

use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;
use crate::linearizability::minimise::{EFFORT, Part, by_parts};
use crate::linearizability::object::{Object, Weakened};
use crate::linearizability::refuted::{Explanation, Refuted};
use crate::models::Versioned;
use crate::op::OpKind;

impl Object for Versioned {
    const NAMES: &'static [&'static str] = &["versioned", "config"];
    const ID: &'static str = "versioned/linearizable";
    const PROMISE: &'static str = "an update succeeds only on the generation that it names, every \
         generation has one content, and none comes back";
    const ASSUMPTIONS: &'static [&'static str] = &[
        "every configuration starts unset, in generation 0",
        "every update makes a higher generation, by any step: which one is not known of an update \
         whose end is unknown, until it is seen",
    ];
    const KINDS: &'static [OpKind] = &[OpKind::ReadVersion, OpKind::Update];

    fn decide_fast(calls: &[Call<'_>]) -> Finding {
        match chain::judge(calls) {
            Ok(()) => Finding::Legal,
            Err(chain::Doubt::Ambiguous) => Finding::Ambiguous,
            Err(chain::Doubt::Conflict(conflict)) => {
                Finding::refuted(class::of(calls, &conflict), Vec::new())
            }
        }
    }

    fn part(call: &Call<'_>) -> Part {
        if call.op.kind().only_looks() { Part::Alone } else { Part::Needed }
    }

    fn weakened(calls: &[Call<'_>]) -> Weakened {
        witness::weakened(calls)
    }

    fn smallest<'a>(
        calls: &[Call<'a>],
        weakened: &'a Weakened,
        refuted: &dyn Fn(&[Call<'a>]) -> bool,
    ) -> Vec<Call<'a>> {
        let known = witness::applied(calls, weakened);
        if !known.is_empty() && refuted(&known) {
            return known;
        }
        by_parts(calls, Self::part, EFFORT, refuted)
    }

    fn explanation<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
        class::explanation(refuted)
    }
}
