//! What is promised of a server: the things that it may not do, in each mode. The table of
//! `SECURITY.md`, and of the probe that tries every row of it.

/// The rights with which a lab is made, and the user who makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Root, with root's own namespaces.
    Root,
    /// Root, in a user namespace (`--isolation userns`).
    RootUserns,
    /// An ordinary user, to whom `/etc/subuid` and `/etc/subgid` give a range of numbers.
    UserWithRange,
    /// An ordinary user without one.
    User,
}

impl Mode {
    /// All of them, in the order of the columns.
    pub const ALL: [Self; 4] = [Self::Root, Self::RootUserns, Self::UserWithRange, Self::User];

    /// The head of its column.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Root => "Root",
            Self::RootUserns => "Root, `--isolation userns`",
            Self::UserWithRange => "Ordinary user with a range in `/etc/subuid`",
            Self::User => "Ordinary user",
        }
    }
}

/// One thing that a server may not do.
#[derive(Debug, Clone, Copy)]
pub struct Promise {
    /// The key by which the probe knows it.
    pub key: &'static str,
    /// What a server that breaks the promise would do.
    pub attempt: &'static str,
    /// Why it is not promised to an ordinary user without a range, if it is not.
    pub unless: Option<&'static str>,
    /// Whether it rests on the filter of system calls (seccomp) alone.
    pub by_filter: bool,
}

impl Promise {
    /// Whether it is promised in this mode, on a kernel that has filters of system calls or has not.
    #[must_use]
    pub fn holds_in(&self, mode: Mode, filters: bool) -> bool {
        (mode != Mode::User || self.unless.is_none()) && (filters || !self.by_filter)
    }
}

const fn never(key: &'static str, attempt: &'static str) -> Promise {
    Promise { key, attempt, unless: None, by_filter: false }
}

const fn filtered(key: &'static str, attempt: &'static str) -> Promise {
    Promise { by_filter: true, ..never(key, attempt) }
}

/// All rows.
pub const PROMISES: &[Promise] = &[
    never("system-file", "write a file of the machine, such as `/usr/bin/env`"),
    never("secrets", "read what only root may read, such as `/etc/shadow`"),
    Promise {
        key: "private-file",
        attempt: "read a file outside these directories that only the caller may read",
        unless: Some("the kernel allows servers no other number than the caller's own"),
        by_filter: false,
    },
    never("core-pattern", "write a setting of the kernel, such as `/proc/sys/kernel/core_pattern`"),
    never("sysrq", "command the kernel through `/proc/sysrq-trigger`"),
    never("kernel-memory", "read `/proc/kcore`, `/proc/kmsg`, `/proc/kallsyms`"),
    never("sys", "write below `/sys`"),
    never("block-device", "open a disk of the machine, or make a device file for it"),
    never("history", "read or write the history, the run record, or any file of a run"),
    never("other-node", "read or write the files of another node"),
    never("machine-tmp", "see the machine's `/tmp`, `/var/tmp`, `/dev/shm` and `/run`"),
    never("homes", "see `/home` and `/root`"),
    never("socket-hidden", "reach a socket of the machine in `/tmp` or `/run`"),
    never("socket-elsewhere", "reach another socket of the machine that was bound before the run"),
    never("processes", "see or signal a process of another node or of the machine"),
    never("mount", "mount, unmount or move to another root"),
    filtered("namespaces", "make a user namespace, unless `node.namespaces` allows it"),
    filtered("tracing", "trace a process, or read its memory"),
    filtered("kernel", "load a module or another kernel, or use `bpf`, `perf` or kernel keys"),
    never("setuid", "get rights from a set-uid program"),
    never("planted-link", "have the harness write where a planted link points"),
];
