//! What a near-linear check says of the calls of one object.

/// What was found without a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A legal order exists.
    Legal,
    /// The check cannot tell, for example because a value that matters has more than one possible
    /// writer: ask the general search.
    Ambiguous,
    /// No legal order exists.
    Refuted(Violation),
}

/// Why no legal order exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Its class in [`crate::catalogue`].
    pub class: &'static str,
    /// Places in the slice of calls, in any order: calls that have no legal order by themselves,
    /// and whose others cannot help: taking those away makes no legal history illegal. Empty where
    /// the check does not know them.
    pub calls: Vec<usize>,
}

impl Finding {
    /// A refutation by `calls`.
    #[must_use]
    pub fn refuted(class: &'static str, calls: Vec<usize>) -> Self {
        Self::Refuted(Violation { class, calls })
    }

    /// The calls of a refutation by two of them.
    pub(crate) fn pair(&self) -> Option<(usize, usize)> {
        let Self::Refuted(violation) = self else { return None };
        let [first, second] = violation.calls[..] else { return None };
        Some((first, second))
    }

    /// Whether no legal order exists.
    #[must_use]
    pub fn is_refuted(&self) -> bool {
        matches!(self, Self::Refuted(_))
    }
}
