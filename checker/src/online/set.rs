//! One set, watched element by element: for what was never added, what is missing, and what is back.
//!
//! - Whoever sees an element that nobody had begun to add by the time it is seen is refuted; so is
//!   one that saw an element early of which every add begun by then fails in the end.
//! - Whoever misses an element whose add had been acknowledged before it looked is refuted, if
//!   nobody had begun to remove it by the end.
//! - Whoever sees an element is refuted if it had been removed before he looked, by a removal that
//!   began after every add had ended, and nobody had begun to add it since.
//!
//! This is less than the check judges: an element that is removed and added again by turns, and what
//! two reads of everything say about the order of different elements, is not looked at; nor is an
//! answer looked at again when a removal, or another add, fails.
//!
//! # Forgetting
//!
//! An element that had certainly been removed before the oldest open operation was invoked, by
//! removals of which none can land later, is forgotten: whoever sees it from now on, without a new
//! add, is refuted as one that was never added, whoever misses it is right, and a new add finds it
//! absent. What stays is the elements that are in the set, or may be, as in any set.
//!
//! Of most of these little is left to know. Once nobody has an add or a removal of it open, and all
//! that is known of it happened before the oldest open operation was invoked, an element is at
//! *rest*: every look to come began after all of that, so that of each time only the fact remains,
//! and what is left is a few bits. It is watched in full again when somebody begins to add or to
//! remove it. Nothing is lost by that: the one time that is not compared with a look, when the first
//! add began, is for an add that fails after its element was seen; where another add has ended that
//! did not fail, it had begun by then, or the watch would have refuted it.

use crate::event::Nanos;
use crate::hashing::Map;
use crate::linearizability::monitor::open::Open;
use crate::linearizability::monitor::{Ended, Ending, Invocation, Monitor, Stop, fits, text};
use crate::linearizability::object::Object;
use crate::models::Set;
use crate::op::{Op, OpKind, Outcome, Value};

/// The removals of an element that ended and did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Removals {
    #[default]
    None,
    /// They were acknowledged.
    Over,
    /// Nobody saw the end of one: it may still land.
    Loose,
}

/// What is known of one element. At first it is absent.
#[derive(Debug, Clone)]
struct Element {
    /// The adds that are open.
    adding: Vec<(Nanos, u64)>,
    /// The first invocation of an add that did not fail; of those that ended.
    added_from: Nanos,
    /// When the first add was acknowledged, since it was last absent.
    added: Nanos,
    /// By when every add had ended; never, if nobody saw the end of one.
    adds_over: Nanos,
    /// The first completion of whoever saw it.
    seen: Nanos,
    /// How many removals are open.
    removing: usize,
    /// What came of those that ended and did not fail.
    removals: Removals,
    /// When a removal was acknowledged that came after every add.
    gone: Nanos,
}

const NEVER: Nanos = Nanos::MAX;

impl Default for Element {
    fn default() -> Self {
        Self {
            adding: Vec::new(),
            added_from: NEVER,
            added: NEVER,
            adds_over: 0,
            seen: NEVER,
            removing: 0,
            removals: Removals::None,
            gone: NEVER,
        }
    }
}

impl Element {
    fn add_begins(&mut self, invocation: Invocation<'_>) {
        self.adding.push((invocation.start, invocation.id));
        self.gone = NEVER;
    }

    fn add_ends(&mut self, ended: &Ended<'_>) -> Result<(), Stop> {
        let start = ended.invocation.start;
        self.adding.retain(|(_, id)| *id != ended.invocation.id);
        match ended.how {
            Ending::Ok(_) => {
                self.added = self.added.min(ended.end);
                self.adds_over = self.adds_over.max(ended.end);
            }
            Ending::Unknown => self.adds_over = NEVER,
            Ending::Failed if self.seen < self.begun() => return Err(Stop::Refuted),
            Ending::Failed => return Ok(()),
        }
        self.added_from = self.added_from.min(start);
        Ok(())
    }

    /// When somebody first began to add it.
    fn begun(&self) -> Nanos {
        let open = self.adding.iter().map(|(start, _)| *start).min();
        open.unwrap_or(NEVER).min(self.added_from)
    }

