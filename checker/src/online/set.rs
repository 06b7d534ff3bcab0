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
//! removals of which none can land later, is forgotten: whoever sees it from now on, without a new add, is refuted as one that was never
//! added, whoever misses it is right, and a new add finds it absent. What stays is the elements that
//! are in the set, or may be, as in any set.

use super::objects::{Asked, Ended, Ending, Monitor, Stop, fits, text};
use super::open::Open;
use crate::event::Nanos;
use crate::hashing::Map;
use crate::models::Set;
use crate::objects::Object;
use crate::op::{Op, OpKind, Outcome, Value};

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
    /// How many removals began and have not failed, and how many of them may still land.
    removals: usize,
    loose: usize,
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
            removals: 0,
            loose: 0,
            gone: NEVER,
        }
    }
}

impl Element {
    fn add_begins(&mut self, asked: Asked<'_>) {
        self.adding.push((asked.start, asked.id));
        self.gone = NEVER;
    }

    fn add_ends(&mut self, ended: &Ended<'_>) -> Result<(), Stop> {
        let start = ended.asked.start;
        self.adding.retain(|(_, id)| *id != ended.asked.id);
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
        self.removals += 1;
        self.loose += 1;
    }

    fn removal_ends(&mut self, ended: &Ended<'_>) {
        self.loose -= usize::from(!matches!(ended.how, Ending::Unknown));
        match ended.how {
            Ending::Ok(_) if self.adding.is_empty() && self.adds_over < ended.asked.start => {
                self.gone = self.gone.min(ended.end);
            }
            Ending::Failed => self.removals = self.removals.saturating_sub(1),
            _ => {}
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
        self.added < start && self.removals == 0
    }
}

/// One set.
#[derive(Debug, Clone, Default)]
pub(super) struct OneSet {
    elements: Map<Value, Element>,
    /// The bytes of all texts among them.
    texts: usize,
    open: Open,
    /// The number of elements at which to see which of them are gone.
    look_at: usize,
}

/// Fewer elements than this are not worth forgetting.
const LEAST: usize = 2;

impl Monitor for OneSet {
    const ID: &'static str = Set::ID;
    const KINDS: &'static [OpKind] = Set::KINDS;
    const CHANGED_BY: &'static [OpKind] = Set::CHANGED_BY;

    fn invoke(&mut self, asked: Asked<'_>) -> Result<(), Stop> {
        self.open.begin(asked);
        match asked.op {
            Op::Add { value, .. } => self.element(value).add_begins(asked),
            Op::Remove { value, .. } => self.element(value).removal_begins(),
            _ => {}
        }
        Ok(())
    }

    fn complete(&mut self, ended: Ended<'_>) -> Result<(), Stop> {
        fits(&ended)?;
        self.open.end(ended.asked);
        let (start, end) = (ended.asked.start, ended.end);
        match (ended.asked.op, ended.how) {
            (Op::Add { value, .. }, _) => self.element(value).add_ends(&ended)?,
            (Op::Remove { value, .. }, _) => self.element(value).removal_ends(&ended),
            (Op::Contains { value, .. }, Ending::Ok(Outcome::Contains { present })) => {
                match (self.elements.get_mut(value), present) {
                    (None, true) => return Err(Stop::Refuted),
                    (Some(element), true) => element.is_seen(start, end)?,
                    (Some(element), false) if element.cannot_be_missed(start) => {
                        return Err(Stop::Refuted);
                    }
                    _ => {}
                }
            }
            (_, Ending::Ok(Outcome::ReadAll { values })) => self.read(values, start, end)?,
            _ => {}
        }
        self.forget();
        Ok(())
    }

    fn bytes(&self) -> usize {
        let own = self.elements.capacity() * (size_of::<(Value, Element)>() + 1);
        let adding = self.elements.values().map(|one| one.adding.capacity()).sum::<usize>();
        own + self.texts + size_of::<(Nanos, u64)>() * adding + self.open.bytes()
    }
}

impl OneSet {
    fn element(&mut self, value: &Value) -> &mut Element {
        if !self.elements.contains_key(value) {
            self.texts += text(value);
        }
        self.elements.entry(value.clone()).or_default()
    }

    /// A read of everything showed `values`.
    fn read(&mut self, values: &[Value], start: Nanos, end: Nanos) -> Result<(), Stop> {
        let needed = |one: &&Element| one.cannot_be_missed(start);
        let mut missing = self.elements.values().filter(needed).count();
        for (value, first) in values.iter().zip(firsts(values)) {
            let element = self.elements.get_mut(value).ok_or(Stop::Refuted)?;
            element.is_seen(start, end)?;
            missing -= usize::from(first && element.cannot_be_missed(start));
        }
        if missing > 0 { Err(Stop::Refuted) } else { Ok(()) }
    }

    /// Forgets the elements that are gone. It looks at all of them, so it is done again only once
    /// there are twice as many.
    fn forget(&mut self) {
        if self.elements.len() < self.look_at.max(LEAST) {
            return;
        }
        let oldest = self.open.oldest();
        let texts = &mut self.texts;
        self.elements.retain(|value, element| {
            let stays = element.gone >= oldest || element.loose > 0;
            *texts -= if stays { 0 } else { text(value) };
            stays
        });
        self.look_at = 2 * self.elements.len();
        self.elements.shrink_to(2 * self.look_at.max(LEAST));
    }
}

/// Of each of the values, whether it is there for the first time.
fn firsts(values: &[Value]) -> impl Iterator<Item = bool> {
    let mut met: Map<&Value, ()> = Map::default();
    values.iter().map(move |value| met.insert(value, ()).is_none())
}
