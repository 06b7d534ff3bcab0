//! Client programs: processes on the clients' side of a lab, which are spoken to through pipes.
//!
//! They live outside of the nodes' namespaces, so that no fault of a node touches them, and inside of
//! the harness' world, so that they are gone when it is. What they say is not looked at here.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::error::{Doing, LabError};

/// How often a killed program is looked at, and how often that is done at most.
const GLANCE: Duration = Duration::from_millis(2);
const GLANCES: u32 = 500;

/// A client program. It is killed, and all that it started in its group, when this is dropped.
#[derive(Debug)]
pub struct ClientProgram {
    child: Child,
    ended: Option<ExitStatus>,
}

/// Our ends of its standard input, output and error. None of them makes its reader or writer wait.
#[derive(Debug)]
pub struct Pipes {
    /// What it reads.
    pub input: OwnedFd,
    /// What it writes.
    pub output: OwnedFd,
    /// What it complains of.
    pub errors: OwnedFd,
}

impl ClientProgram {
    /// Starts a program, in a process group of its own.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(argv: &[String]) -> Result<(Self, Pipes), LabError> {
        let Some((program, arguments)) = argv.split_first() else {
            return Err(LabError::Asked("start a client program: none was named".into()));
        };
        let doing = || format!("start the client program `{program}`");
        let mut command = Command::new(program);
        command.args(arguments).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().doing(doing)?;
        let (input, output, errors) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let started = Self { child, ended: None };
        let (Some(input), Some(output), Some(errors)) = (input, output, errors) else {
            return Err(LabError::answer(&doing(), "no pipes"));
        };
        let pipes = Pipes { input: input.into(), output: output.into(), errors: errors.into() };
        for pipe in [&pipes.input, &pipes.output, &pipes.errors] {
            does_not_wait(pipe).doing(doing)?;
        }
        Ok((started, pipes))
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().unwrap_or_else(|error| {
                tracing::warn!("failed to look at a client program: {error}");
                None
            });
        }
        self.ended
    }

    /// Kills it and all of its group, and waits until it is gone.
    fn kill(&mut self) -> io::Result<()> {
        if self.ended().is_some() {
            // Its number may be somebody else's by now; whoever it left behind has lost its pipes.
            return Ok(());
        }
        match killpg(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGKILL) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(errno) => return Err(errno.into()),
        }
        for _ in 0..GLANCES {
            if self.ended().is_some() {
                return Ok(());
            }
            std::thread::sleep(GLANCE);
        }
        Err(io::Error::from(io::ErrorKind::TimedOut))
    }
}

impl Drop for ClientProgram {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            tracing::warn!("failed to end a client program: {error}");
        }
    }
}

fn does_not_wait(pipe: &OwnedFd) -> nix::Result<()> {
    debug_assert!(pipe.as_raw_fd() >= 0, "an open pipe has a number");
    let flags = OFlag::from_bits_truncate(fcntl(pipe, FcntlArg::F_GETFL)?);
    fcntl(pipe, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK)).map(drop)
}
