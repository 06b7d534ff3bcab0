//! Keeps up with a run while it goes on, so that `--until-anomaly` can end it as soon as an anomaly
//! is proven.
//!
//! It looks at what the recorder has written, on a thread of its own: no client ever waits for it.
//! If it falls behind it gives up and says so, and the run goes on. It does not judge the run: that
//! is done over the whole history at the end, as for any other run.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::{io, thread};

use fracas_checker::Header;
use fracas_checker::event::Event;
use fracas_checker::online::{Alarm, Watch};

use crate::powerless;
use crate::progress::{Listener, Progress};

/// With more events than this still to look at, the guard gives up.
const MOST_BEHIND: usize = 200_000;

/// Watches the events of one run.
pub struct Guard {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Where the recorder hands over what it has written.
pub struct Feed {
    shared: Arc<Shared>,
    /// None once nobody looks any more.
    events: Option<Sender<Vec<Event>>>,
    most_behind: usize,
}

struct Shared {
    proven: OnceLock<Alarm>,
    /// How many events were handed over and not looked at yet.
    behind: AtomicUsize,
    listener: Arc<dyn Listener>,
}

impl Guard {
    /// Begins to watch for what the checks of a run with this header would refute.
    ///
    /// # Errors
    /// When there can be no thread for it.
    pub fn start(header: &Header, listener: &Arc<dyn Listener>) -> io::Result<(Self, Feed)> {
        let watch = Watch::of_run(header);
        listener.hear(&Progress::Watching {
            during: watch.watched(),
            after: watch.unwatched().to_vec(),
        });
        Self::with(watch, MOST_BEHIND, listener)
    }

    fn with(
        watch: Watch,
        most_behind: usize,
        listener: &Arc<dyn Listener>,
    ) -> io::Result<(Self, Feed)> {
        let listener = Arc::clone(listener);
        let shared =
            Arc::new(Shared { proven: OnceLock::new(), behind: AtomicUsize::new(0), listener });
        let theirs = Arc::clone(&shared);
        let (sender, receiver) = mpsc::channel();
        let thread = thread::Builder::new().name("guard".to_owned()).spawn(move || {
            powerless::give_up();
            look(watch, &receiver, &theirs);
        })?;
        let feed = Feed { shared: Arc::clone(&shared), events: Some(sender), most_behind };
        Ok((Self { shared, thread: Some(thread) }, feed))
    }

    /// The proof of an anomaly, as soon as there is a proof.
    #[must_use]
    pub fn proven(&self) -> Option<&Alarm> {
        self.shared.proven.get()
    }

    /// Waits until all that was handed over has been looked at. The recording must be closed.
    pub fn finish(&mut self) {
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            self.shared.listener.hear(&Progress::WatchFailed);
        }
    }
}

impl Feed {
    /// Hands over the next events. Never waits.
    pub fn hand_over(&mut self, events: Vec<Event>) {
        let Some(sender) = &self.events else { return };
        let more = events.len();
        let behind = more + self.shared.behind.fetch_add(more, Ordering::Relaxed);
        if behind > self.most_behind {
            self.shared.listener.hear(&Progress::WatchOverrun(behind));
            self.events = None;
        } else if sender.send(events).is_err() {
            self.events = None; // an anomaly is proven: nobody looks any more
        }
    }
}

/// Feeds `watch` until an anomaly is proven, or the recording has ended.
fn look(mut watch: Watch, events: &Receiver<Vec<Event>>, shared: &Shared) {
    for batch in events {
        if let Some(alarm) = batch.iter().find_map(|event| watch.feed(event).cloned()) {
            let _first = shared.proven.set(alarm);
            return;
        }
        shared.behind.fetch_sub(batch.len(), Ordering::Relaxed);
    }
    if let Some(alarm) = watch.settle() {
        let _first = shared.proven.set(alarm.clone());
    }
    let mut by_reason: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for blind in watch.blind() {
        let object = blind.object.as_deref().unwrap_or("the run").to_owned();
        by_reason.entry(blind.reason).or_default().push(object);
    }
    for (reason, objects) in by_reason {
        shared.listener.hear(&Progress::WatchBlind { objects, reason: reason.to_owned() });
    }
}

#[cfg(test)]
mod tests {
    use fracas_checker::event::{EventKind, ProcessId, Stamp};
    use fracas_checker::{Completion, Op, Outcome};

    use super::*;

    const REGISTER: &str = "register/linearizable";

    struct Deaf;

    impl Listener for Deaf {
        fn hear(&self, _: &Progress) {}
    }

    fn deaf() -> Arc<dyn Listener> {
        Arc::new(Deaf)
    }

    /// A write, and a read after it that did not see it.
    fn stale() -> Vec<Event> {
        let ok = |outcome| Completion::Ok { outcome, stamp: Stamp::default() };
        let invoke =
            |process, op| EventKind::Invoke { process: ProcessId(process), node: None, op };
        let complete =
            |process, completion| EventKind::Complete { process: ProcessId(process), completion };
        let kinds = [
            invoke(0, Op::Write { key: "k".into(), value: 1.into() }),
            complete(0, ok(Outcome::Write)),
            invoke(1, Op::Read { key: "k".into() }),
            complete(1, ok(Outcome::Read { value: None })),
        ];
        let events = (0..).zip(kinds);
        events.map(|(index, kind)| Event { index, time: index, kind }).collect()
    }

    /// Hands `batches` over, one by one; the index of what proves an anomaly by the end.
    #[track_caller]
    fn check(batches: &[&[Event]], most_behind: usize, expect: Option<u64>) {
        let (mut guard, mut feed) =
            Guard::with(Watch::new(&[REGISTER]), most_behind, &deaf()).expect("a thread");
        batches.iter().for_each(|batch| feed.hand_over(batch.to_vec()));
        drop(feed);
        guard.finish();
        assert_eq!(guard.proven().map(|alarm| alarm.index), expect);
    }

    #[test]
    fn an_anomaly_is_told() {
        let events = stale();
        check(&[&events], 100, Some(3));
        check(&[&events[..1], &events[1..3], &events[3..]], 100, Some(3));
        check(&[&events[..3]], 100, None);
        check(&[], 100, None);
    }

    #[test]
    fn a_guard_that_falls_behind_gives_up() {
        let events = stale();
        check(&[&events[..1], &events[1..]], 2, None);
    }

    #[test]
    fn what_comes_after_the_alarm_is_dropped() {
        let mut events = stale();
        let note = EventKind::note("");
        events.push(Event { index: 4, time: 9, kind: note.clone() });
        let (mut guard, mut feed) =
            Guard::with(Watch::new(&[REGISTER]), 10, &deaf()).expect("a thread");
        feed.hand_over(events);
        guard.finish();
        assert_eq!(guard.proven().map(|alarm| alarm.index), Some(3));
        feed.hand_over(vec![Event { index: 5, time: 10, kind: note }]);
        assert!(feed.events.is_none());
    }
}
