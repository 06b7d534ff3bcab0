//! Writing to a terminal or a pipe: results to stdout, everything else to stderr.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use fracas_engine::text::plain_lines;

/// Set once, from the command line.
static QUIET: AtomicBool = AtomicBool::new(false);

/// What a result on stdout looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Text for people to read.
    Text,
    /// One JSON document on one line; several runs give several lines.
    Json,
}

/// The directory of all runs, unless another is named.
pub(crate) const RUNS: &str = "runs";

/// The directory of all runs.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Out {
    /// The directory of all runs.
    #[arg(long, env = "FRACAS_OUT", default_value = RUNS, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

/// The folder of what targets have prepared.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct CacheDir {
    /// The folder of what targets have prepared once on this machine [default: `fracas` in
    /// `$XDG_CACHE_HOME`, else in `~/.cache`].
    #[arg(long, env = "FRACAS_CACHE_DIR", value_name = "DIR")]
    cache_dir: Option<PathBuf>,
}

impl CacheDir {
    /// The folder; none where nothing says which.
    pub(crate) fn dir(&self) -> Option<PathBuf> {
        // As freedesktop.org has it: a path that is not absolute does not count.
        let of = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let usual = || of("XDG_CACHE_HOME").or_else(|| Some(of("HOME")?.join(".cache")));
        self.cache_dir.clone().or_else(|| Some(usual()?.join("fracas")))
    }
}

/// Writes a result to stdout. A closed pipe is not an error, and does not change the exit code:
/// `set -o pipefail; fracas check FILE | head -1` must still tell of an anomaly.
pub fn print(text: &str) {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        tell(&format!("fracas: warning: failed to write the result to stdout: {error}"));
    }
}

/// A JSON document as one line of JSON lines. A line break is between two tokens: within a text it
/// is written as `\\n`.
#[must_use]
pub fn one_line(json: &str) -> String {
    json.lines().map(str::trim_start).collect::<String>() + "\n"
}

/// Writes a line to stderr. Unlike `eprintln!` it does not panic where nobody reads it, as in
/// `fracas run regent 2>&1 | head -1`: a run must not die of that. Whatever the line quotes, nothing
/// invisible is in it.
pub fn tell(line: &str) {
    let _unread = writeln!(io::stderr(), "{}", plain_lines(line));
}

/// Writes a line to stderr that tells how things go, unless `--quiet` was asked for.
pub fn narrate(line: &str) {
    if !quiet() {
        tell(line);
    }
}

/// Whether `--quiet` was asked for.
#[must_use]
pub fn quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Only warnings and errors are written from now on.
pub(crate) fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Tells of an error in the house's form.
pub(crate) fn complain(error: &dyn std::fmt::Display) {
    tell(&format!("fracas: failed to {error}"));
}
