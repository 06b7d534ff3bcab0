//! Programs of the machine that are run for their answer, such as `etcd --version`.
//!
//! Never through a shell, never without an end: time and output are bounded, and whatever such a
//! program leaves behind in its process group is killed. Servers are not started here.

use std::env;
use std::fs;
use std::io::{self, PipeReader, Read, Write, pipe};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::error::{Doing, LabError};
use super::sys::PidFd;
use super::wait::ready;

/// What a program wrote beyond this is not read.
const OUTPUT_MAX: usize = 64 * 1024;

/// What a pipe holds without anybody reading it.
const INPUT_MAX: usize = 64 * 1024;

/// How long a killed program may take to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(5);

/// Where administrators' programs are, even if an ordinary user's `PATH` does not say so.
const ADMIN_PATHS: [&str; 3] = ["/usr/sbin", "/sbin", "/usr/local/sbin"];

/// Runs a program and returns the first line it wrote that is not empty.
///
/// An exit status other than 0 is an error; it quotes that line.
pub fn run_command(argv: &[String], timeout: Duration) -> Result<String, LabError> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(LabError::Asked("run a program: no program was named".into()));
    };
    let mut command = Command::new(program);
    command.args(arguments);
    let output = run(command, nothing(), timeout)?.success()?;
    Ok(first_line(&output).to_owned())
}

/// Runs a program and returns all its output, and what was wrong with its end, if anything: a
/// program that failed may have written much before.
///
/// # Errors
/// When it cannot be started.
pub fn hear_command(
    argv: &[String],
    timeout: Duration,
) -> Result<(String, Option<LabError>), LabError> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(LabError::Asked("run a program: no program was named".into()));
    };
    let mut command = Command::new(program);
    command.args(arguments);
    let (status, output) = run_on(command, nothing(), timeout)?;
    let wrong = match status {
        Some(status) if status.success() => None,
        Some(status) => Some(LabError::Reported(format!("run `{program}`: {status}"))),
        None => Some(LabError::Timeout { doing: format!("run `{program}`"), after: timeout }),
    };
    Ok((output, wrong))
}

/// What came of a program that may end in whatever way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its exit status, as a shell counts it: 127 for a program that could not be started, 128 and
    /// the number of the signal that ended it. None if it did not end in time.
    pub exit: Option<u8>,
    /// All that it wrote, its errors included.
    pub output: String,
}

/// What a shell tells of a program that cannot be started.
pub(crate) const NOT_STARTED: u8 = 127;

/// Runs a program and returns how it ended, in whatever way that is.
///
/// # Errors
/// When this machine refuses.
pub fn attempt(argv: &[String], timeout: Duration) -> Result<Attempt, LabError> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(LabError::Asked("run a program: no program was named".into()));
    };
    let mut command = Command::new(program);
    command.args(arguments);
    match attempted(command, nothing(), timeout) {
        Err(LabError::Reported(why)) => {
            Ok(Attempt { exit: Some(NOT_STARTED), output: format!("failed to {why}\n") })
        }
        other => other,
    }
}

/// The same, of a command with this input.
pub(crate) fn attempted(
    command: Command,
    input: Stdio,
    timeout: Duration,
) -> Result<Attempt, LabError> {
    let (status, output) = run_on(command, input, timeout)?;
    Ok(Attempt { exit: status.map(exit_of), output })
}

/// An exit status as a shell counts it.
pub(crate) fn exit_of(status: ExitStatus) -> u8 {
    let number = status.code().or_else(|| status.signal().map(|signal| signal + SIGNALLED));
    number.and_then(|number| u8::try_from(number).ok()).unwrap_or(u8::MAX)
}

/// What a shell adds to the number of a signal.
const SIGNALLED: i32 = 128;

/// Runs this program with other arguments and `input`, which must be shorter than 64 KiB.
///
/// # Errors
/// When it ends otherwise than well, or not in time.
pub fn run_self(arguments: &[&str], input: &str, timeout: Duration) -> Result<(), LabError> {
    let mut command = Command::new("/proc/self/exe");
    command.args(arguments);
    let input = text(input).doing(|| "open a pipe".into())?;
    run(command, input, timeout)?.success().map(drop)
}

