//! The hostile server of `walls`: it tries one thing after the other, and says what came of each.
//! What must come of it is not known here.

#![expect(unsafe_code, reason = "system calls that no server needs have no safe wrapper")]

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSliceMut, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use fracas_checker::NodeId;
use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::ptrace;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::{chroot, getegid, geteuid, getgid, getuid, pivot_root};

/// The variables that tell the probe where things are.
pub(crate) const MACHINE: &str = "FRACAS_TEST_MACHINE";
const OUT: &str = "FRACAS_TEST_OUT";

/// How the result of a refused attempt begins.
pub(crate) const REFUSED: &str = "refused: ";

/// Where things are.
pub(crate) struct Paths {
    pub(crate) out: PathBuf,
    machine: PathBuf,
}

impl Paths {
    /// Makes the directories of a run.
    pub(crate) fn make(out: &Path, machine: &Path) -> Self {
        let paths = Self { out: out.to_owned(), machine: machine.to_owned() };
        for node in [1, 2].map(NodeId) {
            fs::create_dir_all(paths.node(node)).expect("a directory");
        }
        paths
    }

    /// Those that the environment names.
    fn found() -> Self {
        let path = |name| PathBuf::from(std::env::var(name).expect("it is given"));
        Self { out: path(OUT), machine: path(MACHINE) }
    }

    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        [(OUT, text(&self.out)), (MACHINE, text(&self.machine))]
            .map(|(name, path)| (name.to_owned(), path))
            .into()
    }

    pub(crate) fn history(&self) -> PathBuf {
        self.out.join("run/history.jsonl")
    }

    pub(crate) fn node(&self, node: NodeId) -> PathBuf {
        self.out.join("run/nodes").join(node.to_string())
    }
}

/// What came of an attempt: why it was refused, or what was got.
type Attempt = Result<String, String>;

/// The key of a row, and what is tried for it.
type Row = (&'static str, fn(&Paths) -> Attempt);

/// Everything that is tried.
const ATTEMPTS: &[Row] = &[
    ("system-file", |_| all(&["/usr/bin/env", "/etc/passwd", "/etc/hosts"], writes)),
    ("secrets", |_| all(&["/etc/shadow", "/etc/gshadow"], reads_something)),
    ("private-file", |_| private_file()),
    ("core-pattern", |_| {
        all(&["/proc/sys/kernel/core_pattern", "/proc/sys/vm/panic_on_oom"], writes)
    }),
    ("sysrq", |_| sysrq()),
    ("kernel-memory", |_| all(&["/proc/kcore", "/proc/kmsg", "/proc/kallsyms"], reads_something)),
    ("sys", |_| all(&["/sys/kernel/mm/transparent_hugepage/enabled", "/sys/power/state"], writes)),
    ("block-device", |_| block_device()),
    ("history", history),
    ("other-node", other_node),
    ("machine-tmp", machine_tmp),
    ("homes", |_| all(&["/home", "/root"], lists_something)),
    ("socket-hidden", |paths| connects(&paths.machine.join("socket"))),
    ("socket-elsewhere", |_| elsewhere()),
    ("processes", |_| processes()),
    ("mount", |_| mounts()),
    ("namespaces", |_| namespaces()),
    ("tracing", |_| tracing()),
    ("kernel", |_| kernel()),
    ("setuid", |_| setuid()),
];

/// The server.
pub(crate) fn main() {
    let paths = Paths::found();
    for (key, attempt) in ATTEMPTS {
        let result = match attempt(&paths) {
            Ok(got) => format!("got through: {got}"),
            Err(why) => format!("{REFUSED}{why}"),
        };
        writeln!(io::stdout(), "{key}\t{}", result.replace(['\n', '\t'], " ")).expect("written");
    }
}

/// Says which users it runs as; it may be a set-uid program.
pub(crate) fn identity() {
    println!("{} {} {} {}", getuid(), geteuid(), getgid(), getegid());
}

/// Tries several; got through if one does.
fn all<T: Copy>(tried: &[T], attempt: impl Fn(T) -> Attempt) -> Attempt {
    let mut refused = Vec::new();
    for one in tried {
        match attempt(*one) {
            Ok(got) => return Ok(got),
            Err(why) => refused.push(why),
        }
    }
    Err(refused.join("; "))
}

/// What the kernel said, for what.
fn of<T>(what: &str, result: Result<T, impl std::fmt::Display>) -> Attempt {
    result.map(|_| what.to_owned()).map_err(|error| format!("{what}: {error}"))
}

fn writes(path: &str) -> Attempt {
    of(path, OpenOptions::new().append(true).open(path))
}

/// Opens a file and reads from it: what is covered by nothing gives nothing.
fn reads_something(path: &str) -> Attempt {
    use std::os::unix::fs::OpenOptionsExt;
    let mut byte = [0];
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    let read = file.and_then(|mut file| io::Read::read(&mut file, &mut byte));
    match read {
        Ok(0) => Err(format!("{path}: empty")),
        other => of(path, other),
    }
}

fn lists_something(path: &str) -> Attempt {
    match fs::read_dir(path).map(|mut entries| entries.next()) {
        Ok(Some(Ok(entry))) => Ok(entry.path().display().to_string()),
        Ok(_) => Err(format!("{path}: empty")),
        Err(error) => Err(format!("{path}: {error}")),
    }
}

/// `h` prints help to the kernel's log, and does no harm where it gets through.
fn sysrq() -> Attempt {
    match fs::metadata("/proc/sysrq-trigger") {
        Ok(file) if file.rdev() == makedev(1, 3) => Err("it is /dev/null".to_owned()),
        _ => of("h", fs::write("/proc/sysrq-trigger", "h")),
    }
}

/// Every disk that the kernel lists: its file, and one that is made for it.
fn block_device() -> Attempt {
    let mut refused = Vec::new();
    for entry in fs::read_dir("/sys/class/block").map_err(|error| error.to_string())?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let numbers = fs::read_to_string(entry.path().join("dev")).unwrap_or_default();
        let Some((major, minor)) = numbers.trim().split_once(':') else { continue };
        let numbers = makedev(major.parse().unwrap_or(7), minor.parse().unwrap_or(0));
        let own = format!("device-{name}");
        let made = mknod(own.as_str(), SFlag::S_IFBLK, Mode::S_IRWXU, numbers);
        let opened = made.map_err(io::Error::from).and_then(|()| File::open(&own));
        refused.push(refusal(of(&own, opened))?);
        refused.push(refusal(of(&name, File::open(Path::new("/dev").join(&name))))?);
    }
    let is_block =
        |path: &Path| fs::metadata(path).is_ok_and(|it| it.file_type().is_block_device());
    let seen = fs::read_dir("/dev").into_iter().flatten().flatten().map(|entry| entry.path());
    match seen.into_iter().find(|path| is_block(path)) {
        Some(path) => Ok(path.display().to_string()),
        None => Err(refused.into_iter().next().unwrap_or("no disk is seen".to_owned())),
    }
}

