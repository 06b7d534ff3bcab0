//! From a refuted set of calls to an anomaly in words.
//!
//! Facts come from the history, never from the model's imagination. What a kind of object knows to
//! say of its refutations stands in [`crate::objects`]; here is what they have in common.

use super::call::Call;
use super::object::Object;
pub use super::refuted::{Explanation, Refuted};
use crate::catalogue;
use crate::cause;
use crate::event::{Completion, Nanos, NodeId, ProcessId};
use crate::history::Operation;
use crate::leadership::evidence::changed;
use crate::op::{Op, Outcome, Value};
use crate::story::{self, Fact};
use crate::verdict::Anomaly;
use crate::words;

impl<'a> Refuted<'a> {
    /// Puts it into words.
    pub(crate) fn anomaly<K: Object>(self) -> Anomaly {
        let explanation = K::explanation(&self).unwrap_or_else(|| self.unexplained());
        self.with::<K>(explanation)
    }

    /// Puts it into the words of `larger`, of which it is a part that proves as much: what a kind
    /// of object says of few calls may not hold of the others, as that nobody had removed an
    /// element. An operation that the words name and that the proof does not need is told in the
    /// story, and is no part of the witness; but a version that is refuted alone
    /// keeps the update that explains it.
    pub(crate) fn anomaly_like<K: Object>(self, larger: &Self) -> Anomaly {
        let explanation = K::explanation(larger).unwrap_or_else(|| self.unexplained());
        let proof: Vec<u64> = self.calls.iter().map(|call| call.id).collect();
        let is_spare = |operation: &&Operation| {
            let explains = proof.len() == 1 && matches!(operation.op, Op::Update { .. });
            !explains && Call::of(operation).is_some() && !proof.contains(&operation.invoked.0)
        };
        let spare: Vec<u64> =
            explanation.named().filter(is_spare).flat_map(Operation::indices).collect();
        let mut anomaly = self.with::<K>(explanation);
        anomaly.witness.retain(|index| !spare.contains(index));
        anomaly
    }

    fn with<K: Object>(self, explanation: Explanation<'a>) -> Anomaly {
        let operations = self.operations(&explanation);
        let mut witness: Vec<u64> =
            operations.iter().flat_map(|operation| operation.indices()).collect();
        witness.sort_unstable();
        let window = self.window(&operations);
        let mut nodes: Vec<NodeId> =
            operations.iter().flat_map(|operation| nodes_of(operation)).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let facts = Self::facts(&explanation, operations);
        let incident = story::Incident { nodes: &nodes, moment: self.at, window };
        let suspects = K::suspects(&self, &explanation);
        Anomaly {
            class: explanation.class.to_owned(),
            story: story::tell(self.history, facts, incident, explanation.because),
            likely_cause: cause::likely(self.history, suspects),
            headline: explanation.headline,
            refuted: self.refuted,
            witness,
            prefix: self.prefix,
            key: self.key.cloned(),
            nodes,
            generation: None,
            window,
            guarantees: K::guarantees(self.history, self.key, self.at),
        }
    }

