//! The client programs that no process uses at the moment, and what became of the others.
//!
//! It deliberately forgives a program that ends, a few times; one that does not keep to the protocol
//! is broken, and nothing more is learnt through it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::messages::Hello;
use super::running::Programs;
use super::talk::{Talk, Trouble};
use crate::text::bounded;

/// So many ends of a client's program without an answer in between mean that it is broken.
const ENDS: u32 = 5;

/// How long the last words of a program may be under way.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// How long a process waits for a program that is about to be free, before it starts another one.
const PATIENCE: Duration = Duration::from_secs(3);

/// All client programs of a cluster.
pub(super) struct Pool {
    programs: Arc<dyn Programs>,
    hello: Hello,
    state: Mutex<State>,
    /// Told whenever a program is free, or gone.
    changed: Notify,
    ids: AtomicU64,
    broken: OnceLock<String>,
    late: Mutex<Late>,
}

/// Answers that came too late.
#[derive(Clone, Copy, Default)]
struct Late {
    count: u64,
    /// How long after its time-out one came at most.
    most: Duration,
}

#[derive(Default)]
struct State {
    free: Vec<Talk>,
    /// How many sessions are being closed: their programs will be free, or gone.
    closing: u32,
    /// Numbers of clients whose program is gone.
    vacant: Vec<u64>,
    /// How many clients there are.
    clients: u64,
    /// How often in a row the program of a client ended without an answer.
    ends: BTreeMap<u64, u32>,
}

/// A session that is being closed.
pub(super) struct Closing(Arc<Pool>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.state().closing -= 1;
        self.0.changed.notify_waiters();
    }
}

impl Pool {
    pub(super) fn new(programs: Arc<dyn Programs>, hello: Hello) -> Self {
        let (state, changed, ids, broken, late) = Default::default();
        Self { programs, hello, state, changed, ids, broken, late }
    }

    pub(super) fn hello(&self) -> &Hello {
        &self.hello
    }

    pub(super) fn timeout(&self) -> Duration {
        self.hello.timeout
    }

    /// A number that no operation had before.
    pub(super) fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Why nothing more can be learnt, if that is so.
    pub(super) fn broken(&self) -> Option<String> {
        self.broken.get().cloned()
    }

    /// A program for a new session: one that is free, else one that is started.
    pub(super) async fn take(&self) -> Result<Talk, Lost> {
        let until = Instant::now() + PATIENCE;
        let number = loop {
            if let Some(why) = self.broken.get() {
                return Err(Lost { why: first_line(why), whole: why.clone() });
            }
            // Before looking: else a change in between would be missed.
            let changed = self.changed.notified();
            match self.free_or_number(Instant::now() >= until) {
                Found::Free(talk) => return Ok(*talk),
                Found::Number(number) => break number,
                Found::Wait => drop(timeout_at(until, changed).await),
            }
        };
        match Talk::start(number, &self.programs, &self.hello).await {
            Ok(talk) => Ok(talk),
            Err((Some(talk), trouble)) => Err(self.lost(*talk, trouble).await),
            Err((None, trouble)) => Err(self.gone(number, &trouble, None)),
        }
    }

    fn free_or_number(&self, at_once: bool) -> Found {
        let mut state = self.state();
        if let Some(talk) = state.free.pop() {
            return Found::Free(Box::new(talk));
        }
        if state.closing > 0 && !at_once {
            return Found::Wait;
        }
        let number = state.vacant.pop();
        Found::Number(number.unwrap_or_else(|| {
            state.clients += 1;
            state.clients
        }))
    }

    /// A program is free for another session.
    pub(super) fn give_back(&self, talk: Talk) {
        self.state().free.push(talk);
        self.changed.notify_waiters();
    }

    /// A session is being closed, until what is returned is dropped.
    pub(super) fn closing(self: &Arc<Self>) -> Closing {
        self.state().closing += 1;
        Closing(Arc::clone(self))
    }

    /// A program has answered an operation.
    pub(super) fn note_answer(&self, number: u64) {
        self.state().ends.remove(&number);
    }

    /// An answer that came too late: told, and never counted.
    pub(super) fn note_late(&self, talk: &Talk, by: Duration, line: &str) {
        self.programs.answered_late(talk.number(), by, bounded(line));
        let mut late = lock(&self.late);
        *late = Late { count: late.count + 1, most: late.most.max(by) };
    }

    /// How many answers came too late so far, in words; none if none did.
    pub(super) fn late(&self) -> Option<String> {
        let Late { count, most } = *lock(&self.late);
        let came = if count == 1 { "1 answer came" } else { &format!("{count} answers came") };
        let most = most.as_millis();
        (count > 0).then(|| format!("{came} after the time-out, by {most} ms at most"))
    }

    /// A program is lost; returns why, in words. It is killed.
    pub(super) async fn lost(&self, mut talk: Talk, trouble: Trouble) -> Lost {
        let number = talk.number();
        if trouble != Trouble::Late {
            tokio::time::sleep(LAST_WORDS).await;
        }
        self.gone(number, &trouble, Some(&mut talk))
    }

    fn gone(&self, number: u64, trouble: &Trouble, talk: Option<&mut Talk>) -> Lost {
        let ended = matches!(trouble, Trouble::Ended | Trouble::Unsent);
        let (how, words) = match talk {
            Some(talk) if *trouble != Trouble::Late => talk.obituary(),
            _ => (String::new(), Vec::new()),
        };
        let ends = {
            let mut state = self.state();
            state.vacant.push(number);
            let ends = state.ends.entry(number).or_default();
            *ends += u32::from(ended);
            *ends
        };
        let why = match trouble {
            Trouble::Broken(words) => words.clone(),
            Trouble::Late => "it did not answer in time".to_owned(),
            _ if ends >= ENDS => {
                format!("it ended {ENDS} times without an answer, last with {how}")
            }
            _ => format!("it ended with {how}"),
        };
        let breaks = matches!(trouble, Trouble::Broken(_)) || ends >= ENDS;
        let heard = last_words(&words);
        let broken = format!("the client program (client {number}) is broken: {why}{heard}");
        if breaks && self.broken.set(broken.clone()).is_ok() {
            self.programs.broke(number, &why);
        }
        self.changed.notify_waiters();
        let why = format!("client program {number}: {why}");
        Lost { whole: if breaks { broken } else { format!("{why}{heard}") }, why }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a session may use.
enum Found {
    Free(Box<Talk>),
    /// The client whose program is to be started.
    Number(u64),
    Wait,
}

/// Why a program is lost.
pub(super) struct Lost {
    /// In one line.
    pub(super) why: String,
    /// With its last words.
    whole: String,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.whole)
    }
}

/// The last words of a program, for people.
fn last_words(words: &[String]) -> String {
    let mut text = String::new();
    if !words.is_empty() {
        text.push_str("\n  end of its standard error:");
        words.iter().for_each(|line| text.push_str(&format!("\n    {}", bounded(line))));
    }
    text
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