/// Turns an attempt round, to end with the first that got through.
fn refusal(attempt: Attempt) -> Result<String, String> {
    attempt.map_or_else(Ok, |got| Err(format!("unexpectedly got {got}")))
}

fn history(paths: &Paths) -> Attempt {
    let file = paths.history();
    let text = file.to_string_lossy();
    let links = || of("a hard link", fs::hard_link(&file, "link"));
    let through = || of("through `..`", File::open("../../history.jsonl"));
    all(&[0, 1, 2, 3, 4], |way| match way {
        0 => of("read", File::open(&file)),
        1 => writes(&text),
        2 => links(),
        3 => through(),
        _ => of("remove", fs::remove_dir_all(paths.out.join("run/nodes/n2"))).or_else(|why| {
            of("make", fs::write(paths.out.join("run/other"), "x")).map_err(|_| why)
        }),
    })
}

fn other_node(paths: &Paths) -> Attempt {
    let other = paths.node(NodeId(2));
    all(&["secret", "stdout"], |name| {
        of("read", File::open(other.join(name)))
            .or_else(|why| of("write", fs::write(other.join(name), "x")).map_err(|_| why))
    })
}

/// Nothing of the machine is in there; what the server writes there itself is its own.
fn machine_tmp(paths: &Paths) -> Attempt {
    let found = of("the machine's", fs::read_dir(&paths.machine));
    let others = ["/tmp", "/var/tmp", "/dev/shm", "/run"];
    found.or_else(|why| {
        let seen = |place: &str| {
            let entries = fs::read_dir(place).into_iter().flatten().flatten();
            let foreign = entries.map(|entry| entry.path()).find(|path| {
                // The directories that lead to the program and to the node's own are there.
                !path.is_dir() || !is_on_the_way(path, paths)
            });
            foreign.map_or(Err(place.to_owned()), |path| Ok(path.display().to_string()))
        };
        all(&others, seen).map_err(|_| why)
    })
}

/// Whether a directory leads to the program or the run.
fn is_on_the_way(path: &Path, paths: &Paths) -> bool {
    let program = std::env::current_exe().unwrap_or_default();
    program.starts_with(path) || paths.out.starts_with(path)
}

fn connects(path: &Path) -> Attempt {
    of("connect", UnixStream::connect(path))
}

/// The sockets beside the program, which the server sees.
fn elsewhere() -> Attempt {
    let sockets = beside("socket")?;
    all(&sockets.iter().map(PathBuf::as_path).collect::<Vec<_>>(), connects)
}

/// The caller's own files beside the program.
fn private_file() -> Attempt {
    let files = beside("private")?;
    let names: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
    all(&names.iter().map(String::as_str).collect::<Vec<_>>(), reads_something)
}

