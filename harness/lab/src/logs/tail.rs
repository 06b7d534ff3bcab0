//! The lines that are appended to a log, each with its offset: in linear time, in bounded memory, and
//! never waiting.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;

use super::chunk::{Begin, Chunk, Lines, Look, is_end};
use crate::plain;
use crate::regular::{self, Found};

/// A longer line is cut: no rule needs more, and a target may write without end.
const LONGEST_LINE: usize = 64 * 1024;
/// At most this much is read at once, …
pub const CHUNK: usize = 128 * 1024;
/// … and this much of one log in all.
const MOST_READ: u64 = 4 << 30;
/// Of a log that is further behind than this the middle is left out …
const MOST_BEHIND: u64 = 64 << 20;
/// … but for this much at its end.
const KEPT: u64 = 8 << 20;

/// Follows one log, whether it is there yet or not.
#[derive(Debug)]
pub(crate) struct Tail {
    path: PathBuf,
    open: Option<Open>,
    chunk: Vec<u8>,
    /// The beginning of the line that is not finished yet, and how long all of it is.
    line: Vec<u8>,
    length: u64,
    /// Whether what comes first belongs to a line whose beginning was left out.
    torn: bool,
    read: u64,
}

#[derive(Debug)]
struct Open {
    file: File,
    id: (u64, u64),
    /// Where the unfinished line begins.
    begin: u64,
}

impl Tail {
    /// Follows the file at `path` from its beginning.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            open: None,
            chunk: vec![0; CHUNK],
            line: Vec::new(),
            length: 0,
            torn: false,
            read: 0,
        }
    }

    /// Reads the whole lines that were appended since the look before, at most one chunk.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn look(&mut self) -> io::Result<Chunk> {
        let Some(open) = &mut self.open else { return self.begin() };
        let size = open.file.metadata()?.len();
        let at = open.begin + self.length;
        if size < at {
            return self.begin();
        }
        if size - at > MOST_BEHIND || self.read >= MOST_READ {
            return Ok(Chunk { skipped: self.skip(size), ..Look::More.into() });
        }
        let count = open.file.read_at(&mut self.chunk, at)?;
        if count == 0 {
            return if self.is_replaced() { self.begin() } else { Ok(Look::AtEnd.into()) };
        }
        self.read += count as u64;
        let chunk = std::mem::take(&mut self.chunk);
        let lines = self.split(&chunk[..count]);
        self.chunk = chunk;
        let look = if at + count as u64 >= size { Look::AtEnd } else { Look::More };
        Ok(Chunk { lines, look, skipped: 0 })
    }

    /// How many bytes have not been read yet.
    pub(crate) fn unread(&self) -> u64 {
        let Some(open) = &self.open else { return 0 };
        let size = open.file.metadata().map_or(0, |about| about.len());
        size.saturating_sub(open.begin + self.length)
    }

    /// Opens the file that is at the path now, to read it from its beginning.
    fn begin(&mut self) -> io::Result<Chunk> {
        (self.line, self.length, self.torn) = (Vec::new(), 0, false);
        let before = self.open.take();
        let look = match regular::open(&self.path)? {
            Found::Nothing => Look::AtEnd,
            Found::Else(word) => Look::Refused(word.to_owned()),
            Found::File(file) => {
                let about = file.metadata()?;
                self.open = Some(Open { file, id: (about.dev(), about.ino()), begin: 0 });
                before.map_or(Look::More, |_| Look::Anew(Begin::from(&about)))
            }
        };
        Ok(look.into())
    }

    /// Whether another file is in the place of the open one, as after a rotation.
    fn is_replaced(&self) -> bool {
        let there = plain::about(&self.path).ok().map(|about| (about.dev(), about.ino()));
        there.is_some_and(|there| self.open.as_ref().is_none_or(|open| open.id != there))
    }

    /// Goes on near the end of a file of this size, or at its end if enough was read in all. Returns
    /// the number of bytes left unread.
    fn skip(&mut self, size: u64) -> u64 {
        let Some(open) = &mut self.open else { return 0 };
        let kept = if self.read >= MOST_READ { 0 } else { KEPT };
        let to = size.saturating_sub(kept).max(open.begin + self.length);
        let skipped = to - open.begin;
        (open.begin, self.length, self.torn) = (to, 0, true);
        self.line.clear();
        skipped
    }

    /// The whole lines in the bytes just read; the beginning of an unfinished line is kept.
    fn split(&mut self, mut fresh: &[u8]) -> Lines {
        let mut lines = Lines::default();
        let Some(open) = &mut self.open else { return lines };
        while !fresh.is_empty() {
            let whole = if self.length == 0 && !self.torn { whole(fresh) } else { 0 };
            if whole > 0 {
                lines.push(open.begin, &fresh[..whole]);
                open.begin += whole as u64;
                fresh = &fresh[whole..];
                continue;
            }
            let end = fresh.iter().position(is_end).map(|at| at + 1);
            let (piece, rest) = fresh.split_at(end.unwrap_or(fresh.len()));
            let room = LONGEST_LINE.saturating_sub(self.line.len()).min(piece.len());
            self.line.extend_from_slice(&piece[..room]);
            self.length += piece.len() as u64;
            fresh = rest;
            if end.is_some() {
                if !self.torn {
                    lines.push(open.begin, &self.line);
                }
                open.begin += self.length;
                (self.length, self.torn) = (0, false);
                self.line.clear();
            }
        }
        lines
    }
}

