//! One record of a file: what a line of Jepsen's history says, before anybody asks what it means.

use std::ops::Range;

use crate::formats::edn::{Form, Kind, Reader, Refused, Syntax};

/// What a record says of its operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// It was asked.
    Invoke,
    /// It took effect.
    Ok,
    /// It did not, and never will.
    Fail,
    /// Nobody knows.
    Info,
}

impl Step {
    /// The step of that name, such as `:ok`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name.trim_start_matches(':') {
            "invoke" => Some(Self::Invoke),
            "ok" => Some(Self::Ok),
            "fail" => Some(Self::Fail),
            "info" => Some(Self::Info),
            _ => None,
        }
    }
}

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    /// A client.
    Client(u64),
    /// Nobody is named: each operation is a client's of its own.
    Unnamed,
}

/// A record of a client.
#[derive(Debug, Clone)]
pub(crate) struct Record<'a> {
    /// Where it begins, in bytes.
    pub(crate) at: usize,
    pub(crate) process: Who,
    pub(crate) step: Step,
    /// The function without its colon; empty if none is named.
    pub(crate) f: &'a str,
    /// Where its key stands, if it stands apart from the value.
    pub(crate) key: Option<Range<usize>>,
    /// Where its value stands; none if it has none.
    pub(crate) value: Option<Range<usize>>,
    /// Nanoseconds since the start.
    pub(crate) time: Option<i64>,
    /// Where its error stands, or is said in a log, without quotes.
    pub(crate) error: Option<Range<usize>>,
}

/// The text that records were found in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) text: &'a str,
    pub(crate) syntax: Syntax,
}

impl<'a> Source<'a> {
    /// Hands the value in `range` to `take`.
    pub(crate) fn value<T>(
        self,
        range: &Range<usize>,
        take: impl FnOnce(Form<'_, 'a>) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        let mut reader = Reader::new(&self.text[..range.end], range.start, self.syntax);
        match reader.next()? {
            Some(form) => take(form),
            None => Err(Refused::new(range.start, "nothing, expected a value")),
        }
    }

    /// What an error says: a string's text, or the text of any other value; nil says nothing.
    pub(crate) fn error(self, range: &Range<usize>) -> String {
        let text = &self.text[range.clone()];
        let said = self.value(range, |form| {
            Ok(match form.kind() {
                Kind::Nil if form.text() == text => String::new(),
                Kind::Str if form.text() == text => form.said()?.into_owned(),
                _ => text.to_owned(),
            })
        });
        said.unwrap_or_else(|_| text.to_owned())
    }
}

/// The first number that no client of the file has.
pub(super) fn fresh(records: &[Record<'_>]) -> u64 {
    let clients = records.iter().filter_map(|record| match record.process {
        Who::Client(process) => Some(process),
        Who::Unnamed => None,
    });
    clients.max().map_or(0, |last| last.saturating_add(1))
}