/// The files of this name in the directories beside the program, which the server sees.
fn beside(name: &str) -> Result<Vec<PathBuf>, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let entries =
        fs::read_dir(program.parent().expect("a directory")).map_err(|e| e.to_string())?;
    let found = entries.flatten().map(|entry| entry.path().join(name));
    let found: Vec<PathBuf> = found.filter(|path| path.exists()).collect();
    assert!(!found.is_empty(), "the test has made one");
    Ok(found)
}

/// All that are seen are the init and this one; no other number can be signalled.
fn processes() -> Attempt {
    const NUMBERS: i32 = 40_000;
    let own = std::process::id().cast_signed();
    let names = fs::read_dir("/proc").map_err(|error| error.to_string())?.flatten();
    let seen = names.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    if let Some(other) = seen.into_iter().find(|pid| *pid != 1 && *pid != own) {
        return Ok(format!("sees process {other}"));
    }
    let exists = |pid: &i32| nix::sys::signal::kill(nix::unistd::Pid::from_raw(*pid), None).is_ok();
    let other = (2..NUMBERS).filter(|pid| *pid != own).find(exists);
    other.map_or(Err("none but its own is there".to_owned()), |pid| Ok(format!("signals {pid}")))
}

fn mounts() -> Attempt {
    fs::create_dir_all("root").map_err(|error| error.to_string())?;
    let new = mount(Some("none"), "/tmp", Some("tmpfs"), MsFlags::empty(), None::<&str>);
    let bound = mount(Some("/"), "root", None::<&str>, MsFlags::MS_BIND, None::<&str>);
    let again = MsFlags::MS_REMOUNT | MsFlags::MS_BIND;
    let remounted = mount(None::<&str>, "/", None::<&str>, again, None::<&str>);
    let tried: [(&str, Result<(), Errno>); 6] = [
        ("mount", new),
        ("bind", bound),
        ("remount", remounted),
        ("unmount", umount2("/tmp", MntFlags::MNT_DETACH)),
        ("chroot", chroot("root")),
        ("pivot", pivot_root("root", "root")),
    ];
    all(&tried, |(what, result)| of(what, result))
}

/// Threads and processes are made all the same.
fn namespaces() -> Attempt {
    std::thread::spawn(|| ()).join().expect("threads are made");
    assert!(Command::new("/bin/true").status().expect("processes are made").success());
    let flags = [CloneFlags::CLONE_NEWUSER, CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS];
    all(&flags, |flags| of("unshare", unshare(flags)))
}

fn tracing() -> Attempt {
    let init = nix::unistd::Pid::from_raw(1);
    let mut byte = [0];
    let (mut own, other) = ([IoSliceMut::new(&mut byte)], [RemoteIoVec { base: 4096, len: 1 }]);
    let read = process_vm_readv(init, &mut own, &other);
    let tried = [
        ("attach", ptrace::attach(init)),
        ("be traced", ptrace::traceme()),
        ("read memory", read.map(drop)),
    ];
    all(&tried, |(what, result)| of(what, result))
}

/// The arguments are wrong on purpose: a kernel that would do it says EFAULT or EINVAL.
fn kernel() -> Attempt {
    let calls = [
        ("init_module", libc::SYS_init_module),
        ("finit_module", libc::SYS_finit_module),
        ("kexec_load", libc::SYS_kexec_load),
        ("bpf", libc::SYS_bpf),
        ("perf_event_open", libc::SYS_perf_event_open),
        ("add_key", libc::SYS_add_key),
        ("keyctl", libc::SYS_keyctl),
        ("userfaultfd", libc::SYS_userfaultfd),
    ];
    all(&calls, |(what, number)| {
        // SAFETY: every argument is -1, which is no address that any of these calls could use.
        let called = unsafe { libc::syscall(number, -1_i64, -1_i64, -1_i64, -1_i64, -1_i64) };
        match Errno::result(called) {
            Err(error @ (Errno::EPERM | Errno::ENOSYS)) => Err(format!("{what}: {error}")),
            other => Ok(format!("{what}: {other:?}")),
        }
    })
}

/// A set-uid program beside this one where the test could make one, and what the kernel says.
fn setuid() -> Attempt {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let copy = program.with_file_name("set-uid");
    if copy.exists() {
        let output = Command::new(&copy).args(["__server", "identity"]).output();
        let output = output.map_err(|error| error.to_string())?.stdout;
        let said = String::from_utf8_lossy(&output).trim().to_owned();
        let expected = format!("{} {} {} {}", getuid(), geteuid(), getgid(), getegid());
        if said != expected {
            return Ok(format!("{said} instead of {expected}"));
        }
    }
    let status = fs::read_to_string("/proc/self/status").map_err(|error| error.to_string())?;
    match status.lines().find(|line| line.starts_with("NoNewPrivs:")) {
        Some("NoNewPrivs:\t1") => Err("no new privileges".to_owned()),
        other => Ok(format!("{other:?}")),
    }
}
