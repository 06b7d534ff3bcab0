//! What the harness and a node's init say to each other, and the socket they say it through.
//!
//! One message is one packet, so nothing is ever half read. The end of the channel is a message
//! too: whoever sees it ends, and everything it holds ends with it.

use std::collections::BTreeMap;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recv,
    recvmsg, send, sendmsg, socketpair,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::clock::{Reading, Sampling};
use super::error::Told;
use super::launch::{Launch, Program, Standing, Threads};
use super::resources::Duty;
use super::sys;
use super::view::Surroundings;
use super::wait::ready;

/// The longest message. A launch with a larger environment is refused.
const MESSAGE_MAX: usize = 128 * 1024;

/// How many files one packet may hold.
const FILES_MAX: usize = 8;

/// What the harness asks of a node's init.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Go on: the node's user is there.
    Mapped,
    /// Start the server, in these surroundings.
    Launch(Box<(Launch, Surroundings)>),
    /// Start a further process, or one again that was killed alone. Its outputs follow.
    Begin(Box<Program>),
    /// Stop the process of this name, with all that descends from it.
    PauseProcess(String),
    /// Let it go on.
    ResumeProcess(String),
    /// Kill it.
    KillProcess(String),
    /// Tell how it stands, and the others beside it.
    Standing(String),
    /// Stop all processes but the init.
    Pause,
    /// Let them go on.
    Resume,
    /// Count their threads.
    Threads,
    /// Send a signal to every process that was asked for. Their ends are then reported together.
    Signal(i32),
    /// Read the clocks, by a program with this environment beside ours.
    Clock(Sampling, BTreeMap<String, String>),
    /// Let all processes but the init run by turns only, or run again.
    Starve(Option<Duty>),
    /// Run a process in circles for so many milliseconds; whether waiting for a processor counts.
    Spin(u64, bool),
}

/// What a node's init tells the harness.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Report {
    /// The node's user namespace exists, and waits for its user.
    Unmapped,
    /// The init exists; its process id as the harness sees it.
    Init(i32),
    /// The server was started.
    Started,
    /// What was asked could not be done.
    Failed(Told),
    /// The threads of all processes but the init, after what was asked has been done.
    Threads(Threads),
    /// What the clocks showed.
    Clock(Reading),
    /// The signal was sent, or the server had just ended.
    Signalled,
    /// The share of the time in which the one that ran in circles ran, in percent.
    Spun(u8),
    /// How one process stands.
    Standing(Standing),
    /// A process ended by itself, or all did that had been asked to.
    Exited(Exit),
}

/// The end of a process that was asked for, and so that of its node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Exit {
    /// Its name; none where the node has but one, or where all have ended.
    pub(crate) process: Option<String>,
    /// Such as `status 1`.
    pub(crate) how: String,
    /// How many threads of it went on.
    pub(crate) left: usize,
}

/// One end of the conversation.
#[derive(Debug)]
pub(crate) struct Channel(OwnedFd);

/// What came out of waiting for a message.
#[derive(Debug)]
pub(crate) enum Received<T> {
    /// A message.
    Message(T),
    /// The other end is closed.
    End,
    /// Nothing within the time.
    Nothing,
}

impl Channel {
    /// Opens both ends.
    pub(crate) fn pair() -> io::Result<(Self, OwnedFd)> {
        let flags = SockFlag::SOCK_CLOEXEC;
        let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)?;
        Ok((Self(ours), theirs))
    }

    /// An end that was handed over.
    pub(crate) fn new(end: OwnedFd) -> Self {
        Self(end)
    }

    /// Sends one message; fails rather than waits if the other end does not read.
    pub(crate) fn send(&self, message: &impl Serialize) -> io::Result<()> {
        let bytes = serde_json::to_vec(message)?;
        if bytes.len() > MESSAGE_MAX {
            let text =
                format!("a message of {} bytes, expected at most {MESSAGE_MAX}", bytes.len());
            return Err(io::Error::other(text));
        }
        let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
        send(self.0.as_raw_fd(), &bytes, flags)?;
        Ok(())
    }

    /// Hands open files over, in a packet of their own.
    pub(crate) fn hand(&self, files: &[BorrowedFd<'_>]) -> io::Result<()> {
        let files: Vec<RawFd> = files.iter().map(AsRawFd::as_raw_fd).collect();
        let (bytes, rights) = ([IoSlice::new(b"f")], [ControlMessage::ScmRights(&files)]);
        let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
        sendmsg::<()>(self.0.as_raw_fd(), &bytes, &rights, flags, None)?;
        Ok(())
    }

    /// Waits for files that are handed over; none if the other end is closed.
    pub(crate) fn take(&self, wait: Duration) -> io::Result<Vec<OwnedFd>> {
        let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        if !ready(&mut fds, Instant::now() + wait)? {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let (mut byte, mut space) = ([0], nix::cmsg_space!([RawFd; FILES_MAX]));
        let mut into = [IoSliceMut::new(&mut byte)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
        let message = recvmsg::<()>(self.0.as_raw_fd(), &mut into, Some(&mut space), flags)?;
        let rights = message.cmsgs()?.filter_map(|message| match message {
            ControlMessageOwned::ScmRights(files) => Some(files),
            _ => None,
        });
        Ok(rights.flatten().map(sys::adopt).collect())
    }

    /// Waits for one message.
    pub(crate) fn receive<T: DeserializeOwned>(&self, wait: Duration) -> io::Result<Received<T>> {
        let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        if !ready(&mut fds, Instant::now() + wait)? {
            return Ok(Received::Nothing);
        }
        let mut bytes = vec![0; MESSAGE_MAX];
        match recv(self.0.as_raw_fd(), &mut bytes, MsgFlags::MSG_DONTWAIT) {
            // A reset: the other end went away with unread messages.
            Ok(0) | Err(Errno::ECONNRESET) => Ok(Received::End),
            Ok(length) => Ok(Received::Message(serde_json::from_slice(&bytes[..length])?)),
            Err(Errno::EAGAIN) => Ok(Received::Nothing),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
