//! The run directory: where everything of a run is kept.
//!
//! ```text
//! runs/20261120-174512-regent-register-7041776/
//!   run.json  schedule.json  history.jsonl  nodes/n1/…  results.json  report.html  junit.xml  summary.md
//! runs/latest -> …
//! ```

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use fracas_reports::RunRecord;
use fracas_targets::nearest;

use fracas_lab::leftovers::Identity;

/// The name of the link to the newest run.
pub const LATEST: &str = "latest";
/// The word for the newest run that found an anomaly, or whose target broke before testing.
pub const LATEST_FAILURE: &str = "latest-failure";
/// A file that keeps room on the disk for the end of a run, and how much.
const RESERVE: &str = ".reserve";
const RESERVED: usize = 1 << 20;
/// What is left of a run of which only the result is kept.
const KEPT: [&str; 3] = ["run.json", "results.json", "supervisor.json"];
/// How many runs of one second and seed may exist side by side.
const MOST_NAMESAKES: u32 = 1_000;

/// The users that may look into the directory of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Readers {
    /// The user who made it, alone: text of servers may be secret, and no other user can plant a
    /// file.
    #[default]
    Owner,
    /// Whoever may by the mask of that user (`umask`).
    Everyone,
}

impl Readers {
    /// Everyone if it is shared.
    #[must_use]
    pub fn when(shared: bool) -> Self {
        if shared { Self::Everyone } else { Self::Owner }
    }
}

/// One run's directory.
#[derive(Debug, Clone)]
pub struct RunDir {
    path: PathBuf,
}

/// A failure to keep or find a run.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file operation was refused.
    #[error("{attempt} `{path}`: {error}")]
    Io {
        /// What was tried.
        attempt: &'static str,
        /// On what.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// No run of that name.
    #[error(
        "find the run `{name}` in `{out}`: expected `latest`, `latest-failure`, the name of a run or its beginning, or a path; {hint}"
    )]
    NoRun {
        /// What was asked for.
        name: String,
        /// Where it was looked for.
        out: PathBuf,
        /// What is there instead.
        hint: String,
    },
    /// A record cannot be read.
    #[error("read `{path}`: {error}")]
    Record {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: serde_json::Error,
    },
}

/// Adds what was tried to an I/O error.
fn failed<'a>(attempt: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> StoreError + 'a {
    move |error| StoreError::Io { attempt, path: path.to_owned(), error }
}

