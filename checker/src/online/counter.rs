//! One counter, watched for reads outside their bounds.
//!
//! A read shows at least the steps up that were acknowledged before it began and the steps down that
//! had been asked for when it ended; at most, the reverse. Both sums are known when they are needed:
//! the one when the read is invoked, the other when it completes. A step that fails was never asked
//! for, so of every read it is kept how much room was left to its bounds; a later read with no more
//! room than an earlier one stands for it, as every step that was open at the earlier one and has
//! not ended had been asked for by the later one, too.
//!
//! This is less than the check judges: a read within its bounds may still be impossible, by the
//! size of the steps or by what other reads showed.
//!
//! # Forgetting
//!
//! Of steps only sums are kept. What stays beyond is the reads that are open, and those that ended
//! since the oldest step that is still open was invoked.

use std::collections::VecDeque;

use crate::event::Nanos;
use crate::hashing::Map;
use crate::linearizability::monitor::open::Open;
use crate::linearizability::monitor::{Ended, Ending, Invocation, Monitor, Stop, fits};
use crate::linearizability::object::Object;
use crate::models::Counter;
use crate::op::{Op, OpKind, Outcome};

/// The steps in one direction.
#[derive(Debug, Clone, Default)]
struct Steps {
    /// The sum of those that were asked for and have not failed.
    asked: i128,
    /// The sum of those that were acknowledged.
    done: i128,
    open: Open,
    /// By how much less might have been asked for until a read is out of bounds, by when it ended;
    /// both rising, but for steps that failed since.
    room: VecDeque<(Nanos, i128)>,
}

impl Steps {
    fn complete(&mut self, ended: &Ended<'_>, size: i128) -> Result<(), Stop> {
        self.open.end(ended.invocation);
        match ended.how {
            Ending::Ok(_) => self.done = self.done.saturating_add(size),
            Ending::Unknown => {}
            Ending::Failed => {
                self.asked = self.asked.saturating_sub(size);
                let from = self.room.partition_point(|(end, _)| *end < ended.invocation.start);
                for (_, room) in self.room.iter_mut().skip(from) {
                    *room = room.saturating_sub(size);
                    if *room < 0 {
                        return Err(Stop::Refuted);
                    }
                }
            }
        }
        self.forget();
        Ok(())
    }

    /// A read that ended at `end` has so much room.
    fn read(&mut self, end: Nanos, room: i128) -> Result<(), Stop> {
        if room < 0 {
            return Err(Stop::Refuted);
        }
        while self.room.back().is_some_and(|(_, earlier)| *earlier >= room) {
            self.room.pop_back();
        }
        self.room.push_back((end, room));
        self.forget();
        Ok(())
    }

    /// Forgets the reads that no step can do without any more.
    fn forget(&mut self) {
        let oldest = self.open.oldest();
        while self.room.front().is_some_and(|(end, _)| *end < oldest) {
            self.room.pop_front();
        }
    }

    fn bytes(&self) -> usize {
        self.open.bytes() + self.room.capacity() * size_of::<(Nanos, i128)>()
    }
}

/// One counter.
#[derive(Debug, Clone, Default)]
pub(super) struct OneCounter {
    up: Steps,
    down: Steps,
    /// What had been acknowledged, up and down, when each open read was invoked.
    reads: Map<u64, (i128, i128)>,
}

impl Monitor for OneCounter {
    const ID: &'static str = Counter::ID;
    const KINDS: &'static [OpKind] = Counter::KINDS;

    fn invoke(&mut self, invocation: Invocation<'_>) -> Result<(), Stop> {
        match invocation.op {
            Op::Increment { by, .. } => {
                let steps = self.steps(*by);
                steps.asked = steps.asked.saturating_add(size(*by));
                steps.open.begin(invocation);
            }
            _ => drop(self.reads.insert(invocation.id, (self.up.done, self.down.done))),
        }
        Ok(())
    }

    fn complete(&mut self, ended: Ended<'_>) -> Result<(), Stop> {
        fits(&ended)?;
        if let Op::Increment { by, .. } = ended.invocation.op {
            return self.steps(*by).complete(&ended, size(*by));
        }
        let known = self.reads.remove(&ended.invocation.id);
        match (ended.how, known) {
            (Ending::Ok(Outcome::Read { value }), Some((up, down))) => {
                let shown = Counter::shown(value.as_ref()).ok_or(Stop::Refuted)?;
                let (least, most) = (up - self.down.asked, self.up.asked - down);
                self.up.read(ended.end, most - shown)?;
                self.down.read(ended.end, shown - least)
            }
            _ => Ok(()),
        }
    }

    fn bytes(&self) -> usize {
        let reads = self.reads.capacity() * (size_of::<(u64, (i128, i128))>() + 1);
        self.up.bytes() + self.down.bytes() + reads
    }
}

impl OneCounter {
    fn steps(&mut self, by: i64) -> &mut Steps {
        if by > 0 { &mut self.up } else { &mut self.down }
    }
}

fn size(by: i64) -> i128 {
    i128::from(by).abs()
}
