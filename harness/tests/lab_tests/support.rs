//! Runs tests of the lab: a world can only be entered by a process with one thread, so each test
//! gets a fresh process; once as root where this is root, and once as an ordinary user.

use std::env;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use fracas_engine::doctor;
use fracas_lab::{Isolation, World};

/// The exit code of a test that does not fit this machine.
const SKIPPED: u8 = 77;

/// The user that stands for “an ordinary one”.
const NOBODY: &str = "65534";

/// Runs a command where a file stands for those that give users ranges of numbers.
const WITH_RANGE: &str = "for file in /etc/subuid /etc/subgid; do \
    [ -e $file ] && mount --bind \"$0\" $file || exit 1; done; exec \"$@\"";

/// What a test does, and where.
#[derive(Clone, Copy)]
pub(crate) enum Body {
    /// Runs inside a world.
    Inside(fn(&World)),
    /// Runs outside; starts helpers by itself.
    Outside(fn(&Way)),
    /// Runs outside, around helpers in worlds: skipped where this machine makes no namespaces.
    Around(fn(&Way)),
    /// Is no test: runs inside a world when a test outside asks for it.
    Helper(fn(&World) -> u8),
    /// Is no test: a server that is started in a node.
    Server(fn()),
}

/// A test: what it is called and what it does.
pub(crate) type Test = (&'static str, Body);

/// The `main` of a file of tests.
pub(crate) fn main(tests: &[Test]) -> ExitCode {
    let arguments: Vec<String> = env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("__node") => fracas_lab::node_main().into(),
        Some("__disk") => fracas_lab::disk::disk_main().into(),
        Some(doctor::PROBE_ARGUMENT) => doctor::probe_main(&arguments[2]).into(),
        Some("__doctor") => {
            println!("{}", serde_json::to_string(&doctor::examine()).expect("plain data"));
            ExitCode::SUCCESS
        }
        Some("__inside") => inside(tests, &arguments[2], &arguments[3]).into(),
        Some("__server") => {
            let Body::Server(server) = find(tests, &arguments[2]) else { panic!("no server") };
            server();
            ExitCode::SUCCESS
        }
        filter => run_all(tests, filter.filter(|text| !text.starts_with('-')).unwrap_or_default()),
    }
}

/// Ends the test that calls it, because this machine lacks something.
pub(crate) fn skip(reason: &str) -> ! {
    println!("skipped: {reason}");
    std::process::exit(SKIPPED.into());
}

/// The body of the test with this name.
fn find<'a>(tests: &'a [Test], name: &str) -> &'a Body {
    &tests.iter().find(|(known, _)| *known == name).expect("the test is known").1
}

/// Enters a world and runs one test or helper there.
fn inside(tests: &[Test], isolation: &str, name: &str) -> u8 {
    let isolation = right(isolation);
    let entered = fracas_lab::enter(isolation, |world| match find(tests, name) {
        Body::Helper(helper) => helper(world),
        Body::Inside(test) => {
            test(world);
            0
        }
        Body::Outside(_) | Body::Around(_) | Body::Server(_) => {
            panic!("`{name}` does not run inside")
        }
    });
    entered.unwrap_or_else(|error| {
        println!("skipped: cannot {error}");
        // A helper is made to fail by the test that started it, which reads what it says.
        let excused = matches!(find(tests, name), Body::Helper(_))
            || !makes_namespaces(Command::new("unshare"), isolation);
        assert!(excused, "this machine makes namespaces, and fracas cannot {error}");
        SKIPPED
    })
}

/// The right that this word stands for.
fn right(word: &str) -> Isolation {
    if word == "root" { Isolation::Root } else { Isolation::Userns }
}

