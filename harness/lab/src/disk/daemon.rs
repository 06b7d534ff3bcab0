//! The process of one disk: `fracas __disk`, started by the lab only. It mounts the file system,
//! answers the kernel, and does what the harness asks, in one thread and one loop.
//!
//! It is a process of its own so that nobody who waits for the file system keeps it from
//! answering: a thread of the harness that is killed in the middle of a call into it cannot end
//! before the call is answered, and the harness's descriptors stay open until then. In a thread
//! of the harness that would be for ever.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::mount::{MsFlags, mount};
use nix::poll::{PollFd, PollFlags};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{getegid, geteuid};

use super::control::{Ask, DiskSpec, Tell};
use super::device;
use super::fs::{FileSystem, Outcome, Sync};
use super::journal::Scope;
use super::wire::{self, Answer, Done, Op, REQUEST_MAX, Request};
use crate::channel::{Channel, Received};
use crate::error::{Doing, LabError, Told};
use crate::wait::ready;

/// How long the harness may take to say which disk this is.
const SPEC_WITHIN: Duration = Duration::from_secs(30);

/// How often it looks for old data, as a kernel does (`vm.dirty_writeback_centisecs`).
const LOOK_FOR_OLD: Duration = Duration::from_secs(5);

/// How many requests may wait for an answer when everything is made durable: a program that never
/// stops writing does not keep it from that.
const WAITING_MAX: usize = 1 << 16;

/// The hidden entry point: is one disk for the lab that started this process, and returns the exit
/// code. The control channel is its standard input.
#[must_use]
pub fn disk_main() -> u8 {
    let ended = channel_from_stdin().and_then(|channel| {
        let channel = Arc::new(channel);
        run(&channel).inspect_err(|error| {
            // If the harness is gone, standard error is all that is left.
            let _untold = channel.send(&Tell::Failed(Told::from(error)));
        })
    });
    match ended {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("failed to run a disk: {error}");
            // The harness reads from it what ran out.
            error.errno().and_then(|errno| u8::try_from(errno).ok()).unwrap_or(1)
        }
    }
}

/// Takes the control channel off standard input.
fn channel_from_stdin() -> Result<Channel, LabError> {
    let end = io::stdin().as_fd().try_clone_to_owned();
    end.map(Channel::new).doing(|| "take the control channel".into())
}

/// Mounts the disk and serves it until the harness lets go of it.
fn run(channel: &Arc<Channel>) -> Result<(), LabError> {
    let spec = match channel.receive(SPEC_WITHIN).doing(|| "read what to mount".into())? {
        Received::Message(Ask::Mount(spec)) => spec,
        Received::End => return Ok(()),
        other => return Err(LabError::answer("read what to mount", format!("{other:?}"))),
    };
    umask(Mode::empty()); // the kernel applies that of the program which asks
    let descriptors = open_many().doing(|| "raise the limit of open files".into())?;
    // Opened before the mount, so that one over the same place does not hide it.
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let root = open(&spec.backing, flags, Mode::empty())
        .doing(|| format!("open `{}`", spec.backing.display()))?;
    let kernel = Arc::new(device::open()?);
    let system = FileSystem::new(spec.clone(), root, descriptors)
        .doing(|| format!("prepare `{}`", spec.backing.display()))?;
    attach(&spec, &kernel)?;
    channel.send(&Tell::Done).doing(|| "report the mount".into())?;
    let looks = Instant::now();
    let channel = Arc::clone(channel);
    let mut daemon = Daemon { kernel, channel, system, late: Vec::new(), looks };
    daemon.serve()
}

/// Raises how many files may be open as far as it goes. Returns how many that is.
fn open_many() -> Done<usize> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    Ok(usize::try_from(most).unwrap_or(usize::MAX))
}

/// Mounts the file system, for every user of this world and below.
fn attach(spec: &DiskSpec, kernel: &File) -> Result<(), LabError> {
    let options = format!(
        "fd={},rootmode=40000,user_id={},group_id={},allow_other,default_permissions",
        kernel.as_raw_fd(),
        geteuid(),
        getegid()
    );
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some(super::SOURCE), &spec.mountpoint, Some("fuse"), flags, Some(options.as_str()))
        .doing(|| format!("mount a disk at `{}`", spec.mountpoint.display()))
        .map_err(device::explain)
}

/// A disk at work.
struct Daemon {
    kernel: Arc<File>,
    channel: Arc<Channel>,
    system: FileSystem,
    /// Fsyncs under way.
    late: Vec<Late>,
    /// When it looks for old data next.
    looks: Instant,
}

/// An fsync that will be answered.
struct Late {
    unique: u64,
    /// The thread that waits for it.
    pid: u32,
    begun: Instant,
    due: Instant,
    sync: Sync,
}

