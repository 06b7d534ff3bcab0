//! One lease, watched for two holders that have believed to hold it, for longer than the clocks may
//! be wrong.
//!
//! What a holder believes is said in [`crate::lease`]. A belief may still end early: with the next
//! request of its holder. So an overlap counts only as far as it has passed: by now both holders
//! have acted on what they believe, and whatever comes later does not take that back. It is looked
//! at when a request of one of the two completes, and the alarm names that completion; so it comes
//! as late as the overlap takes to last longer than the clock error, and that completion after it.
//! What was recorded by then, and all that is recorded later, is refuted.
//!
//! Where each holder does one thing at a time and no request fails, every overlap that has passed is
//! found. Otherwise it is less: a request that fails has not ended a belief, but here it has; and
//! of a holder that had two requests open at a time no later grant counts.
//!
//! # Forgetting
//!
//! Of each holder only the last belief is kept, and the time to live that it was granted last: a few
//! dozen bytes for each holder that ever asked. A belief that is followed by another, after a break,
//! ended before that one was granted; so all overlaps with it have passed, and are looked at first.

use std::collections::BTreeMap;

use super::objects::{Asked, Ended, Ending, Monitor, Stop, fits};
use crate::event::Nanos;
use crate::lease;
use crate::op::{Op, OpKind};

/// What one holder does and believes.
#[derive(Debug, Clone, Default)]
struct Holder {
    /// Its belief: from when, and until when unless it ends it before.
    belief: Option<(Nanos, Nanos)>,
    /// The request that is open or, if none is, was last.
    request: Option<u64>,
    open: bool,
    /// Whether it had two requests open at a time.
    at_once: bool,
    /// The time to live that was granted last.
    life: Option<Nanos>,
}

impl Holder {
    fn asks(&mut self, asked: Asked<'_>) {
        self.at_once |= self.open;
        (self.open, self.request) = (true, Some(asked.id));
        // A renewal without a time to live asks for that which was granted last.
        let ends = match asked.op {
            Op::Acquire { ttl: Some(ttl), .. } | Op::Renew { ttl: Some(ttl), .. } => {
                asked.start.saturating_add(*ttl)
            }
            Op::Renew { ttl: None, .. } if !self.at_once => {
                self.life.map_or(Nanos::MAX, |life| asked.start.saturating_add(life))
            }
            Op::Acquire { .. } => Nanos::MAX,
            _ => asked.start,
        };
        if let Some((_, until)) = &mut self.belief {
            *until = ends.min(*until);
        }
    }

    /// Its request was granted, unless something else was asked for since.
    fn granted(&mut self, asked: Asked<'_>, now: Nanos) {
        if self.at_once || self.request != Some(asked.id) {
            return;
        }
        let ttl = match asked.op {
            Op::Acquire { ttl, .. } => {
                self.life = ttl.or(self.life);
                *ttl
            }
            Op::Renew { ttl, .. } => ttl.or(self.life),
            _ => None,
        };
        let Some(until) = ttl.map(|ttl| asked.start.saturating_add(ttl)) else { return };
        match &mut self.belief {
            _ if until <= now => {}
            Some(belief) if now <= belief.1 => belief.1 = belief.1.max(until),
            belief => *belief = Some((now, until)),
        }
    }
}

/// One lease.
#[derive(Debug, Clone, Default)]
pub(super) struct OneLease {
    holders: BTreeMap<u64, Holder>,
    /// By how much beliefs may overlap.
    clock_error: Nanos,
}

impl OneLease {
    /// A lease of which two beliefs may overlap by `clock_error`.
    pub(super) fn allowing(clock_error: Nanos) -> Self {
        Self { holders: BTreeMap::new(), clock_error }
    }

    /// Whether two beliefs have overlapped for too long by `now`, that of `holder` being one.
    fn overlap(&self, holder: u64, now: Nanos) -> bool {
        let Some((from, until)) = self.holders.get(&holder).and_then(|one| one.belief) else {
            return false;
        };
        self.holders.iter().filter(|(other, _)| **other != holder).any(|(_, other)| {
            other.belief.is_some_and(|belief| {
                let together = until.min(belief.1).min(now);
                together.saturating_sub(from.max(belief.0)) > self.clock_error
            })
        })
    }
}

impl Monitor for OneLease {
    const ID: &'static str = lease::ID;
    const KINDS: &'static [OpKind] = &[OpKind::Acquire, OpKind::Renew, OpKind::Release];

    fn invoke(&mut self, asked: Asked<'_>) -> Result<(), Stop> {
        self.holders.entry(holder(asked.op)).or_default().asks(asked);
        Ok(())
    }

    fn complete(&mut self, ended: Ended<'_>) -> Result<(), Stop> {
        fits(&ended)?;
        let (asked, now) = (ended.asked, ended.end);
        if self.overlap(holder(asked.op), now) {
            return Err(Stop::Refuted);
        }
        let holder = self.holders.entry(holder(asked.op)).or_default();
        if let Ending::Ok(_) = ended.how {
            holder.granted(asked, now);
        }
        holder.open &= holder.request != Some(asked.id);
        Ok(())
    }

    fn bytes(&self) -> usize {
        2 * size_of::<(u64, Holder)>() * self.holders.len()
    }
}

/// Whose request an operation is.
fn holder(op: &Op) -> u64 {
    match op {
        Op::Acquire { holder, .. } | Op::Renew { holder, .. } | Op::Release { holder, .. } => {
            *holder
        }
        _ => 0,
    }
}