/// Lets this process have so many bytes of memory and no more; beyond them it is aborted, without a
/// file of its memory.
///
/// # Errors
/// When the kernel refuses.
pub fn bound_memory(bytes: u64) -> Result<(), LabError> {
    let bounded = setrlimit(Resource::RLIMIT_AS, bytes, bytes);
    bounded
        .and_then(|()| setrlimit(Resource::RLIMIT_CORE, 0, 0))
        .doing(|| "bound the memory".into())
}

/// The first line with something in it.
fn first_line(output: &str) -> &str {
    output.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}

/// What became of a program.
pub(crate) struct Ran {
    name: String,
    status: ExitStatus,
    output: String,
}

impl Ran {
    /// Its output, if it ended with status 0.
    pub(crate) fn success(self) -> Result<String, LabError> {
        if self.status.success() {
            return Ok(self.output);
        }
        let (name, status) = (self.name, self.status);
        Err(LabError::Reported(format!("run `{name}`: {status}: {}", first_line(&self.output))))
    }
}

/// Runs a program with `input` as its standard input; its output and errors are one text.
pub(crate) fn run(command: Command, input: Stdio, timeout: Duration) -> Result<Ran, LabError> {
    let name = command.get_program().to_string_lossy().into_owned();
    match run_on(command, input, timeout)? {
        (Some(status), output) => Ok(Ran { name, status, output }),
        (None, _) => Err(LabError::Timeout { doing: format!("run `{name}`"), after: timeout }),
    }
}

/// The same; without a status if it had not ended by then.
fn run_on(
    mut command: Command,
    input: Stdio,
    timeout: Duration,
) -> Result<(Option<ExitStatus>, String), LabError> {
    let name = command.get_program().to_string_lossy().into_owned();
    let deadline = Instant::now() + timeout;
    let (reader, mut child) = start(&mut command, input)
        .map_err(|error| LabError::Reported(format!("run `{name}`: {error}")))?;
    // From here on nothing keeps the writing end of its output open but the program.
    drop(command);
    let outcome = || -> io::Result<_> {
        let process = PidFd::open(Pid::from_raw(child.id().cast_signed()))?;
        let output = read_until(reader, &process, deadline);
        Ok((end(&mut child, &process, deadline)?, output?))
    };
    let (status, output) = outcome().doing(|| format!("run `{name}`"))?;
    Ok((status, String::from_utf8_lossy(&output).into_owned()))
}

/// No input.
pub(crate) fn nothing() -> Stdio {
    Stdio::null()
}

/// This text as an input, all of it ready to be read.
pub(crate) fn text(input: &str) -> io::Result<Stdio> {
    debug_assert!(input.len() < INPUT_MAX, "the input must fit the pipe");
    let (stdin, mut give) = pipe()?;
    give.write_all(input.as_bytes())?;
    Ok(stdin.into())
}

/// Starts it with its input ready, in a process group of its own.
fn start(command: &mut Command, input: Stdio) -> io::Result<(PipeReader, Child)> {
    let (reader, writer) = pipe()?;
    command.stdin(input).stdout(writer.try_clone()?).stderr(writer).process_group(0);
    Ok((reader, command.spawn()?))
}

/// Reads until the end, the limit or the deadline, or until the program has ended: somebody it
/// left behind may hold its output open forever.
fn read_until(mut reader: PipeReader, process: &PidFd, deadline: Instant) -> io::Result<Vec<u8>> {
    let mut output = Vec::new();
    let mut buffer = [0; 4096];
    while output.len() < OUTPUT_MAX {
        let readable = PollFd::new(reader.as_fd(), PollFlags::POLLIN);
        let mut ends = [readable, PollFd::new(process.as_fd(), PollFlags::POLLIN)];
        if !ready(&mut ends, deadline)? || !ends[0].any().unwrap_or(true) {
            break;
        }
        match reader.read(&mut buffer)? {
            0 => break,
            count => output.extend(&buffer[..count]),
        }
    }
    Ok(output)
}

/// Waits until it has ended, kills what is left of its group, and reaps it. None if it had not
/// ended at the deadline.
fn end(child: &mut Child, process: &PidFd, deadline: Instant) -> io::Result<Option<ExitStatus>> {
    let group = Pid::from_raw(child.id().cast_signed());
    let in_time = process.wait(deadline.saturating_duration_since(Instant::now()))?;
    // Not reaped yet, so the group's number cannot belong to anybody else.
    match killpg(group, Signal::SIGKILL) {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(errno) => return Err(errno.into()),
    }
    if !process.wait(GONE_WITHIN)? {
        return Ok(None);
    }
    let status = child.wait()?;
    Ok(in_time.then_some(status))
}