impl Daemon {
    /// Answers and obeys until the mount or the harness is gone.
    fn serve(&mut self) -> Result<(), LabError> {
        let mut buffer = vec![0; REQUEST_MAX];
        loop {
            self.finish_due()?;
            self.look_for_old();
            let soonest = self.late.iter().map(|late| late.due).min();
            let deadline = soonest.map_or(self.looks, |due| due.min(self.looks));
            let (asked, ordered) = self.wait(deadline)?;
            if asked && !self.answer_one(&mut buffer)? {
                break;
            }
            self.system.close_some();
            self.forget_some();
            if ordered && !self.obey()? {
                break;
            }
        }
        self.system.finish().doing(|| "finish what was not durable".into())
    }

    /// Writes back what is old, every now and then.
    fn look_for_old(&mut self) {
        let now = Instant::now();
        if now >= self.looks {
            self.system.write_back_old(now);
            self.looks = now + LOOK_FOR_OLD.min(self.system.spec.write_back_after / 2);
        }
    }

    /// Waits for a request of the kernel and for an order.
    fn wait(&self, deadline: Instant) -> Result<(bool, bool), LabError> {
        let mut fds = [
            PollFd::new(self.kernel.as_fd(), PollFlags::POLLIN),
            PollFd::new((*self.channel).as_fd(), PollFlags::POLLIN),
        ];
        ready(&mut fds, deadline).doing(|| "wait for a request".into())?;
        let [asked, ordered] = fds.map(|fd| fd.any().unwrap_or(true));
        Ok((asked, ordered))
    }

    /// Takes one request and answers it; false if the file system is not mounted any more.
    fn answer_one(&mut self, buffer: &mut [u8]) -> Result<bool, LabError> {
        let length = match (&*self.kernel).read(buffer) {
            Ok(length) => length,
            Err(error) => {
                return match Errno::from_raw(error.raw_os_error().unwrap_or_default()) {
                    Errno::ENODEV => Ok(false),
                    // Whoever asked has taken it back.
                    Errno::EAGAIN | Errno::EINTR | Errno::ENOENT => Ok(true),
                    _ => Err(error).doing(|| "read a request".into()),
                };
            }
        };
        let request = Request::parse(&buffer[..length]);
        let mut request = request.doing(|| "understand a request".into())?;
        let (unique, pid) = (request.unique, request.pid);
        if request.op == Op::Interrupt {
            let about = request.arguments.u64().doing(|| "understand a request".into())?;
            self.interrupt(about)?;
            return Ok(true);
        }
        match carry_out(&mut self.system, &mut request) {
            Ok(Outcome::Answer(answer)) => self.say(&answer.finish(unique))?,
            Ok(Outcome::Nothing) => {}
            Ok(Outcome::Later(sync)) => {
                let begun = Instant::now();
                self.late.push(Late { unique, pid, begun, due: begun + sync.delay, sync });
            }
            // An error of ours, not of the disk: whoever got it would take it for the disk's.
            Err(errno @ (Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM)) => {
                return Err(errno).doing(|| "carry out a request".into());
            }
            Err(error) => self.say(&wire::error(error, unique))?,
        }
        Ok(true)
    }

    /// Ends the fsyncs whose time has come.
    fn finish_due(&mut self) -> Result<(), LabError> {
        if self.late.is_empty() {
            return Ok(());
        }
        let now = Instant::now();
        for late in self.late.extract_if(.., |late| late.due <= now).collect::<Vec<_>>() {
            let bytes = match self.system.end_sync(&late.sync, now - late.begun) {
                Ok(answer) => answer.finish(late.unique),
                Err(error) => wire::error(error, late.unique),
            };
            self.say(&bytes)?;
        }
        Ok(())
    }

    /// A signal has come for a thread that waits for an fsync. No disk ends an fsync for that,
    /// unless the thread is killed: then it is as if the fsync had never come to its end.
    fn interrupt(&mut self, unique: u64) -> Result<(), LabError> {
        let killed = |late: &mut Late| late.unique == unique && is_killed(late.pid);
        for late in self.late.extract_if(.., killed).collect::<Vec<_>>() {
            self.say(&wire::error(Errno::EINTR, late.unique))?;
        }
        Ok(())
    }

    /// Answers the kernel. Whoever asked may be gone.
    fn say(&self, bytes: &[u8]) -> Result<(), LabError> {
        match (&*self.kernel).write(bytes) {
            Err(error) if error.raw_os_error() != Some(Errno::ENOENT as i32) => {
                Err(error).doing(|| "answer the kernel".into())
            }
            _ => Ok(()),
        }
    }

    /// Does what the harness asks; false if it has let go of this disk.
    fn obey(&mut self) -> Result<bool, LabError> {
        let ask = match self.channel.receive(Duration::ZERO).doing(|| "read an order".into())? {
            Received::Message(ask) => ask,
            Received::End => return Ok(false),
            Received::Nothing => return Ok(true),
        };
        let tell = match ask {
            Ask::Mount(_) => {
                let twice = LabError::Asked("mount a second disk in one process".into());
                Tell::Failed(Told::from(&twice))
            }
            Ask::Lose(loss) => {
                self.give_up()?;
                let lost = self.system.lose(loss);
                self.announce(Tell::Lost(lost));
                return Ok(true);
            }
            Ask::Fail(errors) => {
                self.system.errors = errors;
                self.announce(Tell::Done); // what is cached would never be read from the disk
                return Ok(true);
            }
            Ask::Evict => {
                let evicted = self.system.evict().doing(|| "show what the disk has".into());
                let tell = evicted.map_or_else(|e| Tell::Failed(Told::from(&e)), |()| Tell::Done);
                self.announce(tell); // what is cached would never be read from the disk
                return Ok(true);
            }
            Ask::Settle => {
                if !self.answer_waiting()? {
                    return Ok(false);
                }
                self.system.commit_all();
                Tell::Done
            }
            Ask::Slow(latency) => {
                self.system.slow(latency);
                Tell::Done
            }
            Ask::Stats => Tell::Stats(self.system.count()),
        };
        self.channel.send(&tell).doing(|| "answer the harness".into())?;
        Ok(true)
    }

