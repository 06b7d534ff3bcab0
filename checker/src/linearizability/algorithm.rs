//! How a decision is made: the words of `--algorithm`.

use std::fmt;
use std::str::FromStr;

/// How a decision is made. A forced algorithm that cannot tell is inconclusive, never a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// The near-linear check where the history is unambiguous, else the general search.
    #[default]
    Auto,
    /// The near-linear check or nothing.
    NearLinear,
    /// Only the frontier of the general search: the one that shows that there is no legal order.
    Frontier,
    /// Only the depth-first part of the general search: the one that finds a legal order.
    DepthFirst,
    /// Every order of at most ten operations, for tests.
    BruteForce,
}

impl Algorithm {
    /// The word for each, in the order in which they are documented.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("auto", Self::Auto),
        ("near-linear", Self::NearLinear),
        ("frontier", Self::Frontier),
        ("depth-first", Self::DepthFirst),
        ("brute-force", Self::BruteForce),
    ];
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES.iter().find(|(_, algorithm)| algorithm == self);
        f.pad(name.map_or("", |(name, _)| name))
    }
}

/// A word that names no algorithm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown algorithm `{0}`: it is one of {known}", known = known())]
pub struct UnknownAlgorithm(String);

fn known() -> String {
    Algorithm::NAMES.map(|(name, _)| format!("`{name}`")).join(", ")
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(word: &str) -> Result<Self, UnknownAlgorithm> {
        let named = Self::NAMES.iter().find(|(name, _)| *name == word);
        named.map(|(_, algorithm)| *algorithm).ok_or_else(|| UnknownAlgorithm(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_has_a_word() {
        for (name, algorithm) in Algorithm::NAMES {
            assert_eq!((name.parse(), algorithm.to_string().as_str()), (Ok(algorithm), name));
        }
        let unknown = "magic".parse::<Algorithm>().expect_err("no such algorithm");
        let expect = "unknown algorithm `magic`: it is one of `auto`, `near-linear`, `frontier`, \
             `depth-first`, `brute-force`";
        assert_eq!(unknown.to_string(), expect);
    }
}
