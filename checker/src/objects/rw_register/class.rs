//! Gives refuted transactions on registers their class from the catalogue, and the sentence.
//!
//! What takes a search to see has no narrower class than `non-linearizable`.

use super::refuters::{Conflict, conflict};
use crate::catalogue;
use crate::history::Operation;
use crate::linearizability::refuted::{Explanation, Refuted};
use crate::objects::list_append::class::internal;
use crate::op::{Key, Op, Outcome, Value};
use crate::transaction::Micro;
use crate::words;

/// Names what was refuted.
pub(super) fn explanation<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
    match conflict(&refuted.small)? {
        Conflict::Internal { txn, key } => Some(internal(refuted.operation(txn)?, Some(&key))),
        Conflict::Unwritten { found_by, key, value } => {
            Some(unwritten(refuted, refuted.operation(found_by)?, (&key, &value)))
        }
        Conflict::Register { .. } => None,
    }
}

/// Whether a transaction writes `value` to `key`, though it may not leave it there.
fn writes(operation: &Operation, key: &Key, value: &Value) -> bool {
    let ops: &[Micro] = match (&operation.op, operation.ok()) {
        (_, Some((_, Outcome::Txn { ops }, _))) | (Op::Txn { ops }, _) => ops,
        _ => &[],
    };
    let of_it = |micro: &Micro| matches!(micro, Micro::Write { key: own, value: new } if own == key && new == value);
    ops.iter().any(of_it)
}

fn unwritten<'a>(
    refuted: &Refuted<'a>,
    reader: &'a Operation,
    (key, value): (&Key, &Value),
) -> Explanation<'a> {
    let all = refuted.history.operations().iter();
    let also: Vec<&Operation> =
        all.filter(|operation| writes(operation, key, value)).take(3).collect();
    let why = match also.iter().find(|operation| !operation.failed()) {
        Some(writer) => {
            format!(
                "the transaction of process {} that wrote it left another value",
                writer.process
            )
        }
        None if also.is_empty() => "nothing ever wrote it".to_owned(),
        None => "every write of it had failed".to_owned(),
    };
    let time = reader.ok().map_or(reader.invoked.1, |(time, ..)| time);
    Explanation {
        class: catalogue::READ_OF_UNWRITTEN,
        headline: format!(
            "Read of an unwritten value: process {} saw {key} = {value} at {}, but {why}",
            reader.process,
            words::at(time)
        ),
        because: format!("No transaction can find {value} in {key}: {why}."),
        late: Some(reader),
        done: None,
        also,
        later: None,
    }
}
