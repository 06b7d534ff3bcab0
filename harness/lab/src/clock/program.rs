//! What kind of program a file is, as far as it matters for clocks: read from its first bytes.
//! Nothing is started.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::super::error::{Doing, LabError};

/// How much of a program is read to know what it is.
const HEAD_MAX: u64 = 64 * 1024;

/// The type of the program header that names the loader of libraries.
const PT_INTERP: u64 = 3;

/// What kind of program a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It loads libraries, and asks them for the time.
    Libraries,
    /// It is linked statically.
    Static,
    /// It is a Go program: it may load libraries, yet it never asks them for the time.
    Go,
    /// It is no program of 64 bits, nor a script.
    Other,
}

impl Kind {
    /// The kind of a program, or of the interpreter that a script names, with that interpreter.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of(program: &Path) -> Result<(Self, Option<PathBuf>), LabError> {
        let own = head(program)?;
        let interpreter = interpreter(&own);
        let head = interpreter.as_deref().map_or(Ok(own), head)?;
        let kind = match loads_libraries(&head) {
            Some(_) if is_go(&head) => Self::Go,
            Some(true) => Self::Libraries,
            Some(false) => Self::Static,
            None => Self::Other,
        };
        Ok((kind, interpreter))
    }
}

/// The beginning of a file.
fn head(program: &Path) -> Result<Vec<u8>, LabError> {
    let mut head = Vec::new();
    let read = File::open(program).and_then(|file| file.take(HEAD_MAX).read_to_end(&mut head));
    read.doing(|| format!("read `{}`", program.display()))?;
    Ok(head)
}

/// What the first line of a script names.
fn interpreter(head: &[u8]) -> Option<PathBuf> {
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?;
    line.split_whitespace().next().map(PathBuf::from)
}

/// Whether a program has a loader. None if it is no ELF program of 64 bits, least byte first.
fn loads_libraries(head: &[u8]) -> Option<bool> {
    if !head.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let number = |at: usize, size: usize| {
        let bytes = head.get(at..at.checked_add(size)?)?;
        Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    let (headers, size) = (usize::try_from(number(32, 8)?).ok()?, number(54, 2)? as usize);
    let kind = |place: usize| number(headers.checked_add(place * size)?, 4);
    let count = usize::try_from(number(56, 2)?).ok()?;
    Some((0..count).any(|place| kind(place) == Some(PT_INTERP)))
}

/// Whether a program carries Go's note, which the linker puts near the beginning. Such a program
/// may load libraries, yet it never asks them for the time.
fn is_go(head: &[u8]) -> bool {
    const NOTE: &[u8] = b"\x04\0\0\0Go\0\0"; // the type of the note, and its name
    head.windows(NOTE.len()).any(|window| window == NOTE)
}

#[cfg(test)]
mod tests {
    use super::{interpreter, is_go, loads_libraries};
    use std::path::Path;

    #[test]
    fn programs_and_scripts_are_told_apart() {
        assert_eq!(interpreter(b"#! /bin/sh -e\nexit\n").as_deref(), Some(Path::new("/bin/sh")));
        assert_eq!(interpreter(b"\x7fELF"), None);
        assert!(is_go(b"..\x53\0\0\0\x04\0\0\0Go\0\0id") && !is_go(b"Go\0\0"));
        let mut elf = vec![0; 128];
        elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
        (elf[32], elf[54], elf[56]) = (64, 56, 1);
        assert_eq!(loads_libraries(&elf), Some(false));
        elf[64] = 3;
        assert_eq!(loads_libraries(&elf), Some(true));
        assert_eq!((loads_libraries(&elf[..60]), loads_libraries(b"text")), (Some(false), None));
    }
}
