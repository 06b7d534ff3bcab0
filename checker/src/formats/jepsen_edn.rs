//! Operation maps, as Jepsen, Knossos, Elle and Maelstrom write them: one per line, or all in one
//! vector or list; plain or as records (`#jepsen.history.Op{…}`); in EDN or in JSON.
//!
//! Read are `:process`, `:type`, `:f`, `:value`, `:time`, `:error`, and `:key` where a key stands
//! apart from its value; other keys are not looked at, `:index` neither: operations are numbered
//! anew. What the nemesis did is left out. What operations mean is the business of
//! `super::jepsen`; a history is written by [`write()`].

mod write;

use std::ops::Range;

pub use write::{left_out, write};

use super::doubts::Foreign;
use super::edn::{Form, Kind, Reader, Refused, Syntax};
use super::jepsen::{About, Record, Source, Step, Who, history};

/// Reads the operation maps of `source`.
pub(super) fn read(source: Source<'_>, about: About) -> Result<Foreign, Refused> {
    let (records, others) = records(source)?;
    let mut foreign = history(source, &records, about)?;
    if others > 0 {
        foreign.notes.insert(0, left_out_note(others));
    }
    Ok(foreign)
}

/// What is said of records that are no client's.
pub(super) fn left_out_note(others: usize) -> String {
    format!("{others} records of processes that are no clients, such as `nemesis`, were left out")
}

/// Every record of a client, and how many there were of others.
fn records<'a>(source: Source<'a>) -> Result<(Vec<Record<'a>>, usize), Refused> {
    let mut reader = Reader::new(source.text, 0, source.syntax);
    let (mut records, mut others) = (Vec::new(), 0);
    let entered = reader.enter()?;
    while let Some(form) = reader.next()? {
        match record(form, source.syntax)? {
            Some(record) => records.push(record),
            None => others += 1,
        }
    }
    if !entered && records.is_empty() && others == 0 {
        return Err(Refused::new(0, "nothing, expected operation maps"));
    }
    Ok((records, others))
}

/// The fields of an operation map that are read.
#[derive(Default)]
struct Fields<'t, 'a> {
    process: Option<Form<'t, 'a>>,
    step: Option<Form<'t, 'a>>,
    f: Option<Form<'t, 'a>>,
    key: Option<Form<'t, 'a>>,
    value: Option<Form<'t, 'a>>,
    time: Option<Form<'t, 'a>>,
    error: Option<Form<'t, 'a>>,
}

impl<'t, 'a> Fields<'t, 'a> {
    fn of(map: Form<'t, 'a>, syntax: Syntax) -> Result<Self, Refused> {
        let mut fields = Self::default();
        for (name, value) in map.entries() {
            let text = match syntax {
                Syntax::Edn => name.text().strip_prefix(':'),
                Syntax::Json => name.text().get(1..name.text().len() - 1),
            };
            let field = match text {
                Some("process") => &mut fields.process,
                Some("type") => &mut fields.step,
                Some("f") => &mut fields.f,
                Some("key") => &mut fields.key,
                Some("value") => &mut fields.value,
                Some("time") => &mut fields.time,
                Some("error") => &mut fields.error,
                _ => continue,
            };
            if field.replace(value).is_some() {
                return Err(name.refused(format!("`{}` twice in one operation", name.text())));
            }
        }
        Ok(fields)
    }
}

/// The record that `form` is; none if it is no client's.
fn record<'a>(form: Form<'_, 'a>, syntax: Syntax) -> Result<Option<Record<'a>>, Refused> {
    let map = form.tagged().map_or(form, |(_, map)| map);
    if let Some(refused) = form.unreadable() {
        return Err(refused);
    }
    if map.kind() != Kind::Map {
        return Err(form.refused(format!("{}, expected an operation map", form.described())));
    }
    let fields = Fields::of(map, syntax)?;
    let Some(step) = fields.step.and_then(|form| Step::named(form.text().trim_matches('"'))) else {
        let at = fields.step.unwrap_or(form);
        return Err(at.refused(
            "an operation without its `:type`, expected `:invoke`, `:ok`, `:fail` or `:info`",
        ));
    };
    let Some(process) = process(fields.process, syntax)? else { return Ok(None) };
    let range = |form: Option<Form<'_, '_>>| -> Option<Range<usize>> {
        form.filter(|form| form.kind() != Kind::Nil).map(Form::range)
    };
    Ok(Some(Record {
        at: form.at(),
        process,
        step,
        f: fields.f.map_or(Ok(""), function)?,
        key: range(fields.key),
        value: range(fields.value),
        time: fields.time.and_then(time),
        error: range(fields.error),
    }))
}

/// Which client a record is of; none if it is of no client. Clients have numbers, in Jepsen and
/// all that reads its histories; whoever has another name injects faults.
fn process(form: Option<Form<'_, '_>>, syntax: Syntax) -> Result<Option<Who>, Refused> {
    let Some(form) = form.filter(|form| form.kind() != Kind::Nil) else {
        return Ok(Some(Who::Unnamed));
    };
    let other = match form.kind() {
        Kind::Keyword | Kind::Symbol => true,
        Kind::Str => syntax == Syntax::Json && form.text() == "\"nemesis\"",
        _ => false,
    };
    if other {
        return Ok(None);
    }
    match form.text().strip_suffix('N').unwrap_or(form.text()).parse() {
        Ok(process) if form.kind() == Kind::Int => Ok(Some(Who::Client(process))),
        _ => Err(form.refused(format!(
            "`:process` is {}, expected a client's number from 0 or a name such as `:nemesis`",
            form.described()
        ))),
    }
}

/// The name of a function, bare.
fn function<'a>(form: Form<'_, 'a>) -> Result<&'a str, Refused> {
    match form.kind() {
        Kind::Nil => Ok(""),
        Kind::Keyword => Ok(&form.text()[1..]),
        Kind::Symbol => Ok(form.text()),
        Kind::Str => Ok(form.text().trim_matches('"')),
        _ => Err(form.refused(format!("`:f` is {}, expected a keyword", form.described()))),
    }
}

/// When a record was made, if its time is a number: its place in the list orders it anyway.
fn time(form: Form<'_, '_>) -> Option<i64> {
    form.rounded()
}
