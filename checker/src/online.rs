//! The checks that keep up with a run: fed event by event, in bounded memory, while it goes on.
//!
//! A [`Watch`] sounds an alarm at the earliest completion that proves an anomaly, so that a run can
//! end while the evidence is fresh. It is a guard and no judge: what is found is judged again over
//! the whole history by [`crate::judge()`], which alone finds a witness and words. A watch never
//! guesses. Where it cannot tell any more it says so and stops looking, see [`Watch::blind`].
//!
//! | check | what is watched |
//! |---|---|
//! | `register/linearizable` | all of it, where every value is written once per key and no compare-and-set is refused without telling what it found; of such refusals, those of a value that was seen before and after |
//! | `kv/linearizable` | the same for texts, up to the first append to a key |
//! | `set/linearizable` | elements that were never added, that are missing though nobody removes them, that are back though nobody added them again |
//! | `queue/linearizable`, `multiset-queue/linearizable` | no element is handed out more often than it came in |
//! | `mutex/linearizable` | all of it |
//! | `lock/linearizable` | all of it, where no holder has two operations at a time, one of unknown end counting as open for ever; otherwise each holder by itself, and whatever happens while another certainly holds the lock |
//! | `fencing/linearizable` | all of it, where every value is written once; a value that is written twice says nothing when it is read |
//! | `lease/exclusive` | overlaps that have passed, where each holder does one thing at a time and no request fails; otherwise some of them |
//! | `counter/linearizable` | the bounds of every read |
//! | `unique-ids/unique` | all of it |
//! | `timestamps/increasing` | all of it |
//! | `versioned/linearizable` | versions that go back, fork or are jumped over, contents that are not theirs |
//! | `list-append/linearizable` | of each list by itself: elements that are lost, out of place, or were never appended |
//! | `rw-register/linearizable` | of each register by itself: values that are read after they were replaced, replaced twice, or never written |
//! | `nodes/stay-up` | all of it |
//! | `liveness/recovers` | leaders that are cut from their quorum and do not step down in time, once the fault has ended |
//! | `leader/one-per-generation` | one leader per generation, one vote per node in it, and no node goes back in generation |
//!
//! An object that an operation may have changed that its check does not judge is not watched from
//! there on, as it is not judged.
//!
//! # When an alarm is due
//!
//! Operations that touch in time are concurrent: one that is invoked at the very instant at which
//! another completed may explain its answer. A completion is therefore judged when its instant has
//! passed: by the first event with a later time, or by [`Watch::settle`]. No alarm is false: by then
//! the check refutes what was recorded up to that instant. And as far as the table goes none is
//! missed or late: it is sounded by the first instant of which that is true. An operation that fails
//! in the end counts as open until it does: a read of what it wrote is proven wrong by that failure,
//! no earlier. An alarm holds for all that is recorded later, too. That is why an overlap of leases
//! counts only once it has passed: up to then a holder may give up what it holds.
//!
//! # Memory
//!
//! What can no longer matter is forgotten; each file here says what that is. What stays is, per
//! key, what happened since the oldest operation that is still open was invoked. Beyond that:
//!
//! - a few dozen bytes for every indeterminate write of a register, a text or an element of a queue
//!   that nobody has read yet: it may still land;
//! - the elements that are in a set or a queue, or may be;
//! - a few dozen bytes for every holder of a lease, a few hundred for every holder of a lock with
//!   an operation of unknown end;
//! - a few dozen bytes per generation and node, and per unique id.
//!
//! A client that never gives up on an operation would keep everything after it alive: beyond
//! [`Watch::MOST_BYTES`] the watch goes blind.

mod alarm;
mod blocks;
mod counter;
mod crashes;
mod elements;
mod fencing;
mod kv;
mod leaders;
mod lease;
mod lists;
mod lock;
mod objects;
mod register;
mod set;
mod step_down;
mod versioned;
mod versions;
mod watched;
mod whole;

use crate::event::{Event, EventKind, Nanos, ProcessId};
use crate::hashing::Map;
use crate::history::{Header, Kinds, Operation, Plan, Said};
use crate::{leadership, lifecycle, liveness};
pub use alarm::{Alarm, Blind};
use crashes::Crashes;
use leaders::Leaders;
use step_down::StepDown;
use watched::Watched;

