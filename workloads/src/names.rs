//! The names of objects: a prefix that is the workload's own, and a number.
//!
//! What only grows is used for a while and then left for the next of its number: reading all of it
//! would take longer and longer.

use std::collections::BTreeMap;

use fracas_checker::event::Key;

use crate::Load;

/// The objects that the clients of a workload share.
pub(crate) fn all(prefix: &str, load: &Load) -> Vec<Key> {
    (0..load.keys.max(1)).map(|number| key(prefix, number)).collect()
}

/// The object of this number.
pub(crate) fn key(prefix: &str, number: u16) -> Key {
    format!("{prefix}{number}").into()
}

/// The object that shows whether a cluster answers: no client uses it.
pub(crate) fn ready(prefix: &str) -> Key {
    format!("{prefix}ready").into()
}

/// What a client knows of objects that fill up: which one of each number is in use.
///
/// It leaves an object once it has seen that it is full, as others will; so all clients use the same
/// ones without knowing of each other.
#[derive(Debug)]
pub(crate) struct Filling {
    prefix: &'static str,
    numbers: u16,
    /// So many elements are enough.
    full: usize,
    /// How often each number was left for the next.
    left: BTreeMap<u16, u32>,
}

impl Filling {
    /// Objects of a workload that are left when they have this many elements.
    pub(crate) fn new(prefix: &'static str, load: &Load, full: usize) -> Self {
        Self { prefix, numbers: load.keys.max(1), full, left: BTreeMap::new() }
    }

    /// How many objects there are at a time.
    pub(crate) fn numbers(&self) -> u16 {
        self.numbers
    }

    /// The object of this number that is in use.
    pub(crate) fn key(&self, number: u16) -> Key {
        match self.left.get(&number) {
            Some(left) => format!("{}{number}-{left}", self.prefix).into(),
            None => key(self.prefix, number),
        }
    }

    /// Takes notice of how many elements were seen in an object.
    pub(crate) fn saw(&mut self, key: &Key, elements: usize) {
        let full = elements >= self.full;
        if let Some(number) = (0..self.numbers).find(|number| full && self.key(*number) == *key) {
            *self.left.entry(number).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_full_is_left_for_the_next() {
        let load = Load { nodes: Vec::new(), clients: 1, rate: None, keys: 2, serves: [].into() };
        let mut filling = Filling::new("set-", &load, 3);
        for (key, elements, keys) in [
            ("set-0", 2, ["set-0", "set-1"]),
            ("set-0", 3, ["set-0-1", "set-1"]),
            ("set-0", 9, ["set-0-1", "set-1"]),
            ("set-0-1", 3, ["set-0-2", "set-1"]),
            ("set-1", 4, ["set-0-2", "set-1-1"]),
        ] {
            filling.saw(&key.into(), elements);
            assert_eq!([filling.key(0), filling.key(1)], keys.map(Key::from));
        }
    }
}
