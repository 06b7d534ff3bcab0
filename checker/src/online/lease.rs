//! One lease, watched for two holders that have believed to hold it, for longer than the clocks may
//! be wrong.
//!
//! What a holder believes is said in [`crate::lease`]. A belief may still end early: with the next
//! request of its holder. So an overlap counts only as far as it has passed: by now both holders
//! have acted on what they believe, and whatever comes later does not take that back. It is looked
//! at whenever a request for the lease completes, and the alarm names that completion; so it comes
//! as late as the overlap takes to last longer than the clock error, and the next completion.
//! What was recorded by then, and all that is recorded later, is refuted.
//!
//! Where each holder does one thing at a time and no request fails, every overlap that has passed is
//! found. Otherwise it is less: a request that fails has not ended a belief, but here it has; and
//! of a holder that had two requests open at a time no later grant counts.
//!
//! # Forgetting
//!
//! A belief that has ended by a completion has been compared with all others then: none can overlap
//! it any more, and it is forgotten. Of each holder the time to live is kept that it was granted
//! last, as it may renew: a few dozen bytes for each holder that ever invocation.

use std::collections::BTreeMap;

use crate::event::Nanos;
use crate::lease;
use crate::linearizability::monitor::{Ended, Ending, Invocation, Monitor, Stop, fits};
use crate::op::{Op, OpKind};

/// From when a holder believes to hold the lease, and until when unless it ends that before.
type Belief = (Nanos, Nanos);

/// What one holder does.
#[derive(Debug, Clone, Default)]
struct Holder {
    /// The request that is open or, if none is, was last.
    request: Option<u64>,
    open: bool,
    /// Whether it had two requests open at a time.
    at_once: bool,
    /// Whether it does not know what became of a release.
    unsure: bool,
    /// The time to live that was granted last.
    life: Option<Nanos>,
}

impl Holder {
    /// When what it believed ends at the latest, now that it asks for this.
    fn asks(&mut self, invocation: Invocation<'_>) -> Nanos {
        self.at_once |= self.open;
        (self.open, self.request) = (true, Some(invocation.id));
        // A renewal without a time to live asks for that which was granted last.
        match invocation.op {
            Op::Acquire { ttl: Some(ttl), .. } | Op::Renew { ttl: Some(ttl), .. } => {
                invocation.start.saturating_add(*ttl)
            }
            Op::Renew { ttl: None, .. } if !self.at_once => {
                self.life.map_or(Nanos::MAX, |life| invocation.start.saturating_add(life))
            }
            Op::Acquire { .. } => Nanos::MAX,
            _ => invocation.start,
        }
    }

    /// Its request was granted: until when it may believe in that.
    fn granted(&mut self, invocation: Invocation<'_>) -> Option<Nanos> {
        if self.at_once || self.unsure || self.request != Some(invocation.id) {
            return None;
        }
        let ttl = match invocation.op {
            Op::Acquire { ttl, .. } => {
                self.life = ttl.or(self.life);
                *ttl
            }
            Op::Renew { ttl, .. } => ttl.or(self.life),
            _ => None,
        };
        ttl.map(|ttl| invocation.start.saturating_add(ttl))
    }
}

/// One lease.
#[derive(Debug, Clone, Default)]
pub(super) struct OneLease {
    holders: BTreeMap<u64, Holder>,
    /// What each holder believes, if anything.
    beliefs: BTreeMap<u64, Belief>,
    /// By how much beliefs may overlap.
    clock_error: Nanos,
}

impl OneLease {
    /// A lease of which two beliefs may overlap by `clock_error`.
    pub(super) fn allowing(clock_error: Nanos) -> Self {
        Self { clock_error, ..Self::default() }
    }

    /// Whether two beliefs have overlapped for too long by `now`.
    fn overlap(&self, now: Nanos) -> bool {
        let mut beliefs: Vec<Belief> = self.beliefs.values().copied().collect();
        beliefs.sort_unstable();
        let mut lasting = 0;
        beliefs.into_iter().any(|(from, until)| {
            let together = until.min(lasting).min(now).saturating_sub(from);
            lasting = lasting.max(until);
            together > self.clock_error
        })
    }

    /// `holder` believes from `now` on, or goes on to believe.
    fn believes(&mut self, holder: u64, now: Nanos, until: Nanos) {
        if now < until {
            let belief = self.beliefs.entry(holder).or_insert((now, until));
            belief.1 = belief.1.max(until);
        }
    }
}

impl Monitor for OneLease {
    const ID: &'static str = lease::ID;
    const KINDS: &'static [OpKind] = &[OpKind::Acquire, OpKind::Renew, OpKind::Release];

    fn invoke(&mut self, invocation: Invocation<'_>) -> Result<(), Stop> {
        let holder = holder(invocation.op);
        let ends = self.holders.entry(holder).or_default().asks(invocation);
        if let Some((_, until)) = self.beliefs.get_mut(&holder) {
            *until = ends.min(*until);
        }
        Ok(())
    }

    fn complete(&mut self, ended: Ended<'_>) -> Result<(), Stop> {
        fits(&ended)?;
        let (invocation, now) = (ended.invocation, ended.end);
        if self.overlap(now) {
            return Err(Stop::Refuted);
        }
        self.beliefs.retain(|_, (_, until)| *until >= now);
        let by = holder(invocation.op);
        let holder = self.holders.entry(by).or_default();
        let granted = match ended.how {
            Ending::Ok(_) => holder.granted(invocation),
            _ => None,
        };
        holder.unsure |=
            matches!((invocation.op, ended.how), (Op::Release { .. }, Ending::Unknown));
        holder.open &= holder.request != Some(invocation.id);
        granted.into_iter().for_each(|until| self.believes(by, now, until));
        Ok(())
    }

    fn bytes(&self) -> usize {
        let beliefs = size_of::<(u64, Belief)>() * self.beliefs.len();
        2 * (size_of::<(u64, Holder)>() * self.holders.len() + beliefs)
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
