//! Registers that transactions read and write, judged as one object: strict serializability.
//!
//! Whether there is an order takes a search: which of two blind writes came first is told by
//! nobody. What can be seen without one is refuted before it, in `refuters`.

mod class;
mod refuters;

use super::list_append::minimise::traces;
use super::unseen::without_unseen;
use super::{Object, Weakened};
use crate::linearizability::call::Call;
use crate::linearizability::explain::{Refuted, Told};
use crate::linearizability::finding::Finding;
use crate::models::RwRegister;
use crate::op::OpKind;

impl Object for RwRegister {
    const NAMES: &'static [&'static str] = &["rw-register"];
    const ID: &'static str = "rw-register/linearizable";
    const PROMISE: &'static str = "every transaction takes effect at one instant between its \
         invocation and its answer, as if there were one copy of all registers";
    const ASSUMPTIONS: &'static [&'static str] = &["every register starts absent"];
    const KINDS: &'static [OpKind] = &[OpKind::Txn];

    fn monitor(calls: &[Call<'_>]) -> Finding {
        refuters::decide(calls)
    }

    fn smallest<'a>(
        calls: &[Call<'a>],
        _: &'a Weakened,
        refuted: &dyn Fn(&[Call<'a>]) -> bool,
    ) -> Vec<Call<'a>> {
        without_unseen(calls, traces, refuted)
    }

    fn told<'a>(refuted: &Refuted<'a>) -> Option<Told<'a>> {
        class::told(refuted)
    }
}