    /// Answers what the kernel has asked until now; false if the file system is not mounted any more.
    fn answer_waiting(&mut self) -> Result<bool, LabError> {
        let mut buffer = vec![0; REQUEST_MAX];
        for _ in 0..WAITING_MAX {
            let (asked, _) = self.wait(Instant::now())?;
            if !asked {
                break;
            }
            if !self.answer_one(&mut buffer)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The power fails: no fsync under way comes to its end.
    fn give_up(&mut self) -> Result<(), LabError> {
        for late in std::mem::take(&mut self.late) {
            self.say(&wire::error(Errno::EIO, late.unique))?;
        }
        Ok(())
    }

    /// Has the kernel forget files if too many are known. In a thread: the kernel waits meanwhile for
    /// whoever works in a directory, which may wait for an answer of the loop.
    fn forget_some(&mut self) {
        let names = self.system.too_many();
        if names.is_empty() {
            return;
        }
        let kernel = Arc::clone(&self.kernel);
        std::thread::spawn(move || {
            for (parent, name) in names {
                // The kernel may have forgotten it by itself.
                let _unknown = (&*kernel).write(&wire::forget_name(parent, &name));
            }
        });
    }

    /// Has the kernel drop what it has cached of all files, then answers the harness. In a thread:
    /// the kernel waits meanwhile for reads that only the loop can answer.
    fn announce(&self, tell: Tell) {
        let (kernel, channel) = (Arc::clone(&self.kernel), Arc::clone(&self.channel));
        let nodes = self.system.inodes.numbers();
        std::thread::spawn(move || {
            for node in nodes {
                // The kernel may have forgotten it by itself.
                let _unknown = (&*kernel).write(&wire::out_of_date(node));
            }
            if let Err(error) = channel.send(&tell) {
                eprintln!("failed to answer the harness: {error}");
            }
        });
    }
}

/// Whether a thread has been sent SIGKILL and only waits for its end.
fn is_killed(thread: u32) -> bool {
    const SIGKILL: u64 = 1 << 8;
    let status = std::fs::read_to_string(format!("/proc/{thread}/status")).unwrap_or_default();
    let pending = |line: &str| {
        let hex = line.strip_prefix("SigPnd:").or_else(|| line.strip_prefix("ShdPnd:"))?;
        u64::from_str_radix(hex.trim(), 16).ok()
    };
    status.lines().filter_map(pending).any(|signals| signals & SIGKILL != 0)
}

/// Carries one request out.
fn carry_out(system: &mut FileSystem, request: &mut Request<'_>) -> Done<Outcome> {
    let node = request.node;
    match request.op {
        Op::Init => {
            request.arguments.skip(8)?;
            Ok(Outcome::Answer(Answer::new().init(request.arguments.u32()?)))
        }
        Op::Lookup => system.lookup(node, request.arguments.name()?),
        Op::Forget => system.forget(request, false),
        Op::BatchForget => system.forget(request, true),
        Op::GetAttr => system.attributes(node),
        Op::SetAttr => system.set_attributes(request),
        Op::ReadLink => system.read_link(node),
        Op::Symlink => system.make_link(request),
        Op::MkNod => system.make_special(request),
        Op::MkDir => system.make_directory(request),
        Op::Unlink | Op::RmDir => system.remove(node, request.arguments.name()?),
        Op::Rename => system.rename(request, false),
        Op::Rename2 => system.rename(request, true),
        Op::Link => system.link(request),
        Op::Create => system.create(request),
        Op::Open => system.open(node),
        Op::Read => system.read(request),
        Op::Write => system.write(request),
        Op::Fallocate => system.allocate(request),
        Op::Release => system.close(node),
        Op::Flush | Op::Destroy => Ok(Outcome::Answer(Answer::new())),
        Op::Fsync => system.sync(Scope::File(node)),
        Op::FsyncDir => system.sync(Scope::Directory(node)),
        Op::SyncFs => system.sync(Scope::All),
        Op::OpenDir => system.open_directory(node),
        Op::ReadDir => system.read_directory(&mut request.arguments),
        Op::ReleaseDir => system.close_directory(&mut request.arguments),
        Op::StatFs => system.statistics(),
        Op::Interrupt => Ok(Outcome::Nothing),
        Op::Other => Err(Errno::ENOSYS),
    }
}