/// The length of the whole lines at the beginning of `text`, none longer than the longest line: those
/// that end within that distance.
fn whole(text: &[u8]) -> usize {
    let near = &text[..text.len().min(LONGEST_LINE + 1)];
    near.iter().rposition(is_end).map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::time::{Duration, Instant};

    use super::*;

    /// Everything up to the end of a log: lines with their offsets, states, and bytes left unread.
    #[derive(Debug, Default)]
    struct All {
        lines: Vec<(u64, String)>,
        looks: Vec<Look>,
        skipped: u64,
    }

    fn all(tail: &mut Tail) -> All {
        let mut all = All::default();
        loop {
            let Chunk { lines, look, skipped } = tail.look().unwrap();
            all.lines.extend(lines.iter().map(|(at, line)| (at, line.to_owned())));
            all.skipped += skipped;
            let goes_on = matches!(look, Look::More | Look::Anew(_));
            if look != Look::More {
                all.looks.push(look);
            }
            if !goes_on {
                return all;
            }
        }
    }

    #[track_caller]
    fn check(tail: &mut Tail, expect: &[(u64, &str)]) -> All {
        let found = all(tail);
        let lines: Vec<(u64, &str)> =
            found.lines.iter().map(|(at, line)| (*at, line.as_str())).collect();
        assert_eq!(lines, expect);
        found
    }

    #[test]
    fn lines_come_whole_and_with_their_offset() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut tail = Tail::new(path.clone());
        check(&mut tail, &[]);
        let mut file = File::create(&path).unwrap();
        file.write_all(b"one\ntw").unwrap();
        check(&mut tail, &[(0, "one")]);
        file.write_all(b"o\n\n\xffthree\n").unwrap();
        check(&mut tail, &[(4, "two"), (9, "\u{fffd}three")]);
        check(&mut tail, &[]);
    }

    #[test]
    fn a_rotated_and_a_cut_log_are_followed_on() {
        let dir = tempfile::tempdir().unwrap();
        let (path, old) = (dir.path().join("log"), dir.path().join("log.1"));
        let mut tail = Tail::new(path.clone());
        fs::write(&path, "a\n").unwrap();
        check(&mut tail, &[(0, "a")]);
        let mut writer = File::options().append(true).open(&path).unwrap();
        fs::rename(&path, &old).unwrap();
        writer.write_all(b"last\n").unwrap();
        check(&mut tail, &[(2, "last")]);
        fs::write(&path, "b\nhalf").unwrap();
        let rotated = check(&mut tail, &[(0, "b")]);
        assert!(matches!(rotated.looks[0], Look::Anew(Begin { size: 6, .. })), "{rotated:?}");
        fs::write(&path, "c\n").unwrap();
        let cut = check(&mut tail, &[(0, "c")]);
        assert!(matches!(cut.looks[0], Look::Anew(Begin { size: 2, .. })), "{cut:?}");
        assert_eq!((rotated.skipped, cut.skipped, tail.unread()), (0, 0, 0));
    }

    #[test]
    fn a_line_without_end_is_cut_and_its_rest_is_no_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut text = vec![b'x'; LONGEST_LINE * 5];
        text.extend(b"won generation=7\nnext\n");
        fs::write(&path, text).unwrap();
        let mut tail = Tail::new(path);
        let lines = all(&mut tail).lines;
        assert_eq!(lines[0].1, "x".repeat(LONGEST_LINE));
        assert_eq!((lines[1].1.as_str(), lines.len()), ("next", 2));
        assert!(tail.line.capacity() <= 2 * LONGEST_LINE);
    }

    /// A line is the same wherever it stands in a chunk, and however long it is.
    #[test]
    fn lines_are_the_same_wherever_they_stand() {
        let lengths = [0, 1, 71, 0, LONGEST_LINE - 1, LONGEST_LINE, LONGEST_LINE + 1, 3]
            .into_iter()
            .chain([CHUNK - LONGEST_LINE, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 9]);
        let mut lines: Vec<Vec<u8>> = lengths.map(|length| vec![b'x'; length]).collect();
        lines.extend([b"caf\xc3\xa9".to_vec(), b"caf\xe9".to_vec(), vec![0xff; LONGEST_LINE + 2]]);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        for _ in 0..lines.len() {
            lines.rotate_left(1);
            fs::write(&path, [&lines.join(&b'\n')[..], b"\n"].concat()).unwrap();
            let (mut expect, mut offset) = (Vec::new(), 0);
            for line in &lines {
                let cut = String::from_utf8_lossy(&line[..line.len().min(LONGEST_LINE)]);
                expect.extend((!line.is_empty()).then(|| (offset, cut.into_owned())));
                offset += line.len() as u64 + 1;
            }
            let lengths: Vec<usize> = lines.iter().map(Vec::len).collect();
            assert!(all(&mut Tail::new(path.clone())).lines == expect, "{lengths:?}");
        }
    }

    #[test]
    fn what_is_no_regular_file_is_refused_by_name() {
        let mut tail = Tail::new(PathBuf::from("/dev/zero"));
        assert_eq!(check(&mut tail, &[]).looks, [Look::Refused("a device".to_owned())]);
    }

    #[test]
    fn the_middle_of_a_log_that_is_far_behind_is_left_out_and_counted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let size = MOST_BEHIND + (1 << 20);
        let file = File::create(&path).unwrap();
        file.set_len(size).unwrap();
        let mut tail = Tail::new(path.clone());
        File::options().append(true).open(&path).unwrap().write_all(b"\nlast\n").unwrap();
        assert_eq!(check(&mut tail, &[(size + 1, "last")]).skipped, size + 6 - KEPT);
        assert_eq!(check(&mut tail, &[]).skipped, 0);
    }

    #[test]
    fn a_look_reads_a_chunk_and_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        fs::write(&path, "line\n".repeat(CHUNK)).unwrap();
        let mut tail = Tail::new(path);
        assert_eq!(tail.look().unwrap(), Look::More.into());
        assert_eq!(tail.unread(), 5 * CHUNK as u64);
        let chunk = tail.look().unwrap();
        assert_eq!((chunk.lines.iter().count(), chunk.look), (CHUNK / 5, Look::More));
        assert_eq!(tail.unread(), 4 * CHUNK as u64);
    }

    #[test]
    fn many_short_lines_take_linear_time() {
        let dir = tempfile::tempdir().unwrap();
        let took = |bytes: usize| {
            let path = dir.path().join(format!("log{bytes}"));
            fs::write(&path, vec![b'\n'; bytes]).unwrap();
            let begun = Instant::now();
            check(&mut Tail::new(path), &[]);
            begun.elapsed()
        };
        let (small, large) = (took(500_000), took(4_000_000));
        assert!(large < small * 40 + Duration::from_millis(500), "{small:?}, {large:?}");
    }
}
