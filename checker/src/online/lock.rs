//! One lock that knows its holder, watched for holders that exclude each other not at all or take
//! what is theirs in no legal order.
//!
//! - *Each holder alone* must acquire and release in turns ([`crate::objects::mutex::alternation`]): take the others away
//!   from a legal order, and what is left is one.
//! - *Two holders.* While one certainly holds the lock, because nothing is left that could have
//!   given it back, no other may hold it, nor may an operation for another have begun and ended.
//!   One that has certainly ended its hold cannot be crossed by what completes later, so the only
//!   hold to look at is the one that goes on – unless a release fails: then it had gone on, and the
//!   last operation of another and the hold of another are looked at, too.
//!
//! Where no holder has two operations at a time, and one of unknown end counts as open for ever,
//! that is all of the check: every hold is then an acquire and the next release, and of two holds
//! that would each have to come first the later one to begin ended an acquire while the other went
//! on. Otherwise it is less: which release ends which hold may have several answers.
//!
//! # Forgetting
//!
//! A holder that holds nothing and has nothing open is forgotten. What stays is, per holder, what
//! happened since the oldest of its operations that is still open, and a few hundred bytes for
//! each holder with an operation that nobody saw the end of.

use std::collections::BTreeMap;

use crate::event::Nanos;
use crate::linearizability::monitor::{Ended, Ending, Invocation, Monitor, Stop, fits};
use crate::linearizability::object::Object;
use crate::models::Lock;
use crate::objects::mutex::acquires;
use crate::objects::mutex::alternation::Alternation;
use crate::op::{Op, OpKind};

/// One lock.
#[derive(Debug, Clone, Default)]
pub(super) struct OneLock {
    holders: BTreeMap<u64, Alternation>,
    /// Who certainly holds it, and since when.
    held_by: Option<(u64, Nanos)>,
    /// Of two holders, the last invocation of what succeeded, the last one first.
    last: [Option<(Nanos, u64)>; 2],
}

fn holder(op: &Op) -> u64 {
    match op {
        Op::Acquire { holder, .. } | Op::Release { holder, .. } => *holder,
        _ => 0,
    }
}

impl Monitor for OneLock {
    const ID: &'static str = Lock::ID;
    const KINDS: &'static [OpKind] = Lock::KINDS;

    /// A lease is no lock.
    fn is_of_another(op: &Op) -> bool {
        matches!(op, Op::Acquire { ttl: Some(_), .. } | Op::Renew { .. })
    }

    fn invoke(&mut self, invocation: Invocation<'_>) -> Result<(), Stop> {
        let holder = holder(invocation.op);
        let alternation = self.holders.entry(holder).or_default();
        alternation.invoke(acquires(invocation.op), invocation);
        if alternation.held_since().is_none() {
            self.held_by = self.held_by.filter(|(other, _)| *other != holder);
        }
        Ok(())
    }

    fn complete(&mut self, ended: Ended<'_>) -> Result<(), Stop> {
        fits(&ended)?;
        let (invocation, holder) = (ended.invocation, holder(ended.invocation.op));
        let alternation = self.holders.entry(holder).or_default();
        alternation.complete(acquires(invocation.op), &ended)?;
        let (since, idle) = (alternation.held_since(), alternation.is_idle());
        if idle {
            self.holders.remove(&holder);
        }
        let other = self.held_by.filter(|(other, _)| *other != holder);
        if let Ending::Ok(_) = ended.how {
            if other.is_some_and(|(_, since)| since < invocation.start) {
                return Err(Stop::Refuted);
            }
            self.note(invocation.start, holder);
        }
        let Some(since) = since else {
            self.held_by = other;
            return Ok(());
        };
        let again = matches!(ended.how, Ending::Failed);
        if other.is_some() || self.last_of_others(holder) > Some(since) {
            return Err(Stop::Refuted);
        }
        if again && self.others_held_after(holder, since) {
            return Err(Stop::Refuted);
        }
        self.held_by = Some((holder, since));
        Ok(())
    }

    fn bytes(&self) -> usize {
        let each = 2 * size_of::<(u64, Alternation)>() * self.holders.len();
        each + self.holders.values().map(Alternation::bytes).sum::<usize>()
    }
}

impl OneLock {
    /// Something for `holder` that was invoked at `start` succeeded.
    fn note(&mut self, start: Nanos, holder: u64) {
        let [first, second] = self.last;
        let new = Some((start, holder));
        let of_it = |hold: Option<(Nanos, u64)>| hold.is_some_and(|(_, own)| own == holder);
        self.last = match (new > first, of_it(first)) {
            (true, true) => [new, second],
            (true, false) => [new, first],
            (false, true) => [first, second],
            (false, false) => [first, second.max(new)],
        };
    }

    fn last_of_others(&self, holder: u64) -> Option<Nanos> {
        self.last.iter().flatten().find(|(_, other)| *other != holder).map(|(start, _)| *start)
    }

    /// Whether another certainly held it at some instant after `since`.
    fn others_held_after(&self, holder: u64, since: Nanos) -> bool {
        let mut others = self.holders.iter().filter(|(other, _)| **other != holder);
        others.any(|(_, alternation)| {
            alternation.held_within().is_some_and(|(from, until)| from.max(since) < until)
        })
    }
}
