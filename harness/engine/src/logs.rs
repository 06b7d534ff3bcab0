//! Follows the logs of all nodes, in a thread of its own: however much a server writes, neither a
//! client nor a poll waits for it. What a line tells goes into the history; what was not read is told.
//! No file is opened here: the agent reads, and keeps the position in each log.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fracas_checker::event::{EventKind, Nanos, NodeId};
use fracas_checker::harness::Mishap;
use fracas_lab::LabError;
use fracas_lab::agent::{LogOrder, Order};
use fracas_lab::logs::{Chunk, Lines, Look};

use crate::cluster::NodeLog;
use crate::powerless;
use crate::watching::Context;

/// How often logs are looked at: a log line's time is known to this. At most
/// [`CHUNK`](fracas_lab::logs::CHUNK) of each is read every time, so 12 MB in a second.
const LOG_EVERY: Duration = Duration::from_millis(10);
/// How long what was written until the end of the watch may take to be read.
const REST_WITHIN: Duration = Duration::from_secs(5);
/// How many times of one log it is told that something was left out.
const TOLD: usize = 10;

/// What the thread is to do: to go on, …
const GO_ON: u8 = 0;
/// … to read what is left and end, …
const FINISH: u8 = 1;
/// … or to end at once.
const LEAVE: u8 = 2;

/// The thread. It ends when it is stopped or dropped.
#[derive(Debug)]
pub struct Followers {
    ends: Arc<AtomicU8>,
    thread: Option<JoinHandle<()>>,
}

/// One log that is followed.
struct Follower {
    node: NodeId,
    log: NodeLog,
    /// When all that had been written then had been read.
    since: Nanos,
    /// Why the last look failed, if it did.
    failure: Option<String>,
    /// What was told of it already.
    refused: BTreeSet<String>,
    skipped: u64,
    told: usize,
}

impl Followers {
    /// Begins to follow these logs.
    ///
    /// # Errors
    /// When there can be no thread for it.
    pub(crate) fn start(context: Context, logs: Vec<(NodeId, NodeLog)>) -> io::Result<Self> {
        let ends = Arc::new(AtomicU8::new(GO_ON));
        let theirs = Arc::clone(&ends);
        let (since, pulse) = (context.recorder.now(), context.pulse.clone());
        let mut followers: Vec<Follower> =
            logs.into_iter().map(|(node, log)| Follower::new(node, log, since)).collect();
        let thread = std::thread::Builder::new().name("logs".to_owned()).spawn(move || {
            powerless::only_read();
            while theirs.load(Ordering::Relaxed) == GO_ON {
                pulse.beat(context.recorder.now());
                followers.iter_mut().for_each(|follower| {
                    follower.look(&context);
                });
                std::thread::sleep(LOG_EVERY);
            }
            pulse.rest();
            if theirs.load(Ordering::Relaxed) == FINISH {
                rest(&context, &mut followers);
            }
        })?;
        Ok(Self { ends, thread: Some(thread) })
    }

    /// Whether the thread goes on.
    #[must_use]
    pub fn lives(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Reads what is left, within a bound, and ends.
    ///
    /// # Errors
    /// When the thread panicked.
    pub fn stop(mut self) -> Result<(), String> {
        self.ends.store(FINISH, Ordering::Relaxed);
        let ended = self.thread.take().map_or(Ok(()), JoinHandle::join);
        ended.map_err(|_| "the thread that follows the logs failed".to_owned())
    }
}

impl Drop for Followers {
    fn drop(&mut self) {
        self.ends.store(LEAVE, Ordering::Relaxed);
        // It holds the cluster, which must not outlive its owner.
        let _panicked = self.thread.take().map(JoinHandle::join);
    }
}

/// Reads what was written until now; what cannot be read within the bound is left out, and told.
fn rest(context: &Context, followers: &mut [Follower]) {
    let until = Instant::now() + REST_WITHIN;
    for follower in followers {
        while follower.look(context) && Instant::now() < until {}
        follower.leave(context);
    }
}

impl Follower {
    fn new(node: NodeId, log: NodeLog, since: Nanos) -> Self {
        Self { node, log, since, failure: None, refused: BTreeSet::new(), skipped: 0, told: 0 }
    }

    /// Gives an order about the log.
    fn order(&self, context: &Context, order: LogOrder) -> Result<Chunk, LabError> {
        context.cluster.ask(&Order::Log(self.node, self.log.name.clone(), order))
    }

    /// Looks once; whether there is more to read.
    fn look(&mut self, context: &Context) -> bool {
        let before = context.recorder.now();
        let Chunk { lines, look, skipped } = match self.order(context, LogOrder::Next) {
            Ok(chunk) => chunk,
            Err(error) => {
                self.failed(&error);
                return false;
            }
        };
        self.failure = None;
        self.sight(context, &lines);
        self.skipped += skipped;
        self.tell_skipped(context, false);
        match look {
            Look::AtEnd => self.since = before,
            Look::More => return true,
            Look::Anew(begin) => {
                context.cluster.log_began_anew(self.node, &self.log.name, begin);
                return true;
            }
            Look::Refused(word) => self.refuse(context, word),
        }
        false
    }

    /// Records the roles and generations that lines tell.
    fn sight(&self, context: &Context, lines: &Lines) {
        let (rules, log) = (context.deployment.log_rules(), &self.log);
        for (offset, line) in lines.iter() {
            if let Some(seen) = rules.sight(self.node, log.place, line) {
                let incarnation = context.cluster.incarnation_at(self.node, &log.name, offset);
                context.observe(self.node, incarnation, self.since, seen);
            }
        }
    }

    /// Remembers why the log could not be read just now. A disk whose reads fail for a while is no
    /// reason to give its log up.
    fn failed(&mut self, error: &LabError) {
        let why = error.to_string();
        if self.failure.as_ref() != Some(&why) {
            tracing::warn!("failed to {why}");
            self.failure = Some(why);
        }
    }

    /// Leaves the rest of the log unread, and tells how many bytes were left out; or that it could
    /// not be read to the end.
    fn leave(&mut self, context: &Context) {
        if let Some(why) = self.failure.take() {
            self.refuse(context, format!("unreadable (failed to {why})"));
        }
        match self.order(context, LogOrder::Leave) {
            Ok(chunk) => self.skipped += chunk.skipped,
            Err(error) => tracing::warn!("failed to {error}"),
        }
        self.tell_skipped(context, true);
    }

    /// Tells once what the log is instead of a file.
    fn refuse(&mut self, context: &Context, word: String) {
        if self.refused.insert(word.clone()) {
            let (node, log) = (self.node, name(&self.log.name));
            context.tell(Mishap::LogRefused { node, log, why: word });
        }
    }

    /// Tells how much was left out; the last time for certain, before that a few times only.
    fn tell_skipped(&mut self, context: &Context, last: bool) {
        if self.skipped > 0 && (last || self.told < TOLD) {
            self.told += 1;
            let bytes = std::mem::take(&mut self.skipped);
            let (node, log) = (self.node, name(&self.log.name));
            context.tell(Mishap::LogSkipped { node, log, bytes });
        }
    }
}

/// The last part of a path: that names a log well enough beside its node.
fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

impl Context {
    /// Tells what happened to the harness: in the history, and to the user at once.
    pub(crate) fn tell(&self, mishap: Mishap) {
        tracing::warn!("{}", crate::text::plain(&mishap.to_string()));
        self.recorder.record(EventKind::mishap(mishap));
    }
}
