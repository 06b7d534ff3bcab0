//! The changes of names that are not durable yet, and which of them an fsync makes durable. Pure:
//! files are numbers here, and nothing is done or undone.
//!
//! In the order of a journal (ext4) an fsync of anything makes durable all that was logged before.
//! Strictly after POSIX an entry is durable only after an fsync of its directory. Two leniencies
//! there: a move between two directories is one act, durable with either of them, as on every file
//! system in use; and what a durable act was built on, name by name, is durable as well.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsString;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::undo::Cut;

/// When changes of names become durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// As on ext4 in its usual mode, `data=ordered`: an fsync of any file or directory commits all
    /// names logged so far. Unlike there (`auto_da_alloc`), a rename over an existing file does not
    /// bring the new file's data along: XFS does not do it either, and so it finds more.
    #[default]
    Ext4,
    /// Strictly: an entry is durable after an fsync of its directory, and not before.
    Posix,
}

/// A name in a directory.
pub(super) type Place = (u64, OsString);

/// A file that lost its name, and the number under which it is kept.
pub(super) type Buried = (u64, u64);

/// A change that can be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// A name was made: of a new file or directory, or one more of an old one.
    Made { at: Place, node: u64 },
    /// A name was removed.
    Removed { at: Place, buried: Buried },
    /// A name was changed, and another one replaced by it.
    Moved { from: Place, to: Place, node: u64, replaced: Option<Buried> },
    /// Two names were exchanged.
    Swapped { first: Place, second: Place },
    /// A file was cut. Logged by ext4 only.
    Cut { node: u64, cut: Cut },
    /// Rights or owners were changed; here is what they were.
    Changed { node: u64, mode: u32, user: u32, group: u32 },
}

impl Act {
    /// The names that it is about.
    fn places(&self) -> Vec<&Place> {
        match self {
            Self::Made { at, .. } | Self::Removed { at, .. } => vec![at],
            Self::Moved { from, to, .. } => vec![from, to],
            Self::Swapped { first, second } => vec![first, second],
            Self::Cut { .. } | Self::Changed { .. } => Vec::new(),
        }
    }

    /// Whether it changes a directory.
    pub(super) fn is_entry(&self) -> bool {
        !self.places().is_empty()
    }

    /// All files and directories that undoing it needs.
    pub(super) fn nodes(&self) -> Vec<u64> {
        let mut nodes: Vec<u64> = self.places().into_iter().map(|place| place.0).collect();
        match self {
            Self::Made { node, .. } | Self::Cut { node, .. } | Self::Changed { node, .. } => {
                nodes.push(*node);
            }
            Self::Removed { buried, .. } => nodes.push(buried.0),
            Self::Moved { node, replaced, .. } => {
                nodes.push(*node);
                nodes.extend(replaced.map(|buried| buried.0));
            }
            Self::Swapped { .. } => {}
        }
        nodes
    }
}

/// What an fsync is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Everything.
    All,
    /// A file.
    File(u64),
    /// A directory.
    Directory(u64),
}

/// The acts that are not durable, in order.
#[derive(Debug, Default)]
pub(super) struct Journal {
    acts: VecDeque<Logged>,
    next: u64,
}

/// An act, with its number and its moment.
#[derive(Debug)]
struct Logged {
    number: u64,
    since: Instant,
    act: Act,
}

impl Journal {
    /// Logs an act of this moment.
    pub(super) fn push(&mut self, act: Act, since: Instant) {
        self.acts.push_back(Logged { number: self.next, since, act });
        self.next += 1;
    }

    /// How many acts up to this moment are not durable, and the number of the act after them.
    pub(super) fn until(&self, moment: Instant) -> (u64, u64) {
        let old = self.acts.iter().take_while(|logged| logged.since <= moment);
        old.fold((0, 0), |(count, _), logged| (count + 1, logged.number + 1))
    }

    /// The number of the next act: an fsync that begins now covers those before it.
    pub(super) fn head(&self) -> u64 {
        self.next
    }

    /// How many acts are not durable.
    pub(super) fn len(&self) -> usize {
        self.acts.len()
    }

    /// How many of them changed a directory.
    pub(super) fn entries(&self) -> u64 {
        self.acts.iter().filter(|logged| logged.act.is_entry()).count() as u64
    }

