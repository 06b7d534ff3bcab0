//! The other means to a wrong wall clock: libfaketime, a library that is loaded into programs in
//! front of their C library. Nothing is installed and no program is started here.
//!
//! It is not the default. It reaches programs that load libraries only, steps only (its rates count
//! from the start of each program), and programs that were started with its environment only. A
//! call costs some microseconds, since it looks at its file each time. redis-server with jemalloc
//! waits forever at its start under it; Java's waits return at once.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use fracas_checker::fault::{Measurement, Stage};

use super::super::NodeProcess;
use super::super::error::{Doing, LabError};
use super::super::plain::Place;
use super::super::scratch::scratch;
use super::program::Kind;
use super::proofs::step_by_library;
use super::setting::{Clock, seconds};

/// The form of the library for programs with threads.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// Where libraries are; on many systems one level deeper, in a folder per architecture.
const PLACES: [&str; 4] = ["/usr/local/lib", "/usr/lib", "/usr/lib64", "/lib"];

/// The programs and calls that this mechanism does not reach, beside [`super::LIMITS`]; to be told
/// with every fault.
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
        let text = format!("{}\n", seconds(nanos.unwrap_or_default()));
        replace(&self.file, &text).doing(|| format!("write `{}`", self.file.display()))?;
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = nanos;
        Ok(())
    }
}

/// Whether libfaketime is installed, and the limits that it has even so. To be called inside a
/// world.
///
/// # Errors
/// Why it cannot be used, with how to mend it.
pub fn try_faketime() -> Result<String, LabError> {
    let file = scratch("fracas-doctor");
    let found = Faketime::find(&file);
    // The file is there for this one look only.
    let _gone = fs::remove_file(&file);
    found.map(|_| format!("installed; its limits: {}", FAKETIME_LIMITS.join("; ")))
}

/// Puts a file with this text in the place of another one. It lies where a server may plant links.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let (place, new) = (Place::of(file)?, Place::of(&file.with_extension("new"))?);
    match fs::remove_file(new.path()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // It must not exist, so that no link of that name is followed.
    File::create_new(new.path())?.write_all(text.as_bytes())?;
    fs::rename(new.path(), place.path())
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
    let why = match Kind::of(program)?.0 {
        Kind::Libraries => return Ok(()),
        Kind::Go => "it is a Go program and reads the clock by itself",
        Kind::Static => "it is linked statically and loads no libraries",
        Kind::Other => "it is no program of 64 bits, nor a script",
    };
    Err(LabError::Unavailable {
        what: format!("change the clock of `{}` by libfaketime", program.display()),
        why: why.into(),
        mend: "use the default mechanism".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planted_link_is_replaced_and_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        let (file, victim) = (top.join("faketime"), top.join("victim"));
        fs::write(&victim, "precious").unwrap();
        for name in ["faketime", "faketime.new"] {
            std::os::unix::fs::symlink(&victim, top.join(name)).unwrap();
        }
        replace(&file, "+5").unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        assert!(fs::symlink_metadata(&file).unwrap().is_file());
        assert_eq!(fs::read_to_string(&file).unwrap(), "+5");
    }
}
