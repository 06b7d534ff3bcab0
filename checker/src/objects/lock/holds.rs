//! From the calls on one lock to its holds: which release ends which acquire.
//!
//! Between an acquire and the release that ends it nothing else is legal, so a legal order is a row
//! of holds, each contiguous, and the last may have no end. A hold whose two ends both are
//! indeterminate may be left out, and so may a last one without an end whose acquire is: so every
//! hold that matters has a definite end, and the only question is what the other one is.
//!
//! *All definite.* Two acquires for one holder are interchangeable. If none of them lies strictly
//! within another, the earlier one may go first: exchange them where it does not. The same holds of
//! releases, so the n-th release ends the n-th acquire.
//!
//! *Some indeterminate, and the definite ones one after the other* (what a client does). Between
//! two acquires there was a release, between two releases an acquire, and only indeterminate ones
//! can have been them. They have no end, so the ones that began first serve as well as any
//! (exchange). Between an acquire and a release there may have been both: an indeterminate release,
//! then holds of others, then an indeterminate acquire. Where both began in time, the holder is
//! *loose*: taking the release for the end of the acquire is only one of two ways. All other
//! holders have one way.

use std::collections::BTreeMap;

use crate::catalogue;
use crate::linearizability::call::Call;
use crate::linearizability::finding::Violation;
use crate::objects::zones::Zone;
use crate::op::{Op, Outcome};

/// One hold, as places in the slice of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hold {
    pub(super) holder: u64,
    pub(super) acquire: usize,
    /// None: it is the last one.
    pub(super) release: Option<usize>,
}

impl Hold {
    pub(super) fn zone(&self, calls: &[Call<'_>]) -> Zone {
        let zone = Zone::EMPTY.with(calls, self.acquire);
        self.release.map_or_else(|| zone.endless(), |release| zone.with(calls, release))
    }
}

/// The calls for one holder.
#[derive(Debug, Default)]
struct HolderCalls {
    acquires: Vec<usize>,
    releases: Vec<usize>,
    /// The same, of indeterminate calls.
    unseen_acquires: Vec<usize>,
    unseen_releases: Vec<usize>,
}

/// How the calls for one holder fall into holds.
#[derive(Debug)]
pub(super) enum Way {
    /// In this way, and if another is legal this one is, too.
    Only(Vec<Hold>),
    /// In this way or another.
    Loose(Vec<Hold>),
    /// Not known here.
    Unknown,
}

/// One holder and its calls.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) way: Way,
    /// Every call for it.
    pub(super) calls: Vec<usize>,
}

