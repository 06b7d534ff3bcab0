//! One register, watched while it is used, where every value is written once.
//!
//! The rules are those of the offline sweep: a group is a value with its writer and whoever saw it;
//! changes chain groups into blocks; inside a block the order is forced, between blocks
//! real time decides ([`super::blocks`]). Here they are applied as soon as a completion makes them
//! speak, and what can no longer matter is forgotten.
//!
//! - A write counts from the completion that proves that it took effect: its own, or that of an
//!   operation that saw its value. Until then its value is *pending*. One that fails, and one of
//!   unknown end that nobody ever reads, count for nothing; but the latter may be read at any later
//!   time, so it is kept.
//! - A value that is neither pending nor known is refuted, whatever it is: either nobody had written
//!   it by the end of the instant at which it was seen, or it is forgotten.
//! - Inside a chain a member must not have been invoked after a member of a later group completed.
//!   That completion, once there, is the first for good; so each group keeps one time, `over`.
//!   (What completes now cannot have completed before an earlier group's member was invoked.)
//! - Two changes must not both have found one group: a *change* is a compare-and-set, or a swap.
//! - What a swap replaced is known only when it is answered. If its value was seen by then, a block
//!   begins with it; that block is joined with the one that ends with what the swap found.
//! - A compare-and-set that was refused without telling what it found did not find what it asked
//!   for. It is proven wrong if a member of that group had completed before it was invoked and
//!   another one (or what replaced the value) was invoked after it completed: the value was there
//!   all the while. So each group keeps when the first such refusal ended. Offline more is known:
//!   that nothing else had been written by then.
//!
//! # Forgetting
//!
//! Blocks that can no longer matter, see [`super::blocks`]; and the beginning of a chain, where
//! `over` lies before the invocation of everything that is still open: whatever sees such a value
//! from now on is refuted anyway. Without the second rule a register on which nothing but
//! compare-and-sets succeed would be kept whole.
//!
//! # Values that are written twice
//!
//! If a value is written that is pending or known, its key is *blind* from there on. If it is
//! forgotten, the new write begins a new group, and no alarm is false: whoever completes a look at
//! the value from now on was invoked after a block, or a later group, that comes after the
//! forgotten one had begun. So it can only have seen the new write; and so can a compare-and-set of
//! unknown end that needs the value and whose own value is seen only from now on.

use super::blocks::{Blocks, Id, Tick, tick};
use crate::hashing::Map;
use crate::linearizability::monitor::open::Open;
use crate::linearizability::monitor::{self, Ended, Ending, Invocation, Monitor, Stop};
use crate::linearizability::object::Object;
use crate::models::{Effect, Model, Register};
use crate::objects::register::is_guarded;
use crate::op::{Op, OpKind, Outcome};

/// A write that may have taken effect.
#[derive(Debug, Clone)]
struct Pending {
    start: Tick,
    /// What it replaces, where that is known.
    needs: Option<Register>,
}

/// A value that the register certainly held.
#[derive(Debug, Clone)]
struct Group {
    block: Id,
    /// When it was first certain.
    first: Tick,
    /// The first completion after that which denied it, having been invoked later.
    denied: Tick,
    /// The value that it replaced by a change, unless that is forgotten.
    before: Option<Register>,
    /// The value that replaced it by a change.
    after: Option<Register>,
    /// The first completion of a member of any later group of the chain.
    over: Tick,
}

impl Group {
    fn new(block: Id, first: Tick, before: Option<Register>) -> Self {
        Self { block, first, denied: Tick::MAX, before, after: None, over: Tick::MAX }
    }
}

/// What is known of the values of one register. No two are equal.
#[derive(Debug, Clone, Default)]
struct Values {
    pending: Map<Register, Pending>,
    groups: Map<Register, Group>,
    /// The bytes of all texts among them.
    texts: usize,
}

impl Values {
    fn add(&mut self, state: Register, pending: Pending) {
        self.texts += text(&state) + pending.needs.as_ref().map_or(0, text);
        self.pending.insert(state, pending);
    }

    /// Takes a value out of the pending ones, if it is one.
    fn take(&mut self, state: &Register) -> Option<Pending> {
        let pending = self.pending.remove(state)?;
        self.texts -= pending.needs.as_ref().map_or(0, text);
        Some(pending)
    }

    /// Forgets a known value; the one that replaced it by a change.
    fn forget(&mut self, state: &Register) -> Option<Register> {
        let group = self.groups.remove(state)?;
        self.texts -= text(state);
        group.after
    }

    /// Forgets a chain.
    fn forget_all(&mut self, head: Register) {
        let mut next = Some(head);
        while let Some(state) = next {
            next = self.forget(&state);
        }
    }

