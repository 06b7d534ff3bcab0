//! What is done to a program on this architecture: its clock functions are redirected before it
//! has run an instruction of its own. Which programs, and when, is the supervisor's business.
//!
//! Only entries of the vDSO's table of symbols are changed, never code: every C library and the
//! runtime of Go find the functions by that table, so the kernel's own code stays for the stub.

mod stub;
mod tracee;
mod vdso;

use std::fs;

use nix::sys::ptrace;
use nix::unistd::Pid;

use super::super::error::{Doing, LabError};
use super::page::MAP_BYTES;
use super::stops::{Stop, Stops};
use tracee::Tracee;
use vdso::Vdso;

/// The architecture by which the kernel tells system calls apart, from `linux/audit.h`.
pub(super) const AUDIT_ARCH: u32 = 0xc000_003e;

/// The entry of the auxiliary vector with the vDSO's address.
const AT_SYSINFO_EHDR: u64 = 33;

/// How often a program may stop between the event of its exec and the end of that system call.
const STOPS_MAX: u32 = 64;

/// Knows the vDSO, and changes programs.
#[derive(Debug)]
pub(super) struct Tailor(Vdso);

impl Tailor {
    /// Learns where the functions are.
    pub(super) fn new() -> Result<Self, LabError> {
        Vdso::own().map(Self)
    }

    /// Gives a program that is stopped at its exec the clock page of the descriptor `fd`, which it
    /// closes.
    ///
    /// At the event of the exec itself the kernel still overwrites a register with its result, so
    /// the end of the system call is awaited first.
    pub(super) fn outfit(&self, pid: Pid, fd: i32, stops: &Stops) -> Result<(), LabError> {
        finish_exec(pid, stops)?;
        let base = vdso_of(pid)?;
        let tracee = Tracee::hold(pid, stops, base + self.0.syscall)?;
        let redirected = self.redirect(base, &tracee, fd);
        // Whatever failed, the program goes on as if nothing had been done.
        tracee.restore()?;
        redirected
    }

    /// Has a thread close a descriptor.
    pub(super) fn close(&self, pid: Pid, fd: i32, stops: &Stops) -> Result<(), LabError> {
        let tracee = Tracee::hold(pid, stops, vdso_of(pid)? + self.0.syscall)?;
        let closed = tracee.call(libc::SYS_close, [number(fd), 0, 0, 0, 0, 0]);
        tracee.restore()?;
        closed.map(drop)
    }

    /// Maps the stub and the page behind it, and turns the symbols to the stub.
    fn redirect(&self, base: u64, tracee: &Tracee<'_>, fd: i32) -> Result<(), LabError> {
        let mapped = map(tracee, fd);
        // The descriptor is closed even if nothing could be mapped.
        tracee.call(libc::SYS_close, [number(fd), 0, 0, 0, 0, 0])?;
        let stub_at = mapped?;
        let words = stub::words(base + self.0.clock_gettime, base + self.0.gettimeofday);
        tracee.write(stub_at, &words)?;
        for (value, function) in &self.0.values {
            let target = stub_at + stub::entry(&words, *function);
            tracee.write(base + value, &[target.wrapping_sub(base)])?;
        }
        Ok(())
    }
}

/// Maps two pages into a program: one for the stub, and after it the clock page.
fn map(tracee: &Tracee<'_>, fd: i32) -> Result<u64, LabError> {
    let page = MAP_BYTES as u64;
    let code = number(libc::PROT_READ | libc::PROT_EXEC);
    let (private, none) = (number(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS), number(-1));
    let at = tracee.call(libc::SYS_mmap, [0, 2 * page, code, private, none, 0])?;
    let (read, shared) = (number(libc::PROT_READ), number(libc::MAP_SHARED | libc::MAP_FIXED));
    tracee.call(libc::SYS_mmap, [at + page, page, read, shared, number(fd), 0])?;
    Ok(at)
}

/// An argument of a system call.
fn number(argument: i32) -> u64 {
    i64::from(argument).cast_unsigned()
}

/// Goes on to the end of the exec.
fn finish_exec(pid: Pid, stops: &Stops) -> Result<(), LabError> {
    for _ in 0..STOPS_MAX {
        ptrace::syscall(pid, None).doing(|| "go on to the end of the exec".into())?;
        match stops.wait(pid)? {
            Stop::Syscall => return Ok(()),
            Stop::Ended => return Err(LabError::Reported("it ended".into())),
            Stop::Event(_) | Stop::Signal(_) => {}
        }
    }
    Err(LabError::Reported(format!("it stopped {STOPS_MAX} times before its exec ended")))
}

/// Where the kernel has mapped the vDSO in a program.
fn vdso_of(pid: Pid) -> Result<u64, LabError> {
    let path = format!("/proc/{pid}/auxv");
    let bytes = fs::read(&path).doing(|| format!("read `{path}`"))?;
    let (words, _rest) = bytes.as_chunks::<8>();
    let words: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
    let (pairs, _rest) = words.as_chunks::<2>();
    let found = pairs.iter().find(|[kind, _]| *kind == AT_SYSINFO_EHDR);
    found.map(|[_, address]| *address).ok_or_else(|| LabError::Reported("it has no vDSO".into()))
}
