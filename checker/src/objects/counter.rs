//! Counters, and their near-linear check.
//!
//! *Always*, a read is bounded: it shows at least what was acknowledged before it began, and at most
//! what had been asked for when it ended (counting down, the other way round). See `bounds`.
//!
//! *Exact* where every increment is by the same number: see `steps`. Also where no increment is
//! concurrent with a read and none is indeterminate: then the bounds of every read meet, and every
//! order that respects real time has the same sum before it.
//!
//! *Beyond that* a search decides. With increments of different sizes, whether some of those that
//! are concurrent with a read add up to what it showed is the subset sum problem; with equal steps up
//! and down, which of two concurrent reads came first changes how many steps are used up, and
//! neither choice is always the better one.

mod bounds;
mod fact;
mod steps;
mod window;

use crate::catalogue;
use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;
use crate::linearizability::minimise::{EFFORT, by_parts};
use crate::linearizability::object::{Object, Weakened};
use crate::linearizability::refuted::{Explanation, Refuted};
use crate::models::Counter;
use crate::op::{Op, OpKind, Outcome};
use crate::words;
use bounds::{Bounds, Out};
use fact::{Fact, facts};

impl Object for Counter {
    const NAMES: &'static [&'static str] = &["counter"];
    const ID: &'static str = "counter/linearizable";
    const PROMISE: &'static str = "every increment counts once, at one instant between its invocation \
         and its answer, and every read shows the sum of those before it";
    const ASSUMPTIONS: &'static [&'static str] =
        &["every counter starts at 0", "a counter that was found absent stands at 0"];
    const KINDS: &'static [OpKind] = &[OpKind::Increment, OpKind::Read];

    fn decide_fast(calls: &[Call<'_>]) -> Finding {
        let Some(facts) = facts(calls) else { return Finding::Ambiguous };
        let no_number = |fact: &Fact| matches!(fact, Fact::Read(None));
        if let Some(read) = facts.iter().position(no_number) {
            return Finding::refuted(catalogue::NON_LINEARIZABLE, vec![read]);
        }
        let bounds = Bounds::new(calls, &facts);
        if bounds.broken().is_some() {
            return Finding::refuted(catalogue::COUNTER_OUT_OF_BOUNDS, Vec::new());
        }
        match steps::size(&facts) {
            Some(size) if steps::have_an_order(calls, &facts, size) => Finding::Legal,
            Some(_) => Finding::refuted(catalogue::NON_LINEARIZABLE, Vec::new()),
            None if bounds.meet() => Finding::Legal,
            None => Finding::Ambiguous,
        }
    }

    fn weakened(calls: &[Call<'_>]) -> Weakened {
        let window = facts(calls).and_then(|facts| window::smallest(calls, &facts));
        let base = window.and_then(|window| window.base).and_then(|(place, by)| {
            let key = calls[place].op.key()?.clone();
            Some((calls[place].id, (Op::Increment { key, by }, Outcome::Increment)))
        });
        base.into_iter().collect()
    }

    fn smallest<'a>(
        calls: &[Call<'a>],
        weakened: &'a Weakened,
        refuted: &dyn Fn(&[Call<'a>]) -> bool,
    ) -> Vec<Call<'a>> {
        let Some(facts) = facts(calls) else { return by_parts(calls, Self::part, EFFORT, refuted) };
        if let Some(window) = window::smallest(calls, &facts) {
            let base = window.base.and_then(|(place, _)| {
                let (op, outcome) = weakened.get(&calls[place].id)?;
                Some(Call { op, outcome: Some(outcome), ..calls[place] })
            });
            let small = window.calls(calls, base);
            if refuted(&small) {
                return small;
            }
        }
        let bounds = Bounds::new(calls, &facts);
        let known = bounds.broken().map(|out| bounds.witness(&out)).unwrap_or_default();
        let small: Vec<Call<'a>> = known.into_iter().map(|place| calls[place]).collect();
        if !small.is_empty() && refuted(&small) {
            return small;
        }
        by_parts(calls, Self::part, EFFORT, refuted)
    }

    fn explanation<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
        let facts = facts(&refuted.small)?;
        let bounds = Bounds::new(&refuted.small, &facts);
        let out = bounds.broken()?;
        let Out { read, below, bound } = out;
        // A step that was never asked for like this stands for what was counted before.
        let base = |place: usize| {
            refuted
                .operation(place)
                .is_some_and(|operation| operation.op != *refuted.small[place].op)
        };
        let late = refuted.operation(read)?;
        let (key, process) = (refuted.name(), late.process);
        let shown = match facts[read] {
            Fact::Read(Some(value)) => value,
            _ => return None,
        };
        let why = if below {
            format!("what had been acknowledged or read before it began comes to {bound} or more")
        } else {
            format!("all that had been asked for by then comes to {bound} or less")
        };
        Some(Explanation {
            class: catalogue::COUNTER_OUT_OF_BOUNDS,
            headline: format!(
                "Counter out of bounds: process {process} read {key} = {shown} at {}, but {why}",
                words::at(refuted.at)
            ),
            because: format!(
                "A counter shows the sum of what was counted: {}, which makes {bound} {}. The read \
                 showed {shown}: {} too {}.",
                bounds.told(&out, &base),
                if below { "at least" } else { "at most" },
                (shown - bound).abs(),
                if below { "few" } else { "many" }
            ),
            late: Some(late),
            done: None,
            also: Vec::new(),
            later: None,
        })
    }
}
