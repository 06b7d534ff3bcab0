//! A chunk of a log, as data.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::plain;

/// The result of one look at a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// The whole lines that were written since the look before.
    pub lines: Lines,
    /// The state of the log.
    pub look: Look,
    /// How many bytes of the log were left unread.
    pub skipped: u64,
}

/// The state of a log after a look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Look {
    /// All that was written has been read.
    AtEnd,
    /// There is more.
    More,
    /// The log begins anew: it was cut, or another file is in its place, of this identity and size.
    Anew(Begin),
    /// The log is no regular file but this, and not read.
    Refused(String),
}

impl From<Look> for Chunk {
    /// The result of a look without a line.
    fn from(look: Look) -> Self {
        Self { lines: Lines::default(), look, skipped: 0 }
    }
}

/// Lines with their offsets in the log. Lines that follow each other are kept in one text, with the
/// offset of the first: an allocation for each of many short lines would cost more than the reading.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lines(Vec<(u64, String)>);

impl Lines {
    /// Adds lines that follow each other in the log from this offset on; the last may lack its end. A
    /// line that is not UTF-8 gets a text of its own, because replaced bytes change its length.
    pub(crate) fn push(&mut self, mut offset: u64, mut lines: &[u8]) {
        while let Err(error) = str::from_utf8(lines) {
            let begin =
                lines[..error.valid_up_to()].iter().rposition(is_end).map_or(0, |at| at + 1);
            let end = lines[begin..].iter().position(is_end);
            let end = end.map_or(lines.len(), |at| begin + at + 1);
            self.add(offset, &lines[..begin]);
            self.add(offset + begin as u64, &lines[begin..end]);
            (offset, lines) = (offset + end as u64, &lines[end..]);
        }
        self.add(offset, lines);
    }

    fn add(&mut self, offset: u64, lines: &[u8]) {
        if !lines.is_empty() {
            self.0.push((offset, String::from_utf8_lossy(lines).into_owned()));
        }
    }

    /// All lines that are not empty, without their ends, with their offsets.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &str)> {
        let each = self.0.iter().flat_map(|(offset, text)| {
            let mut next = *offset;
            text.split_inclusive('\n').map(move |line| {
                let at = next;
                next += line.len() as u64;
                (at, line.strip_suffix('\n').unwrap_or(line))
            })
        });
        each.filter(|(_, line)| !line.is_empty())
    }
}

/// Whether a byte ends a line.
pub(super) fn is_end(byte: &u8) -> bool {
    *byte == b'\n'
}

/// Which file a log is, and how much of it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Begin {
    /// The inode; 0 if there is no file.
    pub inode: u64,
    /// How many bytes it has.
    pub size: u64,
}

impl Begin {
    /// What is at `path` now.
    pub(crate) fn of(path: &Path) -> Self {
        plain::about(path).map_or(Self::default(), |about| Self::from(&about))
    }

    /// What is left of it once the log was found to begin anew as `now`: nothing that was there
    /// before is part of that.
    #[must_use]
    pub fn after(self, now: Self) -> Self {
        let same = self.inode == now.inode && self.size <= now.size;
        if same { self } else { Self { inode: now.inode, size: 0 } }
    }
}

impl From<&Metadata> for Begin {
    fn from(about: &Metadata) -> Self {
        Self { inode: about.ino(), size: about.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &[u8], expect: &[(u64, &str)], texts: usize) {
        let mut lines = Lines::default();
        lines.push(10, text);
        assert_eq!(lines.iter().collect::<Vec<_>>(), expect);
        assert_eq!(lines.0.len(), texts);
    }

    #[test]
    fn lines_have_the_offsets_that_they_have_in_the_log() {
        check(b"", &[], 0);
        check(b"one\ntwo\n", &[(10, "one"), (14, "two")], 1);
        check("\n\né\n\nend".as_bytes(), &[(12, "é"), (16, "end")], 1);
        check(b"\xff", &[(10, "\u{fffd}")], 1);
        check(b"a\n\xff\nb\n", &[(10, "a"), (12, "\u{fffd}"), (14, "b")], 3);
        check(b"\xff\xff\n\n\xc3\n", &[(10, "\u{fffd}\u{fffd}"), (14, "\u{fffd}")], 3);
        check(b"a\nb \xc3\xa9 \xf0\x9f\nc", &[(10, "a"), (12, "b é \u{fffd}"), (20, "c")], 3);
    }

    #[test]
    fn what_begins_anew_has_nothing_of_before() {
        let begin = |inode, size| Begin { inode, size };
        let cases = [
            (begin(1, 10), begin(1, 20), begin(1, 10)), // grew
            (begin(1, 30), begin(1, 20), begin(1, 0)),  // was cut
            (begin(1, 10), begin(2, 20), begin(2, 0)),  // another file
        ];
        for (before, now, expect) in cases {
            assert_eq!(before.after(now), expect, "{before:?}, {now:?}");
        }
    }
}
