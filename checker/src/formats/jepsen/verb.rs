//! The functions of records, by all their names.
//!
//! What a function means with its value is the business of [`super::meaning`].

/// A function that is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    /// Reads a register, counter or text; or a whole set, where the file has sets.
    Read,
    /// Reads a register, counter or text.
    ReadValue,
    Write,
    Cas,
    Swap,
    Append,
    /// Puts an element into a set; or counts, where the file has counters.
    Add,
    /// Puts an element into a set.
    AddElement,
    Remove,
    Contains,
    ReadAll,
    Enqueue,
    Dequeue,
    Drain,
    Acquire,
    Renew,
    Release,
    GuardedWrite,
    Increment,
    Decrement,
    Generate,
    ReadVersion,
    Update,
    Txn,
}

/// Every name of every function, our own first where it has several.
const VERBS: [(&str, Verb); 37] = [
    ("read", Verb::Read),
    ("r", Verb::Read),
    ("get", Verb::Read),
    ("read-value", Verb::ReadValue),
    ("write", Verb::Write),
    ("w", Verb::Write),
    ("put", Verb::Write),
    ("cas", Verb::Cas),
    ("compare-and-set", Verb::Cas),
    ("swap", Verb::Swap),
    ("append", Verb::Append),
    ("add", Verb::Add),
    ("add-element", Verb::AddElement),
    ("broadcast", Verb::AddElement),
    ("remove", Verb::Remove),
    ("contains?", Verb::Contains),
    ("contains", Verb::Contains),
    ("read-all", Verb::ReadAll),
    ("enqueue", Verb::Enqueue),
    ("dequeue", Verb::Dequeue),
    ("drain", Verb::Drain),
    ("acquire", Verb::Acquire),
    ("lock", Verb::Acquire),
    ("renew", Verb::Renew),
    ("release", Verb::Release),
    ("unlock", Verb::Release),
    ("guarded-write", Verb::GuardedWrite),
    ("increment", Verb::Increment),
    ("inc", Verb::Increment),
    ("incr", Verb::Increment),
    ("decrement", Verb::Decrement),
    ("dec", Verb::Decrement),
    ("decr", Verb::Decrement),
    ("generate", Verb::Generate),
    ("read-version", Verb::ReadVersion),
    ("update", Verb::Update),
    ("txn", Verb::Txn),
];

impl Verb {
    /// The function of that name.
    pub(super) fn named(f: &str) -> Option<Self> {
        VERBS.iter().find(|(name, _)| *name == f).map(|(_, verb)| *verb)
    }
}

/// Every name, for whoever used another.
pub(super) fn names() -> String {
    VERBS.map(|(name, _)| format!("`{name}`")).join(", ")
}
