//! The other means to a wrong wall clock: libfaketime, a library that is loaded into programs in
//! front of their C library. Nothing is installed and no program is started here.
//!
//! It is not the default. It reaches programs that load libraries only, steps only (its rates count
//! from the start of each program), and programs that were started with its environment only. A
//! call costs some microseconds, since it looks at its file each time. redis-server with jemalloc
//! waits forever at its start under it; Java's waits return at once.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use fracas_checker::fault::{Measurement, Stage};

use super::super::NodeProcess;
use super::super::error::{Doing, LabError};
use super::proofs::step_by_library;
use super::setting::{Clock, seconds};

/// The form of the library for programs with threads.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// Where libraries are; on many systems one level deeper, in a folder per architecture.
const PLACES: [&str; 4] = ["/usr/local/lib", "/usr/lib", "/usr/lib64", "/lib"];

/// How much of a program is read to know what it is.
const HEAD_MAX: u64 = 64 * 1024;

/// The type of the program header that names the loader of libraries.
const PT_INTERP: u64 = 3;

/// What it does not reach, beside [`super::LIMITS`], to be told with every fault.
pub const FAKETIME_LIMITS: [&str; 4] = [
    "statically linked programs, and all of Go, see the true time",
    "steps only: no drift, no strobe, no freeze",
    "redis-server with jemalloc does not start under it; Java's timed waits return at once",
    "each call of the clock costs some microseconds",
];

/// A wrong wall clock for the programs that get its environment.
#[derive(Debug)]
pub struct Faketime {
    library: PathBuf,
    file: PathBuf,
    asked: Mutex<Option<i64>>,
}

impl Faketime {
    /// Finds the library, and makes the file `file` with a true clock.
    ///
    /// # Errors
    /// If the library is not installed, or the file cannot be written.
    pub fn find(file: &Path) -> Result<Self, LabError> {
        let library = library().ok_or_else(|| LabError::Unavailable {
            what: "change clocks by libfaketime".into(),
            why: format!("`{LIBRARY}` is not in {}", PLACES.join(", ")),
            mend: "install the package `libfaketime`, or use the default mechanism".into(),
        })?;
        let made = Self { library, file: file.to_owned(), asked: Mutex::default() };
        made.show(None)?;
        Ok(made)
    }

    /// The environment with which `program` must be started.
    ///
    /// # Errors
    /// If the program loads no libraries, so that nothing would come of it.
    pub fn environment(&self, program: &Path) -> Result<BTreeMap<String, String>, LabError> {
        must_load_libraries(program)?;
        let path = |path: &Path| path.display().to_string();
        let variables = [
            ("LD_PRELOAD", path(&self.library)),
            ("FAKETIME_TIMESTAMP_FILE", path(&self.file)),
            ("FAKETIME_NO_CACHE", "1".to_owned()), // else a change is seen seconds later
            ("DONT_FAKE_MONOTONIC", "1".to_owned()), // else that clock shows the time since 1970
        ];
        Ok(variables.map(|(name, value)| (name.to_owned(), value)).into())
    }

    /// Makes the clock wrong, from the next call on.
    ///
    /// # Errors
    /// If `clock` is no step, or the file cannot be written.
    pub fn set(&self, clock: Clock) -> Result<(), LabError> {
        match clock {
            Clock::Step { nanos } => self.show(Some(nanos)),
            other => Err(LabError::Asked(format!(
                "set a clock {other} by libfaketime: expected a step, it can do nothing else"
            ))),
        }
    }

    /// Makes the clock right, from the next call on.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn heal(&self) -> Result<(), LabError> {
        self.show(None)
    }

    /// Measures the clock of a node that was started with the environment.
    ///
    /// # Errors
    /// If the clock cannot be read.
    pub fn prove(&self, node: &mut NodeProcess, stage: Stage) -> Result<Measurement, LabError> {
        let asked = *self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        step_by_library(node, stage, asked)
    }

    /// Writes the file anew; a half-written one is never seen.
    fn show(&self, nanos: Option<i64>) -> Result<(), LabError> {
        let new = self.file.with_extension("new");
        let written = fs::write(&new, format!("{}\n", seconds(nanos.unwrap_or_default())));
        let moved = written.and_then(|()| fs::rename(&new, &self.file));
        moved.doing(|| format!("write `{}`", self.file.display()))?;
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = nanos;
        Ok(())
    }
}

/// Looks for the library.
fn library() -> Option<PathBuf> {
    let deeper = |place: &str| {
        let entries = fs::read_dir(place).into_iter().flatten();
        let mut paths: Vec<PathBuf> = entries.filter_map(|it| Some(it.ok()?.path())).collect();
        paths.sort();
        paths
    };
    let all = PLACES.iter().flat_map(|place| [vec![PathBuf::from(place)], deeper(place)].concat());
    all.map(|folder| folder.join(LIBRARY)).find(|path| path.is_file())
}

/// Fails unless a program, or the interpreter that a script names, loads libraries.
fn must_load_libraries(program: &Path) -> Result<(), LabError> {
    let head = head(program)?;
    let head = match interpreter(&head) {
        Some(path) => self::head(&path)?,
        None => head,
    };
    let why = match loads_libraries(&head) {
        Some(true) if is_go(&head) => "it is a Go program and reads the clock by itself",
        Some(true) => return Ok(()),
        Some(false) => "it is linked statically and loads no libraries",
        None => "it is no program of 64 bits, nor a script",
    };
    Err(LabError::Unavailable {
        what: format!("change the clock of `{}` by libfaketime", program.display()),
        why: why.into(),
        mend: "use the default mechanism".into(),
    })
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
