//! One thread that is stopped and traced: makes it do system calls, and writes into its memory.
//! Everything is put back as it was before the thread goes on.
#![expect(unsafe_code, reason = "the mask of a traced thread's signals has no safe wrapper")]

use std::ffi::c_void;

use libc::user_regs_struct;
use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::super::super::error::{Doing, LabError};
use super::super::stops::{Stop, Stops};

/// How often a thread may stop for other reasons before a step of it is done.
const STOPS_MAX: u32 = 64;

/// The code segment of a program of 64 bits.
const CODE_64: u64 = 0x33;

/// The largest error number that a system call returns, negated.
const ERRNO_MAX: u64 = 4095;

/// A stopped thread.
pub(super) struct Tracee<'a> {
    pid: Pid,
    stops: &'a Stops,
    /// Where its memory has an instruction that makes a system call.
    syscall: u64,
    before: user_regs_struct,
    mask: u64,
}

impl<'a> Tracee<'a> {
    /// Takes hold of a stopped thread. Its signals wait from now on, but for the one by which
    /// steps are told, and SIGSTOP and SIGKILL, which never wait.
    pub(super) fn hold(pid: Pid, stops: &'a Stops, syscall: u64) -> Result<Self, LabError> {
        let before = ptrace::getregs(pid).doing(|| "read registers".into())?;
        if before.cs != CODE_64 {
            return Err(LabError::Reported("it is a program of 32 bits".into()));
        }
        let mut mask = 0;
        sigmask(libc::PTRACE_GETSIGMASK, pid, &mut mask)?;
        let mut all = !(1_u64 << (Signal::SIGTRAP as u64 - 1));
        sigmask(libc::PTRACE_SETSIGMASK, pid, &mut all)?;
        Ok(Self { pid, stops, syscall, before, mask })
    }

    /// Has the thread do a system call.
    pub(super) fn call(&self, number: i64, arguments: [u64; 6]) -> Result<u64, LabError> {
        let [rdi, rsi, rdx, r10, r8, r9] = arguments;
        let registers = user_regs_struct {
            rip: self.syscall,
            rax: number.cast_unsigned(),
            orig_rax: u64::MAX, // no interrupted system call: the kernel must not restart one
            rdi,
            rsi,
            rdx,
            r10,
            r8,
            r9,
            ..self.before
        };
        ptrace::setregs(self.pid, registers).doing(|| "write registers".into())?;
        self.step()?;
        let answer = ptrace::getregs(self.pid).doing(|| "read registers".into())?.rax;
        match answer.wrapping_neg() {
            errno @ 1..=ERRNO_MAX => {
                let errno = Errno::from_raw(i32::try_from(errno).expect("it is small"));
                Err(errno).doing(|| format!("have it make system call {number}"))
            }
            _ => Ok(answer),
        }
    }

    /// Lets the thread run one instruction.
    fn step(&self) -> Result<(), LabError> {
        let mut signal = None;
        for _ in 0..STOPS_MAX {
            ptrace::step(self.pid, signal.take()).doing(|| "step".into())?;
            match self.stops.wait(self.pid)? {
                Stop::Signal(Signal::SIGTRAP) => return Ok(()),
                // SIGSTOP. It is delivered at once: kept for later, it could come after the SIGCONT
                // that takes it back. The kernel remembers that the process is to be stopped.
                Stop::Signal(other) => signal = Some(other),
                // A request to stop that came late, or the stop: the instruction has not run.
                Stop::Event(_) | Stop::Syscall => {}
                Stop::Ended => return Err(LabError::Reported("it ended".into())),
            }
        }
        Err(LabError::Reported(format!("it stopped {STOPS_MAX} times instead of going on")))
    }

    /// Writes words, whatever the protection of the memory.
    pub(super) fn write(&self, at: u64, words: &[u64]) -> Result<(), LabError> {
        for (place, word) in (at..).step_by(8).zip(words) {
            let place =
                std::ptr::without_provenance_mut::<c_void>(place.try_into().expect("64 bits"));
            ptrace::write(self.pid, place, word.cast_signed()).doing(|| "write memory".into())?;
        }
        Ok(())
    }

    /// Puts everything back.
    pub(super) fn restore(mut self) -> Result<(), LabError> {
        ptrace::setregs(self.pid, self.before).doing(|| "restore registers".into())?;
        sigmask(libc::PTRACE_SETSIGMASK, self.pid, &mut self.mask)
    }
}

/// Reads or writes which signals of a stopped thread wait.
fn sigmask(request: libc::c_uint, pid: Pid, mask: &mut u64) -> Result<(), LabError> {
    let size = std::ptr::without_provenance_mut::<c_void>(size_of::<u64>());
    // SAFETY: the kernel reads or writes exactly the 8 bytes that `size` says, and `mask` is that
    // long; a process that is not a stopped tracee of ours is an error.
    let done = unsafe { libc::ptrace(request, pid.as_raw(), size, &raw mut *mask) };
    Errno::result(done).map(|_| ()).doing(|| "change the mask of signals".into())
}
