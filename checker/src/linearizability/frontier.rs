//! Sets of configurations in which none dominates another.
//!
//! A configuration says in which state the object may be and which of the *open* operations have
//! already taken effect; everything before is implied by the moment at which it stands. Nothing
//! here decides what may happen next.

use super::configuration::Configuration;
use super::open_operations::OpenOperations;

/// An entry of a [`Frontier`].
#[derive(Debug, Clone, Copy)]
struct Entry<const W: usize> {
    configuration: Configuration<W>,
    place: u32,
    /// The next entry of the same bucket.
    next: u32,
    /// Whether one that was added later dominates it.
    dominated: bool,
}

/// The end of a bucket.
const END: u32 = u32::MAX;

/// A set of configurations, each at a moment, in the order in which they were added.
///
/// Only what agrees in moment, state and tally is compared. The index is marked with the number of
/// its generation, so that clearing the set costs nothing and keeps its memory.
pub(crate) struct Frontier<const W: usize> {
    entries: Vec<Entry<W>>,
    /// By hash: in which generation it was set, and the first entry of the bucket.
    index: Vec<(u32, u32)>,
    generation: u32,
    dominated: usize,
}

/// How many buckets an index begins with.
const BUCKETS: usize = 64;

impl<const W: usize> Frontier<W> {
    pub(crate) fn new() -> Self {
        Self { entries: Vec::new(), index: vec![(0, END); BUCKETS], generation: 1, dominated: 0 }
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.dominated = 0;
        self.generation = self.generation.wrapping_add(1);
        if self.generation == 0 {
            self.index.fill((0, END));
            self.generation = 1;
        }
    }

    /// Adds one that stands where `open` stands, unless it is dominated; forgets what it
    /// dominates. Whether it was added.
    pub(crate) fn insert(&mut self, new: Configuration<W>, open: &OpenOperations<'_, W>) -> bool {
        if self.entries.len() >= self.index.len() / 2 {
            self.grow();
        }
        let place = open.place() as u32;
        let bucket = self.bucket(&new, place);
        let first = self.first(bucket);
        let mut link = first;
        while link != END {
            let entry = &mut self.entries[link as usize];
            link = entry.next;
            let known = &entry.configuration;
            if entry.dominated || entry.place != place || known.state != new.state {
                continue;
            }
            if open.dominates(known, &new) {
                return false;
            }
            if open.dominates(&new, known) {
                entry.dominated = true;
                self.dominated += 1;
            }
        }
        let entry = Entry { configuration: new, place, next: first, dominated: false };
        self.index[bucket] = (self.generation, self.entries.len() as u32);
        self.entries.push(entry);
        true
    }

    fn first(&self, bucket: usize) -> u32 {
        let (generation, first) = self.index[bucket];
        if generation == self.generation { first } else { END }
    }

    fn bucket(&self, configuration: &Configuration<W>, place: u32) -> usize {
        let word = configuration.tally ^ (u64::from(configuration.state) << 32 | u64::from(place));
        let product = u128::from(word) * 0x9e37_79b9_7f4a_7c15;
        ((product >> 32) as u64 ^ product as u64) as usize & (self.index.len() - 1)
    }

    /// Makes the index larger, and leaves out of it what is dominated.
    fn grow(&mut self) {
        let size = 2 * self.index.len();
        self.index.clear();
        self.index.resize(size, (0, END));
        self.generation = 1;
        for place in 0..self.entries.len() {
            let Entry { configuration, place: moment, dominated, .. } = self.entries[place];
            if !dominated {
                let bucket = self.bucket(&configuration, moment);
                self.entries[place].next = self.first(bucket);
                self.index[bucket] = (self.generation, place as u32);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len() - self.dominated
    }

    /// How many were added, with those that are dominated by now.
    pub(crate) fn added(&self) -> usize {
        self.entries.len()
    }

    /// The one that was added as number `place`; none if it is dominated by now.
    pub(crate) fn get(&self, place: usize) -> Option<Configuration<W>> {
        let entry = &self.entries[place];
        (!entry.dominated).then_some(entry.configuration)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Configuration<W>> {
        let kept = self.entries.iter().filter(|entry| !entry.dominated);
        kept.map(|entry| entry.configuration)
    }

    /// Replaces every configuration by what `change` makes of it. It must not make one dominate
    /// another that did not, or the set is no longer the smallest; that costs time only.
    pub(crate) fn change(&mut self, mut change: impl FnMut(Configuration<W>) -> Configuration<W>) {
        for entry in &mut self.entries {
            entry.configuration = change(entry.configuration);
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry<W>>()
            + self.index.capacity() * size_of::<(u32, u32)>()
    }
}