/// Looks a program up in `PATH` and where administrators' programs are.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let executable = |file: &Path| {
        fs::metadata(file)
            .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    env::split_paths(&path)
        .chain(ADMIN_PATHS.iter().map(PathBuf::from))
        .map(|directory| directory.join(name))
        .find(|file| executable(file))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Attempt, NOT_STARTED, attempt, hear_command, run_command};

    /// Long enough for a busy machine.
    const PATIENCE: Duration = Duration::from_secs(30);

    fn shell(script: &str, timeout: Duration) -> Result<String, String> {
        let argv = ["/bin/sh", "-c", script].map(str::to_owned);
        run_command(&argv, timeout).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn check(script: &str, expect: Result<&str, &str>) {
        let expect = expect.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(shell(script, PATIENCE), expect, "{script}");
    }

    #[test]
    fn the_first_line_is_the_answer() {
        check("echo; echo ' server 1.2 '; echo more", Ok("server 1.2"));
        check("echo 'version 3' >&2", Ok("version 3"));
        check("true", Ok(""));
        check("read line || echo no input", Ok("no input"));
    }

    #[test]
    fn a_failure_quotes_it() {
        check("echo 'bad flag' >&2; exit 3", Err("run `/bin/sh`: exit status: 3: bad flag"));
        let missing = run_command(&["/no/such/program".to_owned()], PATIENCE);
        let missing = missing.expect_err("it is not there").to_string();
        assert!(missing.starts_with("run `/no/such/program`: "), "{missing}");
        run_command(&[], PATIENCE).expect_err("nothing to run");
    }

    #[test]
    fn what_was_said_before_a_bad_end_is_heard() {
        let hear = |script: &str, timeout| {
            let argv = ["/bin/sh", "-c", script].map(str::to_owned);
            let (output, wrong) = hear_command(&argv, timeout).expect("it starts");
            (output, wrong.map(|error| error.to_string()))
        };
        assert_eq!(hear("echo one; echo two >&2", PATIENCE), ("one\ntwo\n".to_owned(), None));
        let wrong = Some("run `/bin/sh`: exit status: 3".to_owned());
        assert_eq!(hear("echo one; exit 3", PATIENCE), ("one\n".to_owned(), wrong));
        let (_, wrong) = hear("sleep 1000", Duration::from_millis(50));
        assert_eq!(wrong, Some("run `/bin/sh`: nothing came within 50ms".to_owned()));
    }

    #[test]
    fn an_attempt_ends_in_whatever_way() {
        let of = |argv: &[&str], timeout| {
            let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
            let Attempt { exit, output } = attempt(&argv, timeout).expect("this machine lets it");
            (exit, output)
        };
        let shell = |script, timeout| of(&["/bin/sh", "-c", script], timeout);
        let done = |exit, output: &str| (Some(exit), output.to_owned());
        assert_eq!(shell("echo one; echo two >&2; exit 3", PATIENCE), done(3, "one\ntwo\n"));
        assert_eq!(shell("echo one; kill -9 $$", PATIENCE), done(137, "one\n"));
        let late = shell("echo one; sleep 1000", Duration::from_millis(300));
        assert_eq!(late, (None, "one\n".to_owned()));
        let (exit, output) = of(&["/no/such/program"], PATIENCE);
        assert_eq!(exit, Some(NOT_STARTED));
        assert!(output.starts_with("failed to run `/no/such/program`: "), "{output}");
    }

    #[test]
    fn time_and_output_are_bounded() {
        let start = Instant::now();
        check("sleep 1000 & echo left behind", Ok("left behind"));
        check("echo first; exec yes", Err("run `/bin/sh`: signal: 13 (SIGPIPE): first"));
        assert!(start.elapsed() < PATIENCE, "neither waits for the time-out");
        let error = shell("echo waiting; sleep 1000", Duration::from_millis(50));
        assert_eq!(error, Err("run `/bin/sh`: nothing came within 50ms".to_owned()));
    }
}
