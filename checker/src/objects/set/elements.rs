//! The calls of a set, element by element.
//!
//! What follows from them is decided in [`super::fast`].

use crate::event::Nanos;
use crate::hashing::Map;
use crate::linearizability::call::Call;
use crate::objects::precedence::NEVER;
use crate::op::{Op, Outcome, Value};

/// All calls on one element. The numbers are places in the slice of calls.
#[derive(Debug, Default, Clone)]
pub(super) struct Element {
    pub(super) adds: Vec<usize>,
    pub(super) removes: Vec<usize>,
    /// Calls that asked for it alone and were told that it is there …
    pub(super) present: Vec<usize>,
    /// … or that it is not.
    pub(super) absent: Vec<usize>,
    /// The reads of everything that showed it, by their number in [`Elements::reads`], sorted.
    pub(super) shown_by: Vec<usize>,
    /// Whether it is known that its add came before its removal.
    pub(super) in_order: bool,
}

/// The calls of a set, by what they are about.
#[derive(Debug)]
pub(super) struct Elements<'a> {
    pub(super) values: Vec<&'a Value>,
    pub(super) list: Vec<Element>,
    /// Reads of everything, in the order in which they began.
    pub(super) reads: Reads,
}

/// Reads of everything: place, begin and end.
#[derive(Debug, Default, Clone)]
pub(super) struct Reads {
    pub(super) list: Vec<(usize, Nanos, Nanos)>,
    /// The latest end within each half, quarter … of the list: a tree in an array.
    ends: Vec<Nanos>,
}

impl<'a> Elements<'a> {
    /// None if some call is not one that a set answers.
    pub(super) fn of(calls: &[Call<'a>]) -> Option<Self> {
        let mut elements = Self { values: Vec::new(), list: Vec::new(), reads: Reads::default() };
        let mut numbers: Map<&Value, usize> = Map::default();
        let mut order: Vec<usize> = (0..calls.len()).collect();
        order.sort_by_key(|place| calls[*place].start);
        for place in order {
            elements.add(&mut numbers, place, &calls[place])?;
        }
        elements.reads.plant();
        Some(elements)
    }

    /// Files one call.
    fn add(
        &mut self,
        numbers: &mut Map<&'a Value, usize>,
        place: usize,
        call: &Call<'a>,
    ) -> Option<()> {
        match (call.op, call.outcome) {
            (Op::Add { value, .. }, Some(Outcome::Add) | None) => {
                self.number(numbers, value).adds.push(place);
            }
            (Op::Remove { value, .. }, Some(Outcome::Remove) | None) => {
                self.number(numbers, value).removes.push(place);
            }
            (Op::Contains { value, .. }, Some(Outcome::Contains { present })) => {
                let element = self.number(numbers, value);
                if *present { &mut element.present } else { &mut element.absent }.push(place);
            }
            (Op::ReadAll { .. }, Some(Outcome::ReadAll { values })) => {
                let read = self.reads.list.len();
                for value in values.iter() {
                    let shown_by = &mut self.number(numbers, value).shown_by;
                    if shown_by.last() != Some(&read) {
                        shown_by.push(read);
                    }
                }
                self.reads.list.push((place, call.start, call.end.unwrap_or(NEVER)));
            }
            _ => return None,
        }
        Some(())
    }

    fn number(&mut self, numbers: &mut Map<&'a Value, usize>, value: &'a Value) -> &mut Element {
        let number = *numbers.entry(value).or_insert(self.list.len());
        if number == self.list.len() {
            self.list.push(Element::default());
            self.values.push(value);
        }
        &mut self.list[number]
    }

    /// Every call that saw `element` present.
    pub(super) fn seen_by<'e>(&'e self, element: &'e Element) -> impl Iterator<Item = usize> + 'e {
        let reads = element.shown_by.iter().map(|read| self.reads.list[*read].0);
        element.present.iter().copied().chain(reads)
    }
}

impl Reads {
    fn plant(&mut self) {
        // One more than there are reads, so that there is always a right neighbour to start from.
        let leaves = (self.list.len() + 1).next_power_of_two();
        self.ends = vec![0; 2 * leaves];
        for (read, (_, _, end)) in self.list.iter().enumerate() {
            self.ends[leaves + read] = end.saturating_add(1);
        }
        for node in (1..leaves).rev() {
            self.ends[node] = self.ends[2 * node].max(self.ends[2 * node + 1]);
        }
    }

    /// How many began by `time`.
    pub(super) fn begun_by(&self, time: Nanos) -> usize {
        self.list.partition_point(|(_, start, _)| *start <= time)
    }

    /// The last of the first `count` that had not ended before `time`.
    pub(super) fn open_at(&self, time: Nanos, count: usize) -> Option<usize> {
        let leaves = self.ends.len() / 2;
        let mut node = leaves + count;
        // Up, until a tree on the left holds one …
        loop {
            while node > 1 && node.is_multiple_of(2) {
                node /= 2;
            }
            if node <= 1 {
                return None;
            }
            node -= 1;
            if self.ends[node] > time {
                break;
            }
        }
        // … and down to the last one in it.
        while node < leaves {
            node = 2 * node + usize::from(self.ends[2 * node + 1] > time);
        }
        Some(node - leaves)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_open_read_is_found() {
        let ends = [9, 3, 5, 1, 2];
        let list: Vec<_> =
            ends.iter().enumerate().map(|(at, end)| (at, at as Nanos, *end)).collect();
        let mut reads = Reads { list, ends: Vec::new() };
        reads.plant();
        for count in 0..=ends.len() {
            for time in 0..11 {
                let expect = (0..count).rev().find(|read| ends[*read] >= time);
                assert_eq!(reads.open_at(time, count), expect, "{count} {time}");
            }
        }
        let mut none = Reads::default();
        none.plant();
        assert_eq!(none.open_at(0, 0), None);
    }
}