    /// No narrow class fits.
    fn unexplained(&self) -> Explanation<'a> {
        let (count, name) = (self.calls.len(), self.name());
        let last = self.calls.iter().position(|call| call.end == Some(self.at));
        let late = last.and_then(|place| self.operation(place));
        let shown = late.map_or(String::new(), |late| {
            format!(", as process {} {}", late.process, answered(late))
        });
        Explanation {
            class: catalogue::NON_LINEARIZABLE,
            headline: format!(
                "Not linearizable: {count} operations on {name} have no legal order by {}{shown}",
                words::at(self.at)
            ),
            because: format!(
                "Every order of these operations that respects real time makes {name} answer \
                 what it cannot."
            ),
            late,
            done: None,
            also: Vec::new(),
            later: None,
        }
    }

    /// Every operation of the witness, in the order of invocation.
    fn operations(&self, explanation: &Explanation<'a>) -> Vec<&'a Operation> {
        let calls = self.calls.iter().filter_map(|call| self.by_id(call.id));
        let mut all: Vec<&Operation> = calls.chain(explanation.named()).collect();
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

    /// What the story tells, the operations that the headline is about first, and last what came of
    /// it later.
    fn facts(explanation: &Explanation<'a>, mut order: Vec<&'a Operation>) -> Vec<Fact> {
        let known =
            |later: &&Operation| !order.iter().any(|operation| operation.invoked == later.invoked);
        let later = explanation.later.filter(known);
        order.sort_by_key(|operation| {
            !explanation.named().any(|named| named.invoked == operation.invoked)
        });
        order
            .into_iter()
            .chain(later)
            .map(|operation| (operation.invoked.1, operation_fact(operation)))
            .collect()
    }
}

/// The node that was asked, and the one that answered.
fn nodes_of(operation: &Operation) -> impl Iterator<Item = NodeId> {
    let answered = operation.ok().and_then(|(_, _, stamp)| stamp.node());
    operation.node.into_iter().chain(answered)
}

/// What a successful operation did, as a verb with its object: “saw k = 1”.
pub(crate) fn answered(operation: &Operation) -> String {
    let key = operation.op.key().map_or("", |key| key);
    match operation.ok().map(|(_, outcome, _)| outcome) {
        Some(Outcome::Read { value: Some(value) }) => format!("saw {key} = {value}"),
        Some(Outcome::Read { value: None }) => format!("saw {key} as absent"),
        Some(Outcome::Swap { value }) => {
            format!("found {key} {} in `{}`", or_absent(value.as_ref()), operation.op)
        }
        Some(outcome) if outcome.changes_nothing() => format!("was refused `{}`", operation.op),
        _ => format!("was acknowledged `{}`", operation.op),
    }
}

/// What an operation asked and how it ended. Only what succeeded is told as done.
pub(crate) fn operation_fact(operation: &Operation) -> String {
    let (process, op) = (operation.process, &operation.op);
    if process == ProcessId::INITIAL {
        return format!("Before everything, as if by one operation: {op}.");
    }
    let through = operation.node.map_or(String::new(), |node| format!(" through {node}"));
    let began = operation.invoked.1;
    let at = words::at(began);
    match &operation.completed {
        Some((_, time, Completion::Ok { outcome, .. })) => format!(
            "Process {process} {}{through} {} and {}{}.",
            did(op),
            words::over(began, *time),
            got(outcome),
            answerer(operation)
        ),
        Some((_, time, Completion::Fail { error })) => format!(
            "Process {process} asked for `{op}`{through} {} and it failed, so it never took \
             effect{}.",
            words::over(began, *time),
            quoted(error)
        ),
        Some((_, time, Completion::Info { error })) => format!(
            "Process {process} asked for `{op}`{through} at {at}; at {} that ended without a \
             known outcome{}.",
            words::at(*time),
            quoted(error)
        ),
        None => format!(
            "Process {process} asked for `{op}`{through} at {at} and had no answer when the \
             history ends."
        ),
    }
}

/// What was answered, where anything was.
fn quoted(error: &str) -> String {
    match error.trim() {
        "" => String::new(),
        error => format!(": {}", words::quoted(error)),
    }
}

/// What was done, in the past tense.
fn did(op: &Op) -> String {
    match op {
        Op::Read { key } => format!("read {key}"),
        Op::Write { key, value } => format!("wrote {key} = {value}"),
        Op::Cas { key, old, new } => format!("changed {key} from {old} to {new}"),
        Op::Swap { key, value } => format!("swapped {key} for {value}"),
        Op::Append { key, value } => format!("appended {value} to {key}"),
        Op::Add { key, value } => format!("added {value} to {key}"),
        Op::Remove { key, value } => format!("removed {value} from {key}"),
        Op::Contains { key, value } => format!("asked whether {key} contains {value}"),
        Op::ReadAll { key } => format!("read all of {key}"),
        Op::Enqueue { key, value } => format!("enqueued {value} to {key}"),
        Op::Dequeue { key } => format!("dequeued from {key}"),
        Op::Acquire { key, holder, .. } => format!("acquired {key} for holder {holder}"),
        Op::Renew { key, holder, .. } => format!("renewed {key} for holder {holder}"),
        Op::Release { key, holder } => format!("released {key} for holder {holder}"),
        Op::GuardedWrite { key, token, value } => {
            format!("wrote {key} = {value} with token {token}")
        }
        Op::Increment { key, by } => format!("incremented {key} by {by}"),
        Op::Generate { key } => format!("generated an id from {key}"),
        Op::ReadVersion { key } => format!("read {key} with its generation"),
        Op::Update { key, expected, value } => {
            format!("updated {key} = {value} from generation {expected}")
        }
        Op::Txn { .. } => format!("ran {op}"),
        Op::Claim { .. } => op.to_string(),
    }
}

/// What was answered.
fn got(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Read { value: Some(value) } | Outcome::Generate { value } => {
            format!("got {value}")
        }
        Outcome::Read { value: None } => "found it absent".to_owned(),
        Outcome::Swap { value } => format!("found it {}", or_absent(value.as_ref())),
        Outcome::CasFound { value: Some(value) } => format!("was refused: it held {value}"),
        Outcome::CasFound { value: None } => "was refused: it was absent".to_owned(),
        Outcome::CasDiffers => "was refused: it held another value".to_owned(),
        Outcome::Contains { present: true } => "was told that it does".to_owned(),
        Outcome::Contains { present: false } => "was told that it does not".to_owned(),
        Outcome::ReadAll { values } => format!("got {}", values_words(values)),
        Outcome::Dequeue { value: Some(value) } => format!("got {value}"),
        Outcome::Dequeue { value: None } => "found it empty".to_owned(),
        Outcome::Acquire { token: Some(token) } => format!("was granted it with token {token}"),
        Outcome::Acquire { token: None } => "was granted it".to_owned(),
        Outcome::ReadVersion { generation, value: Some(value) } => {
            format!("got {value} of generation {generation}")
        }
        Outcome::ReadVersion { generation, value: None } => {
            format!("found it unset in generation {generation}")
        }
        Outcome::Update { generation } => format!("was told generation {generation}"),
        Outcome::Txn { ops } => format!("committed {}", words::list(ops.iter())),
        Outcome::Write
        | Outcome::Cas
        | Outcome::Append
        | Outcome::Add
        | Outcome::Remove
        | Outcome::Enqueue
        | Outcome::Renew
        | Outcome::Release
        | Outcome::GuardedWrite
        | Outcome::Increment
        | Outcome::Claim => "was acknowledged".to_owned(),
    }
}

