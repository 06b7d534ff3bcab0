//! Why numbers that must not come again do: ids, timestamps, fencing tokens.

use super::context::{Context, served};
use crate::history::Operation;
use crate::op::Outcome;
use crate::value::Value;

/// A node that was restarted gave numbers from the beginning again.
///
/// Must hold: one node gave both numbers, the second no higher than the first, and between its two
/// answers it was killed or lost its power, by proof, and was started again. Refuted by: another node
/// that gave one of them.
pub(super) fn begun_anew(context: &Context<'_>) -> Option<String> {
    let suspects = context.suspects()?;
    let (done, late) = (suspects.done?, suspects.late?);
    let (first, second) = (given(done)?, given(late)?);
    let node = served(late).filter(|node| served(done) == Some(*node))?;
    if second > first {
        return None;
    }
    let (from, to) = (done.ok()?.0, late.ok()?.0);
    let down = context.downs(node, (from, to)).find(|down| down.back.is_some_and(|at| at <= to))?;
    Some(format!(
        "{node} gave both, and {} in between. A server that keeps in memory how far it came begins \
         anew after a restart.",
        down.clause()
    ))
}

/// The number that an operation was given.
fn given(operation: &Operation) -> Option<Value> {
    match operation.ok()?.1 {
        Outcome::Generate { value } => Some(value.clone()),
        Outcome::Acquire { token } => token.map(|token| Value::Int(token as i64)),
        _ => None,
    }
}
