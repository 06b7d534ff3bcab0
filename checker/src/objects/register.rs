//! Registers with read, write, compare-and-set and swap.
//!
//! A store of many keys is many registers: each key is judged alone.

mod class;
mod conflict;
mod decide;
#[cfg(test)]
pub(crate) mod drawn;
mod facts;
mod fast;
mod groups;
mod minimise;
mod proof;
mod refusals;
mod repeated;
mod sweep;

use crate::event::Nanos;
use crate::guarantees::{self, Guarantee};
use crate::history::History;
use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;
use crate::linearizability::object::{Object, Weakened};
use crate::linearizability::refuted::{Explanation, Refuted};
use crate::models::Register;
use crate::op::{Key, Op, OpKind};

/// Whether `op` shows that its object is a lock, or what a lock guards.
pub(crate) fn is_guarded(op: &Op) -> bool {
    matches!(op.kind(), OpKind::Acquire | OpKind::Release | OpKind::GuardedWrite)
}

impl Object for Register {
    const NAMES: &'static [&'static str] = &["register", "cas-register"];
    const ID: &'static str = "register/linearizable";
    const PROMISE: &'static str = "every operation on a key takes effect at one instant between its \
         invocation and its answer, as if there were one copy";
    const ASSUMPTIONS: &'static [&'static str] = &["every key starts absent"];
    const KINDS: &'static [OpKind] = &[OpKind::Read, OpKind::Write, OpKind::Cas, OpKind::Swap];

    /// What a lock guards takes a write or not by its token: `fencing/linearizable` judges that.
    fn is_one<'a>(mut ops: impl Iterator<Item = &'a Op>) -> bool {
        !ops.any(is_guarded)
    }

    fn decide_fast(calls: &[Call<'_>]) -> Finding {
        decide::decide(calls)
    }

    fn weakened(calls: &[Call<'_>]) -> Weakened {
        minimise::weakened(calls)
    }

    fn smallest<'a>(
        calls: &[Call<'a>],
        weakened: &'a Weakened,
        refuted: &dyn Fn(&[Call<'a>]) -> bool,
    ) -> Vec<Call<'a>> {
        minimise::smallest(calls, weakened, refuted)
    }

    fn explanation<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
        class::explanation(refuted)
    }

    fn guarantees(history: &History, key: Option<&Key>, at: Nanos) -> Vec<Guarantee> {
        guarantees::broken_register(history, key, at)
    }
}
