//! What answers tell, for whoever takes them out of something without knowing the operation, and for
//! whoever needs one without a server.

use std::sync::Arc;

use crate::transaction::Micro;
use crate::value::Value;

/// What a field of an answer tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tells {
    /// A value, or that there is none.
    Maybe,
    /// A value.
    Value,
    /// Several values, or none.
    Values,
    /// Yes or no.
    Flag,
    /// What the parts of a transaction saw.
    Parts,
    /// A number: a token, a generation.
    Number,
}

/// A type that a field of an answer may have.
pub(super) trait Told {
    /// What it tells.
    const TELLS: Tells;

    /// One with `number` in it where it tells a number. What is read is nothing.
    fn sample(number: u64) -> Self;
}

impl Told for Option<Value> {
    const TELLS: Tells = Tells::Maybe;

    fn sample(_: u64) -> Self {
        None
    }
}

impl Told for Value {
    const TELLS: Tells = Tells::Value;

    fn sample(number: u64) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl Told for Arc<[Value]> {
    const TELLS: Tells = Tells::Values;

    fn sample(_: u64) -> Self {
        [].into()
    }
}

impl Told for Arc<[Micro]> {
    const TELLS: Tells = Tells::Parts;

    fn sample(_: u64) -> Self {
        [].into()
    }
}

impl Told for bool {
    const TELLS: Tells = Tells::Flag;

    fn sample(_: u64) -> Self {
        true
    }
}

impl Told for u64 {
    const TELLS: Tells = Tells::Number;

    fn sample(number: u64) -> Self {
        number
    }
}

impl Told for Option<u64> {
    const TELLS: Tells = Tells::Number;

    fn sample(number: u64) -> Self {
        Some(number)
    }
}
