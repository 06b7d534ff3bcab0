//! The ways to write a history down, by name.

use std::fmt;
use std::str::FromStr;

/// A way to write a history down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Our own lines, `fracas.history/2`: see [`jsonl`](super::jsonl).
    Fracas,
    /// Operation maps of Jepsen, Knossos and Elle: see [`jepsen_edn`](super::jepsen_edn).
    JepsenEdn,
    /// The console log of a Jepsen test, or its `history.txt`.
    JepsenLog,
    /// The lines that Porcupine's tests of a key-value store read.
    PorcupineKv,
    /// The data of Porcupine's visualization.
    PorcupineJson,
    /// The history of a Maelstrom test.
    Maelstrom,
}

impl Format {
    /// Every format, in the order in which lists show them.
    pub const ALL: [Self; 6] = [
        Self::Fracas,
        Self::JepsenEdn,
        Self::JepsenLog,
        Self::PorcupineKv,
        Self::PorcupineJson,
        Self::Maelstrom,
    ];

    /// Every name that a format can be asked for by: its own name first, then its others.
    pub const NAMES: &'static [(&'static str, Self)] = &[
        ("fracas", Self::Fracas),
        ("jsonl", Self::Fracas),
        ("jepsen-edn", Self::JepsenEdn),
        ("jepsen", Self::JepsenEdn),
        ("edn", Self::JepsenEdn),
        ("knossos", Self::JepsenEdn),
        ("elle", Self::JepsenEdn),
        ("jepsen-log", Self::JepsenLog),
        ("porcupine-kv", Self::PorcupineKv),
        ("kv", Self::PorcupineKv),
        ("porcupine-json", Self::PorcupineJson),
        ("porcupine", Self::PorcupineJson),
        ("maelstrom", Self::Maelstrom),
    ];

    /// What it is, in a sentence.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Fracas => "our own lines, `fracas.history/2`, as every run records them",
            Self::JepsenEdn => "operation maps of Jepsen, Knossos and Elle, in EDN",
            Self::JepsenLog => "the console log of a Jepsen test, or its `history.txt`",
            Self::PorcupineKv => "the lines that Porcupine's tests of a key-value store read",
            Self::PorcupineJson => "the data of Porcupine's visualization",
            Self::Maelstrom => "the history of a Maelstrom test",
        }
    }

    /// Its own name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fracas => "fracas",
            Self::JepsenEdn => "jepsen-edn",
            Self::JepsenLog => "jepsen-log",
            Self::PorcupineKv => "porcupine-kv",
            Self::PorcupineJson => "porcupine-json",
            Self::Maelstrom => "maelstrom",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A word that names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not a format of histories, did you mean `{nearest}`?")]
pub struct UnknownFormat {
    /// The word.
    pub word: String,
    /// The name that is most like it.
    pub nearest: &'static str,
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(word: &str) -> Result<Self, UnknownFormat> {
        if let Some((_, format)) = Self::NAMES.iter().find(|(name, _)| *name == word) {
            return Ok(*format);
        }
        let names = Self::NAMES.iter().map(|(name, _)| *name);
        let nearest = names.min_by_key(|name| distance(word, name)).unwrap_or_default();
        Err(UnknownFormat { word: word.to_owned(), nearest })
    }
}

/// How many letters must be put in, taken out or replaced to turn `from` into `to`.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, letter) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], line + 1);
        for (place, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(*other != letter);
            diagonal = row[place + 1];
            row[place + 1] = replaced.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row[to.len()]
}