    /// Forgets the values of a chain that were over before `oldest`; the first that is left.
    fn forget_before(&mut self, mut head: Register, oldest: Tick) -> Register {
        while self.groups.get(&head).is_some_and(|group| group.over < oldest) {
            let Some(after) = self.forget(&head) else { break };
            if let Some(group) = self.groups.get_mut(&after) {
                group.before = None;
            }
            head = after;
        }
        head
    }
}

/// One register.
#[derive(Debug, Clone)]
pub(super) struct OneRegister {
    values: Values,
    blocks: Blocks<Register>,
    /// Every operation that may still end with an answer.
    open: Open,
    /// The number of groups at which to see what can be forgotten.
    look_at: usize,
}

impl Default for OneRegister {
    fn default() -> Self {
        let mut values = Values::default();
        values.groups.insert(Register::default(), Group::new(Id::default(), 0, None));
        Self { values, blocks: Blocks::default(), open: Open::default(), look_at: LEAST }
    }
}

/// Fewer groups than this are not worth forgetting.
const LEAST: usize = 4;

impl Monitor for OneRegister {
    const ID: &'static str = Register::ID;
    const KINDS: &'static [OpKind] = Register::KINDS;

    fn is_of_another(op: &Op) -> bool {
        is_guarded(op)
    }

    fn invoke(&mut self, invocation: Invocation<'_>) -> Result<(), Stop> {
        let start = tick(invocation.start);
        self.open.begin(invocation);
        let Some(Effect { needs, leaves: Some(leaves) }) = Register::effect(invocation.op, None)
        else {
            return Ok(());
        };
        if self.values.pending.contains_key(&leaves) || self.values.groups.contains_key(&leaves) {
            return Err(Stop::Blind("a value was written twice"));
        }
        self.values.add(leaves, Pending { start, needs });
        Ok(())
    }

    fn complete(&mut self, ended: Ended<'_>) -> Result<(), Stop> {
        let start = tick(ended.invocation.start);
        self.open.end(ended.invocation);
        match ended.how {
            Ending::Unknown => {}
            Ending::Failed => self.never(ended.invocation.op)?,
            Ending::Ok(outcome) => {
                let end = Id { f: tick(ended.end), index: ended.index };
                self.replaced(ended.invocation, outcome, end)?;
                if let Some(state) = self.seen(ended.invocation.op, outcome)? {
                    self.member(&state, start, end)?;
                } else {
                    self.denied(ended.invocation.op, start, end.f);
                }
            }
        }
        if self.values.groups.len() >= self.look_at {
            self.forget();
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        let Values { pending, groups, texts } = &self.values;
        pending.capacity() * (size_of::<(Register, Pending)>() + 1)
            + groups.capacity() * (size_of::<(Register, Group)>() + 1)
            + self.open.bytes()
            + self.blocks.bytes()
            + texts
    }
}

impl OneRegister {
    /// The group that an answer makes `op` a member of; none if the answer says nothing here.
    fn seen(&mut self, op: &Op, outcome: &Outcome) -> Result<Option<Register>, Stop> {
        match Register::effect(op, Some(outcome)) {
            Some(Effect { leaves: Some(leaves), .. }) => Ok(Some(leaves)),
            Some(Effect { needs, .. }) => self.never(op).map(|()| needs),
            None if *outcome == Outcome::CasDiffers => self.never(op).map(|()| None),
            None => Err(Stop::Blind("an answer does not fit its operation")),
        }
    }

    /// What an answer tells that its operation replaced, where that was not known before.
    fn replaced(
        &mut self,
        Invocation { op, start, .. }: Invocation<'_>,
        outcome: &Outcome,
        end: Id,
    ) -> Result<(), Stop> {
        let asked = Register::effect(op, None).and_then(|effect| effect.needs);
        let Some(Effect { needs: Some(old), leaves: Some(new) }) =
            Register::effect(op, Some(outcome)).filter(|_| asked.is_none())
        else {
            return Ok(());
        };
        match self.values.pending.get_mut(&new) {
            Some(pending) => {
                self.values.texts += text(&old);
                pending.needs = Some(old);
                Ok(())
            }
            None => self.join((old, new, tick(start)), end),
        }
    }

