//! Near-linear decision for sets of which each element was added once and removed once, at most.
//!
//! A read of everything is one instant for all elements, so elements cannot be judged one by one.
//! What is seen of an element says which of two calls comes first: its add before everybody who
//! saw it; whoever missed it before its add or after its removal. [`Precedence`] decides whether
//! all of that fits into the intervals. An indeterminate add counts if somebody saw the element.
//!
//! *Pairs left out.* Who missed an element and ended before its add began, or began after its
//! removal had ended, is in order by real time. So for every element only the reads that overlap
//! its add or its removal are looked at. Likewise those that saw it: whoever began after the add,
//! or the first of them to end, had ended comes after it by real time; and before its removal comes
//! whoever ended before that, or the last of them to begin, began. So an element that stays in the
//! set, because its removal was lost, costs no pair for each read that shows it from then on.
//!
//! *Two choices* are left open by that. A read that missed an element while both its add and its
//! removal could take effect came before the one or after the other. And a removal that overlaps
//! its add may have come first and changed nothing. What the intervals and the pairs so far rule
//! out is ruled out, again and again; if nothing is left, that refutes. If choices stay open they
//! are guessed: a guess that fits is a legal order, one that does not shows nothing, and a search
//! has to tell. With nobody reading everything, the guess is always right: take the add as late as
//! those who saw the element allow (and its removal, where it came after, likewise), and everybody
//! who missed it and began later than that can come after the removal; a removal that can have come
//! first, and was not ruled out, may as well have.

use super::elements::{Element, Elements};
use crate::event::Nanos;
use crate::linearizability::call::Call;
use crate::objects::precedence::{Clash, NEVER, Precedence, Schedule};

/// The most pairs; a history with more has thousands of long reads that overlap everything.
const PAIRS: usize = 1 << 24;

/// How often choices are ruled out before the rest is guessed.
const ROUNDS: usize = 32;

/// Why a set has no legal order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Conflict {
    /// `seen_by` saw an element that nobody can have added by then.
    Phantom { seen_by: usize },
    /// Calls that cannot all be in order, and the elements that make it so, as numbers of
    /// [`Elements::list`].
    Clash(Clash),
}

/// What came out of it.
pub(super) enum FastDecision {
    Legal,
    Ambiguous,
    Refuted(Conflict),
}

