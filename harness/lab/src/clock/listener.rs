//! Hearing of every exec of a process tree before it happens, through a seccomp filter.
//!
//! The filter holds back execve and execveat until the listener lets them go on, and lets
//! everything else pass; what becomes of an exec is not decided here.
#![expect(unsafe_code, reason = "seccomp has no safe wrapper")]

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use libc::{seccomp_notif, seccomp_notif_addfd, seccomp_notif_resp, sock_filter, sock_fprog};
use nix::errno::Errno;
use nix::unistd::Pid;

use super::super::error::{Doing, LabError};
use super::machine::AUDIT_ARCH;

/// Where the filter finds the number of the system call and the architecture.
const NUMBER_AT: u32 = 0;
const ARCH_AT: u32 = 4;

/// Instructions of the filter: load a word, jump if equal, return.
const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

/// An exec that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exec {
    /// By which the kernel knows it.
    pub(super) id: u64,
    /// The thread that asks for it.
    pub(super) thread: Pid,
}

/// The end at which execs are heard of.
#[derive(Debug)]
pub(super) struct Listener(OwnedFd);

impl Listener {
    /// Filters this thread and all that it will start.
    pub(super) fn install() -> Result<Self, LabError> {
        sizes_fit()?;
        // Once heard of, an exec is cut short by nothing but its end: no signal may make it fail.
        let whole = libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
        let installed = filter(libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | whole);
        installed.map(Self).map_err(|errno| refused(errno, "listen to execs"))
    }

    /// The next exec, if one waits.
    pub(super) fn next(&self) -> Result<Option<Exec>, LabError> {
        // SAFETY: all fields are numbers, for which zero is a value; the kernel wants it zeroed.
        let mut heard: seccomp_notif = unsafe { std::mem::zeroed() };
        match self.control(libc::SECCOMP_IOCTL_NOTIF_RECV, &mut heard) {
            Ok(_) => {
                let thread = i32::try_from(heard.pid).expect("the kernel's process ids fit");
                Ok(Some(Exec { id: heard.id, thread: Pid::from_raw(thread) }))
            }
            // It was killed, or gave up, before we took note.
            Err(Errno::ENOENT | Errno::EINTR | Errno::EAGAIN) => Ok(None),
            Err(errno) => Err(errno).doing(|| "hear of an exec".into()),
        }
    }

    /// Whether the thread still waits for this exec: else its number may be another's by now.
    pub(super) fn still_waits(&self, exec: Exec) -> bool {
        let mut id = exec.id;
        self.control(libc::SECCOMP_IOCTL_NOTIF_ID_VALID, &mut id).is_ok()
    }

    /// Gives the waiting program a copy of a descriptor that survives the exec.
    pub(super) fn give(&self, exec: Exec, descriptor: BorrowedFd<'_>) -> Result<i32, LabError> {
        let srcfd = u32::try_from(descriptor.as_raw_fd()).expect("an open descriptor");
        let mut gift =
            seccomp_notif_addfd { id: exec.id, flags: 0, srcfd, newfd: 0, newfd_flags: 0 };
        let given = self.control(libc::SECCOMP_IOCTL_NOTIF_ADDFD, &mut gift);
        given.doing(|| "hand the clock page over".into())
    }

    /// Lets an exec go on. One that is gone is no error.
    pub(super) fn go_on(&self, exec: Exec) -> Result<(), LabError> {
        let flags = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32;
        let mut answer = seccomp_notif_resp { id: exec.id, val: 0, error: 0, flags };
        match self.control(libc::SECCOMP_IOCTL_NOTIF_SEND, &mut answer) {
            Ok(_) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(errno).doing(|| "let an exec go on".into()),
        }
    }

