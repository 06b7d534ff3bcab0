//! What is known of a refuted object, and what its kind says of it.

use super::call::Call;
use crate::history::{History, Operation};
use crate::identity::Nanos;
use crate::text::Key;
use crate::verdict::{Placed, Refutation};

/// What is known of a refuted object.
#[derive(Debug)]
pub struct Refuted<'a> {
    pub(crate) history: &'a History,
    /// Its name; none where all of the history is one object.
    pub(crate) key: Option<&'a Key>,
    /// The smallest set of calls that has no legal order, as they stand in the history.
    pub(crate) calls: Vec<Call<'a>>,
    /// The same calls as they stood at [`Self::at`], and without what the refutation does not need
    /// of them.
    pub(crate) small: Vec<Call<'a>>,
    /// The earliest completion that shows it.
    pub(crate) at: Nanos,
    pub(crate) prefix: Vec<Placed>,
    pub(crate) refuted: Vec<Refutation>,
}

/// A class with its sentence, and the operations it is about.
#[derive(Debug)]
pub struct Explanation<'a> {
    pub(crate) class: &'static str,
    pub(crate) headline: String,
    /// Why that cannot be, as the last fact of the story.
    pub(crate) because: String,
    /// The operation whose answer was old.
    pub(crate) late: Option<&'a Operation>,
    /// The one that should have been seen.
    pub(crate) done: Option<&'a Operation>,
    /// Operations that belong to the story although no legal order has them.
    pub(crate) also: Vec<&'a Operation>,
    /// One that the headline names, of what came of it later: it is told, and no part of the proof.
    pub(crate) later: Option<&'a Operation>,
}

impl<'a> Explanation<'a> {
    /// The operations that the words are about.
    pub(crate) fn named(&self) -> impl Iterator<Item = &'a Operation> {
        [self.late, self.done].into_iter().flatten().chain(self.also.iter().copied())
    }
}

impl<'a> Refuted<'a> {
    /// The operation behind the call at `place`.
    pub(crate) fn operation(&self, place: usize) -> Option<&'a Operation> {
        self.by_id(self.calls.get(place)?.id)
    }

    /// The object in words.
    pub(crate) fn name(&self) -> &str {
        self.key.map_or("the whole history", |key| key)
    }

    /// The operation that was invoked as event `id`.
    pub(crate) fn by_id(&self, id: u64) -> Option<&'a Operation> {
        let operations = self.history.operations();
        let place = operations.binary_search_by_key(&id, |operation| operation.invoked.0).ok()?;
        operations.get(place)
    }
}
