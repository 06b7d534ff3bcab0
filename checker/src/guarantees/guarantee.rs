//! The names of guarantees, and what is known of each.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is known of a guarantee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// No execution that keeps it gives these answers.
    Broken,
    /// Some execution that keeps it gives these answers.
    Holds,
    /// Nothing was found against it.
    NotShownBroken,
}

/// A guarantee, and whether the answers keep it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guarantee {
    /// Its name, such as `monotonic-reads`; several with ` + ` between them were broken together,
    /// though none of them alone was shown to be.
    pub name: String,
    /// What is known of it.
    pub standing: Standing,
}

impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The name of what the checks of this crate promise.
pub const LINEARIZABLE: &str = "linearizable";

/// The name of sequential consistency: one order of all operations, as one copy would allow it, in
/// which every session's operations stand in their order.
pub const SEQUENTIAL: &str = "sequential";

/// The names of the session guarantees, in the order of `Rules::ALL`.
pub const SESSION: [&str; 4] =
    ["read-your-writes", "monotonic-reads", "monotonic-writes", "writes-follow-reads"];
