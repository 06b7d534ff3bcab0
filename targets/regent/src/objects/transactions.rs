//! Transactions over numbers and lists: all parts of one take effect at one place in the log, or
//! none does. A key holds a number or a list, whichever it was first written as.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::object::{Answer, Content, Never, Object, Outcome, Place, Refusal};
use crate::bugs::Bug;

/// All that transactions read and write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cells(BTreeMap<String, Content>);

/// What transactions do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Does these parts in order.
    Commit {
        /// The parts.
        parts: Vec<Part>,
    },
    /// A planted bug's: does these parts, and answers what their reads found elsewhere.
    Install {
        /// Those that change something.
        parts: Vec<Part>,
        /// One for each part that there was.
        results: Vec<Option<Content>>,
    },
}

/// A part of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "f", rename_all = "kebab-case")]
pub enum Part {
    /// Reads a number or a list, as the parts before it have left it.
    Read {
        /// Which.
        key: String,
    },
    /// Sets a number.
    Write {
        /// Which.
        key: String,
        /// What it is then.
        value: i64,
    },
    /// Adds to the end of a list.
    Append {
        /// Which.
        key: String,
        /// What is added.
        value: i64,
    },
    /// A planted bug's: puts an element at a place in a list.
    Place {
        /// Which list.
        key: String,
        /// What is put there.
        value: i64,
        /// Where, counted from 0.
        at: usize,
    },
}

impl Part {
    /// What it reads or changes.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Read { key }
            | Self::Write { key, .. }
            | Self::Append { key, .. }
            | Self::Place { key, .. } => key,
        }
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn reads(&self) -> bool {
        matches!(self, Self::Read { .. })
    }
}

impl Change {
    /// Its parts.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        match self {
            Self::Commit { parts } | Self::Install { parts, .. } => parts,
        }
    }
}

impl Cells {
    /// How long a list is.
    #[must_use]
    pub fn length(&self, key: &str) -> usize {
        match self.0.get(key) {
            Some(Content::List(list)) => list.len(),
            _ => 0,
        }
    }

    /// What all parts come to, and what the keys that they change hold then. Nothing is changed.
    fn run(&self, parts: &[Part]) -> Result<(BTreeMap<String, Content>, Answer), Refusal> {
        let mut changed: BTreeMap<String, Content> = BTreeMap::new();
        let mut results = Vec::with_capacity(parts.len());
        for part in parts {
            let now = changed.get(part.key()).or_else(|| self.0.get(part.key()));
            let (next, result) = step(part, now.cloned())?;
            changed.extend(next.map(|next| (part.key().to_owned(), next)));
            results.push(result);
        }
        Ok((changed, Answer::Results { results }))
    }
}

/// What a key holds after a part, if it was changed, and what the part found, if it reads.
type Step = (Option<Content>, Option<Content>);

fn step(part: &Part, now: Option<Content>) -> Result<Step, Refusal> {
    let next = match (part, now) {
        (Part::Read { .. }, now) => return Ok((None, now)),
        (Part::Write { .. }, Some(Content::List(_))) => {
            return Err(Refusal::Invalid("a list is not written, expected `append`"));
        }
        (Part::Append { .. } | Part::Place { .. }, Some(Content::Number(_))) => {
            return Err(Refusal::Invalid("a number is not appended to, expected `write`"));
        }
        (Part::Write { value, .. }, _) => Content::Number(*value),
        (Part::Append { value, .. }, now) => {
            let mut list = elements(now);
            list.push(*value);
            Content::List(list)
        }
        (Part::Place { value, at, .. }, now) => {
            let mut list = elements(now);
            match list.get_mut(*at) {
                Some(old) => *old = *value,
                None => list.push(*value),
            }
            Content::List(list)
        }
    };
    Ok((Some(next), None))
}

fn elements(content: Option<Content>) -> Vec<i64> {
    match content {
        Some(Content::List(list)) => list,
        _ => Vec::new(),
    }
}

/// [`Bug::TransactionSkippedAtReplay`]: a node that starts does not do again what a transaction of
/// several parts appended to lists, as if it had been kept elsewhere.
fn is_skipped(parts: &[Part], place: &Place) -> bool {
    let appends = parts.iter().any(|part| matches!(part, Part::Append { .. }));
    place.bug == Some(Bug::TransactionSkippedAtReplay) && place.found && appends && parts.len() > 1
}

impl Object for Cells {
    type Change = Change;
    type Query = Never;

    fn change(&mut self, change: &Change, place: &Place) -> Outcome {
        let (changed, found) = self.run(change.parts())?;
        if !is_skipped(change.parts(), place) {
            self.0.extend(changed);
        }
        Ok(match change {
            Change::Commit { .. } => found,
            Change::Install { results, .. } => Answer::Results { results: results.clone() },
        })
    }

    fn look(&self, query: &Never) -> Answer {
        match *query {}
    }
}
