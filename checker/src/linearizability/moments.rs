//! The instants at which a search has something to do, in the order of time.
//!
//! Intervals are closed: at equal times invocations come before completions, so that what ends
//! when another begins is concurrent with it. Nothing here knows of a model's types.

use super::relevance::{Relevance, Until};
use super::slots::Slot;
use super::space::{About, OpClass, Task};
use crate::event::Nanos;
use crate::hashing::Map;

/// The most definite operations on one object that may be open at once.
pub(crate) const OPEN_LIMIT: usize = 1024;

/// One instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) time: Nanos,
    pub(crate) step: Step,
}

/// What happens at an instant. The order of the variants is the order at equal times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// A definite call begins; it ends at the moment `end`.
    Begin { slot: Slot, class: OpClass, end: u32 },
    /// An indeterminate call begins.
    Maybe { class: OpClass },
    /// A definite call has ended.
    End { slot: Slot, class: OpClass },
    /// Nothing rests on an indeterminate class any more, which was invoked `count` times.
    Forget { class: OpClass, count: u32 },
}

/// Every moment of some calls, sorted.
pub(crate) struct Timeline {
    pub(crate) moments: Vec<Moment>,
    /// How many definite calls are open at once, at most.
    pub(crate) open: usize,
}

/// A moment before slots are given: its time, its rank at equal times, and the place of its call,
/// or its class where it forgets.
type Raw = (Nanos, u8, u32);

const BEGIN: u8 = 0;
const END: u8 = 1;
const FORGET: u8 = 2;

impl Timeline {
    /// The moments of `tasks`, of which none is left out but indeterminate ones that nothing rests
    /// on. None if more than [`OPEN_LIMIT`] are open at once.
    pub(crate) fn new(tasks: &[Task], abouts: &[About]) -> Option<Self> {
        let raw = raw(tasks, abouts);
        let mut giver = Giver::new(tasks.len());
        let mut moments = Vec::with_capacity(raw.len());
        for (time, rank, subject) in &raw {
            let step = match *rank {
                FORGET => Step::Forget { class: *subject, count: giver.forget(*subject) },
                _ => {
                    let call = *subject as usize;
                    let Task { end, class, .. } = tasks[call];
                    match (*rank, end) {
                        (BEGIN, None) => giver.maybe(class),
                        (BEGIN, Some(_)) => Step::Begin { slot: giver.give(call)?, class, end: 0 },
                        _ => Step::End { slot: giver.take(call), class },
                    }
                }
            };
            moments.push(Moment { time: *time, step });
        }
        set_ends(&mut moments);
        Some(Self { moments, open: giver.given })
    }

    /// The bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.moments.capacity() * size_of::<Moment>()
    }

    /// Without everything from the first end at `time` or later on.
    pub(crate) fn cut(&mut self, time: Nanos) {
        let late = |moment: &Moment| moment.time >= time && matches!(moment.step, Step::End { .. });
        let first = self.moments.iter().position(late);
        self.moments.truncate(first.unwrap_or(self.moments.len()));
    }

    /// How many completions come before the moment `place`.
    pub(crate) fn completed(&self, place: usize) -> usize {
        let ended = |moment: &&Moment| matches!(moment.step, Step::End { .. });
        self.moments[..place].iter().filter(ended).count()
    }
}

/// Tells every beginning the place of its end.
fn set_ends(moments: &mut [Moment]) {
    let mut ends = vec![0; OPEN_LIMIT];
    for place in (0..moments.len()).rev() {
        match &mut moments[place].step {
            Step::End { slot, .. } => ends[usize::from(*slot)] = place as u32,
            Step::Begin { slot, end, .. } => *end = ends[usize::from(*slot)],
            Step::Maybe { .. } | Step::Forget { .. } => {}
        }
    }
}

fn raw(tasks: &[Task], abouts: &[About]) -> Vec<Raw> {
    let relevance = Relevance::new(tasks, abouts);
    let mut raw: Vec<Raw> = Vec::with_capacity(2 * tasks.len());
    let mut forgotten: Map<OpClass, ()> = Map::default();
    for (place, Task { start, end, class }) in (0..).zip(tasks) {
        if let Some(end) = end {
            raw.extend([(*start, BEGIN, place), (*end, END, place)]);
            continue;
        }
        match relevance.until(abouts[*class as usize]) {
            Until::Always => raw.push((*start, BEGIN, place)),
            Until::Time(time) if time >= *start => {
                raw.push((*start, BEGIN, place));
                if forgotten.insert(*class, ()).is_none() {
                    raw.push((time, FORGET, *class));
                }
            }
            Until::Time(_) | Until::Never => {}
        }
    }
    raw.sort_unstable();
    raw
}

/// Gives every open definite call a slot of its own, and counts indeterminate ones.
struct Giver {
    free: Vec<Slot>,
    /// How many were given out at once, at most.
    given: usize,
    slots: Vec<Slot>,
    invoked: Map<OpClass, u32>,
}

impl Giver {
    fn new(tasks: usize) -> Self {
        Self { free: Vec::new(), given: 0, slots: vec![0; tasks], invoked: Map::default() }
    }

    fn give(&mut self, call: usize) -> Option<Slot> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None if self.given < OPEN_LIMIT => {
                self.given += 1;
                (self.given - 1) as Slot
            }
            None => return None,
        };
        self.slots[call] = slot;
        Some(slot)
    }

    fn take(&mut self, call: usize) -> Slot {
        self.free.push(self.slots[call]);
        self.slots[call]
    }

    fn maybe(&mut self, class: OpClass) -> Step {
        *self.invoked.entry(class).or_default() += 1;
        Step::Maybe { class }
    }

    fn forget(&mut self, class: OpClass) -> u32 {
        self.invoked.remove(&class).unwrap_or_default()
    }
}
