//! Near-linear decision for versioned configurations.
//!
//! An update succeeds on one generation and makes the next, and generations only rise: so a legal
//! order is one chain, and every generation that a definite call names stands in it, the lower ones
//! first. Of each there is at most one definite update from it, and it leads to the next one that
//! is named; what it would jump over could be reached neither before it nor after.
//!
//! Where no definite update made a named generation G, an indeterminate one did. It replaced the
//! generation P named before G, and wrote what was read in G; of several such that which began
//! first serves as well as any, because only updates from P are fit for this place. Such an update
//! that nothing rests on is left out. There is one other way: an indeterminate update from P, and
//! from what it made another one, which made G. That takes one that names a generation between P
//! and G which no definite call names; where there is one that fits, a search decides.
//!
//! Once every generation has its maker, the order is forced but for reads of one generation among
//! each other, and is held against real time in one sweep.

use std::collections::BTreeMap;

use crate::linearizability::call::Call;
use crate::op::{Op, Outcome, Value};

/// Why there may be no legal order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Doubt {
    /// A search has to decide.
    Ambiguous,
    /// There is none.
    Conflict(Conflict),
}

/// Why no legal order exists. The numbers are places in the slice of calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Conflict {
    /// An update made a generation that is not higher than the one it replaced.
    NotHigher { update: usize },
    /// Two updates succeeded on one generation.
    Twice { first: usize, second: usize, maker: Option<usize> },
    /// A generation has another content for `other` than for `one`, which made it or read it.
    Forked { one: usize, other: usize },
    /// `update` replaced a lower generation and made a higher one than `between` names.
    Jumped { update: usize, between: usize },
    /// Nothing can have made the generation that `seen_by` names.
    Unmade { seen_by: usize },
    /// `late` began after `done` had ended, but belongs before it in the chain. The makers of both
    /// generations follow.
    Inverted { late: usize, done: usize, makers: [Option<usize>; 2] },
}

/// What is known of one generation.
#[derive(Debug, Default)]
pub(super) struct Level<'a> {
    /// The update that made it.
    pub(super) maker: Option<usize>,
    reads: Vec<usize>,
    /// The definite update that replaced it.
    next: Option<usize>,
    /// What it was read to hold, by the first of the reads.
    value: Option<Option<&'a Value>>,
}

impl Level<'_> {
    /// A definite call that names it.
    fn named_by(&self) -> Option<usize> {
        self.reads.first().copied().or(self.next).or(self.maker)
    }
}

/// Every generation that a definite call names, and what made it.
#[derive(Debug, Default)]
pub(super) struct Chain<'a> {
    levels: BTreeMap<u64, Level<'a>>,
    /// Indeterminate updates, by the generation that they replace.
    unseen: BTreeMap<u64, Vec<usize>>,
    ambiguous: bool,
}

/// Decides whether `calls` on one configuration have a legal order.
///
/// # Errors
///
/// Why they have none, or that this cannot tell.
pub(super) fn judge(calls: &[Call<'_>]) -> Result<(), Doubt> {
    let mut chain = Chain::default();
    for place in 0..calls.len() {
        chain.add(calls, place)?;
    }
    chain.levels.entry(0).or_default();
    chain.hold_contents(calls)?;
    chain.hold_steps(calls)?;
    chain.find_makers(calls)?;
    chain.hold_time(calls)?;
    if chain.ambiguous { Err(Doubt::Ambiguous) } else { Ok(()) }
}

/// The generations of a definite update: which it replaced and which it made.
pub(super) fn made(call: &Call<'_>) -> Option<(u64, u64)> {
    match (call.op, call.outcome) {
        (Op::Update { expected, .. }, Some(Outcome::Update { generation })) => {
            Some((*expected, *generation))
        }
        _ => None,
    }
}

fn content<'a>(call: &Call<'a>) -> Option<&'a Value> {
    match call.op {
        Op::Update { value, .. } => Some(value),
        _ => None,
    }
}

fn conflict<T>(conflict: Conflict) -> Result<T, Doubt> {
    Err(Doubt::Conflict(conflict))
}