/// Watches a history while it is recorded.
///
/// ```
/// use fracas_checker::formats::jsonl;
/// use fracas_checker::online::Watch;
///
/// # let file = r#"{"schema":"fracas.history/1","run":"r","target":"t","seed":1,"nodes":["n1"],"plan":{"checks":["register/linearizable"]}}
/// # {"index":0,"time":10,"event":"invoke","process":0,"op":{"f":"write","key":"k","value":1}}
/// # {"index":1,"time":20,"event":"complete","process":0,"completion":{"type":"ok","outcome":{"f":"write"}}}
/// # {"index":2,"time":30,"event":"invoke","process":1,"op":{"f":"read","key":"k"}}
/// # {"index":3,"time":40,"event":"complete","process":1,"completion":{"type":"ok","outcome":{"f":"read","value":null}}}
/// # "#;
/// # let (history, _torn) = jsonl::read(file.as_bytes())?;
/// let mut watch = Watch::new(&["register/linearizable"]);
/// for event in history.events() {
///     watch.feed(event);
/// }
/// let alarm = watch.settle().expect("a write is gone");
/// assert_eq!(alarm.index, 3);
/// # Ok::<(), jsonl::ReadError>(())
/// ```
#[derive(Debug)]
pub struct Watch {
    objects: Vec<Box<dyn Watched>>,
    kinds: Kinds,
    leaders: Option<Leaders>,
    crashes: Option<Crashes>,
    step_down: Option<StepDown>,
    unwatched: Vec<String>,
    /// The operation that each busy process has open.
    open: Map<ProcessId, Operation>,
    /// What completed at the instant that has not passed yet.
    ended: Vec<Operation>,
    now: Nanos,
    /// The index that the next event must have.
    next: u64,
    /// The index at which the memory is looked at again.
    look_at: u64,
    most_bytes: usize,
    alarm: Option<Alarm>,
    lost: Option<&'static str>,
}

impl Watch {
    /// How much memory a watch may take, as [`Watch::bytes`] counts it.
    pub const MOST_BYTES: usize = 512 << 20;

    /// How many events pass, at least, between two looks at the memory.
    const STRIDE: u64 = 4_096;

    /// Watches for anomalies that these checks, given by id, would find, as far as they can be
    /// watched; for a run whose plan says nothing else.
    #[must_use]
    pub fn new<S: AsRef<str>>(checks: &[S]) -> Self {
        let checks = checks.iter().map(|check| check.as_ref().to_owned()).collect();
        Self::of(&Plan { checks, ..Plan::default() })
    }

