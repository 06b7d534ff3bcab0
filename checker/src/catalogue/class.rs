//! What is said of a class of anomalies.

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
