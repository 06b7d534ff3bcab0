//! Which key names an object of which kind, as the header says.
//!
//! Several kinds share operations: a register, a counter and a text are all read. Where the header
//! tells what a key is, nobody guesses it from operations; a key of which it tells nothing is left
//! to the checks, which do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::op::Op;

/// What ends a pattern that any rest may follow.
const ANY: char = '*';

/// Names of keys, each with the checks that judge the objects of that name.
///
/// A name that ends with `*` stands for every key that begins with what is before it. Of several
/// that fit a key the longest counts; one without `*` is longer than any other.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kinds(BTreeMap<String, Vec<String>>);

/// What the header says of the objects that an operation acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said<'a> {
    /// Nothing.
    Nothing,
    /// They are judged by these checks.
    Kind(&'a [String]),
    /// They are of different kinds, as may be in a transaction.
    Several,
}

impl Kinds {
    /// Says that keys of this name are judged by `checks`.
    pub fn say(&mut self, name: &str, checks: &[&str]) {
        self.0.insert(name.to_owned(), checks.iter().map(|id| (*id).to_owned()).collect());
    }

    /// Whether nothing is said at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every name, with its checks.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(name, checks)| (name.as_str(), checks.as_slice()))
    }

    /// The name that fits `key` best.
    #[must_use]
    pub fn name(&self, key: &str) -> Option<&str> {
        Some(self.entry(key)?.0)
    }

    /// The checks that judge the object `key`; none if nothing is said of it.
    #[must_use]
    pub fn of_key(&self, key: &str) -> Option<&[String]> {
        Some(self.entry(key)?.1)
    }

    fn entry(&self, key: &str) -> Option<(&str, &[String])> {
        if let Some((name, checks)) = self.0.get_key_value(key) {
            return Some((name, checks));
        }
        let fits = |name: &str| name.strip_suffix(ANY).is_some_and(|stem| key.starts_with(stem));
        self.iter().filter(|(name, _)| fits(name)).max_by_key(|(name, _)| name.len())
    }

    /// What is said of the object `key`.
    pub(crate) fn of_name(&self, key: &str) -> Said<'_> {
        self.of_key(key).map_or(Said::Nothing, Said::Kind)
    }

    /// What is said of the objects of `op`; of an operation without objects nothing.
    #[must_use]
    pub fn of(&self, op: &Op) -> Said<'_> {
        if self.is_empty() {
            return Said::Nothing;
        }
        let Op::Txn { ops } = op else {
            return op.key().map_or(Said::Nothing, |key| self.of_name(key));
        };
        let mut all = ops.iter().map(|micro| self.of_name(micro.key()));
        let Some(first) = all.next() else { return Said::Nothing };
        if all.all(|other| other == first) { first } else { Said::Several }
    }

    /// Whether the check `id` may judge the objects of `op`: it is said, or nothing is.
    #[must_use]
    pub fn may_be(&self, id: &str, op: &Op) -> bool {
        match self.of(op) {
            Said::Nothing | Said::Several => true,
            Said::Kind(checks) => checks.iter().any(|check| check == id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transaction::{Micro, ReadValue};

    fn kinds() -> Kinds {
        let mut kinds = Kinds::default();
        for (name, check) in [("k*", "register"), ("k-set-*", "set"), ("k1", "counter"), ("", "x")]
        {
            kinds.say(name, &[check]);
        }
        kinds
    }

    #[test]
    fn the_longest_name_counts() {
        for (key, check) in [
            ("k0", Some("register")),
            ("k", Some("register")),
            ("k1", Some("counter")),
            ("k12", Some("register")),
            ("k-set-1", Some("set")),
            ("", Some("x")),
            ("lock", None),
        ] {
            let kinds = kinds();
            let found = kinds.of_key(key).map(|checks| checks[0].as_str());
            assert_eq!(found, check, "{key}");
        }
    }

    #[test]
    fn a_transaction_is_of_the_kind_of_all_its_keys() {
        let read = |key: &str| Micro::Read { key: key.into(), seen: ReadValue::Unknown };
        let txn = |keys: &[&str]| Op::Txn { ops: keys.iter().map(|key| read(key)).collect() };
        let (kinds, register) = (kinds(), ["register".to_owned()]);
        for (keys, said) in [
            (&["k0", "k2"][..], Said::Kind(&register)),
            (&["k0", "k1"], Said::Several),
            (&["k0", "lock"], Said::Several),
            (&["lock"], Said::Nothing),
            (&[], Said::Nothing),
        ] {
            assert_eq!(kinds.of(&txn(keys)), said, "{keys:?}");
        }
        assert_eq!(Kinds::default().of(&txn(&["k0"])), Said::Nothing);
    }
}