    /// One request to the kernel.
    fn control<T>(&self, request: libc::Ioctl, argument: &mut T) -> Result<i32, Errno> {
        // SAFETY: each request above comes with the structure that the kernel documents for it, and
        // `sizes_fit` made sure that the kernel's are not longer than ours.
        Errno::result(unsafe { libc::ioctl(self.0.as_raw_fd(), request, &raw mut *argument) })
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Fails if this kernel lets nobody listen to execs.
pub(super) fn able() -> Result<(), LabError> {
    sizes_fit()?;
    let (operation, action) = (libc::SECCOMP_GET_ACTION_AVAIL, libc::SECCOMP_RET_USER_NOTIF);
    // SAFETY: the kernel reads one number, which lives until the call has returned.
    let asked = unsafe { libc::syscall(libc::SYS_seccomp, operation, 0, &raw const action) };
    Errno::result(asked).map(drop).map_err(|errno| refused(errno, "listen to execs"))
}

/// Fails if this kernel writes longer messages than we have room for.
fn sizes_fit() -> Result<(), LabError> {
    let mut sizes =
        libc::seccomp_notif_sizes { seccomp_notif: 0, seccomp_notif_resp: 0, seccomp_data: 0 };
    let operation = libc::SECCOMP_GET_NOTIF_SIZES;
    // SAFETY: the kernel fills exactly this structure.
    let asked = unsafe { libc::syscall(libc::SYS_seccomp, operation, 0, &raw mut sizes) };
    Errno::result(asked).map_err(|errno| refused(errno, "ask for seccomp's messages"))?;
    let ours = (size_of::<seccomp_notif>(), size_of::<seccomp_notif_resp>());
    let kernels = (usize::from(sizes.seccomp_notif), usize::from(sizes.seccomp_notif_resp));
    if ours.0 < kernels.0 || ours.1 < kernels.1 {
        let found = format!("messages of {kernels:?} bytes, expected at most {ours:?}");
        return Err(LabError::answer("ask for seccomp's messages", found));
    }
    Ok(())
}

/// Installs the filter.
fn filter(flags: libc::c_ulong) -> Result<OwnedFd, Errno> {
    let step = |code, k, jt, jf| sock_filter { code, jt, jf, k };
    let number = |call: i64| u32::try_from(call).expect("a small number");
    let mut program = [
        step(LOAD, ARCH_AT, 0, 0),
        step(EQUAL, AUDIT_ARCH, 0, 4), // another architecture's numbers mean other calls: pass
        step(LOAD, NUMBER_AT, 0, 0),
        step(EQUAL, number(libc::SYS_execve), 1, 0),
        step(EQUAL, number(libc::SYS_execveat), 0, 1),
        step(RETURN, libc::SECCOMP_RET_USER_NOTIF, 0, 0),
        step(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0),
    ];
    let length = u16::try_from(program.len()).expect("it is short");
    let program = sock_fprog { len: length, filter: program.as_mut_ptr() };
    let operation = libc::SECCOMP_SET_MODE_FILTER;
    // SAFETY: the filter and the structure that points to it live until the call has returned; the
    // kernel copies both.
    let made = unsafe { libc::syscall(libc::SYS_seccomp, operation, flags, &raw const program) };
    let fd = i32::try_from(Errno::result(made)?).expect("the kernel's descriptors fit");
    // SAFETY: the kernel just made this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Says how to mend what the kernel refused.
fn refused(errno: Errno, doing: &str) -> LabError {
    let mend = match errno {
        Errno::EBUSY => {
            "run it where no other program listens to this one: a container manager \
                         that intercepts system calls does"
        }
        Errno::ENOSYS | Errno::EINVAL | Errno::EOPNOTSUPP => {
            "use a kernel from 5.19 on, with seccomp filters"
        }
        _ => "allow `seccomp` where it is run: in a container, `--security-opt seccomp=unconfined`",
    };
    let error = LabError::refused(doing, errno as i32);
    LabError::Unavailable {
        what: "redirect a clock".into(),
        why: error.to_string(),
        mend: mend.into(),
    }
}
