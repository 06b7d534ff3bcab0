//! Mutexes, and their near-linear check.
//!
//! All acquires do the same, and so do all releases, and a legal order takes them in turns. So the
//! calls are put in order as late as possible: one takes effect when it completes, and if it is not
//! its turn, one of the other side goes before it. Of several, that which completes first goes, and
//! an indeterminate one only where there is no other.
//!
//! *Why nothing is lost.* Take a legal order that begins as far as this one went, and let X be the
//! call that has to take effect now. If the order takes some pairs of the two sides before X, they
//! may as well follow X, in the other order: the state in between is the other one, the state at
//! the end is the same, and all of them are open still. That leaves X, or one call of the other side
//! and X. Which one it is does not matter to the state; exchanging it with the one that completes
//! first leaves the other open for longer, and an indeterminate one need not go at all.

mod window;

use std::collections::BTreeSet;

use crate::catalogue;
use crate::event::Nanos;
use crate::linearizability::call::Call;
use crate::linearizability::finding::{Finding, Violation};
use crate::linearizability::object::{Object, Weakened};
use crate::linearizability::refuted::{Explanation, Refuted};
use crate::models::{Model, Mutex};
use crate::op::{Op, OpKind};
use window::acquires;

impl Object for Mutex {
    const NAMES: &'static [&'static str] = &["mutex"];
    const ID: &'static str = "mutex/linearizable";
    const PROMISE: &'static str = "a mutex is granted only while it is free, and given back only while \
         it is held, by whomever";
    const ASSUMPTIONS: &'static [&'static str] = &[
        "every mutex starts free",
        "a grant does not expire: leases are judged by `lease/exclusive`",
        "whoever asks may give it back: holders are judged by `lock/linearizable`",
    ];
    const KINDS: &'static [OpKind] = &[OpKind::Acquire, OpKind::Release];

    /// A lease expires: `lease/exclusive` judges that.
    fn is_one<'a>(mut ops: impl Iterator<Item = &'a Op>) -> bool {
        !ops.any(|op| matches!(op, Op::Acquire { ttl: Some(_), .. } | Op::Renew { .. }))
    }

    fn decide_fast(calls: &[Call<'_>]) -> Finding {
        if !calls.iter().all(|call| Self::effect(call.op, call.outcome).is_some()) {
            return Finding::Ambiguous;
        }
        match Alternation::default().run(calls) {
            None => Finding::Legal,
            Some(acquires) => {
                let class =
                    if acquires { catalogue::LOCK_HELD_TWICE } else { catalogue::RELEASE_NOT_HELD };
                Finding::Refuted(Violation { class, calls: Vec::new() })
            }
        }
    }

    fn smallest<'a>(
        calls: &[Call<'a>],
        _: &'a Weakened,
        refuted: &dyn Fn(&[Call<'a>]) -> bool,
    ) -> Vec<Call<'a>> {
        match window::smallest(calls) {
            Some(small) if refuted(&small) => small,
            _ => calls.to_vec(),
        }
    }

    fn explanation<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
        window::explanation(refuted)
    }
}

/// The calls of one side that are open and have not taken effect.
#[derive(Default)]
struct Side {
    /// By completion.
    definite: BTreeSet<(Nanos, usize)>,
    indeterminate: usize,
}

impl Side {
    /// Takes the one that completes first.
    fn take(&mut self) -> Option<()> {
        if self.definite.pop_first().is_none() {
            self.indeterminate = self.indeterminate.checked_sub(1)?;
        }
        Some(())
    }
}

/// The order so far: whether the mutex is held, and what is open.
#[derive(Default)]
struct Alternation {
    held: bool,
    acquires: Side,
    releases: Side,
}

impl Alternation {
    /// The first completion that has no legal order: whether it acquires.
    fn run(mut self, calls: &[Call<'_>]) -> Option<bool> {
        let mut moments = Vec::with_capacity(2 * calls.len());
        for (place, call) in calls.iter().enumerate() {
            moments.push((call.start, false, place));
            moments.extend(call.end.map(|end| (end, true, place)));
        }
        moments.sort_unstable();
        for (_, completes, place) in moments {
            let call = &calls[place];
            if !completes {
                self.begin(call, place);
            } else if self.complete(call, place).is_none() {
                return Some(acquires(call));
            }
        }
        None
    }

    fn side(&mut self, acquires: bool) -> &mut Side {
        if acquires { &mut self.acquires } else { &mut self.releases }
    }

    fn begin(&mut self, call: &Call<'_>, place: usize) {
        let side = self.side(acquires(call));
        match call.end {
            Some(end) => drop(side.definite.insert((end, place))),
            None => side.indeterminate += 1,
        }
    }

    /// Lets `call` have taken effect; none if it cannot.
    fn complete(&mut self, call: &Call<'_>, place: usize) -> Option<()> {
        let acquires = acquires(call);
        if !self.side(acquires).definite.remove(&(call.end?, place)) {
            return Some(());
        }
        if self.held == acquires {
            self.side(!acquires).take()?;
        }
        self.held = acquires;
        Some(())
    }
}