impl RunDir {
    /// Makes the directory `out/STAMP-name`, and points `out/latest` at it.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn create(out: &Path, name: &str, readers: Readers) -> Result<Self, StoreError> {
        fs::create_dir_all(out).map_err(failed("make directory", out))?;
        let out = out.canonicalize().map_err(failed("find directory", out))?;
        let stem = format!("{}-{name}", compact(SystemTime::now()));
        let path = fresh(&out, &stem, readers)?;
        let reserve = path.join(RESERVE);
        fs::write(&reserve, vec![0; RESERVED]).map_err(failed("write", &reserve))?;
        point_latest(&out, &path)?;
        Ok(Self { path })
    }

    /// The run that `name` means: a path, `latest`, `latest-failure`, or the beginning of a run's name
    /// in `out`.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(out: &Path, name: &str) -> Result<Self, StoreError> {
        let direct = PathBuf::from(name);
        if direct.join("run.json").is_file() {
            return Ok(Self { path: direct });
        }
        let is_meant = |run: &Self| match name {
            LATEST_FAILURE => run.has_failed(),
            _ => run.id().starts_with(name),
        };
        let newest = list(out)?.into_iter().rev().find(is_meant);
        let latest = out.join(name);
        if latest.join("run.json").is_file() {
            let path = latest.canonicalize().map_err(failed("follow link", &latest))?;
            return Ok(Self { path });
        }
        newest.ok_or_else(|| StoreError::NoRun {
            name: name.to_owned(),
            out: out.to_owned(),
            hint: what_is_there(out, name),
        })
    }

    /// Whether its verdict is an anomaly, or that its target broke before testing.
    fn has_failed(&self) -> bool {
        let text = fs::read_to_string(self.file("results.json")).unwrap_or_default();
        let results: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        matches!(results["verdict"].as_str(), Some("anomaly" | "error"))
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory that holds this run and its like, which no server may see; this run's own where
    /// that is the root of the machine.
    #[must_use]
    pub fn evidence(&self) -> &Path {
        self.path.parent().filter(|out| out.parent().is_some()).unwrap_or(&self.path)
    }

    /// A file in it.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The name of the run.
    #[must_use]
    pub fn id(&self) -> String {
        self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Writes a file so that it is either the old or the new one, never half of it. A link of that
    /// name is replaced, never followed.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<(), StoreError> {
        write(&self.path, name, text)
    }

    /// Frees the disk space that was reserved for the files that are written after a run: its end
    /// must be told on a full disk, too.
    pub fn use_reserve(&self) {
        let _gone = fs::remove_file(self.file(RESERVE));
    }

    /// Removes everything of it but what tells how it ended: the files that an index of many nights reads.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn strip(&self) -> Result<(), StoreError> {
        let read = failed("read directory", &self.path);
        for entry in fs::read_dir(&self.path).map_err(read)?.filter_map(Result::ok) {
            let path = entry.path();
            if KEPT.iter().any(|name| entry.file_name() == *name) {
                continue;
            }
            let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let gone = if is_dir { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            gone.map_err(failed("remove", &path))?;
        }
        Ok(())
    }

    /// Removes it. No link in it is followed.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn remove(&self) -> Result<(), StoreError> {
        fs::remove_dir_all(&self.path).map_err(failed("remove", &self.path))
    }

    /// Writes `run.json`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_record(&self, record: &RunRecord) -> Result<(), StoreError> {
        let text = serde_json::to_string_pretty(record)
            .map_err(|error| StoreError::Record { path: self.file("run.json"), error })?;
        self.write("run.json", &text)
    }

    /// Notes which process answers for this run.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_supervisor(&self, supervisor: Identity) -> Result<(), StoreError> {
        let text = serde_json::to_string(&supervisor)
            .map_err(|error| StoreError::Record { path: self.file("supervisor.json"), error })?;
        self.write("supervisor.json", &text)
    }

    /// The process that answers for this run, if it was noted.
    #[must_use]
    pub fn supervisor(&self) -> Option<Identity> {
        serde_json::from_str(&fs::read_to_string(self.file("supervisor.json")).ok()?).ok()
    }

    /// The verdict in `results.json`, if the run was judged.
    #[must_use]
    pub fn verdict(&self) -> Option<String> {
        let text = fs::read_to_string(self.file("results.json")).ok()?;
        let results: serde_json::Value = serde_json::from_str(&text).ok()?;
        Some(results.get("verdict")?.as_str()?.to_owned())
    }

    /// Whether the process that answers for this run lives.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.supervisor().is_some_and(|supervisor| supervisor.lives())
    }

    /// Reads `run.json`.
    ///
    /// # Errors
    /// When it is missing or not a run record.
    pub fn record(&self) -> Result<RunRecord, StoreError> {
        let path = self.file("run.json");
        let text = fs::read_to_string(&path).map_err(failed("read", &path))?;
        serde_json::from_str(&text).map_err(|error| StoreError::Record { path, error })
    }
}

/// Writes a file in a directory so that it is either the old or the new one, never half of it. A link
/// of that name is replaced, never followed.
///
/// # Errors
/// When it cannot be written.
pub fn write(dir: &Path, name: &str, text: &str) -> Result<(), StoreError> {
    let (path, partial) = (dir.join(name), dir.join(format!(".{name}.partial")));
    match fs::remove_file(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed("remove", &partial)(error));
        }
        _ => {}
    }
    // It must not exist, so that no link of that name is followed.
    let written = File::create_new(&partial).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(failed("write", &partial))?;
    fs::rename(&partial, &path).map_err(failed("write", &path))
}

/// What may have been meant by a name that is not the name of a run.
fn what_is_there(out: &Path, name: &str) -> String {
    let path = Path::new(name);
    let inside = path.ancestors().find(|above| above.join("run.json").is_file());
    if let Some(run) = inside {
        return format!("`{name}` is in the run `{}`: name that one", run.display());
    }
    if list(path).is_ok_and(|runs| !runs.is_empty()) {
        let latest = path.join(LATEST);
        return format!("`{name}` holds runs: name one of them, such as `{}`", latest.display());
    }
    if path.exists() {
        return format!("`{name}` exists, but it has no `run.json`");
    }
    let ids: Vec<String> = list(out).unwrap_or_default().iter().map(RunDir::id).collect();
    let names = ids.iter().map(String::as_str).chain([LATEST]);
    match (nearest(name, names), ids.last()) {
        (_, None) => "there are no runs yet".to_owned(),
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, Some(newest)) => format!("the newest is `{newest}`"),
    }
}

/// All runs in `out`, oldest first, by their absolute paths: that is how their processes are marked.
///
/// # Errors
/// When the directory cannot be read. A missing directory holds no runs.
pub fn list(out: &Path) -> Result<Vec<RunDir>, StoreError> {
    let out = match out.canonicalize() {
        Ok(out) => out,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("find directory", out)(error)),
    };
    let entries = fs::read_dir(&out).map_err(failed("read directory", &out))?;
    let mut runs: Vec<RunDir> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name() != LATEST)
        .map(|entry| RunDir { path: entry.path() })
        .filter(|run| run.file("run.json").is_file())
        .collect();
    runs.sort_by_key(RunDir::id);
    Ok(runs)
}

