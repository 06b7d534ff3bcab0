//! From a small refuted set of calls to what is told of it.
//!
//! It puts calls beside what their object held at first, takes from the witness what it does not
//! need, and keeps the words true of the history as a whole. It decides nothing.

use super::call::Call;
use super::object::Object;
use super::refuted::Refuted;
use super::spare::SMALLER;
use super::{order, spare};
use crate::event::{Nanos, ProcessId};
use crate::history::History;
use crate::op::{Key, Op};
use crate::verdict::Anomaly;

/// What a refutation is about.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) history: &'a History,
    /// The name of the object.
    pub(super) key: Option<&'a Key>,
    /// All its calls.
    pub(super) calls: &'a [Call<'a>],
    /// The earliest completion that shows it.
    pub(super) at: Nanos,
}

impl<'a> Subject<'a> {
    /// What is told of `small`, which has no legal order, and of as little of it as will do.
    ///
    /// The words stay those of `small`: what a kind of object says of fewer calls may not hold of
    /// the history, as that nobody had removed an element. They may name calls that the proof does
    /// not need; the story tells these, and the witness does not have them.
    pub(super) fn anomaly<K: Object>(
        self,
        small: &[Call<'a>],
        refuted: &dyn Fn(&[Call<'_>]) -> bool,
    ) -> Anomaly {
        let larger = self.refuted::<K>(small);
        let mut anomaly = self.refuted::<K>(small).anomaly::<K>();
        for _ in 0..SMALLER {
            let begun = self.calls.iter().filter(|call| call.start <= self.at).copied();
            let (shown, others): (Vec<Call<'_>>, Vec<Call<'_>>) =
                begun.partition(|call| anomaly.witness.contains(&call.id));
            let refuted = |calls: &[Call<'_>]| refuted(calls);
            let fewer = |few: &[Call<'a>]| {
                let like = self.refuted::<K>(few).anomaly_like::<K>(&larger);
                (like.witness.len() < anomaly.witness.len()).then_some(like)
            };
            match spare::without_spare(&shown, &others, &refuted, fewer) {
                Some(fewer) => anomaly = fewer,
                None => break,
            }
        }
        anomaly
    }

    fn refuted<K: Object>(self, small: &[Call<'a>]) -> Refuted<'a> {
        let whole = |small: &Call<'_>| {
            let place = self.calls.binary_search_by_key(&small.id, |call| call.id).ok()?;
            self.calls.get(place).copied()
        };
        let (prefix, refuted) = order::longest::<K>(&self.with_initial(small));
        let calls = small.iter().filter_map(whole).collect();
        let Self { history, key, at, .. } = self;
        Refuted { history, key, calls, small: small.to_vec(), at, prefix, refuted }
    }

    /// `small` with what its object held at first, which is no operation of the witness: an order
    /// of it begins there.
    fn with_initial(self, small: &[Call<'a>]) -> Vec<Call<'a>> {
        let operations = self.history.operations().iter();
        let put_before = operations.take_while(|operation| operation.process == ProcessId::INITIAL);
        let ids: Vec<u64> = put_before.map(|operation| operation.invoked.0).collect();
        let initial = |call: &&Call<'a>| ids.binary_search(&call.id).is_ok();
        let missing = |call: &&Call<'a>| small.iter().all(|known| known.id != call.id);
        let named = |call: &&Call<'a>| small.iter().any(|known| touches(call.op, known.op));
        let first = self.calls.iter().take_while(initial).filter(missing).filter(named);
        first.chain(small).copied().collect()
    }
}

/// Whether two operations on one object are about the same part of it.
fn touches(first: &Op, second: &Op) -> bool {
    let (Op::Txn { ops: first }, Op::Txn { ops: second }) = (first, second) else { return true };
    first.iter().any(|first| second.iter().any(|second| first.key() == second.key()))
}
