//! The recorder: every event gets its index and time under one short lock and goes to disk at once.
//!
//! A client only ever waits for that lock, never for the disk: a thread of its own writes what has
//! gathered. Order in the file is order in time, so a history that was cut off at any point is a
//! prefix of what happened: an answer is never on disk without the invocations before it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Instant;

use fracas_checker::event::{Completion, Event, EventKind, Nanos, NodeId};
use fracas_checker::formats::jsonl;
use fracas_checker::history::{Header, Plan};
use fracas_checker::lifecycle::Crashed;

use crate::begun::Begun;
use crate::guard::Feed;
use crate::powerless;
use crate::pulse::{PERIOD, Pulse};

/// A client waits while more events than this have not been written yet: the disk has stalled.
const MOST_WAITING: usize = 200_000;

/// Records events; cheap to clone.
#[derive(Clone)]
pub struct Recorder {
    shared: Arc<Shared>,
}

/// How many operations ended how; for the progress display only.
#[derive(Debug, Default)]
pub struct Counts {
    /// Took effect.
    pub ok: AtomicU64,
    /// Certainly did not.
    pub fail: AtomicU64,
    /// Unknown.
    pub info: AtomicU64,
}

struct Shared {
    start: Instant,
    state: Mutex<State>,
    changed: Condvar,
    /// The writing thread's.
    pulse: Pulse,
    counts: Counts,
    plan: Plan,
}

#[derive(Default)]
struct State {
    next: u64,
    waiting: Vec<Event>,
    closed: bool,
    failed: bool,
    begun: Begun,
}

/// The end of a recording: closes the file and tells of any failure to write.
#[must_use]
pub struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Recorder {
    /// Begins the history at `path`; its clock starts now. What was written is handed to `feed`.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: &Path, header: &Header, feed: Option<Feed>) -> io::Result<(Self, Writer)> {
        // Named only once it has its header: whoever finds a history can read it, also after a
        // SIGKILL between the two.
        let partial = path.with_extension("partial");
        let mut file = File::create_new(&partial)?;
        writeln!(file, "{}", jsonl::header_line(header))?;
        fs::rename(&partial, path)?;
        let shared = Arc::new(Shared {
            start: Instant::now(),
            state: Mutex::default(),
            changed: Condvar::new(),
            pulse: Pulse::default(),
            counts: Counts::default(),
            plan: header.plan.clone(),
        });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("recorder".to_owned()).spawn(move || {
            powerless::give_up();
            theirs.write(file, feed)
        })?;
        Ok((Self { shared: Arc::clone(&shared) }, Writer { shared, thread: Some(thread) }))
    }

    /// Records that something happened just now; returns when that was.
    pub fn record(&self, kind: EventKind) -> Nanos {
        self.count(&kind);
        let mut state = self.shared.lock();
        while state.waiting.len() >= MOST_WAITING && !state.failed {
            state =
                self.shared.changed.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        let time = self.now();
        let index = state.next;
        state.next += 1;
        state.begun.note(&kind, time);
        if !state.failed && !state.closed {
            state.waiting.push(Event { index, time, kind });
        }
        if state.waiting.len() == 1 {
            self.shared.changed.notify_all();
        }
        time
    }

    /// Nanoseconds since the recording began.
    #[must_use]
    pub fn now(&self) -> Nanos {
        self.shared.now()
    }

    /// Which fault lets the server of `node` end by itself now, if one does: its number, and that in
    /// words.
    #[must_use]
    pub fn excuse(&self, node: NodeId, log: &[String]) -> Option<(u32, String)> {
        let crashed = Crashed { node, time: self.now(), log };
        self.shared.lock().begun.excuse(&self.shared.plan, crashed)
    }

    /// Whether fault `id` is over.
    #[must_use]
    pub fn is_over(&self, id: u32) -> bool {
        self.shared.lock().begun.is_over(id)
    }

    /// How many operations ended how.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.shared.counts
    }

    /// The signs of life of the thread that writes.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        self.shared.pulse.clone()
    }

    /// Whether writing has failed: nothing more is recorded, and the run must end.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.shared.lock().failed
    }

    fn count(&self, kind: &EventKind) {
        let EventKind::Complete { completion, .. } = kind else { return };
        let counter = match completion {
            Completion::Ok { .. } => &self.shared.counts.ok,
            Completion::Fail { .. } => &self.shared.counts.fail,
            Completion::Info { .. } => &self.shared.counts.info,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn now(&self) -> Nanos {
        Nanos::try_from(self.start.elapsed().as_nanos()).unwrap_or(Nanos::MAX)
    }

    /// Writes what gathers until the recording is closed or the disk refuses.
    fn write(&self, mut file: File, mut feed: Option<Feed>) -> io::Result<()> {
        let mut text = String::new();
        while let Some(events) = self.take() {
            text.clear();
            for event in &events {
                text.push_str(&jsonl::event_line(event));
                text.push('\n');
            }
            if let Err(error) = file.write_all(text.as_bytes()) {
                let mut state = self.lock();
                state.failed = true;
                state.waiting.clear();
                self.changed.notify_all();
                return Err(error);
            }
            if let Some(feed) = &mut feed {
                feed.hand_over(events);
            }
        }
        drop(feed); // the guard need not wait for the disk
        file.sync_all()
    }

    /// All events that wait; none once the recording is closed and everything is written.
    fn take(&self) -> Option<Vec<Event>> {
        let mut state = self.lock();
        while state.waiting.is_empty() {
            if state.closed {
                return None;
            }
            self.pulse.beat(self.now());
            let waited = self.changed.wait_timeout(state, PERIOD);
            state = waited.unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
        self.pulse.beat(self.now());
        let events = std::mem::take(&mut state.waiting);
        self.changed.notify_all();
        Some(events)
    }
}

impl Writer {
    /// Writes what is left and closes the file.
    ///
    /// # Errors
    /// What kept any event from reaching the disk.
    pub fn close(mut self) -> io::Result<()> {
        self.finish()
    }

    fn finish(&mut self) -> io::Result<()> {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        let Some(thread) = self.thread.take() else { return Ok(()) };
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the recorder's thread panicked")))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Err(error) = self.finish() {
            tracing::error!(%error, "failed to write the history");
        }
    }
}
