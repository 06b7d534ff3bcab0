//! From bytes to text: what is packed is unpacked, and who wrote it is told by its first lines.
//!
//! Nothing here knows what a history is; a file is refused here only if it is too large, is no
//! text, or is like nothing that is known.

use std::io::{self, Chain, Cursor, Read};

use flate2::read::MultiGzDecoder;

use super::error::ReadError;
use super::format::Format;
use super::jepsen_log;

/// How much of a file is looked at to tell who wrote it.
const LOOK: u64 = 64 << 10;

/// The most text that a format may hold that is read as a whole: 2 GiB.
const MOST: u64 = 2 << 30;

/// How much may come out of a packed file, whatever went in.
const UNPACKED: u64 = 64 << 20;

/// How many bytes may come out of a larger one for every byte that went in.
/// Histories reach 20 to 50; a file that is made to exhaust memory reaches 1,000.
const RATIO: u64 = 200;

/// The first bytes of a packed file.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What some editors put before a text in UTF-8. It is no part of the text.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// How Jepsen's binary files begin.
const JEPSEN_BINARY: &[u8] = b"JEPSEN";

/// Why a file is none that can be read, if it is known what it is.
pub(super) fn known_but_not_read(beginning: &[u8]) -> Option<&'static str> {
    beginning.starts_with(JEPSEN_BINARY).then_some(
        "Jepsen's binary file of a test, which is not read here, expected the `history.edn` or \
         `history.txt` that Jepsen writes beside it",
    )
}

/// A file as it is meant: unpacked, with its beginning read ahead.
pub(super) struct Input<R> {
    /// The first bytes.
    pub(super) beginning: Vec<u8>,
    rest: Unpacked<Chain<Cursor<Vec<u8>>, R>>,
}

impl<R: Read> Input<R> {
    pub(super) fn new(mut input: R) -> io::Result<Self> {
        let mut magic = Vec::new();
        input.by_ref().take(GZIP.len() as u64).read_to_end(&mut magic)?;
        let packed = magic == GZIP;
        let whole = Cursor::new(magic).chain(input);
        let mut rest = match packed {
            true => {
                Unpacked::Gzip(Box::new(MultiGzDecoder::new(Counted { input: whole, read: 0 })), 0)
            }
            false => Unpacked::Plain(whole),
        };
        let mut beginning = Vec::new();
        rest.by_ref().take(LOOK).read_to_end(&mut beginning)?;
        if beginning.starts_with(BYTE_ORDER_MARK) {
            beginning.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(Self { beginning, rest })
    }

    /// Everything, as bytes that are read when they are asked for.
    pub(super) fn stream(self) -> impl Read {
        Cursor::new(self.beginning).chain(self.rest)
    }

    /// Everything, as text.
    pub(super) fn text(self) -> Result<String, ReadError> {
        let mut bytes = self.beginning;
        let most = MOST.saturating_sub(bytes.len() as u64);
        if let Err(error) = self.rest.take(most).read_to_end(&mut bytes) {
            let line = 1 + bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
            return Err(unreadable(line, error));
        }
        if bytes.len() as u64 >= MOST {
            return Err(refuse(1, format!("longer than the limit of {MOST} bytes")));
        }
        String::from_utf8(bytes).map_err(|error| {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + good.iter().filter(|byte| **byte == b'\n').count() as u64;
            refuse(line, "bytes that are no UTF-8, expected text".to_owned())
        })
    }
}

/// What reads a file that may be packed.
enum Unpacked<R> {
    Plain(R),
    /// With how much has come out of it.
    Gzip(Box<MultiGzDecoder<Counted<R>>>, u64),
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(input) => input.read(buffer),
            Self::Gzip(input, unpacked) => {
                let read = input.read(buffer)?;
                *unpacked += read as u64;
                if *unpacked > UNPACKED.max(RATIO.saturating_mul(input.get_ref().read)) {
                    let reason = format!("unpacks to more than {RATIO} times its size");
                    return Err(io::Error::other(reason));
                }
                Ok(read)
            }
        }
    }
}

/// Counts what is read.
struct Counted<R> {
    input: R,
    read: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.read += read as u64;
        Ok(read)
    }
}

pub(super) fn unreadable(line: u64, source: io::Error) -> ReadError {
    ReadError {
        line,
        column: None,
        reason: format!("cannot be read: {source}"),
        source: Some(source),
    }
}

pub(super) fn refuse(line: u64, reason: String) -> ReadError {
    ReadError { line, column: None, reason, source: None }
}

/// Functions that only Maelstrom's workloads have.
const MAELSTROM: [&str; 3] = [":f :broadcast", ":f :lock", ":f :unlock"];

/// Functions of a store whose records have their key apart.
const KV: [&str; 3] = [":f :get", ":f :put", ":f :append"];

/// Who wrote a file that begins like this, if anybody is known to.
pub(super) fn recognise(beginning: &[u8]) -> Option<Format> {
    let text = String::from_utf8_lossy(beginning);
    let text = text.trim_start();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let first = text.chars().next()?;
    // A collection of objects is JSON like the object itself.
    let inside = text.trim_start_matches(|letter: char| letter == '[' || letter.is_whitespace());
    if jepsen_log::is_bare(text) {
        return Some(Format::JepsenLog);
    }
    let json = inside.strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with('"'));
    if json {
        let line = text.lines().next().unwrap_or_default();
        return if line.contains("\"schema\"") {
            Some(Format::Fracas)
        } else if has(&["\"Partitions\"", "\"History\""]) {
            Some(Format::PorcupineJson)
        } else {
            has(&["\"process\"", "\"type\""]).then_some(Format::Maelstrom)
        };
    }
    match first {
        '<' => Some(Format::PorcupineJson),
        '{' | '[' | '(' | '#' | '^' | ';' if has(&[":type"]) => Some(match () {
            () if has(&[":key "]) && has(&KV) => Format::PorcupineKv,
            () if has(&MAELSTROM) => Format::Maelstrom,
            () => Format::JepsenEdn,
        }),
        _ => has(&["jepsen.", "jepsen "]).then_some(Format::JepsenLog),
    }
}