impl<'a> Chain<'a> {
    fn add(&mut self, calls: &[Call<'a>], place: usize) -> Result<(), Doubt> {
        match (calls[place].op, calls[place].outcome) {
            (Op::ReadVersion { .. }, Some(Outcome::ReadVersion { generation, value })) => {
                let level = self.levels.entry(*generation).or_default();
                level.reads.push(place);
                let known = *level.value.get_or_insert(value.as_ref());
                if known != value.as_ref() {
                    let one = level.reads.first().copied().unwrap_or(place);
                    return conflict(Conflict::Forked { one, other: place });
                }
                Ok(())
            }
            (Op::Update { expected, .. }, Some(Outcome::Update { generation })) => {
                self.update(place, *expected, *generation)
            }
            (Op::Update { expected, .. }, None) => {
                self.unseen.entry(*expected).or_default().push(place);
                Ok(())
            }
            _ => Err(Doubt::Ambiguous),
        }
    }

    fn update(&mut self, place: usize, from: u64, to: u64) -> Result<(), Doubt> {
        if to <= from {
            return conflict(Conflict::NotHigher { update: place });
        }
        let level = self.levels.entry(from).or_default();
        let maker = level.maker;
        if let Some(first) = level.next.replace(place) {
            return conflict(Conflict::Twice { first, second: place, maker });
        }
        match self.levels.entry(to).or_default().maker.replace(place) {
            Some(other) => conflict(Conflict::Jumped { update: other, between: place }),
            None => Ok(()),
        }
    }

    /// What was read of a generation is what its definite maker wrote.
    fn hold_contents(&self, calls: &[Call<'a>]) -> Result<(), Doubt> {
        for (generation, level) in &self.levels {
            let Some(other) = level.reads.first().copied() else { continue };
            if (*generation == 0) != (level.value == Some(None)) {
                return conflict(Conflict::Unmade { seen_by: other });
            }
            if let Some(one) = level.maker
                && level.value != Some(content(&calls[one]))
            {
                return conflict(Conflict::Forked { one, other });
            }
        }
        Ok(())
    }

    /// No definite update jumps over a generation that is named.
    fn hold_steps(&self, calls: &[Call<'a>]) -> Result<(), Doubt> {
        let mut levels = self.levels.iter().peekable();
        while let Some((_, level)) = levels.next() {
            let (Some(update), Some((generation, next))) = (level.next, levels.peek()) else {
                continue;
            };
            if made(&calls[update]).is_some_and(|(_, to)| to != **generation)
                && let Some(between) = next.named_by()
            {
                return conflict(Conflict::Jumped { update, between });
            }
        }
        Ok(())
    }

    /// Gives every named generation that no definite update made an indeterminate one.
    fn find_makers(&mut self, calls: &[Call<'a>]) -> Result<(), Doubt> {
        let mut before = 0;
        for (generation, level) in &mut self.levels {
            let from = std::mem::replace(&mut before, *generation);
            if *generation == 0 || level.maker.is_some() {
                continue;
            }
            let fits =
                |place: &&usize| level.value.is_none_or(|value| value == content(&calls[**place]));
            let direct = self.unseen.get(&from).into_iter().flatten();
            let first = direct.clone().filter(fits).min_by_key(|place| calls[**place].start);
            let detour = direct.count() > 0
                && level.value.is_some()
                && from < *generation - 1
                && self
                    .unseen
                    .range(from + 1..*generation)
                    .any(|(_, all)| all.iter().any(|place| fits(&place)));
            match (first, detour, level.named_by()) {
                (_, true, _) => self.ambiguous = true,
                (None, false, Some(seen_by)) => return conflict(Conflict::Unmade { seen_by }),
                (first, ..) => level.maker = first.copied(),
            }
        }
        Ok(())
    }

    /// The order that the chain forces respects real time.
    fn hold_time(&self, calls: &[Call<'a>]) -> Result<(), Doubt> {
        // What began last, and the maker of its generation.
        let mut last: Option<(usize, Option<usize>)> = None;
        for level in self.levels.values() {
            for members in [level.maker.as_slice(), &level.reads] {
                let late = |done: &&usize| {
                    last.is_some_and(|(late, _)| calls[**done].precedes(&calls[late]))
                };
                if let (Some(&done), Some((late, maker))) = (members.iter().find(late), last) {
                    let makers = [maker, level.maker];
                    return conflict(Conflict::Inverted { late, done, makers });
                }
                let newest = members.iter().copied().max_by_key(|place| calls[*place].start);
                last = match (last, newest) {
                    (Some((late, _)), Some(new)) if calls[new].start <= calls[late].start => last,
                    (_, Some(new)) => Some((new, level.maker)),
                    _ => last,
                };
            }
        }
        Ok(())
    }
}
