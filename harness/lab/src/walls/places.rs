//! A node's own `/dev` and `/proc`: what every program expects, and nothing that reaches the machine.

use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use nix::mount::{MsFlags, mount};

use super::readonly::{Extent, read_only, writable};
use crate::error::{Doing, LabError};
use crate::mounts::{bind, bind_held, hold, tmpfs};

/// Devices that every program may use.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// The one behind file systems of programs.
const FUSE: &str = "fuse";

/// Links in `/dev` that programs expect.
const LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];

/// Parts of `/proc` with settings of the machine: to be read only.
const SETTINGS: [&str; 4] = ["sys", "bus", "irq", "fs"];

/// Parts of `/proc` that show the kernel's memory, or command it.
const COVERED: [&str; 10] = [
    "kcore",
    "kmsg",
    "kallsyms",
    "keys",
    "key-users",
    "kpagecount",
    "kpageflags",
    "sched_debug",
    "timer_list",
    "sysrq-trigger",
];

/// What of the machine's `/dev` will be in the node's, held open before anything covers it.
pub(super) struct Devices(Vec<(&'static str, OwnedFd)>);

impl Devices {
    /// Takes hold of those that exist.
    pub(super) fn hold(fuse: bool) -> Result<Self, LabError> {
        let wanted = DEVICES.into_iter().chain(fuse.then_some(FUSE));
        let named = wanted.map(|name| (name, Path::new("/dev").join(name)));
        let there = named.filter(|(_, path)| path.exists());
        there.map(|(name, path)| Ok((name, hold(&path)?))).collect::<Result<_, _>>().map(Self)
    }

    /// Mounts the node's own `/dev`.
    pub(super) fn mount(self) -> Result<(), LabError> {
        let dev = Path::new("/dev");
        tmpfs(dev, "0755")?;
        for (name, held) in &self.0 {
            let place = dev.join(name);
            File::create(&place).doing(|| format!("make `{}`", place.display()))?;
            bind_held(held, &place)?;
        }
        for (name, to) in LINKS {
            symlink(to, dev.join(name)).doing(|| format!("link `/dev/{name}`"))?;
        }
        for name in ["pts", "shm"] {
            fs::create_dir(dev.join(name)).doing(|| format!("make `/dev/{name}`"))?;
        }
        tmpfs(&dev.join("shm"), "1777")?;
        terminals()?;
        read_only(dev, Extent::One)
    }
}

/// Mounts terminals of the node's own.
fn terminals() -> Result<(), LabError> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    let options = Some("newinstance,ptmxmode=0666,mode=0620");
    mount(Some("devpts"), "/dev/pts", Some("devpts"), flags, options)
        .doing(|| "mount `/dev/pts`".into())
}

/// Makes of a fresh `/proc` one that tells of the node and commands nothing. Where the server may make
/// namespaces, it stays whole: the kernel mounts no fresh one in them otherwise.
pub(super) fn tame_proc(namespaces: bool) -> Result<(), LabError> {
    let proc = Path::new("/proc");
    writable(proc, Extent::One)?; // a process may set its own things there
    if namespaces {
        return Ok(());
    }
    for path in existing(&SETTINGS) {
        bind(&path, &path)?;
        read_only(&path, Extent::All)?;
    }
    cover(&existing(&COVERED))
}

/// Puts `/dev/null` over each of these files.
pub(super) fn cover(files: &[PathBuf]) -> Result<(), LabError> {
    files.iter().try_for_each(|file| bind(Path::new("/dev/null"), file))
}

/// Those of these parts of `/proc` that this kernel has.
fn existing(names: &[&str]) -> Vec<PathBuf> {
    names.iter().map(|name| Path::new("/proc").join(name)).filter(|path| path.exists()).collect()
}