    /// Watches for anomalies that the checks of `plan` would find, as far as they can be watched.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let asked = |id: &str| plan.checks.iter().any(|check| check == id);
        let all = objects::all(plan.clock_error());
        let known = |id: &str| {
            [leadership::ID, lifecycle::ID].contains(&id) || all.iter().any(|kind| kind.id() == id)
        };
        Self {
            unwatched: plan.checks.iter().filter(|id| !known(id)).cloned().collect(),
            objects: all.into_iter().filter(|kind| asked(kind.id())).collect(),
            kinds: plan.objects.clone(),
            leaders: asked(leadership::ID).then(Leaders::default),
            crashes: asked(lifecycle::ID).then(|| Crashes::new(plan)),
            step_down: None,
            open: Map::default(),
            ended: Vec::new(),
            now: 0,
            next: 0,
            look_at: Self::STRIDE,
            most_bytes: Self::MOST_BYTES,
            alarm: None,
            lost: None,
        }
    }

    /// Watches for anomalies that the checks of a run with this header would find; for leaders that
    /// step down too late, too, because the header names the nodes.
    #[must_use]
    pub fn of_run(header: &Header) -> Self {
        let (watch, step_down) = (Self::of(&header.plan), StepDown::of(header));
        let now = |id: &String| step_down.is_some() && id == liveness::ID;
        let unwatched = watch.unwatched.iter().filter(|id| !now(id)).cloned().collect();
        Self { unwatched, step_down, ..watch }
    }

    /// The same watch with another bound on its memory.
    #[must_use]
    pub fn within(self, most_bytes: usize) -> Self {
        Self { most_bytes, ..self }
    }

    /// The checks that it watches for, by id.
    #[must_use]
    pub fn watched(&self) -> Vec<&'static str> {
        let objects = self.objects.iter().map(|watch| watch.id());
        let leaders = self.leaders.as_ref().map(|_| leadership::ID);
        let crashes = self.crashes.as_ref().map(|_| lifecycle::ID);
        let step_down = self.step_down.as_ref().map(|_| liveness::ID);
        objects.chain(leaders).chain(crashes).chain(step_down).collect()
    }

    /// The checks that were asked for and cannot be watched, by id.
    #[must_use]
    pub fn unwatched(&self) -> &[String] {
        &self.unwatched
    }

    /// Takes in the next event; says whether an anomaly is proven, now or since earlier.
    ///
    /// Events must come in the order of the history and without gaps, else it goes blind.
    pub fn feed(&mut self, event: &Event) -> Option<&Alarm> {
        if event.time > self.now {
            self.settle();
        }
        if self.alarm.is_none() && self.lost.is_none() {
            match self.take(event) {
                Ok(alarm) => self.alarm = alarm,
                Err(reason) => self.lose(reason),
            }
        }
        self.alarm.as_ref()
    }

    /// Judges what completed last, on the promise that nothing more was invoked at that instant.
    pub fn settle(&mut self) -> Option<&Alarm> {
        for operation in std::mem::take(&mut self.ended) {
            if self.alarm.is_none() {
                let leaders =
                    self.leaders.as_mut().and_then(|leaders| leaders.acknowledged(&operation));
                let said = self.kinds.of(&operation.op);
                let complete = |watch: &mut Box<dyn Watched>| {
                    watch.complete(&operation, is_said(said, watch.id())?)
                };
                let objects = self.objects.iter_mut().filter_map(complete);
                self.alarm = objects.chain(leaders).next();
            }
        }
        let crashed = self.crashes.as_mut().and_then(Crashes::settle);
        self.alarm = self.alarm.take().or(crashed);
        self.alarm.as_ref()
    }

    /// The objects that the watch cannot judge any more.
    #[must_use]
    pub fn blind(&self) -> Vec<Blind> {
        let all = self.lost.map(|reason| Blind { object: None, reason });
        all.into_iter().chain(self.objects.iter().flat_map(|watch| watch.blind())).collect()
    }

    /// How much memory it takes, a little rounded up.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let open = self.open.capacity() + self.ended.capacity();
        let objects: usize = self.objects.iter().map(|watch| watch.bytes()).sum();
        let leaders = self.leaders.as_ref().map_or(0, Leaders::bytes);
        let crashes = self.crashes.as_ref().map_or(0, Crashes::bytes);
        let step_down = self.step_down.as_ref().map_or(0, StepDown::bytes);
        open * size_of::<(ProcessId, Operation)>() + objects + leaders + crashes + step_down
    }

    fn take(&mut self, event: &Event) -> Result<Option<Alarm>, &'static str> {
        if event.index != self.next || event.time < self.now {
            return Err("events are missing or out of order");
        }
        (self.next, self.now) = (event.index + 1, event.time);
        self.look()?;
        self.crashes.iter_mut().for_each(|crashes| crashes.happened(event));
        if let Some(alarm) = self.step_down.as_mut().and_then(|watch| watch.happened(event)) {
            return Ok(Some(alarm));
        }
        match &event.kind {
            EventKind::Invoke { process, node, op } => {
                let invoked = (event.index, event.time);
                let (process, node, op) = (*process, *node, op.clone());
                let operation = Operation { process, node, op, invoked, completed: None };
                let said = self.kinds.of(&operation.op);
                for watch in &mut self.objects {
                    if said == Said::Several {
                        watch.mixed();
                    }
                    is_said(said, watch.id())
                        .into_iter()
                        .for_each(|said| watch.invoke(&operation, said));
                }
                match self.open.insert(process, operation) {
                    Some(_) => Err("a process overlapped with itself"),
                    None => Ok(None),
                }
            }
            EventKind::Complete { process, completion } => {
                let invoked = self.open.remove(process);
                let mut operation = invoked.ok_or("a process completed what it had not invoked")?;
                operation.completed = Some((event.index, event.time, completion.clone()));
                self.ended.push(operation);
                Ok(None)
            }
            EventKind::Observe(_) => {
                Ok(self.leaders.as_mut().and_then(|leaders| leaders.observed(event)))
            }
            EventKind::Node { .. } | EventKind::Fault(_) => {
                self.leaders.iter_mut().for_each(|leaders| leaders.happened(event));
                Ok(None)
            }
            EventKind::Phase { .. } | EventKind::Note { .. } => Ok(None),
        }
    }

    /// Looks, every now and then, whether the memory still suffices.
    fn look(&mut self) -> Result<(), &'static str> {
        if self.next < self.look_at {
            return Ok(());
        }
        let objects: usize = self.objects.iter().map(|watch| watch.len()).sum();
        self.look_at = self.next + Self::STRIDE.max(objects as u64);
        if self.bytes() > self.most_bytes { Err("the memory ran out") } else { Ok(()) }
    }

    /// Stops looking, and gives all memory back.
    fn lose(&mut self, reason: &'static str) {
        self.lost = Some(reason);
        (self.objects, self.leaders, self.crashes) = (Vec::new(), None, None);
        self.step_down = None;
        (self.open, self.ended) = (Map::default(), Vec::new());
    }
}

/// Whether it is said that the check `id` judges an object; none if it is said that it does not.
fn is_said(said: Said<'_>, id: &str) -> Option<bool> {
    match said {
        Said::Nothing => Some(false),
        Said::Kind(checks) => checks.iter().any(|check| check == id).then_some(true),
        Said::Several => None,
    }
}
