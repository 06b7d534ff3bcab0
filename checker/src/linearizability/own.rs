//! Which operations of an object a check judges, and which it cannot.
//!
//! Where the header says of what kind the object is, that decides; else its operations show it. What
//! was done to an object that the header names and no check of its kind judges is told by
//! [`crate::coverage`].

use std::collections::BTreeMap;

use super::call::Call;
use super::object::Object;
use crate::history::{History, ObjectIndex, Operation, Said};
use crate::op::OpKind;

/// The operations of one object, as a check sees them.
#[derive(Default)]
pub(super) struct Own<'a> {
    /// Those that it judges and that may have taken effect.
    pub(super) calls: Vec<Call<'a>>,
    /// Those of objects whose kind was guessed that it does not judge, by kind.
    pub(super) others: BTreeMap<OpKind, usize>,
    /// One of them that may have changed the object.
    pub(super) foreign: Option<OpKind>,
    /// Whether one of them acts on objects of several kinds.
    pub(super) mixed: bool,
}

impl<'a> Own<'a> {
    /// What the check of `K` sees of `object`; nothing where it is of another kind.
    pub(super) fn of<K: Object>(history: &'a History, object: &ObjectIndex) -> Self {
        let all = || object.places.iter().map(|place| &history.operations()[*place as usize]);
        // What has a name of its own has one kind: it is looked up once, not once per operation.
        let of_all = object.key.as_ref().map(|key| history.kinds().of_name(key));
        let said =
            |operation: &Operation| of_all.unwrap_or_else(|| history.kinds().of(&operation.op));
        let guessed = match of_all {
            Some(Said::Nothing) => K::is_one(all().map(|operation| &operation.op)),
            Some(_) => true,
            None => K::is_one(
                all()
                    .filter(|operation| said(operation) == Said::Nothing)
                    .map(|operation| &operation.op),
            ),
        };
        let mut own = Self::default();
        own.calls.reserve(object.places.len());
        for operation in all() {
            match said(operation) {
                Said::Nothing if guessed => own.add::<K>(operation, true),
                Said::Kind(checks) if checks.iter().any(|id| id == K::ID) => {
                    own.add::<K>(operation, false);
                }
                Said::Nothing | Said::Kind(_) => {}
                Said::Several => own.mixed |= K::KINDS.contains(&operation.op.kind()),
            }
        }
        own
    }

    /// Adds an operation on an object whose kind was `guessed`, or that the header names.
    fn add<K: Object>(&mut self, operation: &'a Operation, guessed: bool) {
        let kind = operation.op.kind();
        if K::KINDS.contains(&kind) {
            self.calls.extend(Call::of(operation));
            return;
        }
        if guessed {
            *self.others.entry(kind).or_insert(0) += 1;
        }
        // An object that such an operation may have changed is not judged.
        if kind.disturbs(K::KINDS) && !operation.failed() {
            self.foreign = self.foreign.or(Some(kind));
        }
    }
}
