//! The ways in which faults are tried: as root, and as an ordinary user. Each server's group of
//! faults is tried in a process of its own, since a world can only be entered by a fresh one.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use fracas_engine::doctor::{self, Report};
use fracas_engine::faults::Kind;

use crate::cases::{Group, MONOTONIC_NAME};
use crate::row::{Row, Verdict};

/// Hidden arguments: tell what this user can do here; prove a group.
pub(crate) const DOCTOR: &str = "__doctor";
pub(crate) const PROVE: &str = "__prove";

/// The user that stands for “an ordinary one”.
const NOBODY: &str = "65534";
/// No process of ours takes longer.
const WITHIN: Duration = Duration::from_secs(180);
/// How often is looked whether it has ended.
const GLANCE: Duration = Duration::from_millis(20);
/// How a line begins that holds a row.
const ROW: &str = "row: ";
/// How much is told of what a process that failed had to say.
const LAST_LINES: usize = 3;

/// Prints what this user can do here.
pub(crate) fn examine() -> ExitCode {
    println!("{}", serde_json::to_string(&doctor::examine()).expect("plain data"));
    ExitCode::SUCCESS
}

/// Prints a row for the process that waits for it.
pub(crate) fn hand_over(row: &Row) {
    println!("{ROW}{}", serde_json::to_string(row).expect("plain data"));
}

/// A directory that every user can use, with copies of the programs.
pub(crate) struct Room {
    dir: tempfile::TempDir,
}

impl Room {
    pub(crate) fn open() -> Result<Self, String> {
        let dir = tempfile::tempdir().map_err(|error| format!("make a directory: {error}"))?;
        let open = || -> std::io::Result<()> {
            fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777))?;
            let own = std::env::current_exe()?;
            fs::copy(&own, dir.path().join("prove-faults"))?;
            let built = own.parent().and_then(|examples| examples.parent());
            fs::copy(built.unwrap_or(&own).join("regent"), dir.path().join("regent")).map(|_| ())
        };
        open().map_err(|error| format!("copy the programs: {error}"))?;
        Ok(Self { dir })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// By what user faults are tried.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    root: bool,
    /// Whether to become an ordinary user first.
    down: bool,
}

impl Way {
    /// The ways that this user can go.
    pub(crate) fn all() -> Vec<Self> {
        if nix::unistd::geteuid().is_root() {
            vec![Self { root: true, down: false }, Self { root: false, down: true }]
        } else {
            vec![Self { root: false, down: false }]
        }
    }

    pub(crate) fn name(self) -> &'static str {
        if self.root { "root" } else { "ordinary user" }
    }

    /// What the doctor says to this user.
    pub(crate) fn doctor(self, room: &Room) -> Result<Report, String> {
        let ended = self.run(room, &[DOCTOR])?;
        serde_json::from_str(&ended.stdout)
            .map_err(|error| format!("read what the doctor says: {error}: {}", ended.last_words()))
    }

    /// Proves a group of faults on a server.
    pub(crate) fn prove(
        self,
        room: &Room,
        (server, group): (&str, Group),
        doctor: &Report,
    ) -> Result<Vec<Row>, String> {
        let ended = self.run(room, &[PROVE, server, group.word()])?;
        let told = ended.stdout.lines().filter_map(|line| line.strip_prefix(ROW));
        let told = told.map(|row| serde_json::from_str(row).map_err(|error| error.to_string()));
        let mut rows = told.collect::<Result<Vec<Row>, _>>()?;
        let kinds = group.cases().into_iter().map(|(name, fault)| (name, fault.kind()));
        let all: Vec<_> = kinds.chain([(MONOTONIC_NAME, Kind::Clock)]).collect();
        for (name, kind) in all.into_iter().filter(|(name, _)| group.names().contains(name)) {
            if !rows.iter().any(|row| row.name == name) {
                let why = ended.last_words();
                let absent = why.contains("failed to find the server");
                let verdict = if absent { Verdict::NotHere(why) } else { Verdict::Failed(why) };
                rows.push(Row::untried(name, kind, verdict));
            }
        }
        rows.iter_mut().for_each(|row| excuse(row, doctor));
        Ok(rows)
    }

    /// Runs this program to its end, as the right user.
    fn run(self, room: &Room, arguments: &[&str]) -> Result<Ended, String> {
        let program = room.path("prove-faults");
        let mut command = Command::new(if self.down { "setpriv".into() } else { program.clone() });
        if self.down {
            command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]).arg(program);
        }
        let failed = |error: std::io::Error| format!("run {arguments:?}: {error}");
        let dir = room.path(self.name());
        let open = || fs::set_permissions(&dir, fs::Permissions::from_mode(0o777));
        fs::create_dir_all(&dir).and_then(|()| open()).map_err(failed)?;
        let [stdout, stderr] = ["stdout", "stderr"].map(|name| dir.join(name));
        command.args(arguments).stdin(Stdio::null()).current_dir(&dir);
        command.stdout(File::create(&stdout).map_err(failed)?);
        command.stderr(File::create(&stderr).map_err(failed)?);
        let (mut child, until) = (command.spawn().map_err(failed)?, Instant::now() + WITHIN);
        while child.try_wait().map_err(failed)?.is_none() {
            if Instant::now() > until {
                child.kill().and_then(|()| child.wait()).map_err(failed)?;
                break;
            }
            sleep(GLANCE);
        }
        let read = |path| fs::read(path).map(|text| String::from_utf8_lossy(&text).into_owned());
        Ok(Ended { stdout: read(stdout).map_err(failed)?, stderr: read(stderr).map_err(failed)? })
    }
}

/// What the doctor says is not available here has not failed.
fn excuse(row: &mut Row, doctor: &Report) {
    let support = doctor.faults.iter().find(|fault| fault.kind == row.kind);
    if support.is_none_or(|fault| fault.mechanism.is_none())
        && let Verdict::Failed(why) = &row.verdict
    {
        row.verdict = Verdict::NotHere(why.clone());
    }
}

/// What a process wrote.
struct Ended {
    stdout: String,
    stderr: String,
}

impl Ended {
    fn last_words(&self) -> String {
        let lines: Vec<&str> = self.stderr.lines().filter(|line| !line.is_empty()).collect();
        let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
        if last.is_empty() { format!("it did not end within {WITHIN:?}") } else { last.join("; ") }
    }
}
