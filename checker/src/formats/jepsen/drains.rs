//! Where within a drain its elements may have been taken.
//!
//! A drain takes its elements one after the other, in the order of its answer, somewhere between its
//! begin and its end. Where other records stand within it, there are several places for each. They
//! are listed here; which of them are legal is judged elsewhere.
//!
//! Only places between a begin and an end count, those after a begin that an end follows. Before an
//! end an element may be taken earlier, and after a begin later, without a new order being forced:
//! the end of an operation forces it before what comes later, its begin forces it after what came
//! earlier. So whatever order is legal is legal with every element at such a place, and moving all
//! elements there keeps their order.

use std::collections::BTreeMap;

use super::record::{Record, Step};
use super::verb::Verb;

/// The most ways to place all elements of a file that are listed.
const WAYS: usize = 1_000;

/// The most records of all histories together that the ways lead to.
const RECORDS: usize = 400_000;

/// A drain that other records stand within.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drain {
    /// The record of its begin, and that of its end.
    pub(super) begun: usize,
    pub(super) ended: usize,
    /// How many elements it took.
    pub(super) count: usize,
}

/// By record, what is taken right after it: the begin of the drain, and which of its elements.
pub(super) type Placement = BTreeMap<usize, Vec<(usize, usize)>>;

/// Every way to place the elements of all `drains`; none if there are too many, or if two drains
/// overlap: between the elements of two there is an order too, and it is not listed.
pub(super) fn placements(records: &[Record<'_>], drains: &[Drain]) -> Option<Vec<Placement>> {
    let most = WAYS.min(RECORDS / records.len().max(1));
    let mut all = vec![Placement::new()];
    for drain in drains {
        if drain.holds_another(records) {
            return None;
        }
        let ways = ways(&drain.places(records), drain.count, most)?;
        if all.len().saturating_mul(ways.len()) > most {
            return None;
        }
        let mut longer = Vec::with_capacity(all.len() * ways.len());
        for before in &all {
            longer.extend(ways.iter().map(|way| drain.placed(before.clone(), way)));
        }
        all = longer;
    }
    Some(all)
}

impl Drain {
    /// Whether another drain begins or ends within it.
    pub(super) fn holds_another(&self, records: &[Record<'_>]) -> bool {
        let within = &records[self.begun + 1..self.ended];
        within.iter().any(|record| Verb::named(record.f) == Some(Verb::Drain))
    }

    /// The records after which its elements may have been taken.
    fn places(&self, records: &[Record<'_>]) -> Vec<usize> {
        let begins = |place: usize| records[place].step == Step::Invoke;
        (self.begun..self.ended).filter(|place| begins(*place) && !begins(place + 1)).collect()
    }

    fn placed(&self, mut before: Placement, way: &[usize]) -> Placement {
        for (number, place) in way.iter().enumerate() {
            before.entry(*place).or_default().push((self.begun, number));
        }
        before
    }
}

/// Every way to put so many elements at `places`, in their order; none if there are more than `most`.
fn ways(places: &[usize], count: usize, most: usize) -> Option<Vec<Vec<usize>>> {
    let mut ways = vec![Vec::new()];
    if count > 0 && places.len() > most {
        return None;
    }
    for _ in 0..count {
        let longer = |way: &Vec<usize>| {
            let from = way.last().copied().unwrap_or(0);
            let next = places.iter().filter(|place| **place >= from);
            next.map(|place| [&way[..], &[*place]].concat()).collect::<Vec<_>>()
        };
        ways = ways.iter().flat_map(longer).collect();
        if ways.len() > most {
            return None;
        }
    }
    Some(ways)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_keep_their_order_at_every_place() {
        let two = ways(&[3, 7], 2, 10);
        assert_eq!(two, Some(vec![vec![3, 3], vec![3, 7], vec![7, 7]]));
        assert_eq!(ways(&[3, 7], 0, 1), Some(vec![vec![]]));
        assert_eq!(ways(&[3], 100, 1).map(|all| all.len()), Some(1));
        assert_eq!(ways(&[3, 7], 10, 10), None);
        assert_eq!(ways(&[1, 2, 3], 1, 2), None);
    }
}
