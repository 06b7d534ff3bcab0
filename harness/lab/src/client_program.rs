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
use super::sys;

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

    /// How it ended, if it has. What it left behind in its group is killed then.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.look().unwrap_or_else(|error| {
                tracing::warn!("failed to look at a client program: {error}");
                None
            });
        }
        self.ended
    }

    fn look(&mut self) -> io::Result<Option<ExitStatus>> {
        if sys::peek(self.pid())?.is_none() {
            return Ok(None);
        }
        // Not reaped yet, so the group's number cannot belong to anybody else.
        self.kill_group()?;
        self.child.try_wait()
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    fn kill_group(&self) -> io::Result<()> {
        match killpg(self.pid(), Signal::SIGKILL) {
            Ok(()) | Err(Errno::ESRCH) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Kills it and all of its group, and waits until it is gone.
    fn kill(&mut self) -> io::Result<()> {
        if self.ended().is_some() {
            return Ok(());
        }
        self.kill_group()?;
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

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::path::Path;
    use std::time::Instant;

    use super::*;

    /// Long enough for a busy machine.
    const PATIENCE: Duration = Duration::from_secs(30);

    fn shell(script: &str) -> (ClientProgram, Pipes) {
        let argv = ["/bin/sh", "-c", script].map(str::to_owned);
        ClientProgram::start(&argv).expect("a shell is there")
    }

    /// What comes until the end of a line.
    fn line(pipe: &OwnedFd) -> String {
        let mut file = File::from(pipe.try_clone().expect("a pipe can be shared"));
        let (mut text, began) = (String::new(), Instant::now());
        while !text.ends_with('\n') {
            assert!(began.elapsed() < PATIENCE, "no line, only `{text}`");
            match file.read_to_string(&mut text) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    std::thread::sleep(GLANCE);
                }
                other => drop(other.expect("a pipe can be read")),
            }
        }
        text.trim().to_owned()
    }

    fn until(holds: impl Fn() -> bool) {
        let began = Instant::now();
        while !holds() {
            assert!(began.elapsed() < PATIENCE, "it did not happen in time");
            std::thread::sleep(GLANCE);
        }
    }

    #[test]
    fn it_is_killed_with_all_that_it_started() {
        let (program, pipes) = shell("sleep 1000 & echo $!; wait");
        let child = format!("/proc/{}/cmdline", line(&pipes.output));
        let lives = || std::fs::read(Path::new(&child)).is_ok_and(|words| !words.is_empty());
        until(lives);
        drop(program);
        until(|| !lives());
    }

    #[test]
    fn what_it_left_behind_is_killed_when_it_has_ended() {
        let (mut program, pipes) = shell("sleep 1000 & echo $!; echo oh dear >&2; exit 3");
        let child = format!("/proc/{}/cmdline", line(&pipes.output));
        assert_eq!(line(&pipes.errors), "oh dear");
        let began = Instant::now();
        while program.ended().is_none() {
            assert!(began.elapsed() < PATIENCE, "it did not end");
            std::thread::sleep(GLANCE);
        }
        assert_eq!(program.ended().and_then(|status| status.code()), Some(3));
        until(|| !std::fs::read(Path::new(&child)).is_ok_and(|words| !words.is_empty()));
    }

    #[test]
    fn one_that_is_not_there_is_named() {
        let error = ClientProgram::start(&["/no/such/program".to_owned()]).expect_err("none");
        assert!(error.to_string().starts_with("start the client program `/no/such/program`: "));
        ClientProgram::start(&[]).expect_err("nothing to start");
    }
}
