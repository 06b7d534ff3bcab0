//! The last lines that a server wrote.
//!
//! A log may be huge, may be no file at all, and may hold what earlier lives of the server wrote:
//! only the end of a regular file is read, and nothing before the offset that the caller names.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use crate::regular::{self, Found};

/// At most this much of the end of a log is read.
const TAIL: u64 = 64 * 1024;
/// So many characters of each line are kept.
const WIDTH: usize = 480;

/// The last lines of a log from the byte `from` on, the last `count` of those with text. Empty
/// where `path` is no regular file or cannot be read.
pub(crate) fn of(path: &Path, from: u64, count: usize) -> Vec<String> {
    let text = end(path, from).unwrap_or_else(|error| {
        tracing::debug!(path = %path.display(), %error, "a log could not be read");
        String::new()
    });
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(count)..];
    last.iter().map(|line| line.chars().take(WIDTH).collect()).collect()
}

/// The end of a regular file. A pipe would wait for its writer for ever, so it is not opened.
fn end(path: &Path, from: u64) -> io::Result<String> {
    let Found::File(mut file) = regular::open(path)? else { return Ok(String::new()) };
    let begin = from.max(file.metadata()?.len().saturating_sub(TAIL));
    file.seek(SeekFrom::Start(begin))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    // What was cut within a line is not a line.
    if begin > from
        && let Some(newline) = bytes.iter().position(|byte| *byte == b'\n')
    {
        bytes.drain(..=newline);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[track_caller]
    fn check(text: &[u8], from: u64, expect: &[&str]) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        fs::write(&path, text).unwrap();
        assert_eq!(of(&path, from, 2), expect);
    }

    #[test]
    fn the_last_lines_are_those_with_text() {
        check(b"a\nb\n\nc", 0, &["b", "c"]);
        check(b"", 0, &[]);
        check(b"\xff\n", 0, &["\u{fffd}"]);
    }

    #[test]
    fn what_an_earlier_life_wrote_is_left_out() {
        check(b"panic\nstarted\n", 6, &["started"]);
        check(b"panic\n", 6, &[]);
    }

    #[test]
    fn the_end_of_a_huge_log_is_its_end() {
        let mut text = vec![b'x'; 3 << 20];
        text.extend(b"\nlast but one\nlast\n");
        check(&text, 0, &["last but one", "last"]);
        check(&vec![b'y'; 3 << 20], 0, &["y".repeat(WIDTH).as_str()]);
    }

    #[test]
    fn what_is_no_file_has_no_lines() {
        let dir = tempfile::tempdir().unwrap();
        assert!(of(dir.path(), 0, 2).is_empty());
        assert!(of(&dir.path().join("missing"), 0, 2).is_empty());
    }
}