/// Whether `calls` of one set have a legal order, with the reason.
pub(super) fn decision(calls: &[Call<'_>], elements: &Elements<'_>) -> FastDecision {
    decision_in_order(calls, elements, &[])
}

/// The same where of some pairs of calls it is known that the first comes before the second,
/// because of an element.
pub(super) fn decision_in_order(
    calls: &[Call<'_>],
    elements: &Elements<'_>,
    known: &[(usize, usize, usize)],
) -> FastDecision {
    if let Some(seen_by) = phantom(calls, elements) {
        return FastDecision::Refuted(Conflict::Phantom { seen_by });
    }
    if elements.list.iter().any(|element| element.adds.len() > 1 || element.removes.len() > 1) {
        return FastDecision::Ambiguous;
    }
    match Sets::stated(calls, elements, known) {
        Some(sets) => sets.decision(),
        None => FastDecision::Ambiguous,
    }
}

/// The first call to end that saw an element of which every add began only later.
fn phantom(calls: &[Call<'_>], elements: &Elements<'_>) -> Option<usize> {
    let unfounded = elements.list.iter().flat_map(|element| {
        let first = element.adds.iter().map(|place| calls[*place].start).min();
        let early = move |end: Nanos| first.is_none_or(|first| end < first);
        elements.seen_by(element).filter(move |place| calls[*place].end.is_some_and(early))
    });
    unfounded.min_by_key(|place| (calls[*place].end, *place))
}

/// Somebody missed an element: before its add, or after its removal.
struct Missed {
    by: usize,
    add: usize,
    remove: usize,
    element: usize,
}

/// A removal that overlaps its add: which of the two came first is open.
struct Swapped {
    element: usize,
    add: usize,
    remove: usize,
    /// Who may have missed the element before its add.
    missed: Vec<usize>,
    /// Who saw it last: they come before the removal, if that came second.
    last: Vec<usize>,
}

struct Sets<'a> {
    calls: &'a [Call<'a>],
    elements: &'a Elements<'a>,
    order: Precedence,
    missed: Vec<Missed>,
    swapped: Vec<Swapped>,
}

impl<'a> Sets<'a> {
    /// All that is known before a choice is made; none if that is too much.
    fn stated(
        calls: &'a [Call<'a>],
        elements: &'a Elements<'a>,
        known: &[(usize, usize, usize)],
    ) -> Option<Self> {
        let (order, missed, swapped) = (Precedence::new(calls), Vec::new(), Vec::new());
        let mut sets = Self { calls, elements, order, missed, swapped };
        known
            .iter()
            .for_each(|(first, second, number)| sets.order.before(*first, *second, *number));
        for number in 0..elements.list.len() {
            sets.element(number);
            if sets.order.len() + sets.missed.len() > PAIRS {
                return None;
            }
        }
        Some(sets)
    }

    fn end(&self, place: usize) -> Nanos {
        self.calls[place].end.unwrap_or(NEVER)
    }

    /// States what is known because of one element.
    fn element(&mut self, number: usize) {
        let elements = self.elements;
        let element = &elements.list[number];
        let Some(add) = element.adds.first().copied() else { return };
        let seen = || elements.seen_by(element);
        if self.calls[add].end.is_none() && seen().next().is_none() {
            return;
        }
        let there = seen().map(|place| self.end(place)).min().unwrap_or(NEVER);
        let there = there.min(self.end(add));
        let last_seen = seen().map(|place| self.calls[place].start).max().unwrap_or(0);
        let calls = self.calls;
        let first = seen().filter(|seen| calls[*seen].start <= there);
        first.for_each(|seen| self.order.before(add, seen, number));
        let early = self.missing(element, (self.calls[add].start, there));
        let remove = element.removes.first().copied();
        // All that can matter of a removal that overlaps nobody who missed the element is in order.
        let late = self.missing_after(element, there, remove);
        let Some(remove) = remove else {
            let missed = early.into_iter().chain(late);
            missed.for_each(|missed| self.order.before(missed, add, number));
            return;
        };
        let (began, ended) = (self.calls[remove].start, self.end(remove));
        if element.in_order || there < began || !late.is_empty() {
            self.order.before(add, remove, number);
            let last = last_to_see(calls, elements, element, began.max(last_seen));
            last.for_each(|seen| self.order.before(seen, remove, number));
            late.iter().for_each(|missed| self.order.before(remove, *missed, number));
            for by in early {
                if self.end(by) < began {
                    self.order.before(by, add, number);
                } else {
                    self.missed.push(Missed { by, add, remove, element: number });
                }
            }
        } else if ended < self.calls[add].start || ended < last_seen {
            self.order.before(remove, add, number);
            early.iter().for_each(|missed| self.order.before(*missed, add, number));
        } else {
            let last = last_to_see(calls, elements, element, began.max(last_seen)).collect();
            self.swapped.push(Swapped { element: number, add, remove, missed: early, last });
        }
    }

    /// Who missed `element` and overlaps the span from `from` to `to`.
    fn missing(&self, element: &Element, (from, to): (Nanos, Nanos)) -> Vec<usize> {
        let overlaps = |place: &usize| self.calls[*place].start <= to && self.end(*place) >= from;
        let mut missing: Vec<usize> = element.absent.iter().copied().filter(overlaps).collect();
        let reads = &self.elements.reads;
        let mut count = reads.begun_by(to);
        while let Some(read) = reads.open_at(from, count) {
            if element.shown_by.binary_search(&read).is_err() {
                missing.push(reads.list[read].0);
            }
            count = read;
        }
        missing
    }

    /// Who missed `element` and began after `there`, as far as they are not in order with `remove`
    /// by real time. The first of them to end bounds when it was removed, if anybody did.
    fn missing_after(&self, element: &Element, there: Nanos, remove: Option<usize>) -> Vec<usize> {
        let late = |place: &usize| self.calls[*place].start > there;
        let mut missing: Vec<usize> = element.absent.iter().copied().filter(late).collect();
        let mut gone = remove.map_or(NEVER, |remove| self.end(remove));
        let reads = &self.elements.reads;
        let from = reads.begun_by(there);
        let shown = element.shown_by.partition_point(|read| *read < from);
        let mut shown = element.shown_by[shown..].iter().peekable();
        for (read, (place, start, end)) in reads.list.iter().enumerate().skip(from) {
            if *start > gone && !missing.is_empty() {
                break;
            }
            if shown.next_if_eq(&&read).is_none() {
                missing.push(*place);
                gone = gone.min(*end);
            }
        }
        missing
    }

    /// Rules out choices until nothing changes, then guesses the rest.
    fn decision(mut self) -> FastDecision {
        for _ in 0..ROUNDS {
            let schedule = match self.order.schedule() {
                Ok(schedule) => schedule,
                Err(clash) => return FastDecision::Refuted(Conflict::Clash(clash)),
            };
            if !self.rule_out(&schedule) {
                return self.guess(&schedule);
            }
        }
        FastDecision::Ambiguous
    }

    /// Whether some choice was made because the other was ruled out.
    fn rule_out(&mut self, schedule: &Schedule) -> bool {
        let before = self.missed.len();
        let order = &mut self.order;
        self.missed.retain(|missed| {
            let early = can_come_before(schedule, missed.by, missed.add);
            if early && can_come_before(schedule, missed.remove, missed.by) {
                return true;
            }
            // Where both are ruled out, one of them shows the clash.
            missed.state(order, early);
            false
        });
        self.missed.len() < before
    }

    /// Tries what is likely for the choices that are open.
    fn guess(mut self, schedule: &Schedule) -> FastDecision {
        let known = self.order.len();
        let open = !self.missed.is_empty() || !self.swapped.is_empty();
        for removed_first in [true, false] {
            for swapped in &self.swapped {
                swapped.state(&mut self.order, removed_first);
            }
            for missed in &self.missed {
                let early = can_come_before(schedule, missed.by, missed.add);
                missed.state(&mut self.order, early);
            }
            if !open || self.order.schedule().is_ok() {
                return FastDecision::Legal;
            }
            self.order.truncate(known);
        }
        FastDecision::Ambiguous
    }
}

