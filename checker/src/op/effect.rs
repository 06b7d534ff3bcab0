//! What an operation does to an object, as far as that is known without any answer.

/// What an operation does to the object that it acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It may change it.
    Changes,
    /// It changes nothing, so that one of unknown outcome says nothing.
    Looks,
    /// No client asks it: a check derives it.
    Derived,
}
