//! The data of Porcupine's visualization: partitions of operations that each have a client, a start,
//! an end and a description for people. Read from JSON, or from the page that it is embedded in.
//!
//! Only the description says what an operation did, so it is parsed (see [`describe`]); one that is
//! not understood is refused. Partial linearizations and annotations are not looked at.
//!
//! Two things are not in the data. One is the model's initial value: what is read before anything was
//! written may be that, see [`super::Doubts::initial`]. The other is whether an operation
//! ended at all, unless its description says `unknown`; Porcupine lets those that did not end last,
//! after which nothing can tell whether they took effect.

mod describe;

use std::collections::BTreeMap;

use describe::{Described, describe};

use super::doubts::{Doubts, Foreign};
use super::edn::{Form, Kind, Reader, Refused, Syntax};
use super::header::header;
use crate::event::{Completion, Event, EventKind, Nanos, ProcessId, Stamp};
use crate::history::History;
use crate::op::{Key, Value};

/// What stands before the data in a page.
const IN_PAGE: &str = "const data = ";

/// Reads the data in `text`.
pub(super) fn read(text: &str) -> Result<Foreign, Refused> {
    let page = text.trim_start().starts_with('<');
    let start = match text.find(IN_PAGE) {
        Some(found) if page => found + IN_PAGE.len(),
        None if page => return Err(Refused::new(0, format!("a page without `{IN_PAGE}…`"))),
        _ => 0,
    };
    let mut reader = Reader::new(text, start, Syntax::Json);
    let Some(data) = reader.next()? else {
        return Err(Refused::new(start, "nothing, expected the data of a visualization"));
    };
    let mut elements = elements(data)?;
    if !page {
        reader.nothing_more()?;
    }
    let overlaps = spread(&mut elements);
    let (events, places) = events(&elements);
    let history = History::new(header(), events)
        .map_err(|malformed| Refused::new(places[malformed.position], malformed.reason))?;
    let notes = notes(overlaps, &elements);
    let doubts = Doubts { initial: true, texts: only_texts(&history), ..Doubts::default() };
    Ok(Foreign { history, notes, doubts })
}

/// Whether it is of a store of texts, as Porcupine's example has them: whatever is written is one.
fn only_texts(history: &History) -> bool {
    let text = |value: &Value| matches!(value, Value::Text(_));
    let mut written =
        history.operations().iter().flat_map(|operation| operation.op.values()).peekable();
    written.peek().is_some() && written.all(text)
}

fn notes(overlaps: usize, elements: &[Element]) -> Vec<String> {
    let mut notes = Vec::new();
    if overlaps > 0 {
        notes.push(format!(
            "{overlaps} operations overlap with others of their client: each is taken as another client's"
        ));
    }
    if elements.iter().any(|element| element.start < 0) {
        notes.push("times before 0 are counted from the first".to_owned());
    }
    notes
}

/// One operation.
struct Element {
    /// Where it stands, in bytes.
    at: usize,
    client: u64,
    start: i64,
    end: i64,
    told: Described,
}

/// The operations of every partition.
fn elements(data: Form<'_, '_>) -> Result<Vec<Element>, Refused> {
    let partitions = match data.kind() {
        Kind::Map => field(data, "Partitions")?, // since 2024; a plain list before
        _ => data,
    };
    let mut elements = Vec::new();
    for (number, partition) in list(partitions)?.enumerate() {
        let key: Key = number.to_string().into();
        for element in list(field(partition, "History")?)? {
            elements.push(self::element(element, &key)?);
        }
    }
    Ok(elements)
}

