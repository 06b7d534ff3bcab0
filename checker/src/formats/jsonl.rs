//! The format `fracas.history/2`, and the one before it: a header line, then one JSON object per event.
//!
//! The format is described in `docs/history-format.md`. Nothing here opens a file: lines come from
//! a reader and leave as strings.

mod plain;

use std::io::{self, BufRead, Read, Write};

use plain::Plain;

use crate::event::Event;
use crate::history::{Act, Growing, Header, History, Malformed, READ, SCHEMA};

/// The longest line that is read. A longer one is no line of a history.
const LINE_LIMIT: u64 = 16 << 20;

/// Why a file is not a history.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct ReadError {
    /// Which line, counted from 1.
    pub line: u64,
    /// What was wrong and what was expected.
    pub reason: String,
    /// The failure of the underlying reader, if that is the reason.
    #[source]
    pub source: Option<io::Error>,
}

/// Reads a history, and says whether its last line was cut off and dropped.
///
/// A recorder that was killed leaves at most its last line unfinished, so that line, and no other,
/// may be unreadable. It is dropped; the operation it would have completed stays open.
///
/// # Errors
///
/// Names the line that cannot be read or that makes the history malformed.
pub fn read(input: impl BufRead) -> Result<(History, bool), ReadError> {
    let mut lines = Lines { input, number: 0, line: Vec::new() };
    let header = match lines.next()? {
        Some(line) => parse_header(line)?,
        None => return Err(refuse(1, format!("nothing, expected the header of a `{SCHEMA}`"))),
    };
    let (mut growing, mut torn, mut plain) = (Growing::new(header), false, Plain::default());
    loop {
        while let Some(act) = lines.next_act(&mut plain)? {
            growing.act(act).map_err(malformed)?;
        }
        let Some(line) = lines.next()? else { break };
        if let Some(act) = plain.act(line) {
            growing.act(act).map_err(malformed)?;
            continue;
        }
        match serde_json::from_slice(line) {
            Ok(event) => growing.add(event).map_err(malformed)?,
            Err(error) => {
                let refused = refuse(lines.number, format!("not an event: {}", place(&error)));
                if lines.next()?.is_some() {
                    return Err(refused);
                }
                torn = true;
            }
        }
    }
    let history = growing.history().map_err(malformed)?;
    Ok((if torn { history.torn() } else { history }, torn))
}

/// The first line of a history, without its newline.
#[must_use]
pub fn header_line(header: &Header) -> String {
    serde_json::to_string(header).expect("a header has only string keys and no failing serializer")
}

/// The line of one event, without its newline.
#[must_use]
pub fn event_line(event: &Event) -> String {
    serde_json::to_string(event).expect("an event has only string keys and no failing serializer")
}

/// Writes a whole history.
///
/// # Errors
///
/// Whatever the writer underneath fails with.
pub fn write(history: &History, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}", header_line(history.header()))?;
    history.events().iter().try_for_each(|event| writeln!(out, "{}", event_line(event)))
}

/// The lines of a reader, counted.
struct Lines<R> {
    input: R,
    number: u64,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// What a client did by the next line, if it is one that is read at once: it is whole in the
    /// buffer, and is not copied.
    fn next_act(&mut self, plain: &mut Plain) -> Result<Option<Act>, ReadError> {
        let buffer = match self.input.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(None),
            Err(error) => return Err(unreadable(self.number + 1, error)),
        };
        let Some((act, length)) = plain.first_act(buffer) else { return Ok(None) };
        self.input.consume(length);
        self.number += 1;
        Ok(Some(act))
    }

    /// The next line with its newline, or none at the end.
    fn next(&mut self) -> Result<Option<&[u8]>, ReadError> {
        self.number += 1;
        self.line.clear();
        let read = self.input.by_ref().take(LINE_LIMIT + 1).read_until(b'\n', &mut self.line);
        match read {
            Ok(0) => Ok(None),
            Ok(_) if self.line.len() as u64 > LINE_LIMIT => {
                Err(refuse(self.number, format!("longer than the limit of {LINE_LIMIT} bytes")))
            }
            Ok(_) => Ok(Some(&self.line)),
            Err(error) => Err(unreadable(self.number, error)),
        }
    }
}

/// What is wrong with an event; the first stands in the second line.
fn malformed(malformed: Malformed) -> ReadError {
    refuse(malformed.position as u64 + 2, malformed.reason)
}

fn parse_header(line: &[u8]) -> Result<Header, ReadError> {
    /// Read first, so that a history of another version is told from a broken one.
    #[derive(serde::Deserialize)]
    struct Versioned {
        schema: String,
    }
    let not_header =
        |error| refuse(1, format!("not a header: {}, expected one of `{SCHEMA}`", place(&error)));
    let Versioned { schema } = serde_json::from_slice(line).map_err(not_header)?;
    if !READ.contains(&schema.as_str()) {
        return Err(refuse(1, format!("schema `{schema}`, expected `{}`", READ.join("` or `"))));
    }
    serde_json::from_slice(line).map_err(not_header)
}

/// What was wrong within one line, whose number is told elsewhere.
fn place(error: &serde_json::Error) -> String {
    error.to_string().replace(" at line 1 column ", " at column ")
}

fn unreadable(line: u64, source: io::Error) -> ReadError {
    ReadError { line, reason: format!("cannot be read: {source}"), source: Some(source) }
}

fn refuse(line: u64, reason: String) -> ReadError {
    ReadError { line, reason, source: None }
}