/// A value that an object held, in words.
fn or_absent(value: Option<&Value>) -> String {
    value.map_or_else(|| "absent".to_owned(), |value| format!("to hold {value}"))
}

/// The most elements told of.
const ELEMENTS: usize = 10;

/// Elements in words, the first few.
fn values_words(values: &[Value]) -> String {
    let shown = words::list(values.iter().take(ELEMENTS));
    match values.len().checked_sub(ELEMENTS) {
        None | Some(0) if values.is_empty() => "no element".to_owned(),
        None | Some(0) => shown,
        Some(more) => format!("{shown} and {more} more"),
    }
}

/// Whom the answer named, where the target tells. Only who acknowledged a change is said to lead:
/// a follower that answers a read may name its leader, or itself.
fn answerer(operation: &Operation) -> String {
    let Some((_, _, stamp)) = operation.ok() else { return String::new() };
    let leads = changed(operation).is_some();
    match (stamp.node(), stamp.generation()) {
        (Some(node), Some(generation)) if leads => {
            format!("; {node} acknowledged it as leader of generation {generation}")
        }
        (Some(node), Some(generation)) => {
            format!("; the answer named {node} and generation {generation}")
        }
        (Some(node), None) if leads => format!("; {node} acknowledged it"),
        (Some(node), None) => format!("; the answer named {node}"),
        (None, Some(generation)) => format!("; the answer named generation {generation}"),
        (None, None) => String::new(),
    }
}