    /// Takes out the acts before `upto` that an fsync makes durable, from the first to the last.
    pub(super) fn commit(&mut self, model: Model, scope: Scope, upto: u64) -> Vec<Act> {
        let mut names = BTreeSet::new();
        let mut durable = BTreeSet::new();
        let covered = self.acts.iter().rev().filter(|logged| logged.number < upto);
        for Logged { number, act, .. } in covered {
            let chosen = model == Model::Ext4 || covers(scope, act);
            if chosen || act.places().iter().any(|place| names.contains(*place)) {
                names.extend(act.places());
                durable.insert(*number);
            }
        }
        let all = std::mem::take(&mut self.acts).into_iter();
        let (taken, left) = all.partition(|logged| durable.contains(&logged.number));
        self.acts = left;
        let taken: VecDeque<Logged> = taken;
        taken.into_iter().map(|logged| logged.act).collect()
    }

    /// Takes the first `count` acts out, as if they had reached the disk by chance.
    pub(super) fn first(&mut self, count: usize) -> Vec<Act> {
        self.acts.drain(..count.min(self.acts.len())).map(|logged| logged.act).collect()
    }

    /// Takes all acts out with their moments, from the last to the first: the order in which they
    /// are undone.
    pub(super) fn backwards(&mut self) -> Vec<(Act, Instant)> {
        self.acts.drain(..).rev().map(|logged| (logged.act, logged.since)).collect()
    }
}

/// Whether an fsync strictly after POSIX is about this act.
fn covers(scope: Scope, act: &Act) -> bool {
    match scope {
        Scope::All => true,
        Scope::File(file) => !act.is_entry() && act.nodes().contains(&file),
        Scope::Directory(directory) => {
            let own = !act.is_entry() && act.nodes().contains(&directory);
            own || act.places().iter().any(|place| place.0 == directory)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(directory: u64, name: &str) -> Place {
        (directory, name.into())
    }

    fn made(directory: u64, name: &str, node: u64) -> Act {
        Act::Made { at: at(directory, name), node }
    }

    fn moved(from: Place, to: Place, node: u64) -> Act {
        Act::Moved { from, to, node, replaced: None }
    }

    /// What of `acts` is still not durable after an fsync.
    #[track_caller]
    fn check(acts: &[Act], model: Model, scope: Scope, left: &[Act]) {
        let mut journal = Journal::default();
        let now = Instant::now();
        acts.iter().cloned().for_each(|act| journal.push(act, now));
        let durable = journal.commit(model, scope, journal.head());
        assert_eq!(durable.len() + left.len(), acts.len());
        let mut still: Vec<Act> = journal.backwards().into_iter().map(|(act, _)| act).collect();
        still.reverse();
        assert_eq!(still, left);
    }

    #[test]
    fn on_ext4_any_fsync_makes_all_names_durable() {
        let acts = [made(1, "a", 2), made(5, "b", 3)];
        check(&acts, Model::Ext4, Scope::File(9), &[]);
    }

    #[test]
    fn after_posix_only_an_fsync_of_the_directory_does() {
        let acts = [made(1, "a", 2), made(5, "b", 3)];
        check(&acts, Model::Posix, Scope::File(2), &acts);
        check(&acts, Model::Posix, Scope::Directory(5), &acts[..1]);
    }

    #[test]
    fn a_move_is_durable_with_either_directory_and_takes_its_past_along() {
        let acts = [
            made(1, "a", 2),
            made(1, "other", 3),
            moved(at(1, "a"), at(1, "b"), 2),
            moved(at(1, "b"), at(5, "b"), 2),
        ];
        check(&acts, Model::Posix, Scope::Directory(5), &acts[1..2]);
    }

    #[test]
    fn what_comes_after_the_beginning_is_not_covered() {
        let mut journal = Journal::default();
        let now = Instant::now();
        journal.push(made(1, "a", 2), now);
        let begin = journal.head();
        journal.push(made(1, "b", 3), now);
        assert_eq!(journal.commit(Model::Ext4, Scope::All, begin), [made(1, "a", 2)]);
        assert_eq!(journal.len(), 1);
    }

    #[test]
    fn the_old_ones_are_the_first_ones() {
        let mut journal = Journal::default();
        let (begin, second) = (Instant::now(), Duration::from_secs(1));
        for (age, name) in [(0, "a"), (1, "b"), (3, "c")] {
            journal.push(made(1, name, 2), begin + second * age);
        }
        assert_eq!(journal.until(begin + second * 2), (2, 2));
        journal.commit(Model::Posix, Scope::All, 2);
        assert_eq!(journal.until(begin + second * 2), (0, 0));
        assert_eq!(journal.until(begin + second * 3), (1, 3));
    }

    #[test]
    fn rights_are_durable_with_their_file() {
        let acts = [Act::Changed { node: 2, mode: 0o600, user: 0, group: 0 }];
        check(&acts, Model::Posix, Scope::File(2), &[]);
        check(&acts, Model::Posix, Scope::Directory(1), &acts);
    }
}
