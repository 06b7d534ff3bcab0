//! Readers and writers of histories, one per file.
//!
//! [`read`] tells by content which tool wrote a history, or is told by a [`Hint`]. A reader either
//! hands over a valid history, with notes on what it left out or assumed, or says which line is
//! wrong; it never repairs. What a history means is not asked here.

mod doubts;
mod edn;
mod input;
mod jepsen;
pub mod jepsen_edn;
mod jepsen_log;
pub mod jsonl;
mod porcupine_json;

use std::fmt;
use std::io::{self, BufReader, Read};
use std::str::FromStr;

pub use doubts::Doubts;
use doubts::Foreign;
use edn::{Refused, Syntax};
use input::{Input, recognise, refuse, unreadable};
use jepsen::{About, Source};

use crate::history::{Header, History, Plan, SCHEMA};
use crate::objects;

/// A way to write a history down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Our own lines, `fracas.history/1`: see [`jsonl`].
    Fracas,
    /// Operation maps of Jepsen, Knossos and Elle: see [`jepsen_edn`].
    JepsenEdn,
    /// The console log of a Jepsen test, or its `history.txt`.
    JepsenLog,
    /// The lines that Porcupine's tests of a key-value store read.
    PorcupineKv,
    /// The data of Porcupine's visualization.
    PorcupineJson,
    /// The history of a Maelstrom test.
    Maelstrom,
}

impl Format {
    /// Every format, in the order in which lists show them.
    pub const ALL: [Self; 6] = [
        Self::Fracas,
        Self::JepsenEdn,
        Self::JepsenLog,
        Self::PorcupineKv,
        Self::PorcupineJson,
        Self::Maelstrom,
    ];

    /// Every name that a format can be asked for by: its own name first, then its others.
    pub const NAMES: &'static [(&'static str, Self)] = &[
        ("fracas", Self::Fracas),
        ("jsonl", Self::Fracas),
        ("jepsen-edn", Self::JepsenEdn),
        ("jepsen", Self::JepsenEdn),
        ("edn", Self::JepsenEdn),
        ("knossos", Self::JepsenEdn),
        ("elle", Self::JepsenEdn),
        ("jepsen-log", Self::JepsenLog),
        ("porcupine-kv", Self::PorcupineKv),
        ("kv", Self::PorcupineKv),
        ("porcupine-json", Self::PorcupineJson),
        ("porcupine", Self::PorcupineJson),
        ("maelstrom", Self::Maelstrom),
    ];

    /// What it is, in a sentence.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Fracas => "our own lines, `fracas.history/1`, as every run records them",
            Self::JepsenEdn => "operation maps of Jepsen, Knossos and Elle, in EDN",
            Self::JepsenLog => "the console log of a Jepsen test, or its `history.txt`",
            Self::PorcupineKv => "the lines that Porcupine's tests of a key-value store read",
            Self::PorcupineJson => "the data of Porcupine's visualization",
            Self::Maelstrom => "the history of a Maelstrom test",
        }
    }

    /// Its own name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fracas => "fracas",
            Self::JepsenEdn => "jepsen-edn",
            Self::JepsenLog => "jepsen-log",
            Self::PorcupineKv => "porcupine-kv",
            Self::PorcupineJson => "porcupine-json",
            Self::Maelstrom => "maelstrom",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A word that names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not a format of histories, did you mean `{nearest}`?")]
pub struct UnknownFormat {
    /// The word.
    pub word: String,
    /// The name that is most like it.
    pub nearest: &'static str,
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(word: &str) -> Result<Self, UnknownFormat> {
        if let Some((_, format)) = Self::NAMES.iter().find(|(name, _)| *name == word) {
            return Ok(*format);
        }
        let names = Self::NAMES.iter().map(|(name, _)| *name);
        let nearest = names.min_by_key(|name| distance(word, name)).unwrap_or_default();
        Err(UnknownFormat { word: word.to_owned(), nearest })
    }
}

/// How many letters must be put in, taken out or replaced to turn `from` into `to`.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, letter) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], line + 1);
        for (place, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(*other != letter);
            diagonal = row[place + 1];
            row[place + 1] = replaced.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row[to.len()]
}

/// What the caller knows of a file before it is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hint {
    /// Which tool wrote it; by content if nobody says.
    pub format: Option<Format>,
    /// What its operations act on, where the words of the format leave it open (`:add` to a set or
    /// to a counter); by content if nobody says.
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

/// Why a file is not a history.
#[derive(Debug, thiserror::Error)]
#[error("line {line}{}: {reason}", column.map(|column| format!(", column {column}")).unwrap_or_default())]
pub struct ReadError {
    /// Which line, counted from 1.
    pub line: u64,
    /// Which character of the line, counted from 1, where it helps.
    pub column: Option<u64>,
    /// What was wrong and what was expected.
    pub reason: String,
    /// The failure of the reader underneath, if it was that.
    #[source]
    pub source: Option<io::Error>,
}

impl From<jsonl::ReadError> for ReadError {
    fn from(error: jsonl::ReadError) -> Self {
        let jsonl::ReadError { line, reason, source } = error;
        Self { line, column: None, reason, source }
    }
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

/// The header of a history that has none: nothing is known of the run, and no plan goes with it.
fn header() -> Header {
    Header {
        schema: SCHEMA.to_owned(),
        run: "recorded".to_owned(),
        target: "unknown".to_owned(),
        seed: 0,
        nodes: Vec::new(),
        plan: Plan::default(),
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
    let what =
        if beginning.iter().all(u8::is_ascii_whitespace) { "nothing" } else { "no known format" };
    refuse(1, format!("{what}, expected a history in one of {formats}"))
}
