//! The kind of a fault: a word that whoever injects faults chooses, and that nothing is decided by.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// No word of a kind is longer.
const LONGEST: usize = 32;

/// The kind of a fault: lowercase letters, digits and `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FaultKind(Arc<str>);

impl FaultKind {
    /// The kind that is called so.
    ///
    /// # Errors
    /// What is expected of a word.
    pub fn new(word: &str) -> Result<Self, String> {
        let letter =
            |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
        let begins = word.starts_with(|first: char| first.is_ascii_lowercase());
        if begins && word.len() <= LONGEST && word.chars().all(letter) {
            return Ok(Self(word.into()));
        }
        let shown: String =
            word.chars().take(LONGEST).filter(|letter| !letter.is_control()).collect();
        Err(format!(
            "kind of fault `{shown}`, expected a word of at most {LONGEST} lowercase letters, \
             digits and `-`"
        ))
    }

    /// The word.
    #[must_use]
    pub fn word(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for FaultKind {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for FaultKind {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let word = String::deserialize(from)?;
        Self::new(&word).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_plain_word_is_a_kind() {
        for word in ["partition", "corrupt-file", "reset2"] {
            assert_eq!(FaultKind::new(word).unwrap().word(), word);
        }
        let long = "a".repeat(33);
        for word in ["", "-", "Kill", "a b", "2x", "a\"b", "ü", &long] {
            assert!(FaultKind::new(word).unwrap_err().contains("expected a word"), "{word}");
        }
    }
}
