//! The anomalies that a verdict can name: what each means, with its smallest example.
//!
//! The catalogue is text. What is found is decided by the checks, which take their names from here.
//! Every class has a golden pair among the tests: a history that shows it, and its nearest valid
//! neighbour.

mod cluster;
mod collections;
mod counters;
mod generations;
mod locks;
mod registers;

pub use cluster::*;
pub use collections::*;
pub use counters::*;
pub use generations::*;
pub use locks::*;
pub use registers::*;

/// One class of anomalies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// Its stable name.
    pub name: &'static str,
    /// What it means, and why it matters.
    pub meaning: &'static str,
    /// The smallest history that shows it, one step per line, in order of time.
    pub example: &'static str,
}

impl Class {
    /// The first sentence of its meaning.
    #[must_use]
    pub fn gist(&self) -> &'static str {
        self.meaning.split_inclusive(". ").next().unwrap_or_default().trim_end()
    }
}

/// Every family of classes, in the order in which lists show them.
const FAMILIES: &[&[Class]] = &[REGISTERS, COLLECTIONS, LOCKS, COUNTERS, GENERATIONS, CLUSTER];

/// Every class, in the order in which lists show them.
pub fn classes() -> impl Iterator<Item = &'static Class> {
    FAMILIES.iter().copied().flatten()
}

/// The class of that name.
#[must_use]
pub fn explain(class: &str) -> Option<&'static Class> {
    classes().find(|known| known.name == class)
}
