//! The lines that are appended to a log, each with its offset: in linear time, in bounded memory, and
//! never waiting. It does not know what a line means.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use fracas_lab::plain;
use fracas_lab::regular::{self, Found};

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
pub struct Tail {
    path: PathBuf,
    open: Option<Open>,
    chunk: Vec<u8>,
    /// The beginning of the line that is not finished yet, and how long all of it is.
    line: Vec<u8>,
    length: u64,
    /// Whether what comes first belongs to a line whose beginning was left out.
    torn: bool,
    read: u64,
    skipped: u64,
}

#[derive(Debug)]
struct Open {
    file: File,
    id: (u64, u64),
    /// Where the unfinished line begins.
    begin: u64,
}

/// What a look at a log found.
#[derive(Debug, PartialEq, Eq)]
pub enum Look {
    /// All that was written has been read.
    AtEnd,
    /// There is more.
    More,
    /// It begins anew: it was cut, or another file is in its place, of this identity and size.
    Anew(Begin),
    /// It is no regular file, and not read.
    Refused(&'static str),
}

/// Which file a log is, and how much of it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Begin {
    /// The inode; 0 if there is no file.
    pub inode: u64,
    /// How many bytes it has.
    pub size: u64,
}

impl Begin {
    /// What is at `path` now.
    #[must_use]
    pub fn of(path: &Path) -> Self {
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

impl Tail {
    /// Follows the file at `path` from its beginning.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            open: None,
            chunk: vec![0; CHUNK],
            line: Vec::new(),
            length: 0,
            torn: false,
            read: 0,
            skipped: 0,
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Hands over the whole lines that were appended since, as far as one look reads them.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn look(&mut self, line: &mut impl FnMut(u64, &str)) -> io::Result<Look> {
        let Some(open) = &mut self.open else { return self.begin() };
        let size = open.file.metadata()?.len();
        let at = open.begin + self.length;
        if size < at {
            return self.begin();
        }
        if size - at > MOST_BEHIND || self.read >= MOST_READ {
            self.skip(size);
            return Ok(Look::More);
        }
        open.file.seek(SeekFrom::Start(at))?;
        let count = open.file.read(&mut self.chunk)?;
        if count == 0 {
            return if self.is_replaced() { self.begin() } else { Ok(Look::AtEnd) };
        }
        self.read += count as u64;
        let chunk = std::mem::take(&mut self.chunk);
        self.split(&chunk[..count], line);
        self.chunk = chunk;
        Ok(if at + count as u64 >= size { Look::AtEnd } else { Look::More })
    }

    /// How many bytes were left out since this was last asked.
    pub fn skipped(&mut self) -> u64 {
        std::mem::take(&mut self.skipped)
    }

    /// Leaves out all that has not been read yet.
    pub fn give_up(&mut self) {
        let Some(open) = &self.open else { return };
        let size = open.file.metadata().map_or(0, |about| about.len());
        self.skipped += size.saturating_sub(open.begin + self.length);
        self.open = None;
    }

    /// Opens what is there now, and reads it from its beginning.
    fn begin(&mut self) -> io::Result<Look> {
        (self.line, self.length, self.torn) = (Vec::new(), 0, false);
        let before = self.open.take();
        match regular::open(&self.path)? {
            Found::Nothing => Ok(Look::AtEnd),
            Found::Else(word) => Ok(Look::Refused(word)),
            Found::File(file) => {
                let about = file.metadata()?;
                self.open = Some(Open { file, id: (about.dev(), about.ino()), begin: 0 });
                let anew = before.map(|_| Look::Anew(Begin::from(&about)));
                Ok(anew.unwrap_or(Look::More))
            }
        }
    }

    /// Whether another file is in the place of the open one, as after a rotation.
    fn is_replaced(&self) -> bool {
        let there = plain::about(&self.path).ok().map(|about| (about.dev(), about.ino()));
        there.is_some_and(|there| self.open.as_ref().is_none_or(|open| open.id != there))
    }

    /// Goes on near the end of a file of this size, or at its end if enough was read in all.
    fn skip(&mut self, size: u64) {
        let Some(open) = &mut self.open else { return };
        let kept = if self.read >= MOST_READ { 0 } else { KEPT };
        let to = size.saturating_sub(kept).max(open.begin + self.length);
        self.skipped += to - open.begin;
        (open.begin, self.length, self.torn) = (to, 0, true);
        self.line.clear();
    }

    fn split(&mut self, fresh: &[u8], line: &mut impl FnMut(u64, &str)) {
        let Some(open) = &mut self.open else { return };
        for piece in fresh.split_inclusive(|byte| *byte == b'\n') {
            let room = LONGEST_LINE.saturating_sub(self.line.len()).min(piece.len());
            self.line.extend_from_slice(&piece[..room]);
            self.length += piece.len() as u64;
            if !piece.ends_with(b"\n") {
                continue;
            }
            let text = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
            if !text.is_empty() && !std::mem::take(&mut self.torn) {
                line(open.begin, &String::from_utf8_lossy(text));
            }
            open.begin += self.length;
            (self.length, self.torn) = (0, false);
            self.line.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::time::{Duration, Instant};

    use super::*;

    /// All lines up to the end, with their offsets, and what else was found.
    fn all(tail: &mut Tail) -> (Vec<(u64, String)>, Vec<Look>) {
        let (mut lines, mut looks) = (Vec::new(), Vec::new());
        loop {
            let look = tail.look(&mut |at, line| lines.push((at, line.to_owned()))).unwrap();
            let goes_on = matches!(look, Look::More | Look::Anew(_));
            if look != Look::More {
                looks.push(look);
            }
            if !goes_on {
                return (lines, looks);
            }
        }
    }

    #[track_caller]
    fn check(tail: &mut Tail, expect: &[(u64, &str)]) -> Vec<Look> {
        let (lines, looks) = all(tail);
        let lines: Vec<(u64, &str)> = lines.iter().map(|(at, line)| (*at, line.as_str())).collect();
        assert_eq!(lines, expect);
        looks
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
        let looks = check(&mut tail, &[(0, "b")]);
        assert!(matches!(looks[0], Look::Anew(Begin { size: 6, .. })), "{looks:?}");
        fs::write(&path, "c\n").unwrap();
        check(&mut tail, &[(0, "c")]);
        assert_eq!(tail.skipped(), 0);
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

    #[test]
    fn a_line_without_end_is_cut_and_its_rest_is_no_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut text = vec![b'x'; LONGEST_LINE * 5];
        text.extend(b"won generation=7\nnext\n");
        fs::write(&path, text).unwrap();
        let mut tail = Tail::new(path);
        let (lines, _) = all(&mut tail);
        assert_eq!(lines[0].1, "x".repeat(LONGEST_LINE));
        assert_eq!((lines[1].1.as_str(), lines.len()), ("next", 2));
        assert!(tail.line.capacity() <= 2 * LONGEST_LINE);
    }

    #[test]
    fn what_is_no_regular_file_is_refused_by_name() {
        let mut tail = Tail::new(PathBuf::from("/dev/zero"));
        assert_eq!(check(&mut tail, &[]), [Look::Refused("a device")]);
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
        check(&mut tail, &[(size + 1, "last")]);
        assert_eq!(tail.skipped(), size + 6 - KEPT);
        assert_eq!(tail.skipped(), 0);
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
