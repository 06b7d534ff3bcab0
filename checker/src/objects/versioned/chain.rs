//! Near-linear decision for versioned configurations.
//!
//! An update succeeds on one generation and makes the next, and generations only rise: so a legal
//! order is one chain, and every generation that a definite call names stands in it, the lower ones
//! first. Of each there is at most one definite update from it, and it leads to the next one that
//! is named; what it would jump over could be reached neither before it nor after.
//!
//! # What nobody saw the end of
//!
//! Where no definite update made a named generation G, indeterminate ones did. Let P be the
//! generation that is named before G. Between the two only indeterminate updates can stand: the
//! first of them replaced P, each later one a higher generation below G, and the last one wrote what
//! was read in G. Of more than two all but the first and the last can be left out, as what the first
//! made is *some* generation above P, and so may be the one that the last replaces. So there are two
//! ways:
//!
//! - *directly*: one update from P, which wrote what was read in G;
//! - *by a detour*: any update from P, and one from a generation between P and G that wrote it.
//!
//! If G was never read, any update from P made it.
//!
//! *Which ones does not matter but for when they began.* An update of unknown end precedes nothing,
//! so that time asks but one thing of it: that nothing that belongs after it ended before it began.
//! What belongs after those that lead to G are the definite calls of G and above, and indeterminate
//! ones, which end never. So it is best to take those that began first, and of the two ways the one
//! of which the last began first. And no choice takes anything from another: what may lead to G
//! replaces P or what is between, and those ranges are apart. What nothing rests on is left out.
//!
//! So the chain that is made here is legal if any is, and nothing is left to a search. Example:
//! one update of generation 0 and one of generation 5 were never answered, and what the second one
//! wrote is read in generation 9. No generation 5 was ever seen, but the first one may have made it.
//!
//! Once every generation has its makers, the order is forced but for reads of one generation among
//! each other, and is held against real time in one sweep.

use std::collections::BTreeMap;

use crate::linearizability::call::Call;
use crate::op::{Op, Outcome, Value};

/// Why there may be no legal order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Doubt {
    /// Not all of them are calls on a configuration: a search has to decide.
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
    /// A generation has another content for `second` than for `first`, which made it or read it.
    Forked { first: usize, second: usize },
    /// `update` replaced a lower generation and made a higher one than `between` names.
    Jumped { update: usize, between: usize },
    /// Nothing can have made the generation that `seen_by` names.
    Unmade { seen_by: usize },
    /// `late`, of this generation or on the way to it, began after `done` had ended, but belongs
    /// before it in the chain. The makers of both generations follow.
    Inverted { late: usize, generation: u64, done: usize, makers: [Option<usize>; 2] },
}

/// What is known of one generation.
#[derive(Debug, Default)]
pub(super) struct Level<'a> {
    /// The update that made it.
    pub(super) maker: Option<usize>,
    /// The indeterminate update before that on a detour.
    detour: Option<usize>,
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
    chain.hold_time(calls)
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
                    let read = level.reads.first().copied().unwrap_or(place);
                    return conflict(Conflict::Forked { first: read, second: place });
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
            if let Some(maker) = level.maker
                && level.value != Some(content(&calls[maker]))
            {
                return conflict(Conflict::Forked { first: maker, second: other });
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

    /// Gives every named generation that no definite update made an indeterminate one, or two.
    fn find_makers(&mut self, calls: &[Call<'a>]) -> Result<(), Doubt> {
        let start = |place: usize| calls[place].start;
        let first = |places: &mut dyn Iterator<Item = usize>| places.min_by_key(|it| start(*it));
        let mut before = 0;
        for (generation, level) in &mut self.levels {
            let from = std::mem::replace(&mut before, *generation);
            if *generation == 0 || level.maker.is_some() {
                continue;
            }
            let value = level.value;
            let fits = |place: &usize| value.is_none_or(|value| value == content(&calls[*place]));
            let replacing = || self.unseen.get(&from).into_iter().flatten().copied();
            let between = self.unseen.range(from + 1..*generation);
            let between = between.flat_map(|(_, all)| all).copied();
            let direct = first(&mut replacing().filter(fits));
            let detour = first(&mut replacing()).zip(first(&mut between.filter(fits)));
            let by_detour = |(first, second): (usize, usize)| start(first).max(start(second));
            let detour =
                detour.filter(|pair| direct.is_none_or(|direct| by_detour(*pair) < start(direct)));
            match (detour, direct, level.named_by()) {
                (None, None, Some(seen_by)) => return conflict(Conflict::Unmade { seen_by }),
                (Some((first, second)), ..) => {
                    (level.detour, level.maker) = (Some(first), Some(second));
                }
                _ => level.maker = direct,
            }
        }
        Ok(())
    }

    /// The order that the chain forces respects real time.
    fn hold_time(&self, calls: &[Call<'a>]) -> Result<(), Doubt> {
        // What began last, with its generation and the maker of that.
        let mut last: Option<(usize, u64, Option<usize>)> = None;
        for (&own, level) in &self.levels {
            for members in [level.detour.as_slice(), level.maker.as_slice(), &level.reads] {
                let too_late = |done: &&usize| {
                    last.is_some_and(|(late, ..)| calls[**done].precedes(&calls[late]))
                };
                if let (Some(&done), Some((late, generation, maker))) =
                    (members.iter().find(too_late), last)
                {
                    let makers = [maker, level.maker];
                    return conflict(Conflict::Inverted { late, generation, done, makers });
                }
                let newest = members.iter().copied().max_by_key(|place| calls[*place].start);
                last = match (last, newest) {
                    (Some((late, ..)), Some(new)) if calls[new].start <= calls[late].start => last,
                    (_, Some(new)) => Some((new, own, level.maker)),
                    _ => last,
                };
            }
        }
        Ok(())
    }
}
