//! Bounds on what a check may use.
//!
//! The checker has no clock: whoever calls it hands in a way to ask whether time is up.

/// How much memory and time a check may use. Running out is *inconclusive*, never a verdict.
#[derive(Clone, Copy)]
pub struct Budget<'a> {
    /// Bytes that the tables of a search may hold, counted by the search itself.
    pub bytes: usize,
    expired: &'a (dyn Fn() -> bool + Sync),
}

impl std::fmt::Debug for Budget<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Budget").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// What a check may use when nobody says otherwise: 1 GiB.
pub const DEFAULT_BYTES: usize = 1 << 30;

impl<'a> Budget<'a> {
    /// A budget of `bytes`, over as soon as `expired` answers true. `expired` is asked often.
    #[must_use]
    pub fn new(bytes: usize, expired: &'a (dyn Fn() -> bool + Sync)) -> Self {
        Self { bytes, expired }
    }

    /// A budget of [`DEFAULT_BYTES`] without an end in time.
    #[must_use]
    pub fn unlimited_time() -> Budget<'static> {
        Budget { bytes: DEFAULT_BYTES, expired: &|| false }
    }

    /// One of `parts` equal shares, for searches that run at the same time. What does not come to
    /// its end with a share deserves another try with all bytes, when it has them to itself: what
    /// a budget can decide must not depend on how much runs at once.
    #[must_use]
    pub fn share(&self, parts: usize) -> Self {
        Self { bytes: self.bytes / parts.max(1), ..*self }
    }

    /// Whether the time is up.
    #[must_use]
    pub fn expired(&self) -> bool {
        (self.expired)()
    }
}