/// Whether this machine makes namespaces: that is asked of `unshare`, not of what is tested.
fn makes_namespaces(mut unshare: Command, isolation: Isolation) -> bool {
    unshare.args(["--net", "--pid", "--fork", "--mount-proc", "--uts", "--ipc"]);
    if isolation == Isolation::Userns {
        unshare.args(["--user", "--map-root-user"]);
    }
    unshare.arg("true").stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// By what right, and by which user, a test is run.
pub(crate) struct Way {
    /// `root` or `userns`.
    pub(crate) isolation: &'static str,
    /// A copy of this program where every user can read it.
    program: PathBuf,
    /// Whether to become an ordinary user first.
    as_nobody: bool,
    /// A file that stands for `/etc/subuid` and `/etc/subgid`, if that user has a range there.
    range: Option<PathBuf>,
}

impl Way {
    /// The ways that this user can go.
    fn all(program: &Path) -> Vec<Self> {
        let root = nix::unistd::geteuid().is_root();
        let way = |isolation, as_nobody| {
            let program = program.to_owned();
            Self { isolation, program, as_nobody, range: None }
        };
        if root {
            vec![way("root", false), way("userns", true)]
        } else {
            vec![way("userns", false)]
        }
    }

    /// The command that runs a test or a helper inside a world.
    pub(crate) fn command(&self, name: &str) -> Command {
        self.command_in(self.isolation, name)
    }

    /// The same, in a world that is made by this right.
    pub(crate) fn command_in(&self, isolation: &str, name: &str) -> Command {
        let mut command = self.plain();
        command.args(["__inside", isolation, name]);
        command
    }

    /// The same way for a user who has a range of numbers, where this is root and may pretend that.
    pub(crate) fn with_range(&self) -> Option<Self> {
        let is_there = |tool: &&str| {
            Command::new(tool).stderr(Stdio::null()).stdout(Stdio::null()).status().is_ok()
        };
        let able = ["newuidmap", "newgidmap"].iter().all(is_there)
            && ["/etc/subuid", "/etc/subgid"].iter().all(|file| Path::new(file).exists());
        let range = self.program.parent()?.join("subuid");
        fs::write(&range, format!("{NOBODY}:1800000000:65536\n")).ok()?;
        let range = (able && self.as_nobody).then_some(range);
        range.map(|range| Self { program: self.program.clone(), range: Some(range), ..*self })
    }

    /// The command that prints what the doctor says, as JSON.
    pub(crate) fn doctor(&self) -> Command {
        let mut command = self.plain();
        command.arg("__doctor");
        command
    }

    /// Whether the user of this way may open this file to read and write.
    pub(crate) fn may_open(&self, file: &str) -> bool {
        let mut command = self.as_user(Path::new("sh"));
        command.args(["-c", "exec 3<>\"$0\"", file]).stdin(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    /// Gives a file to the user of this way.
    pub(crate) fn own(&self, file: &Path) {
        if self.as_nobody {
            let uid = NOBODY.parse().ok();
            std::os::unix::fs::chown(file, uid, uid).expect("chown");
        }
    }

    /// The program itself.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// Whether this machine makes namespaces for the user of this way.
    fn makes_namespaces(&self) -> bool {
        makes_namespaces(self.as_user(Path::new("unshare")), right(self.isolation))
    }

    /// This program, run by the right user.
    fn plain(&self) -> Command {
        let mut command = self.as_user(&self.program);
        command.stdin(Stdio::null());
        command.current_dir(self.program.parent().expect("the program is in a directory"));
        command
    }

    /// A program, run by the right user.
    fn as_user(&self, program: &Path) -> Command {
        if !self.as_nobody {
            return Command::new(program);
        }
        let mut command = match &self.range {
            Some(range) => {
                let mut unshare = Command::new("unshare");
                unshare.args(["--mount", "sh", "-c", WITH_RANGE]).arg(range).arg("setpriv");
                unshare
            }
            None => Command::new("setpriv"),
        };
        command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]).arg(program);
        command
    }

    /// Runs one test and tells whether it passed, was skipped or failed.
    fn run(&self, name: &str, body: &Body) -> Outcome {
        match body {
            Body::Around(_) if !self.makes_namespaces() => {
                println!("skipped: this machine makes no namespaces ({})", self.isolation);
                Outcome::Skipped
            }
            Body::Outside(test) | Body::Around(test) => match catch_unwind(|| test(self)) {
                Ok(()) => Outcome::Passed,
                Err(_) => Outcome::Failed,
            },
            _ => self.run_inside(name),
        }
    }

    /// Runs one test in a process of its own.
    fn run_inside(&self, name: &str) -> Outcome {
        let output = self.command(name).output().expect("the test can be started");
        print!("{}", String::from_utf8_lossy(&output.stdout));
        match output.status.code() {
            Some(0) => Outcome::Passed,
            Some(code) if code == i32::from(SKIPPED) => Outcome::Skipped,
            _ => {
                println!("{}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
                Outcome::Failed
            }
        }
    }
}

/// How a test went.
#[derive(Clone, Copy, PartialEq)]
enum Outcome {
    Passed,
    Skipped,
    Failed,
}

/// Runs all tests whose name contains `filter`, in every way, and says how it went.
fn run_all(tests: &[Test], filter: &str) -> ExitCode {
    let room = tempfile::tempdir().expect("a temporary directory");
    let program = open_room(&room);
    let mut outcomes = Vec::new();
    let wanted = |(name, body): &&Test| {
        name.contains(filter)
            && matches!(body, Body::Inside(_) | Body::Outside(_) | Body::Around(_))
    };
    for (name, body) in tests.iter().filter(wanted) {
        for way in Way::all(&program) {
            let outcome = way.run(name, body);
            let word = match outcome {
                Outcome::Passed => "ok",
                Outcome::Skipped => "ignored",
                Outcome::Failed => "FAILED",
            };
            println!("test {name} ({}) ... {word}", way.isolation);
            outcomes.push(outcome);
        }
    }
    let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    let [passed, failed, skipped] = [Outcome::Passed, Outcome::Failed, Outcome::Skipped].map(count);
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!("test result: {word}. {passed} passed; {failed} failed; {skipped} ignored");
    ExitCode::from(u8::from(failed > 0))
}

/// Opens a directory to every user and puts a copy of this program there.
fn open_room(room: &tempfile::TempDir) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(room.path(), fs::Permissions::from_mode(0o777)).expect("chmod");
    let program = room.path().join("program");
    fs::copy(env::current_exe().expect("own path"), &program).expect("copy");
    program
}
