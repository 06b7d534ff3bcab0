//! Readers and writers of histories, one per file.
//!
//! [`read`] tells by content which tool wrote a history, or is told by a [`Hint`]. A reader either
//! hands over a valid history, with notes on what it left out or assumed, or says which line is
//! wrong; it never repairs. What a history means is not asked here.

mod doubts;
mod edn;
mod error;
mod format;
mod header;
mod input;
mod jepsen;
pub mod jepsen_edn;
mod jepsen_log;
pub mod jsonl;
mod porcupine_json;

use std::io::{BufReader, Read};

pub use doubts::Doubts;
use doubts::Foreign;
use edn::{Refused, Syntax};
pub use error::ReadError;
pub use format::{Format, UnknownFormat};
use input::{Input, recognise, refuse, unreadable};
use jepsen::{About, Source};

use crate::history::History;
use crate::objects;

/// What the caller knows of a file before it is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hint {
    /// The format of the file. None: the content of the file decides.
    pub format: Option<Format>,
    /// The kind of object that its operations act on, where the words of the format leave that open
    /// (`:add` to a set or to a counter). None: the content of the file decides.
    pub kind: Option<&'static objects::Kind>,
}

/// A history that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The history.
    pub history: History,
    /// How it was written down.
    pub format: Format,
    /// Whether its last line was cut off and dropped.
    pub torn: bool,
    /// What was left out or assumed, each a lowercase fragment.
    pub notes: Vec<String>,
    /// What the file leaves open.
    pub doubts: Doubts,
}

/// How many bytes of a history of our own are read at once.
const AT_ONCE: usize = 256 << 10;

/// Reads a history, whoever wrote it.
///
/// # Errors
///
/// Names the line that cannot be read or that makes the history malformed.
pub fn read(input: impl Read, hint: &Hint) -> Result<Recorded, ReadError> {
    let input = Input::new(input).map_err(|error| unreadable(1, error))?;
    let format = match hint.format {
        Some(format) => format,
        None => recognise(&input.beginning).ok_or_else(|| unknown(&input.beginning))?,
    };
    if format == Format::Fracas {
        let (history, torn) = jsonl::read(BufReader::with_capacity(AT_ONCE, input.stream()))?;
        let (notes, doubts) = (Vec::new(), Doubts::default());
        return Ok(Recorded { history, format, torn, notes, doubts });
    }
    let text = input.text()?;
    let text = text.as_str();
    match foreign(text, format, hint.kind) {
        Ok(Foreign { history, notes, doubts }) => {
            Ok(Recorded { history, format, torn: false, notes, doubts })
        }
        Err(refused) => Err(placed(text, refused)),
    }
}

/// Reads what another tool wrote.
fn foreign(
    text: &str,
    format: Format,
    kind: Option<&'static objects::Kind>,
) -> Result<Foreign, Refused> {
    let about = About { kind, texts: format == Format::PorcupineKv };
    let first = text.trim_start_matches(|letter: char| letter == '[' || letter.is_whitespace());
    let json = first.strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with('"'));
    let syntax = if json { Syntax::Json } else { Syntax::Edn };
    match format {
        Format::JepsenLog => jepsen_log::read(text, about),
        Format::PorcupineJson => porcupine_json::read(text),
        _ => jepsen_edn::read(Source { text, syntax }, about),
    }
}

/// The refusal with its line and column.
fn placed(text: &str, refused: Refused) -> ReadError {
    let before = &text[..refused.at.min(text.len())];
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = 1 + before.matches('\n').count() as u64;
    let column = 1 + before[start..].chars().count() as u64;
    ReadError { line, column: Some(column), reason: refused.reason, source: None }
}

fn unknown(beginning: &[u8]) -> ReadError {
    if let Some(reason) = input::known_but_not_read(beginning) {
        return refuse(1, reason.to_owned());
    }
    let formats = Format::ALL.map(|format| format!("`{format}`")).join(", ");
    let found =
        if beginning.iter().all(u8::is_ascii_whitespace) { "nothing" } else { "no known format" };
    refuse(1, format!("{found}, expected a history in one of {formats}"))
}
