//! Sections whose keys are words of a table: `[ops]` and `[promises]`.
//!
//! Hand-written, because serde's `flatten` would lose the spans. Whether what they hold makes sense
//! is judged elsewhere.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use fracas_checker::OpKind;
use fracas_checker::fault::Hardship;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use toml::Spanned;

use super::operation::Operation;
use super::places::Text;
use crate::promises::PROMISES;

/// `[ops]`: the requests it serves, by kind.
#[derive(Debug)]
pub(crate) struct Ops(pub(crate) BTreeMap<OpKind, Spanned<Operation>>);

/// The words of all operations that can be asked for.
static WORDS: LazyLock<Vec<&str>> = LazyLock::new(|| OpKind::asked().map(OpKind::word).collect());

/// A kind of operation, by its word.
struct Asked(OpKind);

impl<'de> Deserialize<'de> for Asked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AskedVisitor;
        impl Visitor<'_> for AskedVisitor {
            type Value = Asked;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the word of an operation")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Asked, E> {
                let kind = OpKind::asked().find(|kind| kind.word() == word);
                kind.map(Asked).ok_or_else(|| E::unknown_field(word, &WORDS))
            }
        }
        deserializer.deserialize_identifier(AskedVisitor)
    }
}

impl<'de> Deserialize<'de> for Ops {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OpsVisitor;
        impl<'de> Visitor<'de> for OpsVisitor {
            type Value = Ops;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a section for each operation")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ops, A::Error> {
                let mut ops = BTreeMap::new();
                while let Some(Asked(kind)) = map.next_key()? {
                    ops.insert(kind, map.next_value()?);
                }
                Ok(Ops(ops))
            }
        }
        deserializer.deserialize_map(OpsVisitor)
    }
}

/// `[promises]`: what a pass means.
#[derive(Debug, Default)]
pub(crate) struct Promises {
    /// What is promised of objects and leaders: a key of the table of promises, and its word.
    pub(crate) made: Vec<(&'static str, Text)>,
    pub(crate) clock_error: Option<Text>,
    pub(crate) step_down: Option<Text>,
    pub(crate) new_leader: Option<Text>,
    pub(crate) recovery: Option<Text>,
    pub(crate) gives_up_on: Option<Vec<Hardship>>,
}

/// The keys of `[promises]` that are no promises of objects or leaders.
const BESIDE: [&str; 5] = ["clock-error", "step-down", "new-leader", "recovery", "gives-up-on"];

/// All keys of `[promises]`, each once.
static KEYS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let mut keys: Vec<&str> = PROMISES.iter().map(|promise| promise.key).chain(BESIDE).collect();
    keys.dedup();
    keys
});

/// A key of `[promises]`.
struct Key(&'static str);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl Visitor<'_> for KeyVisitor {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a promise")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Key, E> {
                let key = KEYS.iter().find(|key| **key == word);
                key.map(|key| Key(key)).ok_or_else(|| E::unknown_field(word, &KEYS))
            }
        }
        deserializer.deserialize_identifier(KeyVisitor)
    }
}

impl<'de> Deserialize<'de> for Promises {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PromisesVisitor;
        impl<'de> Visitor<'de> for PromisesVisitor {
            type Value = Promises;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of promises")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Promises, A::Error> {
                let mut promises = Promises::default();
                while let Some(Key(key)) = map.next_key()? {
                    match key {
                        "clock-error" => promises.clock_error = Some(map.next_value()?),
                        "step-down" => promises.step_down = Some(map.next_value()?),
                        "new-leader" => promises.new_leader = Some(map.next_value()?),
                        "recovery" => promises.recovery = Some(map.next_value()?),
                        "gives-up-on" => promises.gives_up_on = Some(map.next_value()?),
                        key => promises.made.push((key, map.next_value()?)),
                    }
                }
                Ok(promises)
            }
        }
        deserializer.deserialize_map(PromisesVisitor)
    }
}