/// The holds of every holder; none if a call is not one on a lock.
///
/// # Errors
///
/// Calls for one holder that have no legal order.
pub(super) fn holds(calls: &[Call<'_>]) -> Option<Result<Vec<Held>, Violation>> {
    let mut holders: BTreeMap<u64, HolderCalls> = BTreeMap::new();
    for (place, call) in calls.iter().enumerate() {
        let unseen = call.outcome.is_none();
        match (call.op, call.outcome) {
            (Op::Acquire { holder, .. }, None | Some(Outcome::Acquire { .. })) => {
                let asked = holders.entry(*holder).or_default();
                if unseen { &mut asked.unseen_acquires } else { &mut asked.acquires }.push(place);
            }
            (Op::Release { holder, .. }, None | Some(Outcome::Release)) => {
                let asked = holders.entry(*holder).or_default();
                if unseen { &mut asked.unseen_releases } else { &mut asked.releases }.push(place);
            }
            _ => return None,
        }
    }
    let held = |(holder, mut asked): (u64, HolderCalls)| {
        for places in asked.lists_mut() {
            places.sort_by_key(|place| (calls[*place].start, calls[*place].end));
        }
        let way = asked.way(calls, holder)?;
        Ok(Held { way, calls: asked.all() })
    };
    Some(holders.into_iter().map(held).collect())
}

impl HolderCalls {
    fn lists_mut(&mut self) -> [&mut Vec<usize>; 4] {
        let Self { acquires, releases, unseen_acquires, unseen_releases } = self;
        [acquires, releases, unseen_acquires, unseen_releases]
    }

    fn all(&self) -> Vec<usize> {
        let lists = [&self.acquires, &self.releases, &self.unseen_acquires, &self.unseen_releases];
        lists.into_iter().flatten().copied().collect()
    }

    fn way(&self, calls: &[Call<'_>], holder: u64) -> Result<Way, Violation> {
        let mut definite: Vec<usize> = [&self.acquires[..], &self.releases[..]].concat();
        definite.sort_by_key(|place| (calls[*place].start, calls[*place].end));
        if definite.windows(2).all(|pair| calls[pair[0]].precedes(&calls[pair[1]])) {
            return Row { calls, asked: self, holder, found: HoldsSoFar::default() }
                .walk(&definite);
        }
        if self.unseen_acquires.is_empty() && self.unseen_releases.is_empty() {
            return self.by_rank(calls, holder);
        }
        Ok(Way::Unknown)
    }

    /// All definite: the n-th release ends the n-th acquire.
    fn by_rank(&self, calls: &[Call<'_>], holder: u64) -> Result<Way, Violation> {
        let within = |pair: &[usize]| calls[pair[1]].end < calls[pair[0]].end;
        if [&self.acquires, &self.releases].iter().any(|list| list.windows(2).any(within)) {
            return Ok(Way::Unknown);
        }
        let refuted = |class| Err(Violation { class, calls: self.all() });
        if self.releases.len() > self.acquires.len() {
            return refuted(catalogue::RELEASE_NOT_HELD);
        }
        if self.acquires.len() > self.releases.len() + 1 {
            return refuted(catalogue::LOCK_HELD_TWICE);
        }
        let mut pairs = self.acquires.iter().zip(&self.releases);
        if pairs.any(|(acquire, release)| calls[*release].precedes(&calls[*acquire])) {
            return refuted(catalogue::RELEASE_NOT_HELD);
        }
        let hold = |(rank, acquire): (usize, &usize)| Hold {
            holder,
            acquire: *acquire,
            release: self.releases.get(rank).copied(),
        };
        Ok(Way::Only(self.acquires.iter().enumerate().map(hold).collect()))
    }
}

/// What was found of one holder so far.
#[derive(Default)]
struct HoldsSoFar {
    holds: Vec<Hold>,
    loose: bool,
    /// How many indeterminate acquires and releases have been used.
    acquires: usize,
    releases: usize,
}

/// Walks along the definite calls of one holder, which come one after the other.
struct Row<'a> {
    calls: &'a [Call<'a>],
    asked: &'a HolderCalls,
    holder: u64,
    found: HoldsSoFar,
}

impl Row<'_> {
    fn walk(mut self, definite: &[usize]) -> Result<Way, Violation> {
        let mut open = None;
        for (rank, &place) in definite.iter().enumerate() {
            let acquires = matches!(self.calls[place].op, Op::Acquire { .. });
            match (acquires, open) {
                (true, None) => {}
                (true, Some(acquire)) => {
                    let Some(release) = self.unseen_release(place) else {
                        return Err(self.refuted(&definite[..=rank]));
                    };
                    self.hold(acquire, Some(release));
                }
                (false, Some(acquire)) => {
                    self.found.loose |= self.could_be_two(place);
                    self.hold(acquire, Some(place));
                }
                (false, None) => {
                    let Some(acquire) = self.unseen_acquire(place) else {
                        return Err(self.refuted(&definite[..=rank]));
                    };
                    self.hold(acquire, Some(place));
                }
            }
            open = acquires.then_some(place);
        }
        if let Some(acquire) = open {
            let release = self.asked.unseen_releases.get(self.found.releases);
            self.hold(acquire, release.copied());
        }
        let HoldsSoFar { holds, loose, .. } = self.found;
        Ok(if loose { Way::Loose(holds) } else { Way::Only(holds) })
    }

    fn hold(&mut self, acquire: usize, release: Option<usize>) {
        self.found.holds.push(Hold { holder: self.holder, acquire, release });
    }

    /// The next indeterminate release that may have taken effect before `place` did.
    fn unseen_release(&mut self, place: usize) -> Option<usize> {
        let release = *self.asked.unseen_releases.get(self.found.releases)?;
        self.found.releases += 1;
        (!self.calls[place].precedes(&self.calls[release])).then_some(release)
    }

    /// The next indeterminate acquire that may have taken effect before `place` did.
    fn unseen_acquire(&mut self, place: usize) -> Option<usize> {
        let acquire = *self.asked.unseen_acquires.get(self.found.acquires)?;
        self.found.acquires += 1;
        (!self.calls[place].precedes(&self.calls[acquire])).then_some(acquire)
    }

    /// Whether an indeterminate release and acquire may both have taken effect before `place` did.
    fn could_be_two(&self, place: usize) -> bool {
        let in_time = |list: &[usize]| {
            list.first().is_some_and(|first| !self.calls[place].precedes(&self.calls[*first]))
        };
        in_time(&self.asked.unseen_releases) && in_time(&self.asked.unseen_acquires)
    }

    /// The last of `definite` cannot have been. What came just before shows it alone if no
    /// indeterminate call began in time: the acquire that is still open, or the whole hold that a
    /// release before this one had ended. Else all calls for this holder do.
    fn refuted(&self, definite: &[usize]) -> Violation {
        let Some((&last, before)) = definite.split_last() else {
            return Violation { class: catalogue::NON_LINEARIZABLE, calls: Vec::new() };
        };
        let acquires = matches!(self.calls[last].op, Op::Acquire { .. });
        let (unseen, class) = if acquires {
            (&self.asked.unseen_releases, catalogue::LOCK_HELD_TWICE)
        } else {
            (&self.asked.unseen_acquires, catalogue::RELEASE_NOT_HELD)
        };
        if unseen.first().is_some_and(|place| !self.calls[last].precedes(&self.calls[*place])) {
            return Violation { class, calls: self.asked.all() };
        }
        let mut calls = vec![last];
        match self.found.holds.last() {
            _ if acquires => calls.extend(before.last()),
            Some(hold) => calls.extend(std::iter::once(hold.acquire).chain(hold.release)),
            None => {}
        }
        Violation { class, calls }
    }
}
