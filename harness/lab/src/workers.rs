//! Pieces of work side by side: each in a copy of this process, so that it may enter a world of its
//! own. Whoever starts them reads what they write, and passes signals on.
//!
//! What the work is, and how many pieces there may be at once, is not known here.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags};
use nix::sched::CloneFlags;
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::{Pid, dup2_stderr, dup2_stdout, getppid, pipe2, read, setpgid};

use super::error::{Doing, LabError};
use super::leftovers::Identity;
use super::sys::{self, Ended, Side};
use super::wait::ready;

/// The exit code of a panic: a bug of ours.
const PANICKED: u8 = 70;

/// What a shell adds to the number of the signal that ended a process.
const SIGNALLED: u8 = 128;

/// How long one wait lasts before it is begun again.
const WAIT: Duration = Duration::from_secs(3_600);

/// How many bytes are read at once.
const CHUNK: usize = 64 * 1024;

/// A longer line is told in pieces.
const LINE_MAX: usize = 64 * 1024;

/// What a worker wrote to its standard output beyond this is lost.
const OUTPUT_MAX: usize = 64 << 20;

/// Pieces of work that are going on.
#[derive(Debug)]
pub struct Workers {
    signals: SignalFd,
    /// The signal mask of the caller.
    mask: SigSet,
    working: BTreeMap<usize, Worker>,
}

/// One piece of work.
#[derive(Debug)]
struct Worker {
    pid: Pid,
    output: Stream,
    errors: Stream,
}

/// What a worker writes.
#[derive(Debug)]
struct Stream {
    /// None once its end was read.
    pipe: Option<OwnedFd>,
    /// What was read and not yet told.
    text: Vec<u8>,
}

/// What has come of the workers.
#[derive(Debug)]
pub enum News {
    /// A worker wrote a line to its standard error.
    Line(usize, String),
    /// A worker has ended.
    Done(Done),
    /// A signal was passed on to all of them.
    Signal(Signal),
}

/// A worker that has ended.
#[derive(Debug)]
pub struct Done {
    /// Which one.
    pub worker: usize,
    /// Its exit code; 128 and the number of the signal that ended it.
    pub code: u8,
    /// What it wrote to its standard output.
    pub output: String,
}

impl Workers {
    /// Nobody works yet. From now on SIGINT, SIGTERM and SIGHUP are passed on, and do not end this
    /// process, which must have one thread.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn new() -> Result<Self, LabError> {
        sys::require_single_thread()?;
        sys::notice_children().doing(|| "reset the action of SIGCHLD".into())?;
        let mask = SigSet::thread_get_mask().doing(|| "read the signal mask".into())?;
        let waited: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGCHLD]
            .into_iter()
            .collect();
        waited.thread_block().doing(|| "block signals".into())?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let signals = SignalFd::with_flags(&waited, flags).doing(|| "wait for signals".into())?;
        Ok(Self { signals, mask, working: BTreeMap::new() })
    }

    /// How many are working.
    #[must_use]
    pub fn count(&self) -> usize {
        self.working.len()
    }

    /// Starts a piece of work, in the process that is returned; its exit code is what it returns. It is
    /// killed if this process ends.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn start(
        &mut self,
        worker: usize,
        work: impl FnOnce() -> u8,
    ) -> Result<Identity, LabError> {
        let open = || pipe2(OFlag::O_CLOEXEC).doing(|| "open a pipe".into());
        let ((output, output_end), (errors, errors_end)) = (open()?, open()?);
        let parent = Pid::this();
        match sys::clone_into(CloneFlags::empty())? {
            Side::Child => {
                let begun = begin(&self.mask, parent, (&output_end, &errors_end));
                let done = catch_unwind(AssertUnwindSafe(|| begun.map_or(PANICKED, |()| work())));
                std::process::exit(done.unwrap_or(PANICKED).into())
            }
            Side::Parent(pid) => {
                let (output, errors) = (Stream::of(output)?, Stream::of(errors)?);
                self.working.insert(worker, Worker { pid, output, errors });
                Ok(Identity::of(pid.as_raw()))
            }
        }
    }

    /// Waits until something has come of the workers.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn news(&mut self) -> Result<Vec<News>, LabError> {
        loop {
            let pipes = self.working.values().flat_map(Worker::pipes);
            let all = [self.signals.as_fd()].into_iter().chain(pipes.map(AsFd::as_fd));
            let mut ends: Vec<PollFd<'_>> =
                all.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
            ready(&mut ends, Instant::now() + WAIT).doing(|| "wait for the workers".into())?;
            let mut news = Vec::new();
            for (number, worker) in &mut self.working {
                worker.output.take_in()?;
                worker.errors.take_in()?;
                news.extend(worker.errors.lines().map(|line| News::Line(*number, line)));
            }
            news.extend(self.passed_on()?.map(News::Signal));
            news.append(&mut self.reaped()?);
            if !news.is_empty() {
                return Ok(news);
            }
        }
    }

    /// Passes a signal on that has come, if one that ends programs has.
    fn passed_on(&self) -> Result<Option<Signal>, LabError> {
        let mut last = None;
        while let Some(info) = self.signals.read_signal().doing(|| "read a signal".into())? {
            let number = i32::try_from(info.ssi_signo).unwrap_or_default();
            let signal = match Signal::try_from(number) {
                Ok(Signal::SIGINT) => Signal::SIGINT,
                Ok(Signal::SIGTERM | Signal::SIGHUP) => Signal::SIGTERM,
                _ => continue,
            };
            for worker in self.working.values() {
                match kill(worker.pid, signal) {
                    Ok(()) | Err(Errno::ESRCH) => {}
                    Err(errno) => return Err(errno).doing(|| format!("pass {signal} on")),
                }
            }
            last = Some(signal);
        }
        Ok(last)
    }

    /// The workers that have ended, with their last words.
    fn reaped(&mut self) -> Result<Vec<News>, LabError> {
        let mut news = Vec::new();
        for number in self.working.keys().copied().collect::<Vec<_>>() {
            let Some(worker) = self.working.get_mut(&number) else { continue };
            let ended = sys::reap(worker.pid).doing(|| "wait for a worker".into())?;
            let Some((_, ended)) = ended else { continue };
            worker.output.take_in()?;
            worker.errors.take_in()?;
            news.extend(worker.errors.lines().map(|line| News::Line(number, line)));
            news.extend(worker.errors.rest().map(|line| News::Line(number, line)));
            let output = String::from_utf8_lossy(&worker.output.text).into_owned();
            news.push(News::Done(Done { worker: number, code: code(ended), output }));
            self.working.remove(&number);
        }
        Ok(news)
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        let _unchanged = self.mask.thread_set_mask(); // a mask that was in force is no wrong one
    }
}

