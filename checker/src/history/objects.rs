//! Which operations act on which object, found once while a history is read.
//!
//! Every check of objects starts from here, so that none has to compare names per operation. What
//! the operations mean is said elsewhere.

use super::operation::Operation;
use crate::hashing::Map;
use crate::text::Key;

/// The operations on one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectIndex {
    /// Its name; none for what acts on everything at once, such as a transaction.
    pub key: Option<Key>,
    /// Places in [`super::History::operations`], in the order of invocation.
    pub places: Vec<u32>,
}

/// The objects of `operations`, by name; what has none comes first.
///
/// A history is held in memory whole, so it never has more operations than a place can number.
pub(super) fn index(operations: &[Operation]) -> Vec<ObjectIndex> {
    let mut known: Map<Option<&Key>, usize> = Map::default();
    let mut objects: Vec<ObjectIndex> = Vec::new();
    for (place, operation) in (0_u32..).zip(operations) {
        let key = operation.op.key();
        let object = *known.entry(key).or_insert_with(|| {
            objects.push(ObjectIndex { key: key.cloned(), places: Vec::new() });
            objects.len() - 1
        });
        objects[object].places.push(place);
    }
    objects.sort_by(|first, second| first.key.cmp(&second.key));
    objects
}
