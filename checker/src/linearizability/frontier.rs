//! The configurations that a search stands at, without those that another one dominates.
//!
//! A configuration says in which state the object may be and which of the *open* operations have
//! already taken effect; everything before is implied. Nothing here knows of time.

use super::space::{Deed, State};
use crate::hashing::Map;

/// Which open definite operations have taken effect, one bit per slot.
pub(crate) type Slots = u128;

/// How often each indeterminate deed has been used, by number; 0 is “none at all”.
pub(crate) type Usage = u32;

/// One way in which things may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Configuration {
    pub(crate) state: State,
    pub(crate) done: Slots,
    pub(crate) used: Usage,
}

/// Counts of used indeterminate deeds, each kept once.
///
/// Indeterminate calls with the same deed are interchangeable once invoked, so a count per deed is
/// enough: with few distinct values this is what keeps the search small.
pub(crate) struct Usages {
    table: Vec<Box<[(Deed, u32)]>>,
    numbers: Map<Box<[(Deed, u32)]>, Usage>,
    words: usize,
}

impl Usages {
    pub(crate) fn new() -> Self {
        let mut usages = Self { table: Vec::new(), numbers: Map::default(), words: 0 };
        usages.number(Vec::new());
        usages
    }

    fn number(&mut self, counts: Vec<(Deed, u32)>) -> Usage {
        let counts = counts.into_boxed_slice();
        if let Some(number) = self.numbers.get(&counts) {
            return *number;
        }
        let number = self.table.len() as Usage;
        self.words += 2 * counts.len();
        self.table.push(counts.clone());
        self.numbers.insert(counts, number);
        number
    }

    /// How often `deed` has been used.
    pub(crate) fn count(&self, used: Usage, deed: Deed) -> u32 {
        let counts = &self.table[used as usize];
        counts.binary_search_by_key(&deed, |(deed, _)| *deed).map_or(0, |place| counts[place].1)
    }

    /// `used` and one more `deed`.
    pub(crate) fn one_more(&mut self, used: Usage, deed: Deed) -> Usage {
        let mut counts = self.table[used as usize].to_vec();
        match counts.binary_search_by_key(&deed, |(deed, _)| *deed) {
            Ok(place) => counts[place].1 += 1,
            Err(place) => counts.insert(place, (deed, 1)),
        }
        self.number(counts)
    }

    /// `used` as counted in `into`, without `gone`.
    fn moved(&self, used: Usage, gone: Option<Deed>, into: &mut Self) -> Usage {
        let kept = |(deed, _): &&(Deed, u32)| Some(*deed) != gone;
        into.number(self.table[used as usize].iter().filter(kept).copied().collect())
    }

    /// How many indeterminate operations have been used.
    fn total(&self, used: Usage) -> u32 {
        self.table[used as usize].iter().map(|(_, count)| count).sum()
    }

    /// Whether `less` has used nothing more often than `more`.
    fn within(&self, less: Usage, more: Usage) -> bool {
        less == 0
            || less == more
            || self.table[less as usize]
                .iter()
                .all(|(deed, count)| *count <= self.count(more, *deed))
    }

    pub(crate) fn bytes(&self) -> usize {
        let per_entry = 5 * size_of::<usize>();
        self.words * 2 * size_of::<u32>() + self.numbers.capacity() * per_entry
    }
}

/// A set of configurations in which none dominates another.
///
/// An indeterminate operation never has to take effect. So of two configurations with the same
/// state and the same definite operations done, the one that used a subset of the indeterminate
/// ones can do whatever the other can, and the other is dropped.
#[derive(Default)]
pub(crate) struct Frontier {
    sets: Map<(State, Slots), Vec<Usage>>,
    /// Usages over all sets, for the count of bytes.
    entries: usize,
}

impl Frontier {
    /// Adds one unless it is dominated; drops what it dominates. Whether it was added.
    pub(crate) fn insert(&mut self, new: Configuration, usages: &Usages) -> bool {
        let set = self.sets.entry((new.state, new.done)).or_default();
        if set.iter().any(|known| usages.within(*known, new.used)) {
            return false;
        }
        let before = set.len();
        set.retain(|known| !usages.within(new.used, *known));
        set.push(new.used);
        self.entries = self.entries + set.len() - before;
        true
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Configuration> {
        self.sets.iter().flat_map(|((state, done), set)| {
            set.iter().map(|used| Configuration { state: *state, done: *done, used: *used })
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.entries
    }

    /// Some `width` of the configurations: of every state alike those that have spent least.
    pub(crate) fn narrowed(&self, width: usize, usages: &Usages) -> Self {
        let spent = |one: &Configuration| (usages.total(one.used), one.done.count_ones());
        let mut all: Vec<Configuration> = self.iter().collect();
        all.sort_unstable_by_key(|one| (one.state, spent(one), one.done, one.used));
        let by_state = all.chunk_by(|one, other| one.state == other.state);
        let mut ranked: Vec<(usize, Configuration)> =
            by_state.flat_map(|same| same.iter().copied().enumerate()).collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        let mut narrowed = Self::default();
        for (_, one) in ranked.into_iter().take(width) {
            narrowed.insert(one, usages);
        }
        narrowed
    }

    /// The same configurations with fresh counts of usage, without `gone`.
    pub(crate) fn compacted(&self, usages: &Usages, gone: Option<Deed>) -> (Self, Usages) {
        let (mut frontier, mut fresh) = (Self::default(), Usages::new());
        for old in self.iter() {
            let used = usages.moved(old.used, gone, &mut fresh);
            frontier.insert(Configuration { used, ..old }, &fresh);
        }
        (frontier, fresh)
    }

    pub(crate) fn bytes(&self) -> usize {
        let per_set = size_of::<((State, Slots), Vec<Usage>)>() + 1;
        // A vector of few numbers takes at least four of them.
        self.sets.capacity() * per_set + self.entries * 4 * size_of::<Usage>()
    }
}