/// Who saw `element` and had not ended before `time`: when its removal began, or the last of those
/// who saw it did.
fn last_to_see<'e>(
    calls: &'e [Call<'_>],
    elements: &'e Elements<'_>,
    element: &'e Element,
    time: Nanos,
) -> impl Iterator<Item = usize> + 'e {
    let open = move |place: &usize| calls[*place].end.is_none_or(|end| end >= time);
    elements.seen_by(element).filter(open)
}

fn can_come_before(schedule: &Schedule, first: usize, second: usize) -> bool {
    schedule.earliest[first] <= schedule.latest[second]
}

impl Missed {
    fn state(&self, order: &mut Precedence, early: bool) {
        if early {
            order.before(self.by, self.add, self.element);
        } else {
            order.before(self.remove, self.by, self.element);
        }
    }
}

impl Swapped {
    fn state(&self, order: &mut Precedence, removed_first: bool) {
        self.missed.iter().for_each(|missed| order.before(*missed, self.add, self.element));
        if removed_first {
            order.before(self.remove, self.add, self.element);
            return;
        }
        order.before(self.add, self.remove, self.element);
        self.last.iter().for_each(|seen| order.before(*seen, self.remove, self.element));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::{Op, Outcome, Value};

    /// Elements whose removal nobody saw the end of and that stay, and a read of everything after
    /// each.
    #[test]
    fn an_element_that_stays_costs_no_pair_for_each_read() {
        let key = || "s".into();
        let mut asked = Vec::new();
        for number in 0..100_i64 {
            let (value, start) = (Value::Int(number), 10 * number as Nanos);
            let values = (0..=number).map(Value::Int).collect();
            let add = Op::Add { key: key(), value: value.clone() };
            asked.push((add, Some(Outcome::Add), start, Some(start + 1)));
            asked.push((Op::Remove { key: key(), value }, None, start + 2, None));
            let read = Some(Outcome::ReadAll { values });
            asked.push((Op::ReadAll { key: key() }, read, start + 4, Some(start + 5)));
        }
        let calls: Vec<Call<'_>> = (0..)
            .zip(&asked)
            .map(|(id, (op, outcome, start, end))| {
                let (outcome, start, end) = (outcome.as_ref(), *start, *end);
                Call { id, op, outcome, start, end }
            })
            .collect();
        let elements = Elements::of(&calls).expect("all are calls of a set");
        let sets = Sets::stated(&calls, &elements, &[]).expect("few pairs");
        assert!(sets.order.len() <= 2 * calls.len(), "{} pairs", sets.order.len());
        assert!(matches!(sets.decision(), FastDecision::Legal));
    }
}
