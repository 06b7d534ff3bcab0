//! Maps of several registers, `{:x 1, :y 2}`, as Knossos' multi-register has them: what is written
//! or read at one instant is one transaction.

use super::record::Record;
use super::values::Meaning;
use super::verb::Verb;
use crate::formats::edn::{Form, Kind, Refused};
use crate::transaction::{Micro, ReadValue};

/// What a read or write of a map does, in the order of the keys. Nil reads nothing that is known.
pub(super) fn micros<'a>(
    meaning: &mut Meaning<'a>,
    record: &Record<'a>,
    form: Option<Form<'_, 'a>>,
) -> Result<Vec<Micro>, Refused> {
    let writes = Verb::named(record.f) == Some(Verb::Write);
    match form {
        None if !writes => Ok(Vec::new()),
        Some(map) if map.kind() == Kind::Map => {
            let entries = map.entries().map(|entry| micro(meaning, entry, writes));
            let mut micros = entries.collect::<Result<Vec<_>, _>>()?;
            micros.sort_by(|first, second| first.key().cmp(second.key()));
            Ok(micros)
        }
        _ => Err(Refused::new(record.at, "expected a map of registers, as elsewhere in this file")),
    }
}

fn micro<'a>(
    meaning: &mut Meaning<'a>,
    (key, told): (Form<'_, 'a>, Form<'_, 'a>),
    writes: bool,
) -> Result<Micro, Refused> {
    let (key, value) = (meaning.key(key)?, meaning.value(told)?);
    match (writes, value) {
        (true, Some(value)) => Ok(Micro::Write { key, value }),
        (true, None) => Err(told.refused("nil, expected a value: nil is what was never written")),
        (false, value) => {
            Ok(Micro::Read { key, seen: value.map_or(ReadValue::Absent, ReadValue::Value) })
        }
    }
}