    fn removal_begins(&mut self) {
        self.removing += 1;
    }

    fn removal_ends(&mut self, ended: &Ended<'_>) {
        self.removing = self.removing.saturating_sub(1);
        let came_of_it = match ended.how {
            Ending::Ok(_) => Removals::Over,
            Ending::Unknown => Removals::Loose,
            Ending::Failed => return,
        };
        self.removals = self.removals.max(came_of_it);
        let late = self.adding.is_empty() && self.adds_over < ended.invocation.start;
        if late && came_of_it == Removals::Over {
            self.gone = self.gone.min(ended.end);
        }
    }

    /// Somebody who looked at `start` saw it by `end`.
    fn is_seen(&mut self, start: Nanos, end: Nanos) -> Result<(), Stop> {
        if self.begun() == NEVER || self.gone < start {
            return Err(Stop::Refuted);
        }
        self.seen = self.seen.min(end);
        Ok(())
    }

    /// Whether somebody who looked at `start` and saw it not is refuted.
    fn cannot_be_missed(&self, start: Nanos) -> bool {
        self.added < start && self.removing == 0 && self.removals == Removals::None
    }

    /// Whether it is as good as unknown to all that was invoked at `oldest` or later.
    fn is_over(&self, oldest: Nanos) -> bool {
        let idle = self.adding.is_empty() && self.removing == 0;
        let untouched = self.begun() == NEVER && self.removals == Removals::None;
        idle && (untouched || (self.gone < oldest && self.removals != Removals::Loose))
    }

    /// What is left to know of it to all that was invoked at `oldest` or later; none if that is not
    /// all.
    fn rest(&self, oldest: Nanos) -> Option<Rest> {
        let past = |time| time == NEVER || time < oldest;
        let idle = self.adding.is_empty() && self.removing == 0;
        (idle && past(self.added) && past(self.adds_over) && past(self.gone)).then_some(Rest {
            added: self.added < NEVER,
            lost: self.adds_over == NEVER,
            gone: self.gone < NEVER,
            removals: self.removals,
        })
    }
}

/// What is known of an element at rest.
#[derive(Debug, Clone, Copy)]
struct Rest {
    /// An add was acknowledged.
    added: bool,
    /// Nobody saw the end of an add.
    lost: bool,
    /// A removal was acknowledged that came after every add.
    gone: bool,
    removals: Removals,
}

impl Rest {
    fn can_be_seen(self) -> bool {
        (self.added || self.lost) && !self.gone
    }

    fn cannot_be_missed(self) -> bool {
        self.added && self.removals == Removals::None
    }
}

impl From<Rest> for Element {
    /// What was long ago was at the beginning of time.
    fn from(rest: Rest) -> Self {
        let past = |is: bool| if is { 0 } else { NEVER };
        Self {
            added_from: past(rest.added || rest.lost),
            added: past(rest.added),
            adds_over: past(!rest.lost),
            removals: rest.removals,
            gone: past(rest.gone),
            ..Self::default()
        }
    }
}

/// One set.
#[derive(Debug, Clone, Default)]
pub(super) struct OneSet {
    active: Map<Value, Element>,
    resting: Map<Value, Rest>,
    /// How many of those at rest cannot be missed.
    certain: usize,
    /// The bytes of all texts among both.
    texts: usize,
    open: Open,
    /// The number of active elements at which to see which of them are gone or at rest.
    look_at: usize,
}

/// Fewer elements than this are not worth forgetting.
const LEAST: usize = 2;

impl Monitor for OneSet {
    const ID: &'static str = Set::ID;
    const KINDS: &'static [OpKind] = Set::KINDS;

    fn invoke(&mut self, invocation: Invocation<'_>) -> Result<(), Stop> {
        self.open.begin(invocation);
        match invocation.op {
            Op::Add { value, .. } => self.element(value).add_begins(invocation),
            Op::Remove { value, .. } => self.element(value).removal_begins(),
            _ => {}
        }
        Ok(())
    }

