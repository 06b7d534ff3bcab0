//! One process of a node, which a fault may hit alone: its name, and which there are.

use std::collections::BTreeSet;
use std::fmt;

use fracas_targets::Alone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest name.
const LONGEST: usize = 32;

/// The name of a process of a node. It is as cheap to copy as the act that it is a part of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessName {
    /// The name, and zeros after it.
    letters: [u8; LONGEST],
    length: usize,
}

impl ProcessName {
    /// Stands for whichever process a target declares, where a scenario is written that knows no
    /// target. A plan has the name of one in its place.
    pub const ANY: Self = Self { letters: [0; LONGEST], length: 0 };

    /// The process that is called so; none if no process can be.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let mut letters = [0; LONGEST];
        letters.get_mut(..name.len())?.copy_from_slice(name.as_bytes());
        (!name.is_empty()).then_some(Self { letters, length: name.len() })
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.letters[..self.length]).expect("it was copied from a text")
    }
}

impl fmt::Display for ProcessName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ProcessName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl Serialize for ProcessName {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ProcessName {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        Self::new(&name).ok_or_else(|| {
            let expected = format!("expected the name of a process, {LONGEST} bytes at most");
            serde::de::Error::custom(expected)
        })
    }
}

/// A process that a target declares, and what it may be hit by alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredProcess {
    /// Its name.
    pub name: ProcessName,
    /// What it may be hit by.
    pub faults: BTreeSet<Alone>,
}

/// The processes that this may hit alone.
pub(crate) fn hit_by(all: &[DeclaredProcess], fault: Alone) -> Vec<ProcessName> {
    let may = |process: &&DeclaredProcess| process.faults.contains(&fault);
    all.iter().filter(may).map(|process| process.name).collect()
}

/// Whether this may hit such a process alone where there are these; it may always hit whole nodes.
pub(super) fn fits_alone(
    process: Option<ProcessName>,
    all: &[DeclaredProcess],
    fault: Alone,
) -> bool {
    let processes = hit_by(all, fault);
    match process {
        None => true,
        Some(ProcessName::ANY) => !processes.is_empty(),
        Some(name) => processes.contains(&name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_and_read() {
        let name = ProcessName::new("sentinel").unwrap();
        assert_eq!(serde_json::to_string(&name).unwrap(), "\"sentinel\"");
        assert_eq!(serde_json::from_str::<ProcessName>("\"sentinel\"").unwrap(), name);
        for wrong in [String::new(), "a".repeat(33)] {
            assert_eq!(ProcessName::new(&wrong), None);
            assert!(serde_json::from_str::<ProcessName>(&format!("{wrong:?}")).is_err());
        }
        assert!(ProcessName::new(&"a".repeat(32)).is_some());
    }
}
