//! Near-linear decision for lists to which every element was appended once.
//!
//! The longest list that anybody found shows the order of its elements; every other one must be its
//! beginning. So it is known for nearly every two transactions on a list which comes first: who
//! appended the next element comes after who appended this one and after everybody who found the
//! list end here. What nobody found comes after all that was found, and after all who found it; a
//! transaction that found the whole of it and appended goes on with its own elements; two such
//! contradict each other. [`Precedence`] decides whether all of that fits into the intervals, and an
//! order that does makes every transaction find what it found. So this is strict serializability,
//! exactly. An indeterminate transaction counts if somebody found something of it, and then all of
//! it counts.

use super::conflict::Conflict;
use super::lists::{List, Lists};
use crate::hashing::Map;
use crate::linearizability::call::Call;
use crate::objects::precedence::{Clash, Precedence};
use crate::op::Value;

/// What came out of it.
pub(super) enum FastDecision {
    Legal,
    Ambiguous,
    Refuted(Conflict),
}

/// Decides, with the reason, where no element repeats.
pub(super) fn decision(calls: &[Call<'_>]) -> FastDecision {
    let lists = match Lists::of(calls) {
        None => return FastDecision::Ambiguous,
        Some(Err(conflict)) => return FastDecision::Refuted(conflict),
        Some(Ok(lists)) => lists,
    };
    let mut versions = Vec::with_capacity(lists.list.len());
    let mut ambiguous = false;
    for (number, list) in lists.list.iter().enumerate() {
        match Version::of(list, number) {
            Ok(version) => versions.push(version),
            Err(None) => ambiguous = true,
            Err(Some(conflict)) => return FastDecision::Refuted(conflict),
        }
    }
    if ambiguous {
        return FastDecision::Ambiguous;
    }
    let mut counts: Vec<bool> = calls.iter().map(|call| call.end.is_some()).collect();
    for version in &versions {
        version.order.iter().for_each(|slot| counts[slot.txn] = true);
    }
    let mut order = Precedence::new(calls);
    for (number, (version, list)) in versions.iter().zip(&lists.list).enumerate() {
        version.state(list, number, (&counts, &mut order));
    }
    match order.schedule() {
        Ok(_) => FastDecision::Legal,
        Err(mut clash) => {
            clash.calls.retain(|call| *call < calls.len());
            FastDecision::Refuted(Conflict::Clash(clash))
        }
    }
}

/// An element: who appended it, and as which of its elements in this list.
#[derive(Debug, Clone, Copy)]
struct Slot {
    txn: usize,
    ordinal: usize,
}

/// The elements of a list in their order, as far as it is known.
struct Version<'a> {
    order: Vec<Slot>,
    /// All that each transaction appended, by transaction.
    appended: &'a [(usize, Vec<&'a Value>)],
}

impl<'a> Version<'a> {
    /// An error of none: some element was appended more than once.
    fn of(list: &'a List<'a>, number: usize) -> Result<Self, Option<Conflict>> {
        let mut slots: Map<&Value, Slot> = Map::default();
        let mut twice = false;
        for (txn, values) in &list.appended {
            for (ordinal, value) in values.iter().enumerate() {
                twice |= slots.insert(value, Slot { txn: *txn, ordinal }).is_some();
            }
        }
        let longest = list.found.iter().max_by_key(|(_, found)| found.len());
        let mut order = Vec::new();
        if let Some((found_by, values)) = longest.copied() {
            let differs = |(_, found): &&(usize, &[Value])| !values.starts_with(found);
            if let Some((first, _)) = list.found.iter().find(differs) {
                return Err(Some(Conflict::Incompatible {
                    first: *first,
                    second: found_by,
                    list: number,
                }));
            }
            order.reserve(values.len());
            let mut seen: Map<&Value, ()> = Map::default();
            for (position, value) in values.iter().enumerate() {
                let again = !twice && seen.insert(value, ()).is_some();
                match slots.get(value) {
                    Some(slot) if !again && slot.txn != found_by => order.push(*slot),
                    _ if again || !slots.contains_key(value) => {
                        return Err(Some(Conflict::Phantom { found_by, list: number, position }));
                    }
                    // It found its own element before it appended it.
                    _ if !twice => {
                        return Err(Some(Conflict::Internal { txn: found_by, list: number }));
                    }
                    _ => return Err(None),
                }
            }
        }
        if twice {
            return Err(None);
        }
        let mut version = Self { order, appended: &list.appended };
        version.go_on(list);
        version.agrees(list, number)?;
        Ok(version)
    }

