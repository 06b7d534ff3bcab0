//! From a refuted set of calls to an anomaly in words.
//!
//! Facts come from the history, never from the model's imagination. Values are numbers, so nothing
//! that a target wrote gets into a sentence.

use super::call::Call;
use super::class::{self, Told};
use super::unambiguous::Conflict;
use crate::cause::{self, Suspects};
use crate::event::{Completion, Nanos, NodeId, Op, Outcome, Stamp};
use crate::history::{History, Operation};
use crate::story::{self, Fact};
use crate::verdict::{Anomaly, Placed, Refutation};
use crate::words;

/// What is known of a refuted key.
pub(crate) struct Refuted<'a> {
    pub(crate) history: &'a History,
    pub(crate) key: &'a str,
    /// The smallest set of calls that has no legal order.
    pub(crate) calls: Vec<Call<'a>>,
    /// Why it has none, where a rule says so; places in [`Self::calls`].
    pub(crate) conflict: Option<Conflict>,
    /// The earliest completion that shows it.
    pub(crate) at: Nanos,
    pub(crate) prefix: Vec<Placed>,
    pub(crate) refuted: Vec<Refutation>,
}

impl<'a> Refuted<'a> {
    /// Puts it into words.
    pub(crate) fn anomaly(self) -> Anomaly {
        let told = class::told(&self);
        let operations = self.operations(&told);
        let mut witness: Vec<u64> = operations.iter().flat_map(|one| one.indices()).collect();
        witness.sort_unstable();
        let window = self.window(&operations);
        let mut nodes: Vec<NodeId> = operations.iter().flat_map(|one| nodes_of(one)).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let facts = Self::facts(&told, &operations);
        let suspects = Suspects { late: told.late, done: told.done };
        Anomaly {
            class: told.class.to_owned(),
            story: story::tell(self.history, facts, window, told.because),
            likely_cause: cause::likely(self.history, suspects),
            headline: told.headline,
            refuted: self.refuted,
            witness,
            prefix: self.prefix,
            key: Some(self.key.to_owned()),
            nodes,
            generation: None,
            window,
        }
    }

    /// The operation behind the call at `place`.
    pub(super) fn operation(&self, place: usize) -> Option<&'a Operation> {
        self.by_id(self.calls.get(place)?.id)
    }

    fn by_id(&self, id: u64) -> Option<&'a Operation> {
        let operations = self.history.operations();
        let place = operations.binary_search_by_key(&id, |operation| operation.invoked.0).ok()?;
        operations.get(place)
    }

    /// Every operation of the witness, in the order of invocation.
    fn operations(&self, told: &Told<'a>) -> Vec<&'a Operation> {
        let calls = self.calls.iter().filter_map(|call| self.by_id(call.id));
        let named = [told.late, told.done].into_iter().flatten();
        let mut all: Vec<&Operation> =
            calls.chain(named).chain(told.also.iter().copied()).collect();
        all.sort_by_key(|operation| operation.invoked.0);
        all.dedup_by_key(|operation| operation.invoked.0);
        all
    }

    fn window(&self, operations: &[&Operation]) -> (Nanos, Nanos) {
        let first = operations.iter().map(|operation| operation.invoked.1).min();
        let ended = |operation: &&Operation| operation.completed.as_ref().map(|(_, time, _)| *time);
        let last = operations.iter().filter_map(ended).max();
        (first.unwrap_or(self.at), last.unwrap_or(self.at))
    }

    /// What the story tells, the operations that the headline is about first.
    fn facts(told: &Told<'a>, operations: &[&'a Operation]) -> Vec<Fact> {
        let named =
            || [told.late, told.done].into_iter().flatten().chain(told.also.iter().copied());
        let mut order: Vec<&Operation> = operations.to_vec();
        order.sort_by_key(|operation| !named().any(|one| one.invoked == operation.invoked));
        order.into_iter().map(|one| (one.invoked.1, operation_fact(one))).collect()
    }
}

/// The node that was asked, and the one that answered.
fn nodes_of(operation: &Operation) -> impl Iterator<Item = NodeId> {
    let answered = operation.ok().and_then(|(_, _, stamp)| stamp.node);
    operation.node.into_iter().chain(answered)
}

/// What an operation asked and how it ended.
pub(crate) fn operation_fact(operation: &Operation) -> String {
    let process = operation.process;
    let through = operation.node.map_or(String::new(), |node| format!(" through {node}"));
    let asked = match &operation.op {
        Op::Read { key } => format!("read {key}"),
        Op::Write { key, value } => format!("wrote {key} = {value}"),
        Op::Cas { key, old, new } => format!("changed {key} from {old} to {new}"),
        Op::Claim { .. } => operation.op.to_string(),
    };
    let began = words::at(operation.invoked.1);
    let ended = match &operation.completed {
        Some((_, time, Completion::Ok { outcome, stamp })) => {
            let answer = match outcome {
                Outcome::Read { value: Some(value) } => format!("got {value}"),
                Outcome::Read { value: None } => "found it absent".to_owned(),
                _ => "was acknowledged".to_owned(),
            };
            format!("to {} and {answer}{}", words::at(*time), stamp_words(*stamp))
        }
        Some((_, time, Completion::Fail { .. })) => {
            format!("to {}, and it failed: it never took effect", words::at(*time))
        }
        Some((_, time, Completion::Info { .. })) => {
            format!("on; at {} it gave up without knowing the outcome", words::at(*time))
        }
        None => "on and never learned the outcome".to_owned(),
    };
    format!("Process {process} {asked}{through} from {began} {ended}.")
}

fn stamp_words(stamp: Stamp) -> String {
    match (stamp.node, stamp.generation) {
        (Some(node), Some(generation)) => {
            format!("; {node} answered as leader of generation {generation}")
        }
        (Some(node), None) => format!("; {node} answered as leader"),
        (None, Some(generation)) => format!("; the answer named generation {generation}"),
        (None, None) => String::new(),
    }
}