/// Makes a directory that did not exist: two runs may start in the same second.
fn fresh(out: &Path, stem: &str, readers: Readers) -> Result<PathBuf, StoreError> {
    let mode = match readers {
        Readers::Owner => 0o700,
        Readers::Everyone => 0o777,
    };
    for number in 1..=MOST_NAMESAKES {
        let name = if number == 1 { stem.to_owned() } else { format!("{stem}.{number}") };
        let path = out.join(name);
        match DirBuilder::new().mode(mode).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed("make directory", &path)(error)),
        }
    }
    let error = io::Error::from(io::ErrorKind::AlreadyExists);
    Err(failed("make directory", &out.join(stem))(error))
}

/// Points `out/latest` at `path`, replacing an older link in one step.
fn point_latest(out: &Path, path: &Path) -> Result<(), StoreError> {
    let name = path.file_name().unwrap_or_default();
    // In the run's own directory: two runs may do this at once, each as process 1 of its world.
    let partial = path.join(format!(".{LATEST}"));
    symlink(name, &partial).map_err(failed("link", &partial))?;
    let latest = out.join(LATEST);
    fs::rename(&partial, &latest).map_err(failed("link", &latest))
}

/// `20261120-174512`, in UTC.
fn compact(time: SystemTime) -> String {
    rfc3339(time)
        .chars()
        .filter(|c| !"-:Z".contains(*c))
        .take(15)
        .collect::<String>()
        .replace('T', "-")
}

/// A moment as `2026-11-20T17:45:12Z`.
#[must_use]
pub fn rfc3339(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The date of a day counted from 1970-01-01, in the Gregorian calendar.
///
/// Counts from 1 March of the year 0, so that the leap day is the last day of a year; a cycle of
/// 400 years has 146,097 days.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use super::*;

    #[track_caller]
    fn check(seconds: u64, expected: &str) {
        assert_eq!(rfc3339(UNIX_EPOCH + Duration::from_secs(seconds)), expected);
    }

    #[test]
    fn moments_are_written_as_dates() {
        check(0, "1970-01-01T00:00:00Z");
        check(951_782_400, "2000-02-29T00:00:00Z");
        check(1_795_225_512, "2026-11-21T01:45:12Z");
        check(4_107_542_399, "2100-02-28T23:59:59Z");
        check(4_107_542_400, "2100-03-01T00:00:00Z");
    }

    #[test]
    fn latest_follows_the_newest_run_and_prefixes_find_runs() {
        let out = tempfile::tempdir().unwrap();
        let first = RunDir::create(out.path(), "a", Readers::Owner).unwrap();
        let second = RunDir::create(out.path(), "a", Readers::Owner).unwrap();
        assert_ne!(first.path(), second.path());
        for run in [&first, &second] {
            run.write("run.json", "{}").unwrap();
        }
        assert_eq!(RunDir::find(out.path(), LATEST).unwrap().id(), second.id());
        assert_eq!(
            RunDir::find(out.path(), &first.id()).unwrap().id(),
            second.id().replace(".2", "")
        );
        assert!(
            RunDir::find(out.path(), "zebra").unwrap_err().to_string().contains("the newest is")
        );
        assert_eq!(list(out.path()).unwrap().len(), 2);
    }
    #[test]
    fn only_the_owner_looks_into_a_run_unless_it_is_shared() {
        let out = tempfile::tempdir().unwrap();
        let mode = |readers| {
            let run = RunDir::create(out.path(), "a", readers).unwrap();
            fs::metadata(run.path()).unwrap().permissions().mode() & 0o777
        };
        assert_eq!(mode(Readers::Owner), 0o700);
        assert_ne!(mode(Readers::Everyone) & 0o700, 0);
        assert_eq!(mode(Readers::Owner), 0o700);
    }

    #[test]
    fn no_planted_link_is_followed() {
        let out = tempfile::tempdir().unwrap();
        let victim = out.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        let run = RunDir::create(out.path(), "a", Readers::Owner).unwrap();
        for name in ["report.html", ".report.html.partial"] {
            symlink(&victim, run.file(name)).unwrap();
        }
        run.write("report.html", "new").unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        assert_eq!(fs::read_to_string(run.file("report.html")).unwrap(), "new");
        assert!(fs::symlink_metadata(run.file("report.html")).unwrap().is_file());
    }
}