    /// What follows the longest list for certain: the rest of the last transaction in it, or what
    /// was appended by one that found all of it.
    fn go_on(&mut self, list: &List<'_>) {
        let whole = self.order.len();
        let next = match self.order.last() {
            Some(last) if last.ordinal + 1 < self.count(last.txn) => {
                Some((last.txn, last.ordinal + 1))
            }
            _ => {
                let all = |(_, found): &&(usize, &[Value])| found.len() == whole;
                let mut writers = list.found.iter().filter(all).map(|(txn, _)| *txn);
                writers.find(|txn| self.count(*txn) > 0).map(|txn| (txn, 0))
            }
        };
        if let Some((txn, from)) = next {
            self.order.extend((from..self.count(txn)).map(|ordinal| Slot { txn, ordinal }));
        }
    }

    /// How many elements `txn` appended.
    fn count(&self, txn: usize) -> usize {
        let place = self.appended.binary_search_by_key(&txn, |(txn, _)| *txn);
        place.map_or(0, |place| self.appended[place].1.len())
    }

    /// What a pair of transactions cannot tell: a transaction whose elements are not in its own
    /// order, or that found an element of its own.
    fn agrees(&self, list: &List<'_>, number: usize) -> Result<(), Option<Conflict>> {
        let swapped = self
            .order
            .windows(2)
            .find(|pair| pair[0].txn == pair[1].txn && pair[0].ordinal + 1 != pair[1].ordinal);
        if let Some(pair) = swapped {
            let list = vec![number];
            return Err(Some(Conflict::Clash(Clash { calls: vec![pair[0].txn], elements: list })));
        }
        let own = |(txn, found): &&(usize, &[Value])| {
            found.len().checked_sub(1).is_some_and(|last| self.order[last].txn == *txn)
        };
        match list.found.iter().find(own) {
            Some((txn, _)) => Err(Some(Conflict::Internal { txn: *txn, list: number })),
            None => Ok(()),
        }
    }

    /// States which transaction comes before which.
    fn state(&self, list: &List<'_>, why: usize, (counts, order): (&[bool], &mut Precedence)) {
        let mut before = |first: usize, second: usize| {
            if first != second {
                order.before(first, second, why);
            }
        };
        for pair in self.order.windows(2) {
            before(pair[0].txn, pair[1].txn);
        }
        for (txn, found) in &list.found {
            if let Some(last) = found.len().checked_sub(1) {
                before(self.order[last].txn, *txn);
            }
            if let Some(next) = self.order.get(found.len()) {
                before(*txn, next.txn);
            }
        }
        self.unfound(list, why, (counts, order));
    }

    /// What nobody found comes after all that is known, in any order.
    fn unfound(&self, list: &List<'_>, why: usize, (counts, order): (&[bool], &mut Precedence)) {
        let mut known = vec![0_usize; self.appended.len()];
        for slot in &self.order {
            if let Ok(place) = self.appended.binary_search_by_key(&slot.txn, |(txn, _)| *txn) {
                known[place] += 1;
            }
        }
        let end = order.instant();
        if let Some(last) = self.order.last() {
            order.before(last.txn, end, why);
        }
        for (txn, found) in &list.found {
            if found.len() == self.order.len() {
                order.before(*txn, end, why);
            }
        }
        for ((txn, values), known) in self.appended.iter().zip(known) {
            if counts[*txn] && known < values.len() {
                order.before(end, *txn, why);
            }
        }
    }
}
