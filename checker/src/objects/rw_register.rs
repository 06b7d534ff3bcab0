//! Registers that transactions read and write, judged as one object: strict serializability.
//!
//! What can be seen of one register, or of one transaction, is refuted in `refuters`. Where every
//! value that was found was left by one transaction, the versions tell most of the order, see
//! `versions`, and what they leave open is guessed in `order`. Where a few values were written more
//! than once, `repeated` chooses who found whose. All else takes a search.

mod class;
mod decide;
mod graph;
mod minimise;
mod order;
mod refuters;
mod repeated;
mod versions;

use super::list_append::minimise::traces;
use super::unseen::without_unseen;
use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;
use crate::linearizability::object::{Object, Weakened, only};
use crate::linearizability::refuted::{Explanation, Refuted};
use crate::models::RwRegister;
use crate::op::OpKind;

impl Object for RwRegister {
    const NAMES: &'static [&'static str] = &["rw-register"];
    const ID: &'static str = "rw-register/linearizable";
    const PROMISE: &'static str = "every transaction takes effect at one instant between its \
         invocation and its answer, as if there were one copy of all registers";
    const ASSUMPTIONS: &'static [&'static str] = &["every register starts absent"];
    const KINDS: &'static [OpKind] = &[OpKind::Txn];

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
        let few = only(calls, weakened);
        let narrowed = !few.is_empty() && refuted(&few);
        without_unseen(if narrowed { &few } else { calls }, traces, refuted)
    }

    fn explanation<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
        class::explanation(refuted)
    }
}
