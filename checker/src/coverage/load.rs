//! The load: the time in which what a plan asks for must have been seen, and what was asked then.
//!
//! Operations after the load count for nothing here: a cluster that refuses every write until all
//! faults are over, and takes writes then, was never tested.

use std::collections::BTreeMap;

use crate::event::{Completion, Nanos, OpKind, Phase};
use crate::history::{History, Operation};
use crate::words;

/// What a client notes of an operation that was not answered in time.
const TIMED_OUT: &str = "timed out";

/// When there was load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) from: Nanos,
    pub(super) to: Nanos,
}

impl Load {
    /// The load of `history`: all of it if it names neither a start nor a load, and none if it
    /// started and never came to its load.
    pub(super) fn of(history: &History) -> Self {
        let never = history.phase(Phase::Start).map_or(0, |_| Nanos::MAX);
        let from = history.phase(Phase::Load).unwrap_or(never);
        let ends = [Phase::Recover, Phase::FinalReads, Phase::Stop].into_iter();
        let to = ends.filter_map(|phase| history.phase(phase)).min();
        Self { from, to: to.unwrap_or_else(|| history.end()) }
    }

    pub(super) fn contains(self, time: Nanos) -> bool {
        (self.from..=self.to).contains(&time)
    }
}

/// What became of operations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fates {
    pub(super) asked: u64,
    pub(super) ok: u64,
    pub(super) fail: u64,
    /// Nobody knows what became of them.
    pub(super) info: u64,
    /// Operations that only look, and were not answered in time: they have failed, and nobody refused
    /// them.
    pub(super) unanswered: u64,
    /// They succeeded after the load.
    pub(super) afterwards: u64,
    /// How often each reason was given for a refusal.
    refusals: BTreeMap<String, u64>,
}

impl Fates {
    /// Of the operations that were asked and answered under load, by kind. A success that came
    /// after the load is none under load.
    pub(super) fn by_kind(history: &History, load: Load) -> BTreeMap<OpKind, Self> {
        let mut kinds: BTreeMap<OpKind, Self> = BTreeMap::new();
        let asked =
            history.operations().iter().filter(|operation| load.contains(operation.invoked.1));
        asked.for_each(|operation| {
            kinds.entry(operation.op.kind()).or_default().count(operation, load);
        });
        kinds
    }

    pub(super) fn count(&mut self, operation: &Operation, load: Load) {
        self.asked += 1;
        match &operation.completed {
            Some((_, time, Completion::Ok { .. })) if load.contains(*time) => self.ok += 1,
            Some((_, _, Completion::Ok { .. })) => self.afterwards += 1,
            Some((_, _, Completion::Fail { error })) => {
                self.fail += 1;
                match error == TIMED_OUT && operation.op.kind().only_looks() {
                    true => self.unanswered += 1,
                    false => *self.refusals.entry(error.clone()).or_default() += 1,
                }
            }
            Some((_, _, Completion::Info { .. })) | None => self.info += 1,
        }
    }

    /// All of them together.
    pub(super) fn sum<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        all.into_iter().fold(Self::default(), |mut sum, tally| {
            sum.asked += tally.asked;
            sum.ok += tally.ok;
            sum.fail += tally.fail;
            sum.info += tally.info;
            sum.unanswered += tally.unanswered;
            sum.afterwards += tally.afterwards;
            for (reason, count) in &tally.refusals {
                *sum.refusals.entry(reason.clone()).or_default() += count;
            }
            sum
        })
    }

    /// Why they did not succeed: `12 were refused, most often with “not leader”, and 3 ended
    /// without a known outcome`.
    pub(super) fn unsuccessful(&self) -> String {
        let most = self.refusals.iter().max_by_key(|(reason, count)| (*count, *reason));
        let most = most.map(|(reason, _)| format!(", most often with “{reason}”"));
        let refused = (self.fail - self.unanswered) as usize;
        let unanswered = if self.unanswered == 1 { "read was" } else { "reads were" };
        let unanswered = format!("{unanswered} not answered in time");
        let mut parts = vec![
            format!(
                "{}{}",
                words::count(refused, "was refused", "were refused"),
                most.unwrap_or_default()
            ),
            format!("{} ended without a known outcome", self.info),
        ];
        let others =
            [(self.unanswered, &unanswered[..]), (self.afterwards, "succeeded after the load")];
        let others = others.into_iter().filter(|(count, _)| *count > 0);
        parts.extend(others.map(|(count, name)| format!("{count} {name}")));
        let last = parts.pop().unwrap_or_default();
        format!("{}, and {last}", parts.join(", "))
    }
}