/// The operation that `form` is, on `key` if its description names none.
fn element(form: Form<'_, '_>, key: &Key) -> Result<Element, Refused> {
    let (start, end) = (int(field(form, "Start")?)?, int(field(form, "End")?)?);
    if end < start {
        return Err(form.refused(format!("ended at {end}, expected not before its start {start}")));
    }
    let client = field(form, "ClientId")?;
    let client = u64::try_from(int(client)?)
        .map_err(|_| client.refused("a client below 0, expected one from 0"))?;
    let description = field(form, "Description")?;
    let told = describe(&description.said()?, key).map_err(|reason| description.refused(reason))?;
    Ok(Element { at: form.at(), client, start, end, told })
}

fn field<'t, 'a>(form: Form<'t, 'a>, name: &str) -> Result<Form<'t, 'a>, Refused> {
    let entries = (form.kind() == Kind::Map).then(|| form.entries()).into_iter().flatten();
    let mut found = entries.filter(|(key, _)| key.text().trim_matches('"') == name);
    let value = found.next().map(|(_, value)| value);
    value.ok_or_else(|| form.refused(format!("{} without `{name}`", form.described())))
}

fn list<'t, 'a>(form: Form<'t, 'a>) -> Result<impl Iterator<Item = Form<'t, 'a>>, Refused> {
    let parts = form.sequence();
    // Go writes an empty list as `null`.
    let nothing = form.kind() == Kind::Nil;
    if parts.is_none() && !nothing {
        return Err(form.refused(format!("{}, expected a list", form.described())));
    }
    Ok(parts.into_iter().flatten())
}

fn int(form: Form<'_, '_>) -> Result<i64, Refused> {
    form.int().ok_or_else(|| {
        form.refused(format!("{}, expected a whole number of 64 bits", form.described()))
    })
}

/// Gives operations that overlap with others of their client a client of their own, and counts
/// them. Porcupine does not ask that clients do one thing at a time.
fn spread(elements: &mut [Element]) -> usize {
    elements.sort_by_key(|element| (element.start, element.end));
    let mut fresh = elements.iter().map(|element| element.client).max().unwrap_or(0);
    let (mut overlaps, mut ends) = (0, BTreeMap::<u64, i64>::new());
    for element in elements {
        let lost = matches!(element.told.completion, Completion::Info { .. });
        let busy = ends.get(&element.client).is_some_and(|end| *end > element.start);
        if busy || lost {
            fresh = fresh.saturating_add(1);
            overlaps += usize::from(busy);
            element.client = fresh;
        }
        ends.insert(element.client, element.end);
    }
    overlaps
}

/// Every begin and end in the order of time, and where each comes from.
///
/// Events of one instant are concurrent whatever their order. They are put so that a client ends
/// one operation before it begins the next, and begins one that takes no time before it ends it.
fn events(elements: &[Element]) -> (Vec<Event>, Vec<usize>) {
    let first = elements.iter().map(|element| element.start).min().unwrap_or(0).min(0);
    let time = |moment: i64| moment.abs_diff(first) as Nanos;
    let mut moments = Vec::with_capacity(2 * elements.len());
    for (place, element) in elements.iter().enumerate() {
        let instant = element.start == element.end;
        moments.push((time(element.start), if instant { 1 } else { 2 }, place, 0));
        moments.push((time(element.end), u8::from(instant), place, 1));
    }
    moments.sort_unstable();
    let mut events = Vec::with_capacity(moments.len());
    let mut places = Vec::with_capacity(moments.len());
    for (index, (time, _, place, end)) in moments.into_iter().enumerate() {
        let element = &elements[place];
        let process = ProcessId(element.client);
        let kind = if end == 0 {
            EventKind::Invoke { process, node: None, op: element.told.op.clone() }
        } else {
            EventKind::Complete { process, completion: element.told.completion.clone() }
        };
        events.push(Event { index: index as u64, time, kind });
        places.push(element.at);
    }
    (events, places)
}

impl Described {
    /// An operation that took effect.
    fn done(op: crate::op::Op, outcome: crate::op::Outcome) -> Self {
        Self { op, completion: Completion::Ok { outcome, stamp: Stamp::default() } }
    }
}
