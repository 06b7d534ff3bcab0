//! Which programs the processes of a node execute: read from `/proc`, and held against a file.
//!
//! A script is executed by its interpreter, and may become another program before anybody looks. Of
//! it the command line tells, or else that the node was started with it: that is weaker, and said.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use fracas_checker::fault::Measurement;

use crate::error::{Doing, LabError};
use crate::node::NodeProcess;

/// How much of a command line is read.
const LINE_MAX: u64 = 64 << 10;
/// How many characters of a path are told.
const PATH_MAX: usize = 200;
/// What a script begins with.
const SCRIPT: &[u8] = b"#!";

/// What a process executes.
struct Program {
    /// The file, as its path is seen from here.
    path: PathBuf,
    /// Device and inode number of the file.
    file: (u64, u64),
    /// The arguments, each ended by a zero byte.
    line: Vec<u8>,
}

impl Program {
    /// That of a process; none if it has ended.
    fn of(pid: i32) -> Option<Self> {
        let link = format!("/proc/{pid}/exe");
        let metadata = fs::metadata(&link).ok()?;
        let mut line = Vec::new();
        File::open(format!("/proc/{pid}/cmdline"))
            .ok()?
            .take(LINE_MAX)
            .read_to_end(&mut line)
            .ok()?;
        let file = (metadata.dev(), metadata.ino());
        Some(Self { path: fs::read_link(link).ok()?, file, line })
    }

    /// Whether the path is one of its arguments.
    fn names(&self, path: &Path) -> bool {
        self.line.split(|byte| *byte == 0).any(|word| OsStr::from_bytes(word) == path.as_os_str())
    }
}

/// Measures that a node runs the program of this path, whatever its processes are called.
pub(crate) fn proof(node: &NodeProcess, path: &Path) -> Result<Measurement, LabError> {
    let doing = || format!("tell what node {} runs", node.node());
    let programs: Vec<Program> = node.members()?.into_iter().filter_map(Program::of).collect();
    let metadata = fs::metadata(path).doing(doing)?;
    let file = (metadata.dev(), metadata.ino());
    let executed = programs.iter().any(|program| program.file == file);
    let named = programs.iter().any(|program| program.names(path));
    let started = is_script(path).doing(doing)? && node.was_started_as(path);
    let how = match (executed, named, started && !programs.is_empty()) {
        (true, ..) => Some("executed"),
        (_, true, _) => Some("an argument of a process"),
        (.., true) => Some("a script with which the node was started"),
        _ => None,
    };
    let first = programs.first().map_or("no program".to_owned(), |program| told(&program.path));
    Ok(Measurement {
        what: format!("program of {}: {}", node.node(), told(path)),
        result: format!("{}; the node runs {first}", how.unwrap_or("not run")),
        holds: how.is_some(),
    })
}

fn is_script(path: &Path) -> io::Result<bool> {
    let mut begin = Vec::new();
    File::open(path)?.take(SCRIPT.len() as u64).read_to_end(&mut begin)?;
    Ok(begin == SCRIPT)
}

/// A path, bounded.
fn told(path: &Path) -> String {
    path.display().to_string().chars().take(PATH_MAX).collect()
}
