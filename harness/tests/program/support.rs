//! A room for one test: a directory of its own, the program started in it, and a look at what the
//! program leaves on the machine.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Nothing that is started here takes longer, even on a machine that is busy otherwise.
const LIMIT: Duration = Duration::from_secs(240);
/// What the kernel ends on its own, such as the processes of a namespace, is gone by then.
const GONE_WITHIN: Duration = Duration::from_secs(30);
/// How often is looked.
const GLANCE: Duration = Duration::from_millis(20);

/// A target of a tiny server. Its line numbers are part of what tests expect: add at the end.
pub(crate) const TINY: &str = r#"schema = 1
name = "tiny"
description = "a server that is not there"

[binary]
path = "/bin/false"

[cluster]
nodes = 3
ports = { client = 8001 }

[node]
command = ["{{ binary }}"]

[ready]
node = { path = "/healthz", status = 200, within = "2s" }

[client]
base = "http://{{ node.ip }}:{{ port.client }}"
connect-timeout = "500ms"
timeout = "1s"

[ops.read]
method = "GET"
path = "/kv/{{ key }}"
answers = [{ status = 200, is = "ok", value = { json = "/value" } }]

[ops.write]
method = "PUT"
path = "/kv/{{ key }}"
json = '{"value": {{ value }}}'
answers = [{ status = 200, is = "ok" }]

[promises]
registers = "linearizable"

[faults]
kill = true
"#;

/// A directory for one test. Its path is in the environment of every process started from it, also
/// of the servers of a cluster: that is how leftovers are found.
pub(crate) struct Room {
    dir: tempfile::TempDir,
    program: PathBuf,
}

/// How a program ended, and what it wrote.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A program that was started.
pub(crate) struct Started {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Room {
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("fracas-test-").tempdir().unwrap();
        Self { dir, program: PathBuf::from(env!("CARGO_BIN_EXE_fracas")) }
    }

    /// A room in which an ordinary user can work, with programs that he can reach.
    pub(crate) fn for_everyone() -> Self {
        let mut room = Self::new();
        fs::set_permissions(room.dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
        for program in [env!("CARGO_BIN_EXE_fracas"), env!("CARGO_BIN_EXE_regent")] {
            let name = Path::new(program).file_name().unwrap();
            fs::copy(program, room.dir.path().join(name)).unwrap();
        }
        room.program = room.path("fracas");
        room
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The reference server in this room, for scripts of this room that start it: where it was
    /// built, as below `/home` or `/tmp`, a server may not see it.
    pub(crate) fn regent(&self) -> String {
        let path = self.path("regent");
        if !path.exists() {
            fs::copy(env!("CARGO_BIN_EXE_regent"), &path).unwrap();
        }
        path.display().to_string()
    }

    /// Whether clients of the only run have been answered under load.
    pub(crate) fn is_loaded(&self) -> bool {
        let history = self.runs().first().map(|run| run.join("history.jsonl"));
        let text = history.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        let load = text.split_once("\"phase\":\"load\"").map(|(_, load)| load);
        load.is_some_and(|load| load.contains("\"complete\""))
    }

    /// Writes a file; returns its path as a word of a command line.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// Writes a file that can be executed.
    pub(crate) fn script(&self, name: &str, text: &str) -> String {
        let path = self.file(name, text);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// `fracas ARGS`, in this room, with nothing of the caller's settings.
    pub(crate) fn fracas(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args);
        self.settle(&mut command);
        command
    }

    /// The same as user 65534.
    pub(crate) fn fracas_as_nobody(&self, args: &[&str]) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        command.arg(&self.program).args(args);
        self.settle(&mut command);
        command
    }

    /// The same with a range of numbers of that user's own, as `/etc/subuid` gives one.
    pub(crate) fn fracas_with_range(&self, args: &[&str]) -> Command {
        let ranges = self.file("subuid", "65534:1800000000:65536\n");
        let mut command = Command::new("unshare");
        let script = "for file in /etc/subuid /etc/subgid; do mount --bind \"$0\" $file || exit 1; \
            done; exec setpriv --reuid=65534 --regid=65534 --clear-groups \"$@\"";
        command.args(["--mount", "sh", "-c", script]).arg(ranges).arg(&self.program).args(args);
        self.settle(&mut command);
        command
    }

    /// A shell command in which `$FRACAS` is the program.
    pub(crate) fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("bash");
        command.args(["-c", script]).env("FRACAS", &self.program);
        self.settle(&mut command);
        command
    }

