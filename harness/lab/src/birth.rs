//! The first moments of a node: its waiter is started, its init reports, and the harness takes hold
//! of it. Nothing of the server is known here yet.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::unistd::Pid;

use super::channel::{Channel, Order, Received, Report};
use super::clock::ClockPage;
use super::error::{Doing, LabError};
use super::ids;
use super::netns::NetNs;
use super::sys::PidFd;

/// How long the init may take to report.
const REPORT_WITHIN: Duration = Duration::from_secs(20);

/// The argument after `__node` of a node with a clock of its own: the page is its standard output.
pub(crate) const WITH_CLOCK: &str = "clock";

/// The argument of a node whose user the harness must give it.
pub(crate) const WITH_USER: &str = "user";

/// The init of the node's process namespace.
#[derive(Debug)]
pub(crate) struct Init {
    pub(crate) pid: Pid,
    pub(crate) process: PidFd,
    /// The namespace, held open so that its number is not given to another one meanwhile.
    pub(crate) namespace: File,
}

/// Starts a waiter in a network namespace and takes hold of its init.
pub(crate) fn born(
    netns: &NetNs,
    clock: Option<&ClockPage>,
    user: Option<u32>,
) -> Result<(Child, Init, Channel), LabError> {
    let (channel, theirs) = Channel::pair().doing(|| "open a control channel".into())?;
    let child = netns.inside(|| {
        let mut command = Command::new("/proc/self/exe");
        command.arg("__node").stdin(theirs).stdout(Stdio::null()).process_group(0);
        if let Some(page) = clock {
            let page = page.as_fd().try_clone_to_owned();
            command.arg(WITH_CLOCK).stdout(page.doing(|| "hand the clock page over".into())?);
        }
        command.args(user.map(|_| WITH_USER));
        command.spawn().doing(|| "start `/proc/self/exe __node`".into())
    })?;
    let pid = child.id();
    let mut waiter = Waiter(Some(child));
    if let Some(user) = user {
        name(&channel, pid, user)?;
    }
    let init = meet_init(&channel)?;
    let child = waiter.0.take().expect("the waiter is taken only here");
    Ok((child, init, channel))
}

/// Gives a new node its user.
fn name(channel: &Channel, pid: u32, user: u32) -> Result<(), LabError> {
    let doing = "wait for the node's user namespace";
    match channel.receive(REPORT_WITHIN).doing(|| doing.into())? {
        Received::Message(Report::Unmapped) => {
            ids::give_to_node(pid, user)?;
            channel.send(&Order::Mapped).doing(|| "let the node go on".into())
        }
        Received::Message(Report::Failed(reason)) => Err(reason.error()),
        Received::Message(other) => Err(unexpected(doing, Some(other))),
        Received::End => Err(unexpected(doing, None)),
        Received::Nothing => Err(LabError::Timeout { doing: doing.into(), after: REPORT_WITHIN }),
    }
}

/// The waiter, killed and reaped if the start fails before its init is known.
struct Waiter(Option<Child>);

impl Drop for Waiter {
    fn drop(&mut self) {
        if let Some(waiter) = &mut self.0 {
            let ended = waiter.kill().and_then(|()| waiter.wait());
            if let Err(error) = ended {
                tracing::warn!("failed to end a node that did not start: {error}");
            }
        }
    }
}

/// Waits until the init exists and takes hold of it.
///
/// It waits for the launch, so it cannot have ended: its number is certainly still its own.
fn meet_init(channel: &Channel) -> Result<Init, LabError> {
    let doing = "wait for the init";
    match channel.receive(REPORT_WITHIN).doing(|| doing.into())? {
        Received::Message(Report::Init(number)) => {
            let pid = Pid::from_raw(number);
            let process = PidFd::open(pid).doing(|| "take hold of the init".into())?;
            let file = format!("/proc/{pid}/ns/pid");
            let namespace = File::open(&file).doing(|| format!("open `{file}`"))?;
            Ok(Init { pid, process, namespace })
        }
        Received::Message(Report::Failed(reason)) => Err(reason.error()),
        Received::Message(other) => Err(unexpected(doing, Some(other))),
        Received::End => Err(unexpected(doing, None)),
        Received::Nothing => Err(LabError::Timeout { doing: doing.into(), after: REPORT_WITHIN }),
    }
}

/// An answer that does not fit, or the end of the node instead of one.
pub(crate) fn unexpected(doing: &str, report: Option<Report>) -> LabError {
    match report {
        Some(report) => LabError::answer(doing, format!("{report:?}")),
        None => LabError::answer(doing, "the node ended"),
    }
}