    /// The change from `old` to `new` is answered, and `new` was seen before.
    fn join(&mut self, (old, new, start): (Register, Register, Tick), end: Id) -> Result<(), Stop> {
        self.admit(&old, end)?;
        let second = self.values.groups.get(&new).ok_or(Stop::Refuted)?.block;
        let group = self.values.groups.get_mut(&old).ok_or(Stop::Refuted)?;
        let (first, denied) = (group.block, group.denied);
        let taken = group.after.replace(new.clone()).is_some();
        // What comes before `new` must have been invoked by when that was first seen.
        let wrong = second.f < self.blocks.last_invoked(first) || denied < start;
        if taken || first == second || wrong {
            return Err(Stop::Refuted);
        }
        self.over(Some(old.clone()), second.f);
        let (block, crosses) = self.blocks.join(first, second);
        let (mut chain, after) = match block == first {
            true => (Some(new.clone()), true),
            false => (Some(old.clone()), false),
        };
        while let Some(group) = chain.and_then(|state| self.values.groups.get_mut(&state)) {
            group.block = block;
            chain = if after { group.after.clone() } else { group.before.clone() };
        }
        if let Some(group) = self.values.groups.get_mut(&new) {
            group.before = Some(old);
        }
        if crosses { Err(Stop::Refuted) } else { Ok(()) }
    }

    /// A member of a group that comes after `last`, and so after those before it, completed at `time`.
    fn over(&mut self, mut last: Option<Register>, time: Tick) {
        while let Some(group) = last.and_then(|state| self.values.groups.get_mut(&state)) {
            if group.over <= time {
                break; // then so it is for all before it
            }
            group.over = time;
            last = group.before.clone();
        }
    }

    /// `op` certainly changed nothing: whoever saw its value is refuted.
    fn never(&mut self, op: &Op) -> Result<(), Stop> {
        let Some(leaves) = Register::effect(op, None).and_then(|effect| effect.leaves) else {
            return Ok(());
        };
        self.values.take(&leaves).ok_or(Stop::Refuted)?;
        self.values.texts -= text(&leaves);
        Ok(())
    }

    /// `op` was invoked at `start`, completed at `end` and did not find what it asked for.
    fn denied(&mut self, op: &Op, start: Tick, end: Tick) {
        let Op::Cas { old, .. } = op else { return };
        let group = self.values.groups.get_mut(&Register(Some(old.clone())));
        if let Some(group) = group.filter(|group| group.first < start) {
            group.denied = group.denied.min(end);
        }
    }

    /// An operation on `state` that was invoked at `start` has completed.
    fn member(&mut self, state: &Register, start: Tick, end: Id) -> Result<(), Stop> {
        self.admit(state, end)?;
        let group = self.values.groups.get(state).ok_or(Stop::Refuted)?;
        let (block, before) = (group.block, group.before.clone());
        if group.over.min(group.denied) < start || self.blocks.extend(block, start) {
            return Err(Stop::Refuted);
        }
        self.over(before, end.f);
        Ok(())
    }

    /// `state` was seen, so its write took effect, and so did every write that this one rests on.
    fn admit(&mut self, state: &Register, end: Id) -> Result<(), Stop> {
        let mut links: Vec<(Register, Register, Tick)> = Vec::new();
        let mut state = state.clone();
        while !self.values.groups.contains_key(&state) {
            // A ring of changes comes to an end here, too: what was taken is not there.
            let Pending { start, needs } = self.values.take(&state).ok_or(Stop::Refuted)?;
            let Some(old) = needs else {
                self.values.groups.insert(state.clone(), Group::new(end, end.f, None));
                self.blocks.begin(end, start, state);
                break;
            };
            links.push((old.clone(), state, start));
            state = old;
        }
        links.into_iter().rev().try_for_each(|link| self.link(link, end.f))
    }

    /// A change from `old` to `new` took effect.
    fn link(
        &mut self,
        (old, new, start): (Register, Register, Tick),
        now: Tick,
    ) -> Result<(), Stop> {
        let group = self.values.groups.get_mut(&old).ok_or(Stop::Refuted)?;
        let wrong = group.after.replace(new.clone()).is_some() || group.denied < start;
        let block = group.block;
        self.values.groups.insert(new, Group::new(block, now, Some(old)));
        if wrong || self.blocks.extend(block, start) { Err(Stop::Refuted) } else { Ok(()) }
    }

    /// Forgets what can no longer matter. It looks at everything, so it is done again only once
    /// there is twice as much.
    fn forget(&mut self) {
        let oldest = tick(self.open.oldest());
        self.blocks.forget(oldest).into_iter().for_each(|head| self.values.forget_all(head));
        for block in self.blocks.iter_mut() {
            let head = std::mem::take(&mut block.head);
            block.head = self.values.forget_before(head, oldest);
        }
        self.look_at = LEAST.max(2 * self.values.groups.len());
        self.values.groups.shrink_to(2 * self.look_at);
    }
}

/// The bytes of a text.
fn text(state: &Register) -> usize {
    state.0.as_ref().map_or(0, monitor::text)
}
