//! The console log of a Jepsen test, and its `history.txt`: every line of `jepsen.util` with a
//! process, a type, a function and a value is a record; other lines are not looked at. In a
//! `history.txt` every line is such a record and nothing stands before it.
//!
//! Older logs have `INFO  jepsen.util - 3⇥:invoke⇥:read⇥nil`, newer ones a date and a thread before
//! that. A log has no times that could be relied on, so the order of its lines is taken for them.
//! What operations mean is the business of [`super::jepsen`].

use std::ops::Range;

use super::doubts::Foreign;
use super::edn::{Form, Kind, Reader, Refused, Syntax};
use super::jepsen::{About, Record, Source, Step, Who, history};
use super::jepsen_edn::left_out_note;

/// What stands before every record, somewhere in its line.
pub(super) const MARK: &str = "jepsen.util";

/// Reads the records of the log `text`.
pub(super) fn read(text: &str, about: About) -> Result<Foreign, Refused> {
    let (mut records, mut others, mut at) = (Vec::new(), 0, 0);
    let mark = if is_bare(text) { "" } else { MARK };
    for line in text.split_inclusive('\n') {
        match record(text, at..at + line.trim_end().len(), mark)? {
            Line::Record(record) => records.push(record),
            Line::NoClient => others += 1,
            Line::Other => {}
        }
        at += line.len();
    }
    if records.is_empty() {
        return Err(Refused::new(0, format!("no operation of `{MARK}`, expected a console log")));
    }
    let mut foreign = history(Source { text, syntax: Syntax::Edn }, &records, about)?;
    if others > 0 {
        foreign.notes.insert(0, left_out_note(others));
    }
    Ok(foreign)
}

/// Whether `text` begins with a record that nothing stands before, as a `history.txt` does.
pub(super) fn is_bare(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let (process, step) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let process = process.starts_with(':') || process.parse::<u64>().is_ok();
    process && step.starts_with(':') && Step::named(step).is_some()
}

/// What a line of the log is.
enum Line<'a> {
    Record(Record<'a>),
    /// A record of a process that is no client.
    NoClient,
    Other,
}

/// The record in the line of `text` that is given by its range, after `mark`.
fn record<'a>(
    text: &'a str,
    Range { start, end }: Range<usize>,
    mark: &str,
) -> Result<Line<'a>, Refused> {
    let mut words = Words { text, at: start, end };
    if !words.skip_past(mark) {
        return Ok(Line::Other);
    }
    let (process, step, f) = (words.next(), words.next(), words.next());
    let Some(step) = Step::named(step).filter(|_| step.starts_with(':')) else {
        return Ok(Line::Other);
    };
    let actor = match process.parse() {
        Ok(process) => Who::Client(process),
        Err(_) if process.starts_with(':') => return Ok(Line::NoClient),
        Err(_) => {
            let reason = format!("process `{process}`, expected a client's number or a keyword");
            return Err(Refused::new(start, reason));
        }
    };
    let asked = matches!(step, Step::Invoke | Step::Ok);
    let value_at = words.rest();
    let mut reader = Reader::new(&text[..end], value_at, Syntax::Edn);
    // What an operation that failed says instead of its value need not be EDN.
    let form = match reader.next() {
        Ok(form) => form,
        Err(refused) if asked => return Err(refused),
        Err(_) => None,
    };
    let (kind, value) = (form.map(Form::kind), form.map(Form::range));
    words.at = value.as_ref().map_or(value_at, |value| value.end);
    let mut error = words.rest()..end;
    if !asked && kind == Some(Kind::Keyword) {
        error.start = value_at; // `:timed-out` in place of the value
    }
    Ok(Line::Record(Record {
        at: start,
        process: actor,
        step,
        f: f.trim_start_matches(':'),
        key: None,
        value: value.filter(|_| kind != Some(Kind::Nil)),
        time: None,
        error: (!error.is_empty()).then_some(error),
    }))
}

/// The words of a line.
struct Words<'a> {
    text: &'a str,
    at: usize,
    end: usize,
}

impl<'a> Words<'a> {
    /// Goes past `mark` and the punctuation after it, if it is there.
    fn skip_past(&mut self, mark: &str) -> bool {
        let Some(found) = self.text[self.at..self.end].find(mark) else { return false };
        self.at += found + mark.len();
        let rest = &self.text[self.at..self.end];
        self.at += rest.len() - rest.trim_start_matches([' ', '-']).len();
        if self.text[self.at..self.end].starts_with(": ") {
            self.at += 2;
        }
        true
    }

    /// Where the next word begins.
    fn rest(&mut self) -> usize {
        let rest = &self.text[self.at..self.end];
        self.at += rest.len() - rest.trim_start().len();
        self.at
    }

    fn next(&mut self) -> &'a str {
        let start = self.rest();
        let rest = &self.text[start..self.end];
        let word = &rest[..rest.find(char::is_whitespace).unwrap_or(rest.len())];
        self.at = start + word.len();
        word
    }
}
