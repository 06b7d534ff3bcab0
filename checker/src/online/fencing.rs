//! One lock with fencing tokens and what it guards, watched while tokens are granted and shown.
//!
//! *Grants.* The rule is that of the decision, see [`Grants`].
//!
//! *The guarded resource.* A group is a value with its write and whoever read it. Whatever belongs to
//! a group shows its token by the time it completes; so nothing of a group may have been invoked
//! after a higher token had been shown. Within one token real time decides between groups, as it
//! does for registers ([`super::blocks`]). A write counts from the completion that proves that it
//! took effect. That is all of the check where every value is written once. A value that is written
//! twice while the first write of it is known says nothing when it is read; the order of the writes
//! themselves is watched all the same.
//!
//! # Forgetting
//!
//! Let O be the invocation of the oldest operation that is still open. A token that is lower than
//! one that was shown, or granted, before O is refuted when it comes, whatever is known of it: so
//! its groups are forgotten, be they read or pending. A value that is not known is refuted when it
//! is read: nobody had written it, or it is forgotten. Of the groups of one token those go that
//! [`super::blocks`] lets go. What stays is what happened since O, and an indeterminate write for
//! which no higher token has been shown.

use std::collections::BTreeMap;

use super::blocks::{Blocks, Id, Tick, tick};
use crate::hashing::Map;
use crate::linearizability::monitor::open::Open;
use crate::linearizability::monitor::{Ended, Ending, Invocation, Monitor, Stop, fits, text};
use crate::linearizability::object::Object;
use crate::models::Fencing;
use crate::objects::fencing::{Grants, Stairs};
use crate::op::{Op, OpKind, Outcome, Value};

/// One lock and what it guards.
#[derive(Debug, Clone, Default)]
pub(super) struct OneFencing {
    open: Open,
    grants: Grants,
    guard: Guard,
}

impl Monitor for OneFencing {
    const ID: &'static str = Fencing::ID;
    const KINDS: &'static [OpKind] = Fencing::KINDS;

    /// A key that is written without a token is a plain register.
    fn is_of_another(op: &Op) -> bool {
        op.kind().disturbs(Self::KINDS)
    }

    fn invoke(&mut self, invocation: Invocation<'_>) -> Result<(), Stop> {
        self.open.begin(invocation);
        if let Op::GuardedWrite { token, value, .. } = invocation.op {
            self.guard.invocation(value, *token, tick(invocation.start));
        }
        Ok(())
    }

    fn complete(&mut self, ended: Ended<'_>) -> Result<(), Stop> {
        fits(&ended)?;
        self.open.end(ended.invocation);
        let start = tick(ended.invocation.start);
        let end = Id { f: tick(ended.end), index: ended.index };
        match (ended.invocation.op, ended.how) {
            (_, Ending::Ok(Outcome::Acquire { token: Some(token) })) => {
                self.grants.granted(*token, start, end.f)?;
            }
            (Op::GuardedWrite { token, value, .. }, Ending::Ok(_)) => {
                self.guard.shown(Some(*token), start, end.f)?;
                self.guard.member(value, start, end)?;
            }
            (Op::GuardedWrite { value, .. }, Ending::Failed) => self.guard.never(value)?,
            (_, Ending::Ok(Outcome::Read { value: Some(value) })) => {
                self.guard.member(value, start, end)?;
            }
            (_, Ending::Ok(Outcome::Read { value: None })) => {
                self.guard.shown(None, start, end.f)?;
            }
            _ => {}
        }
        let oldest = tick(self.open.oldest());
        self.grants.forget(oldest);
        self.guard.forget(oldest);
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.open.bytes() + self.grants.bytes() + self.guard.bytes()
    }
}

/// A value that was, or may have been, written.
#[derive(Debug, Clone)]
struct Written {
    /// The highest token that it was written with.
    token: u64,
    start: Tick,
    /// Its group, once it certainly took effect.
    block: Option<Id>,
    /// Whether it is written twice.
    twice: bool,
}

/// What the tokens guard.
#[derive(Debug, Clone, Default)]
struct Guard {
    values: Map<Value, Written>,
    /// The bytes of all texts among them.
    texts: usize,
    /// The groups of each token, by their value.
    tokens: BTreeMap<u64, Blocks<Option<Value>>>,
    highest: Stairs,
    /// The number of values at which to see what can be forgotten.
    look_at: usize,
}

/// Fewer values than this are not worth forgetting.
const LEAST: usize = 8;

impl Guard {
    fn invocation(&mut self, value: &Value, token: u64, start: Tick) {
        match self.values.get_mut(value) {
            Some(written) => {
                (written.token, written.twice) = (written.token.max(token), true);
            }
            None => {
                self.texts += text(value);
                let written = Written { token, start, block: None, twice: false };
                self.values.insert(value.clone(), written);
            }
        }
    }

    /// What was invoked at `start` and completes at `end` shows `token`; none: that none was shown.
    fn shown(&mut self, token: Option<u64>, start: Tick, end: Tick) -> Result<(), Stop> {
        if self.highest.before(start) > token {
            return Err(Stop::Refuted);
        }
        token.into_iter().for_each(|token| self.highest.push(end, token));
        Ok(())
    }

    /// `value` was written or read by what was invoked at `start` and completes now.
    fn member(&mut self, value: &Value, start: Tick, end: Id) -> Result<(), Stop> {
        let written = self.values.get_mut(value).ok_or(Stop::Refuted)?;
        if written.twice {
            return Ok(());
        }
        let (token, began) = (written.token, written.start);
        let known = written.block;
        let id = *written.block.get_or_insert(end);
        let blocks = self.tokens.entry(token).or_default();
        if known.is_none() {
            blocks.begin(id, began, Some(value.clone()));
        }
        if blocks.extend(id, start) {
            return Err(Stop::Refuted);
        }
        self.shown(Some(token), start.max(began), end.f)
    }

    /// A write of `value` certainly did not take effect: whoever saw it is refuted.
    fn never(&mut self, value: &Value) -> Result<(), Stop> {
        match self.values.get(value) {
            Some(written) if written.twice => Ok(()),
            Some(Written { block: Some(_), .. }) => Err(Stop::Refuted),
            _ => {
                self.remove(value);
                Ok(())
            }
        }
    }

    fn remove(&mut self, value: &Value) {
        if self.values.remove(value).is_some() {
            self.texts -= text(value);
        }
    }

    /// It looks at everything, so it is done again only once there is twice as much.
    fn forget(&mut self, oldest: Tick) {
        if self.values.len() < self.look_at.max(LEAST) {
            return;
        }
        let floor = self.highest.forget(oldest);
        self.tokens.retain(|token, _| Some(*token) >= floor);
        let texts = &mut self.texts;
        self.values.retain(|value, written| {
            let stays = Some(written.token) >= floor;
            *texts -= if stays { 0 } else { text(value) };
            stays
        });
        let blocks = self.tokens.values_mut();
        let over: Vec<Value> = blocks.flat_map(|blocks| blocks.forget(oldest)).flatten().collect();
        for value in over {
            if self.values.get(&value).is_some_and(|written| !written.twice) {
                self.remove(&value);
            }
        }
        self.look_at = 2 * self.values.len();
        self.values.shrink_to(2 * self.look_at.max(LEAST));
    }

    fn bytes(&self) -> usize {
        let values = self.values.capacity() * (size_of::<(Value, Written)>() + 1);
        let each = 2 * size_of::<(u64, Blocks<Option<Value>>)>() * self.tokens.len();
        let blocks: usize = self.tokens.values().map(Blocks::bytes).sum();
        values + self.texts + each + blocks + self.highest.bytes()
    }
}
