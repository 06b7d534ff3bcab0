//! One key of a store of texts, watched as a register as long as nothing is appended to it.
//!
//! Without appends a key that holds a text is a register that holds it, the empty text counting as
//! absent; [`super::register`] says what is watched and what stays. With the first append the key
//! is blind: which texts can be there then is another question.

use super::register::OneRegister;
use crate::linearizability::monitor::{Ended, Ending, Invocation, Monitor, Stop};
use crate::linearizability::object::Object;
use crate::models::Kv;
use crate::models::kv::text;
use crate::op::{Op, OpKind, Outcome, Value};

/// One key.
#[derive(Debug, Clone, Default)]
pub(super) struct OneKv(OneRegister);

impl Monitor for OneKv {
    const ID: &'static str = Kv::ID;
    const KINDS: &'static [OpKind] = Kv::KINDS;

    fn invoke(&mut self, invocation: Invocation<'_>) -> Result<(), Stop> {
        let op = as_register(invocation.op)?;
        self.0.invoke(Invocation { op: &op, ..invocation })
    }

    fn complete(&mut self, ended: Ended<'_>) -> Result<(), Stop> {
        let op = as_register(ended.invocation.op)?;
        let seen = match ended.how {
            Ending::Ok(Outcome::Read { value }) => {
                let value = value.as_ref().map(text).filter(|text| !text.is_empty());
                Some(Outcome::Read { value: value.map(Value::Text) })
            }
            _ => None,
        };
        let how = seen.as_ref().map_or(ended.how, Ending::Ok);
        self.0.complete(Ended {
            invocation: Invocation { op: &op, ..ended.invocation },
            how,
            ..ended
        })
    }

    fn bytes(&self) -> usize {
        self.0.bytes()
    }
}

/// The operation on a register that does the same.
fn as_register(op: &Op) -> Result<Op, Stop> {
    match op {
        Op::Append { .. } => Err(Stop::Blind("something was appended")),
        Op::Write { key, value } => match text(value) {
            empty if empty.is_empty() => Err(Stop::Blind("the empty text was written")),
            text => Ok(Op::Write { key: key.clone(), value: Value::Text(text) }),
        },
        _ => Ok(op.clone()),
    }
}
