//! The arguments of operations, for whoever hands them on without knowing the operation: template
//! variables, lines of client programs, samples.

use std::sync::Arc;

use crate::identity::{Nanos, NodeId};
use crate::text::Key;
use crate::transaction::{Micro, ReadValue};
use crate::value::Value;

/// How long the lease of a sample lasts.
const SAMPLE_TTL: Nanos = 2_000_000_000;

/// One argument of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field<'a> {
    /// The name of an object.
    Key(&'a Key),
    /// What is written, added, compared with.
    Value(&'a Value),
    /// A number that is never below 0: a holder, a token, a generation.
    Number(u64),
    /// A number of either sign.
    Signed(i64),
    /// For how long, in nanoseconds; none is for ever.
    Time(Option<Nanos>),
    /// The parts of a transaction.
    Parts(&'a [Micro]),
    /// A node.
    Node(NodeId),
}

/// A type that an argument of an operation may have.
pub(super) trait Argument: Sized {
    /// The argument as a [`Field`].
    fn field(&self) -> Field<'_>;

    /// One for trying things out.
    fn sample() -> Self;
}

impl Argument for Key {
    fn field(&self) -> Field<'_> {
        Field::Key(self)
    }

    fn sample() -> Self {
        "sample".into()
    }
}

impl Argument for Value {
    fn field(&self) -> Field<'_> {
        Field::Value(self)
    }

    fn sample() -> Self {
        Self::Int(1)
    }
}

impl Argument for u64 {
    fn field(&self) -> Field<'_> {
        Field::Number(*self)
    }

    fn sample() -> Self {
        1
    }
}

impl Argument for i64 {
    fn field(&self) -> Field<'_> {
        Field::Signed(*self)
    }

    fn sample() -> Self {
        1
    }
}

impl Argument for Option<Nanos> {
    fn field(&self) -> Field<'_> {
        Field::Time(*self)
    }

    fn sample() -> Self {
        Some(SAMPLE_TTL)
    }
}

impl Argument for Arc<[Micro]> {
    fn field(&self) -> Field<'_> {
        Field::Parts(self)
    }

    fn sample() -> Self {
        let (key, seen) = (Key::sample(), ReadValue::Unknown);
        [Micro::Write { key: key.clone(), value: Value::sample() }, Micro::Read { key, seen }]
            .into()
    }
}

impl Argument for NodeId {
    fn field(&self) -> Field<'_> {
        Field::Node(*self)
    }

    fn sample() -> Self {
        Self(1)
    }
}
