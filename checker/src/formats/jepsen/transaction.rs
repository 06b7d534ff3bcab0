//! Transactions: vectors of small reads and writes, as Elle has them.

use std::sync::Arc;

use super::maps;
use super::record::Record;
use super::shapes::{function, looks_like_one};
use super::values::Meaning;
use crate::formats::edn::{Form, Kind, Refused};
use crate::op::{Op, Outcome};
use crate::transaction::{Micro, ReadValue};

/// The transaction that an invocation asks for. Its reads are not answered yet.
pub(super) fn asked<'a>(
    meaning: &mut Meaning<'a>,
    record: &Record<'a>,
    form: Option<Form<'_, 'a>>,
) -> Result<Op, Refused> {
    let mut ops = micros(meaning, record, form)?;
    for micro in &mut ops {
        if let Micro::Read { seen, .. } = micro {
            *seen = ReadValue::Unknown;
        }
    }
    Ok(Op::Txn { ops: ops.into() })
}

/// What a transaction that was committed did; it must be what was `asked`, with answers.
pub(super) fn answered<'a>(
    meaning: &mut Meaning<'a>,
    record: &Record<'a>,
    form: Option<Form<'_, 'a>>,
    asked: &Arc<[Micro]>,
) -> Result<Outcome, Refused> {
    let ops = micros(meaning, record, form)?;
    let same = |(asked, done): (&Micro, &Micro)| match (asked, done) {
        (Micro::Read { key: asked, .. }, Micro::Read { key, .. }) => asked == key,
        (asked, done) => asked == done,
    };
    if ops.len() != asked.len() || !asked.iter().zip(&ops).all(same) {
        let done = Op::Txn { ops: ops.into() };
        let asked = Op::Txn { ops: Arc::clone(asked) };
        return Err(Refused::new(
            record.at,
            format!("completed with `{done}`, expected `{asked}`"),
        ));
    }
    Ok(Outcome::Txn { ops: ops.into() })
}

fn micros<'a>(
    meaning: &mut Meaning<'a>,
    record: &Record<'a>,
    form: Option<Form<'_, 'a>>,
) -> Result<Vec<Micro>, Refused> {
    if meaning.style.maps && !form.is_some_and(looks_like_one) {
        return maps::micros(meaning, record, form);
    }
    let Some(parts) = form.and_then(Form::sequence) else {
        let reason = "a transaction without its operations, expected such as `[[:r 1 nil]]`";
        return Err(Refused::new(record.at, reason));
    };
    parts.map(|part| micro(meaning, record, part)).collect()
}

fn micro<'a>(
    meaning: &mut Meaning<'a>,
    record: &Record<'a>,
    form: Form<'_, 'a>,
) -> Result<Micro, Refused> {
    let bad = || {
        form.refused("expected one of `[:r key value]`, `[:w …]`, `[:append …]`, `[:read …]` and `[:write …]`")
    };
    let mut parts = form.parts().skip(1);
    let (function, key) = function(form).zip(parts.next()).ok_or_else(bad)?;
    let (key, value) = (meaning.key(key)?, parts.next());
    if parts.next().is_some() {
        return Err(bad());
    }
    if function == "r" {
        let seen = value.map_or(Ok(ReadValue::Unknown), |value| seen(meaning, record, value))?;
        return Ok(Micro::Read { key, seen });
    }
    let value = value.map_or(Ok(None), |value| meaning.value(value))?.ok_or_else(bad)?;
    Ok(match function {
        "w" => Micro::Write { key, value },
        _ => Micro::Append { key, value },
    })
}

/// What a read saw: nothing, a list, or a register's value.
fn seen(
    meaning: &Meaning<'_>,
    record: &Record<'_>,
    form: Form<'_, '_>,
) -> Result<ReadValue, Refused> {
    Ok(match form.kind() {
        Kind::Nil => ReadValue::Absent,
        Kind::Vector if !meaning.style.lists => {
            meaning.value(form)?.map_or(ReadValue::Absent, ReadValue::Value)
        }
        Kind::List | Kind::Vector => ReadValue::List(meaning.values(Some(form), record)?.into()),
        _ => meaning.value(form)?.map_or(ReadValue::Absent, ReadValue::Value),
    })
}
