//! Whether clocks can be made wrong here at all, found out without a lab and without a node: what it
//! takes is asked of the kernel, and tried with a process that ends at once.
#![expect(unsafe_code, reason = "what a child does before its exec has no safe wrapper")]

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::errno::Errno;
use nix::sys::ptrace;

use super::super::error::LabError;
use super::listener;

/// The end of a child that was allowed to be traced.
const TRACED: Errno = Errno::ECANCELED;

/// Fails unless this process may hear of the execs of others and trace them.
///
/// # Errors
/// [`LabError::Unavailable`], with what is refused.
pub fn able() -> Result<(), LabError> {
    listener::able()?;
    may_trace()
}

/// Fails unless this process may trace a child of its own. The child asks for it and ends before it
/// would become another program.
fn may_trace() -> Result<(), LabError> {
    let mut command = Command::new("/proc/self/exe");
    let ask = || {
        ptrace::traceme()?;
        Err(io::Error::from(TRACED))
    };
    // SAFETY: one system call, and a value without memory of its own: both may be used after a fork.
    unsafe { command.pre_exec(ask) };
    let error = match command.spawn() {
        Err(error) => error,
        // It cannot become another program: whoever ended it did so before it could say anything.
        Ok(mut child) => {
            let ended = child.wait().map_or_else(|error| error.to_string(), |how| how.to_string());
            return Err(LabError::answer("trace a process of our own", ended));
        }
    };
    if error.raw_os_error() == Some(TRACED as i32) {
        return Ok(());
    }
    let errno = error.raw_os_error().unwrap_or_default();
    Err(LabError::Unavailable {
        what: "redirect a clock".into(),
        why: LabError::refused("trace a process of our own (ptrace)", errno).to_string(),
        mend: "allow `ptrace` where it is run: in a container `--cap-add SYS_PTRACE` or `--security-opt \
               seccomp=unconfined`; `/proc/sys/kernel/yama/ptrace_scope` must not be 3"
            .into(),
    })
}

#[cfg(test)]
mod tests {
    use super::able;
    use crate::LabError;

    #[test]
    fn it_works_or_says_what_is_refused() {
        match able() {
            Ok(()) => {}
            Err(LabError::Unavailable { why, .. }) => {
                assert!(why.contains("ptrace") || why.contains("exec"), "{why}");
            }
            Err(other) => panic!("{other}"),
        }
    }
}
