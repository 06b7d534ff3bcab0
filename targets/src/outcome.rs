//! What a successful answer told, by the kind of operation that was asked.
//!
//! It deliberately does not decide whether an answer was a success.

use std::sync::Arc;

use fracas_checker::op::Tells;
use fracas_checker::transaction::{Micro, ReadValue};
use fracas_checker::{Op, OpKind, Outcome, Value};
use serde_json::Value as Json;

use crate::content::{ValueAt, bare};
use crate::extract::{Body, NumberAt};

/// Where an answer holds what an operation answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    pub(crate) value: Option<ValueRule>,
    pub(crate) version: Option<NumberAt>,
    pub(crate) token: Option<NumberAt>,
}

/// What was found.
#[derive(Debug, Clone)]
pub(crate) enum ValueRule {
    /// Nothing: never written, empty.
    Absent,
    /// The text of the whole answer: a number if it is one, else a text.
    Body,
    /// Whether an element is there.
    Flag(bool),
    /// What is at this place; `null` means nothing.
    At(ValueAt),
}

/// What operations of this kind answer with: a value, several, or whether there is one; none if
/// with neither.
pub(crate) fn tells_value(kind: OpKind) -> Option<Tells> {
    kind.tells().iter().map(|(_, tells)| *tells).find(|tells| *tells != Tells::Number)
}

/// Whether operations of this kind answer with a version.
pub(crate) fn tells_version(kind: OpKind) -> bool {
    kind.tells().contains(&("generation", Tells::Number))
}

/// What the operation answered; an error says what the body should have held.
pub(crate) fn outcome(op: &Op, places: &Places, body: Body<'_>) -> Result<Outcome, String> {
    let told = Told { places, body };
    Ok(match op {
        Op::Read { .. } => Outcome::Read { value: told.value()? },
        Op::Write { .. } => Outcome::Write,
        Op::Cas { .. } => Outcome::Cas,
        Op::Swap { .. } => Outcome::Swap { value: told.value()? },
        Op::Append { .. } => Outcome::Append,
        Op::Add { .. } => Outcome::Add,
        Op::Remove { .. } => Outcome::Remove,
        Op::Contains { .. } => Outcome::Contains { present: told.flag()? },
        Op::ReadAll { .. } => Outcome::ReadAll { values: told.values()? },
        Op::Enqueue { .. } => Outcome::Enqueue,
        Op::Dequeue { .. } => Outcome::Dequeue { value: told.value()? },
        Op::Acquire { .. } => Outcome::Acquire { token: told.token()? },
        Op::Renew { .. } => Outcome::Renew,
        Op::Release { .. } => Outcome::Release,
        Op::GuardedWrite { .. } => Outcome::GuardedWrite,
        Op::Increment { .. } => Outcome::Increment,
        Op::Generate { .. } => {
            Outcome::Generate { value: told.value()?.ok_or("expected an id, found `null`")? }
        }
        Op::ReadVersion { .. } => told.versioned()?,
        Op::Update { .. } => Outcome::Update {
            generation: told.version()?.ok_or("expected the new version, found `null`")?,
        },
        Op::Txn { ops } => Outcome::Txn { ops: told.parts(ops)? },
        Op::Claim { .. } => return Err("a claim cannot be asked for".to_owned()),
    })
}

/// An answer, and where it holds what.
struct Told<'a> {
    places: &'a Places,
    body: Body<'a>,
}

impl Told<'_> {
    fn rule(&self) -> Result<&ValueRule, String> {
        self.places.value.as_ref().ok_or_else(|| "no rule says where the value is".to_owned())
    }

    fn value(&self) -> Result<Option<Value>, String> {
        match self.rule()? {
            ValueRule::At(place) => place.value(self.body),
            ValueRule::Absent => Ok(None),
            // White space at its ends is not part of it.
            ValueRule::Body => Ok(Some(bare(self.body.text.trim()))),
            ValueRule::Flag(flag) => Err(format!("expected a value, found `{flag}`")),
        }
    }

    fn flag(&self) -> Result<bool, String> {
        match self.rule()? {
            ValueRule::At(place) => place.flag(self.body),
            ValueRule::Absent => Ok(false),
            ValueRule::Body => Err("expected a rule for whether it is there".to_owned()),
            ValueRule::Flag(flag) => Ok(*flag),
        }
    }

    fn values(&self) -> Result<Arc<[Value]>, String> {
        match self.rule()? {
            ValueRule::At(place) => place.values(self.body).map(Into::into),
            ValueRule::Absent => Ok(Arc::new([])),
            ValueRule::Body => Err("expected a rule for where the list is".to_owned()),
            ValueRule::Flag(flag) => Err(format!("expected a list, found `{flag}`")),
        }
    }

    /// The fencing token of a grant. One that was declared must be there: without it the holder
    /// cannot write, so the grant is of no use to it, and nobody knows whether it was one.
    fn token(&self) -> Result<Option<u64>, String> {
        self.places.token.as_ref().map_or(Ok(None), |place| place.told(self.body))
    }

    fn version(&self) -> Result<Option<u64>, String> {
        self.places.version.as_ref().map_or(Ok(None), |place| place.told(self.body))
    }

    /// Content and version; what was never set has version 0 unless the answer says otherwise.
    fn versioned(&self) -> Result<Outcome, String> {
        match (self.value()?, self.version()?) {
            (Some(_), None) => Err("expected a version beside the value, found `null`".to_owned()),
            (value, version) => {
                Ok(Outcome::ReadVersion { generation: version.unwrap_or(0), value })
            }
        }
    }

    /// The parts of a transaction, each read with what it saw.
    fn parts(&self, asked: &[Micro]) -> Result<Arc<[Micro]>, String> {
        let ValueRule::At(place) = self.rule()? else {
            return Err("no rule says where the results are".to_owned());
        };
        let found = place.find(self.body, "a list")?;
        let results = found.as_array().ok_or_else(|| place.unexpected("a list", &found))?;
        if results.len() != asked.len() {
            let (parts, count) = (asked.len(), results.len());
            return Err(format!("expected {parts} results {}, found {count}", place.place));
        }
        let answered = |(part, result): (&Micro, &Json)| match part {
            Micro::Read { key, .. } => {
                seen(place, result).map(|seen| Micro::Read { key: key.clone(), seen })
            }
            change => Ok(change.clone()),
        };
        asked.iter().zip(results).map(answered).collect()
    }
}

/// What a read within a transaction saw: nothing, a value or a list.
fn seen(place: &ValueAt, result: &Json) -> Result<ReadValue, String> {
    match result {
        Json::Null => Ok(ReadValue::Absent),
        Json::Array(items) => {
            let values: Result<Vec<Value>, String> =
                items.iter().map(|item| place.read(item)).collect();
            values.map(|values| ReadValue::List(values.into()))
        }
        value => place.read(value).map(ReadValue::Value),
    }
}