    fn settle(&self, command: &mut Command) {
        let ours = std::env::vars_os().map(|(name, _)| name);
        let ours = ours.filter(|name| name.to_string_lossy().starts_with("FRACAS_"));
        for name in ours.chain(["NO_COLOR", "CLICOLOR_FORCE", "CI"].map(Into::into)) {
            command.env_remove(name);
        }
        command.current_dir(self.dir.path()).env("FRACAS_OUT", self.path("runs"));
        command.env("FRACAS_CACHE_DIR", self.path("cache"));
    }

    /// Starts a command, its output into files: nobody has to read along.
    pub(crate) fn start(&self, command: &mut Command) -> Started {
        let output = tempfile::tempdir_in(self.dir.path()).unwrap().keep();
        let (stdout, stderr) = (output.join("stdout"), output.join("stderr"));
        command.stdin(Stdio::null());
        command.stdout(fs::File::create(&stdout).unwrap());
        command.stderr(fs::File::create(&stderr).unwrap());
        Started { child: command.spawn().unwrap(), stdout, stderr }
    }

    /// Runs `fracas ARGS` to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        self.finish(&mut self.fracas(args))
    }

    /// Runs a command to its end.
    pub(crate) fn finish(&self, command: &mut Command) -> Ended {
        self.start(command).wait()
    }

    /// All run directories, oldest first.
    pub(crate) fn runs(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.path("runs")) else { return Vec::new() };
        let paths = entries.map(|entry| entry.unwrap().path());
        let mut runs: Vec<_> = paths.filter(|path| path.is_dir() && !path.is_symlink()).collect();
        runs.sort();
        runs
    }

    /// The only run directory.
    #[track_caller]
    pub(crate) fn only_run(&self) -> PathBuf {
        let mut runs = self.runs();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs.remove(0)
    }

    /// Fails unless everything that was started from this room is gone from the machine, or goes
    /// within a bound: the kernel may take a moment.
    #[track_caller]
    pub(crate) fn assert_nothing_left(&self) {
        let until = Instant::now() + GONE_WITHIN;
        loop {
            let left = self.left();
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < until, "left behind: {left:#?}");
            sleep(GLANCE);
        }
    }

    /// Processes and mounts that belong to this room.
    fn left(&self) -> Vec<String> {
        let own = self.dir.path().to_str().unwrap();
        // Of processes that run as another user, an ordinary user may read the arguments alone.
        let names_it = |path: String| {
            String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).contains(own)
        };
        let processes = processes().into_iter().filter(|pid| {
            ["environ", "cmdline"].iter().any(|file| names_it(format!("/proc/{pid}/{file}")))
        });
        let processes = processes.map(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            format!("process {pid}: {}", String::from_utf8_lossy(&line).replace('\0', " "))
        });
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let mounts = mounts.lines().filter(|line| line.contains(own)).map(str::to_owned);
        processes.chain(mounts).collect()
    }
}

impl Started {
    pub(crate) fn pid(&self) -> i32 {
        self.child.id().try_into().unwrap()
    }

    /// What it has written to stderr so far.
    pub(crate) fn stderr(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap()
    }

    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.pid()), signal).unwrap();
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits until this is so; it must be before the program ends.
    #[track_caller]
    pub(crate) fn until(&mut self, is_so: impl Fn(&Self) -> bool) {
        let until = Instant::now() + LIMIT;
        while !is_so(self) {
            assert!(!self.has_ended(), "it has ended: {}", self.stderr());
            assert!(Instant::now() < until, "not within {LIMIT:?}: {}", self.stderr());
            sleep(GLANCE);
        }
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Ended {
        let status = self.status();
        let read = |path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        Ended { code: status.code(), stdout: read(&self.stdout), stderr: read(&self.stderr) }
    }

    fn status(&mut self) -> ExitStatus {
        let until = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            if Instant::now() >= until {
                self.child.kill().unwrap();
                panic!("still running after {LIMIT:?}: {}", self.stderr());
            }
            sleep(GLANCE);
        }
    }
}

