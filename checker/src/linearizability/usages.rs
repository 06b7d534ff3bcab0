//! How often indeterminate operations have been used, each combination kept once.
//!
//! Indeterminate calls with the same class are interchangeable once invoked, so a count per class is
//! enough: with few distinct values this is what keeps a search small.

use std::hash::BuildHasher;

use hashbrown::HashTable;

use super::space::OpClass;
use crate::hashing::{Hashed, Map};

/// How often each indeterminate class has been used, by number; 0 is “none at all”.
pub(crate) type Usage = u32;

/// Classes of operations with their counts, sorted by class, no count zero.
type Counts = [(OpClass, u32)];

/// All combinations met so far.
pub(crate) struct Usages {
    /// The counts of all combinations, one after the other.
    items: Vec<(OpClass, u32)>,
    /// Where each begins; one more than there are.
    bounds: Vec<usize>,
    numbers: HashTable<Usage>,
    /// What [`Self::one_more`] answered.
    more: Map<(Usage, OpClass), Usage>,
    scratch: Vec<(OpClass, u32)>,
}

impl Usages {
    pub(crate) fn new() -> Self {
        let mut usages = Self {
            items: Vec::new(),
            bounds: vec![0],
            numbers: HashTable::new(),
            more: Map::default(),
            scratch: Vec::new(),
        };
        usages.number(&[]);
        usages
    }

    pub(crate) fn counts(&self, used: Usage) -> &Counts {
        counts(&self.items, &self.bounds, used)
    }

    fn number(&mut self, wanted: &Counts) -> Usage {
        let (items, bounds) = (&mut self.items, &mut self.bounds);
        let hasher = Hashed::default();
        let hash = hasher.hash_one(wanted);
        let same = |number: &Usage| counts(items, bounds, *number) == wanted;
        if let Some(number) = self.numbers.find(hash, same) {
            return *number;
        }
        let number = bounds.len() as Usage - 1;
        items.extend_from_slice(wanted);
        bounds.push(items.len());
        let again = |number: &Usage| hasher.hash_one(counts(items, bounds, *number));
        self.numbers.insert_unique(hash, number, again);
        number
    }

    /// How often `class` has been used.
    pub(crate) fn count(&self, used: Usage, class: OpClass) -> u32 {
        let counts = self.counts(used);
        counts.binary_search_by_key(&class, |(class, _)| *class).map_or(0, |place| counts[place].1)
    }

    /// `used` and one more `class`.
    pub(crate) fn one_more(&mut self, used: Usage, class: OpClass) -> Usage {
        if let Some(known) = self.more.get(&(used, class)) {
            return *known;
        }
        let mut counts = self.taken(used);
        match counts.binary_search_by_key(&class, |(class, _)| *class) {
            Ok(place) => counts[place].1 += 1,
            Err(place) => counts.insert(place, (class, 1)),
        }
        let number = self.number(&counts);
        self.more.insert((used, class), number);
        self.scratch = counts;
        number
    }

    /// `used` with `class` forgotten.
    pub(crate) fn without(&mut self, used: Usage, class: OpClass) -> Usage {
        if self.count(used, class) == 0 {
            return used;
        }
        let mut counts = self.taken(used);
        counts.retain(|(other, _)| *other != class);
        let number = self.number(&counts);
        self.scratch = counts;
        number
    }

    /// `used` as counted in `into`.
    pub(crate) fn moved(&self, used: Usage, into: &mut Self) -> Usage {
        into.number(self.counts(used))
    }

    /// A copy of the counts of `used`, in the buffer that is kept for it.
    fn taken(&mut self, used: Usage) -> Vec<(OpClass, u32)> {
        let mut counts = std::mem::take(&mut self.scratch);
        counts.clear();
        counts.extend_from_slice(self.counts(used));
        counts
    }

    /// How many indeterminate operations have been used.
    pub(crate) fn total(&self, used: Usage) -> u32 {
        self.counts(used).iter().map(|(_, count)| count).sum()
    }

    /// Whether `less` has used nothing more often than `more`.
    pub(crate) fn within(&self, less: Usage, more: Usage) -> bool {
        if less == 0 || less == more {
            return true;
        }
        let mut others = self.counts(more).iter();
        self.counts(less).iter().all(|(class, count)| {
            let same = others.by_ref().find(|(other, _)| other >= class);
            same.is_some_and(|(other, most)| other == class && count <= most)
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        self.items.capacity() * size_of::<(OpClass, u32)>()
            + self.bounds.capacity() * size_of::<usize>()
            + self.numbers.allocation_size()
            + self.more.allocation_size()
    }
}

fn counts<'a>(items: &'a [(OpClass, u32)], bounds: &[usize], used: Usage) -> &'a Counts {
    &items[bounds[used as usize]..bounds[used as usize + 1]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations_are_compared_count_by_count() {
        let mut usages = Usages::new();
        let a = usages.one_more(0, 5);
        let ab = usages.one_more(a, 3);
        let b = usages.one_more(0, 3);
        assert_eq!(usages.one_more(b, 5), ab);
        let aab = usages.one_more(ab, 5);
        assert_eq!((usages.count(aab, 5), usages.count(aab, 3), usages.count(aab, 4)), (2, 1, 0));
        let within = |less, more| usages.within(less, more);
        assert!(within(0, a) && within(a, ab) && within(b, ab) && within(ab, aab));
        assert!(!within(a, 0) && !within(a, b) && !within(aab, ab) && !within(ab, a));
        assert_eq!((usages.total(aab), usages.without(aab, 5), usages.without(a, 5)), (3, b, 0));
    }
}
