//! The replicated log, in memory. It knows nothing of disks (see `store`) or of who may append.

use crate::messages::{Entry, Generation, Index, Splice};

/// A sequence of entries, the first at index 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    entries: Vec<Entry>,
}

impl Log {
    /// Where the log ends; 0 if it is empty.
    #[must_use]
    pub fn last_index(&self) -> Index {
        self.entries.len() as Index
    }

    /// The generation of the last entry; 0 if there is none.
    #[must_use]
    pub fn last_generation(&self) -> Generation {
        self.entries.last().map_or(0, |entry| entry.generation)
    }

    /// The entry at `index`, if there is one.
    #[must_use]
    pub fn get(&self, index: Index) -> Option<&Entry> {
        self.entries.get(slot(index.checked_sub(1)?))
    }

    /// The generation of the entry at `index`. Index 0 is before all entries, in generation 0.
    #[must_use]
    pub fn generation_at(&self, index: Index) -> Option<Generation> {
        if index == 0 { Some(0) } else { self.get(index).map(|entry| entry.generation) }
    }

    /// The entries from `from` on, at most `max`.
    #[must_use]
    pub fn tail(&self, from: Index, max: usize) -> &[Entry] {
        let start = slot(from.max(1) - 1).min(self.entries.len());
        let end = start.saturating_add(max).min(self.entries.len());
        &self.entries[start..end]
    }

    /// Adds an entry and says where it stands.
    pub fn push(&mut self, entry: Entry) -> Index {
        self.entries.push(entry);
        self.last_index()
    }

    /// Replaces everything from `splice.from` on. False, and nothing done, if that would leave a
    /// gap.
    #[must_use]
    pub fn splice(&mut self, splice: Splice) -> bool {
        if splice.from == 0 || splice.from > self.last_index() + 1 {
            return false;
        }
        self.entries.truncate(slot(splice.from - 1));
        self.entries.extend(splice.entries);
        true
    }

    /// The first index of the unbroken run of entries of one generation that `index` is part of.
    #[must_use]
    pub fn run_start(&self, index: Index) -> Index {
        let generation = self.generation_at(index);
        let before = (1..index).rev().find(|&i| self.generation_at(i) != generation);
        before.map_or(1, |i| i + 1)
    }

    /// Whether a log that ends in (`last_generation`, `last_index`) has all that this one may have
    /// committed.
    #[must_use]
    pub fn is_covered_by(&self, last_generation: Generation, last_index: Index) -> bool {
        (last_generation, last_index) >= (self.last_generation(), self.last_index())
    }
}

/// An index as a place in memory. Lossless where it matters: logs are far shorter than `usize`.
fn slot(index: Index) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::Command;

    fn log(generations: &[Generation]) -> Log {
        let entry = |&generation| Entry::own(generation, Command::Noop);
        Log { entries: generations.iter().map(entry).collect() }
    }

    #[test]
    fn an_empty_log_ends_before_the_first_entry() {
        let log = log(&[]);
        assert_eq!((log.last_index(), log.last_generation()), (0, 0));
        assert_eq!(log.generation_at(0), Some(0));
        assert_eq!(log.generation_at(1), None);
        assert!(log.tail(1, 9).is_empty());
    }

    #[test]
    fn a_splice_replaces_the_tail_and_refuses_gaps() {
        let mut all = log(&[1, 1, 2]);
        let two = log(&[3, 3]).entries;
        assert!(!all.splice(Splice { from: 5, entries: two.clone() }));
        assert!(!all.splice(Splice { from: 0, entries: two.clone() }));
        assert!(all.splice(Splice { from: 2, entries: two }));
        assert_eq!(all, log(&[1, 3, 3]));
    }

    #[track_caller]
    fn check_run(generations: &[Generation], index: Index, expect: Index) {
        assert_eq!(log(generations).run_start(index), expect);
    }

    #[test]
    fn a_run_starts_where_the_generation_does() {
        check_run(&[1, 1, 1], 3, 1);
        check_run(&[1, 2, 2], 3, 2);
        check_run(&[1, 2, 3], 3, 3);
        check_run(&[1], 1, 1);
    }

    #[test]
    fn a_later_generation_beats_a_longer_log() {
        let log = log(&[1, 1, 1]);
        assert!(log.is_covered_by(2, 1));
        assert!(log.is_covered_by(1, 3));
        assert!(!log.is_covered_by(1, 2));
    }
}