impl Ended {
    #[track_caller]
    pub(crate) fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Fails unless it has found nothing; on a machine that is busy it may have seen too little.
    #[track_caller]
    pub(crate) fn assert_no_anomaly(&self) -> &Self {
        assert!(matches!(self.code, Some(0 | 2)), "{self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn assert_stderr(&self, parts: &[&str]) -> &Self {
        parts.iter().for_each(|part| assert!(self.stderr.contains(part), "no `{part}`: {self:#?}"));
        self
    }

    #[track_caller]
    pub(crate) fn assert_stdout(&self, parts: &[&str]) -> &Self {
        parts.iter().for_each(|part| assert!(self.stdout.contains(part), "no `{part}`: {self:#?}"));
        self
    }

    #[track_caller]
    pub(crate) fn assert_no_stdout(&self) -> &Self {
        assert_eq!(self.stdout, "", "{self:#?}");
        self
    }

    /// The one JSON document on stdout.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// All processes, by number.
pub(crate) fn processes() -> Vec<i32> {
    let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The network interfaces of the machine's own namespace.
pub(crate) fn interfaces() -> BTreeSet<String> {
    let entries = fs::read_dir("/sys/class/net").unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// A JSON file.
#[track_caller]
pub(crate) fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

/// The events of a history that was written to its end.
#[track_caller]
pub(crate) fn events(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("history.jsonl")).unwrap();
    let lines = text.lines().skip(1);
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Whether the slow tier was asked for.
pub(crate) fn slow() -> bool {
    let slow = std::env::var_os("FRACAS_SLOW").is_some();
    if !slow {
        println!("skipped: part of the slow tier; set FRACAS_SLOW=1 to run it");
    }
    slow
}

/// Whether disks can be troubled here; where they cannot, says so.
pub(crate) fn has_fuse() -> bool {
    let fuse = fs::File::options().read(true).write(true).open("/dev/fuse").is_ok();
    if !fuse {
        println!("skipped: /dev/fuse cannot be opened");
    }
    fuse
}

pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// The right to run a cluster, which so many tests have at a time.
pub(crate) struct Place;

/// Clusters wait most of their time: two at once take half of it, and do not slow each other down.
const PLACES: u32 = 2;

static TAKEN: (Mutex<u32>, Condvar) = (Mutex::new(0), Condvar::new());

impl Place {
    fn wait() -> Self {
        let taken = TAKEN.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = TAKEN.1.wait_while(taken, |taken| *taken >= PLACES);
        *waited.unwrap_or_else(PoisonError::into_inner) += 1;
        Self
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *TAKEN.0.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        TAKEN.1.notify_one();
    }
}

/// A place to run a cluster; none, and a word why, where this machine cannot make a lab. What it can
/// do is asked of `unshare`, not of the program under test.
pub(crate) fn lab() -> Option<Place> {
    static ABLE: OnceLock<Result<(), String>> = OnceLock::new();
    match ABLE.get_or_init(|| unshare(if is_root() { &[] } else { &["--user", "--map-root-user"] }))
    {
        Ok(()) => Some(Place::wait()),
        Err(why) => {
            println!("skipped: this machine makes no namespaces: {why}");
            None
        }
    }
}

/// Whether an ordinary user can make a lab here; where he cannot, says so.
pub(crate) fn nobody_has_lab() -> bool {
    let unprivileged = ["--reuid=65534", "--regid=65534", "--clear-groups", "unshare"];
    let mut command = Command::new("setpriv");
    command.args(unprivileged);
    let able = unshared(command, &["--user", "--map-root-user"]);
    if let Err(why) = &able {
        println!("skipped: an ordinary user makes no namespaces here: {why}");
    }
    able.is_ok()
}

/// Whether this machine can give an ordinary user a range of numbers; where it cannot, says so.
pub(crate) fn gives_ranges() -> bool {
    let is_there = |file: &&str| Path::new(file).exists();
    let files = ["/usr/bin/newuidmap", "/usr/bin/newgidmap", "/etc/subuid", "/etc/subgid"];
    let able = is_root() && files.iter().all(is_there);
    if !able {
        println!("skipped: no user gets a range of numbers here: needs root and {files:?}");
    }
    able && nobody_has_lab()
}

/// Whether groups for processor time can be made where this process is, by version 1 of the
/// kernel's interface: then the program under test must be able to, too.
pub(crate) fn has_groups() -> bool {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let of_cpu = |line: &str| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        controllers
            .split(',')
            .any(|name| name == "cpu")
            .then(|| path.trim_start_matches('/').to_owned())
    };
    let Some(path) = own.lines().find_map(of_cpu) else { return false };
    let group = Path::new("/sys/fs/cgroup/cpu").join(path).join("of-a-test");
    fs::create_dir(&group).and_then(|()| fs::remove_dir(&group)).is_ok()
}

/// Whether `iptables` works in a network namespace of its own.
pub(crate) fn has_iptables() -> bool {
    let mut command = Command::new("unshare");
    command.args(["--net", "--map-root-user", "iptables", "-A", "INPUT", "-j", "DROP"]);
    command.output().is_ok_and(|output| output.status.success())
}

fn unshare(user: &[&str]) -> Result<(), String> {
    unshared(Command::new("unshare"), user)
}

fn unshared(mut command: Command, user: &[&str]) -> Result<(), String> {
    command.args(["--net", "--pid", "--fork", "--mount-proc", "--uts", "--ipc"]).args(user);
    let output = command.arg("true").output().map_err(|error| error.to_string())?;
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(why) }
}