impl Worker {
    /// What is still to be read of it.
    fn pipes(&self) -> impl Iterator<Item = &OwnedFd> {
        [&self.output, &self.errors].into_iter().filter_map(|stream| stream.pipe.as_ref())
    }
}

impl Stream {
    /// A stream that never waits.
    fn of(pipe: OwnedFd) -> Result<Self, LabError> {
        let set = fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK));
        set.doing(|| "read a pipe without waiting".into())?;
        Ok(Self { pipe: Some(pipe), text: Vec::new() })
    }

    /// Reads all that is there.
    fn take_in(&mut self) -> Result<(), LabError> {
        let mut chunk = vec![0; CHUNK];
        while let Some(pipe) = &self.pipe {
            match read(pipe, &mut chunk) {
                Ok(0) => self.pipe = None,
                Ok(count) => {
                    let room = OUTPUT_MAX.saturating_sub(self.text.len());
                    self.text.extend_from_slice(&chunk[..count.min(room)]);
                }
                Err(Errno::EAGAIN) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno).doing(|| "read what a worker writes".into()),
            }
        }
        Ok(())
    }

    /// The whole lines that were read, each once.
    fn lines(&mut self) -> impl Iterator<Item = String> {
        let end = self.text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let end = if end == 0 && self.text.len() > LINE_MAX { self.text.len() } else { end };
        let whole: Vec<u8> = self.text.drain(..end).collect();
        let text = String::from_utf8_lossy(&whole).into_owned();
        text.lines().map(str::to_owned).collect::<Vec<_>>().into_iter()
    }

    /// What follows the last whole line.
    fn rest(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.text);
        (!rest.is_empty()).then(|| String::from_utf8_lossy(&rest).into_owned())
    }
}

/// The first steps of a worker. A terminal's Ctrl-C must reach its parent only, which passes it on.
fn begin(
    mask: &SigSet,
    parent: Pid,
    (output, errors): (&OwnedFd, &OwnedFd),
) -> Result<(), LabError> {
    prctl::set_pdeathsig(Signal::SIGKILL).doing(|| "ask to die with the parent".into())?;
    // The request is void if the parent is dead already.
    if getppid() != parent {
        return Err(LabError::Reported("the parent process is gone".into()));
    }
    setpgid(Pid::from_raw(0), Pid::from_raw(0)).doing(|| "make a process group".into())?;
    dup2_stdout(output).doing(|| "write to a pipe".into())?;
    dup2_stderr(errors).doing(|| "write to a pipe".into())?;
    mask.thread_set_mask().doing(|| "restore the signal mask".into())
}

/// How a worker ended, as a shell counts it.
fn code(ended: Ended) -> u8 {
    match ended {
        Ended::Status(status) => u8::try_from(status).unwrap_or(u8::MAX),
        Ended::Signal(signal) => u8::try_from(signal).map_or(u8::MAX, |it| it | SIGNALLED),
    }
}