    fn complete(&mut self, ended: Ended<'_>) -> Result<(), Stop> {
        fits(&ended)?;
        self.open.end(ended.invocation);
        let (start, end) = (ended.invocation.start, ended.end);
        match (ended.invocation.op, ended.how) {
            (Op::Add { value, .. }, _) => self.element(value).add_ends(&ended)?,
            (Op::Remove { value, .. }, _) => self.element(value).removal_ends(&ended),
            (Op::Contains { value, .. }, Ending::Ok(Outcome::Contains { present: true })) => {
                self.is_seen(value, start, end)?;
            }
            (Op::Contains { value, .. }, Ending::Ok(Outcome::Contains { present: false }))
                if self.cannot_be_missed(value, start) =>
            {
                return Err(Stop::Refuted);
            }
            (_, Ending::Ok(Outcome::ReadAll { values })) => self.read(values, start, end)?,
            _ => {}
        }
        self.forget();
        Ok(())
    }

    fn bytes(&self) -> usize {
        let tables = self.active.allocation_size() + self.resting.allocation_size();
        let adding = self.active.values().map(|element| element.adding.capacity()).sum::<usize>();
        tables + self.texts + size_of::<(Nanos, u64)>() * adding + self.open.bytes()
    }
}

impl OneSet {
    /// What is known of `value`, which is active now.
    fn element(&mut self, value: &Value) -> &mut Element {
        if !self.active.contains_key(value) {
            let rest = self.resting.remove(value);
            self.certain -= usize::from(rest.is_some_and(Rest::cannot_be_missed));
            self.texts += if rest.is_some() { 0 } else { text(value) };
            self.active.insert(value.clone(), rest.map(Element::from).unwrap_or_default());
        }
        self.active.entry(value.clone()).or_default()
    }

    /// Somebody who looked at `start` saw `value` by `end`.
    fn is_seen(&mut self, value: &Value, start: Nanos, end: Nanos) -> Result<(), Stop> {
        match self.active.get_mut(value) {
            Some(element) => element.is_seen(start, end),
            None if self.resting.get(value).is_some_and(|rest| rest.can_be_seen()) => Ok(()),
            None => Err(Stop::Refuted),
        }
    }

    /// Whether somebody who looked at `start` and saw `value` not is refuted.
    fn cannot_be_missed(&self, value: &Value, start: Nanos) -> bool {
        match self.active.get(value) {
            Some(element) => element.cannot_be_missed(start),
            None => self.resting.get(value).is_some_and(|rest| rest.cannot_be_missed()),
        }
    }

    /// A read of everything showed `values`.
    fn read(&mut self, values: &[Value], start: Nanos, end: Nanos) -> Result<(), Stop> {
        let needed = |element: &&Element| element.cannot_be_missed(start);
        let mut missing = self.certain + self.active.values().filter(needed).count();
        for (value, first) in values.iter().zip(firsts(values)) {
            self.is_seen(value, start, end)?;
            missing -= usize::from(first && self.cannot_be_missed(value, start));
        }
        if missing > 0 { Err(Stop::Refuted) } else { Ok(()) }
    }

    /// Forgets the elements that are gone, and lays to rest what can be. It looks at all that are
    /// active, so it is done again only once there are twice as many.
    fn forget(&mut self) {
        if self.active.len() < self.look_at.max(LEAST) {
            return;
        }
        let oldest = self.open.oldest();
        let Self { active, resting, certain, texts, .. } = self;
        active.retain(|value, element| {
            if element.is_over(oldest) {
                *texts -= text(value);
                return false;
            }
            let Some(rest) = element.rest(oldest) else { return true };
            *certain += usize::from(rest.cannot_be_missed());
            resting.insert(value.clone(), rest);
            false
        });
        self.look_at = 2 * self.active.len();
        self.active.shrink_to(2 * self.look_at.max(LEAST));
        self.resting.shrink_to(2 * self.resting.len());
    }
}

/// Of each of the values, whether it is there for the first time.
fn firsts(values: &[Value]) -> impl Iterator<Item = bool> {
    let mut met: Map<&Value, ()> = Map::default();
    values.iter().map(move |value| met.insert(value, ()).is_none())
}
