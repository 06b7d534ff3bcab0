//! What it takes to watch one object: what it is told, and how it answers.
//!
//! Where a monitor is all of a check it is the decision, too: [`decide`] feeds it what is known
//! afterwards in the order in which a run would have.

pub(crate) mod open;

use super::call::Call;
use super::finding::{Finding, Violation};
use crate::identity::Nanos;
use crate::op::{Op, OpKind, Outcome};
use crate::transaction::Micro;
use crate::value::Value;

/// Why an object is watched no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// No legal order is left.
    Refuted,
    /// It cannot be told any more, for this reason.
    Blind(&'static str),
}

/// An operation when it begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Invocation<'a> {
    pub(crate) op: &'a Op,
    /// The index of its invocation.
    pub(crate) id: u64,
    pub(crate) start: Nanos,
}

/// How an operation ended.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ending<'a> {
    Ok(&'a Outcome),
    Failed,
    Unknown,
}

/// An operation when it ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended<'a> {
    pub(crate) invocation: Invocation<'a>,
    pub(crate) how: Ending<'a>,
    /// The index of its completion.
    pub(crate) index: u64,
    pub(crate) end: Nanos,
}

/// Watches one object. Invocations come in the order of time; so do completions, each after all
/// invocations of its instant.
pub(crate) trait Monitor: Clone + Default + std::fmt::Debug {
    /// The check that it keeps up with.
    const ID: &'static str;

    /// The operations that it serves.
    const KINDS: &'static [OpKind];

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
pub(crate) fn fits(ended: &Ended<'_>) -> Result<(), Stop> {
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
        (first, second) => first == second,
    }
}

/// The bytes of a text.
pub(crate) fn text(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len() + 2 * size_of::<usize>(),
        Value::Int(_) => 0,
    }
}

/// Decides `calls` of one object by its monitor. Of a refutation it tells `named` which call showed
/// it by its completion.
pub(crate) fn decide<M: Monitor>(
    calls: &[Call<'_>],
    named: impl FnOnce(usize) -> Violation,
) -> Finding {
    match Feed::<M>::default().all(calls) {
        Ok(()) => Finding::Legal,
        Err((_, Stop::Blind(_))) => Finding::Ambiguous,
        Err((place, Stop::Refuted)) => Finding::Refuted(named(place)),
    }
}

/// A monitor that is fed calls of which everything is known.
#[derive(Default)]
struct Feed<M>(M);

impl<M: Monitor> Feed<M> {
    /// Lets all of `calls` begin and end in the order of time, each end after what began at its
    /// instant. One of unknown end is told so when it began: nothing is known of it any later.
    ///
    /// # Errors
    ///
    /// The first call at which the monitor stopped, and why.
    fn all(mut self, calls: &[Call<'_>]) -> Result<(), (usize, Stop)> {
        let mut starts: Vec<usize> = (0..calls.len()).collect();
        starts.sort_by_key(|place| calls[*place].start);
        let mut starts = starts.into_iter().peekable();
        let end = |(place, call): (usize, &Call<'_>)| (call.end.unwrap_or(call.start), place);
        let mut ends: Vec<(Nanos, usize)> = calls.iter().enumerate().map(end).collect();
        ends.sort_unstable();
        for (end, place) in ends {
            while let Some(begun) = starts.next_if(|begun| calls[*begun].start <= end) {
                self.begin(&calls[begun]).map_err(|stop| (begun, stop))?;
            }
            self.end(&calls[place], place, end).map_err(|stop| (place, stop))?;
        }
        Ok(())
    }

    fn begin(&mut self, call: &Call<'_>) -> Result<(), Stop> {
        if !M::KINDS.contains(&call.op.kind()) {
            return Err(Stop::Blind("its check does not judge an operation"));
        }
        self.0.invoke(invocation(call))
    }

    fn end(&mut self, call: &Call<'_>, place: usize, end: Nanos) -> Result<(), Stop> {
        let how = call.outcome.map_or(Ending::Unknown, Ending::Ok);
        // No completion has the index 0.
        self.0.complete(Ended { invocation: invocation(call), how, index: place as u64 + 1, end })
    }
}

fn invocation<'a>(call: &Call<'a>) -> Invocation<'a> {
    Invocation { op: call.op, id: call.id, start: call.start }
}
