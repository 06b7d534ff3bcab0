//! What it takes to watch one object: what it is told, and how it answers.

use crate::identity::Nanos;
use crate::op::{Op, OpKind, Outcome};
use crate::transaction::Micro;
use crate::value::Value;

/// Why an object is watched no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// No legal order is left.
    Refuted,
    /// It cannot be told any more, for this reason.
    Blind(&'static str),
}

/// An operation when it begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Invocation<'a> {
    pub(super) op: &'a Op,
    /// The index of its invocation.
    pub(super) id: u64,
    pub(super) start: Nanos,
}

/// How an operation ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ending<'a> {
    Ok(&'a Outcome),
    Failed,
    Unknown,
}

/// An operation when it ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended<'a> {
    pub(super) invocation: Invocation<'a>,
    pub(super) how: Ending<'a>,
    /// The index of its completion.
    pub(super) index: u64,
    pub(super) end: Nanos,
}

/// Watches one object. Invocations come in the order of time; so do completions, each after all
/// invocations of its instant.
pub(super) trait Monitor: Clone + Default + std::fmt::Debug {
    /// The check that it keeps up with.
    const ID: &'static str;

    /// The operations that it serves.
    const KINDS: &'static [OpKind];

    /// Operations that it does not serve and that change the same objects.
    const CHANGED_BY: &'static [OpKind] = &[];

    /// Whether `op` shows that its object is of another kind, and not to be watched.
    fn is_of_another(op: &Op) -> bool {
        let _ = op;
        false
    }

    fn invoke(&mut self, invocation: Invocation<'_>) -> Result<(), Stop>;

    fn complete(&mut self, ended: Ended<'_>) -> Result<(), Stop>;

    /// How much memory it takes beyond its own size, a little rounded up.
    fn bytes(&self) -> usize;
}

/// Goes blind on an answer that is not one to its operation.
pub(super) fn fits(ended: &Ended<'_>) -> Result<(), Stop> {
    let fits = match (ended.invocation.op, ended.how) {
        (Op::Txn { ops: invocation }, Ending::Ok(Outcome::Txn { ops })) => {
            invocation.len() == ops.len()
                && invocation.iter().zip(ops.iter()).all(|(a, b)| is_same(a, b))
        }
        (op, Ending::Ok(outcome)) => outcome.answers() == op.kind(),
        (_, Ending::Failed | Ending::Unknown) => true,
    };
    if fits { Ok(()) } else { Err(Stop::Blind("an answer does not fit its operation")) }
}

/// Whether both are the same part of a transaction, whatever was read.
fn is_same(invocation: &Micro, answered: &Micro) -> bool {
    match (invocation, answered) {
        (Micro::Read { key, .. }, Micro::Read { key: other, .. }) => key == other,
        (one, other) => one == other,
    }
}

/// The bytes of a text.
pub(super) fn text(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len() + 2 * size_of::<usize>(),
        Value::Int(_) => 0,
    }
}
