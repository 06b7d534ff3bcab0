//! The correct servers that drawn histories are answered by, one kind of object each.
//!
//! They know which answer would certainly be wrong, and give it when they are asked to.

mod collections;
mod configuration;
mod locks;
mod numbers;
mod registers;

use fracas_checker::event::Nanos;
use fracas_checker::{Completion, Key, Op, Outcome};

use super::Shape;
use super::dice::Dice;

/// The kinds of objects that can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Reads and writes.
    Register,
    /// Reads, writes and compare-and-sets.
    CasRegister,
    /// Increments and reads.
    Counter,
    /// Elements added, removed, asked for, and now and then all of them read. Every element is added
    /// once, or there are as many elements as values.
    Set,
    /// Elements that come out in the order in which they went in. Every element is put in once, or
    /// there are as many elements as values.
    Queue,
    /// Elements that come out in any order.
    MultisetQueue,
    /// A lock that is waited for.
    Lock,
    /// The same, with a fencing token per grant and a resource that is written under it.
    FencedLock,
    /// Ids that nobody else ever gets.
    Ids,
    /// A configuration that is replaced if its generation is still the expected one.
    Configuration,
}

impl Kind {
    /// Every kind.
    pub(crate) const ALL: [Self; 10] = [
        Self::Register,
        Self::CasRegister,
        Self::Counter,
        Self::Set,
        Self::Queue,
        Self::MultisetQueue,
        Self::Lock,
        Self::FencedLock,
        Self::Ids,
        Self::Configuration,
    ];

    /// A server of this kind.
    pub(crate) fn object(self, key: Key, shape: &Shape) -> Box<dyn Object> {
        match self {
            Self::Register => Box::new(registers::Register::new(key, shape, false)),
            Self::CasRegister => Box::new(registers::Register::new(key, shape, true)),
            Self::Counter => Box::new(numbers::Counter::new(key)),
            Self::Ids => Box::new(numbers::Ids::new(key)),
            Self::Set => Box::new(collections::Set::new(key, shape)),
            Self::Queue => Box::new(collections::Queue::new(key, shape, true)),
            Self::MultisetQueue => Box::new(collections::Queue::new(key, shape, false)),
            Self::Lock => Box::new(locks::Lock::new(key, false)),
            Self::FencedLock => Box::new(locks::Lock::new(key, true)),
            Self::Configuration => Box::new(configuration::Configuration::new(key)),
        }
    }
}

/// What happens when an operation takes effect.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It does, with this answer.
    Ok(Outcome),
    /// It does not, for this reason.
    Refused(&'static str),
    /// It has to wait.
    Blocked,
}

/// An operation of a client.
#[derive(Debug)]
pub(crate) struct Invocation<'a> {
    pub(crate) client: usize,
    pub(crate) op: &'a Op,
    pub(crate) invoked: Nanos,
}

/// A correct server of one object.
pub(crate) trait Object {
    /// What `client` asks next.
    fn ask(&mut self, client: usize, dice: &mut Dice) -> Op;

    /// `op` takes effect now.
    fn act(&mut self, client: usize, op: &Op, dice: &mut Dice) -> Answer;

    /// A client heard how its operation ended.
    fn completed(&mut self, asked: &Invocation<'_>, completion: &Completion, now: Nanos) {
        let _ = (asked, completion, now);
    }

    /// An answer that no legal order explains if it is given at once, if there is one.
    fn wrong(&self, asked: &Invocation<'_>) -> Option<Outcome>;

    /// Whether `client` must go on with this object.
    fn keeps(&self, client: usize) -> bool {
        let _ = client;
        false
    }

    /// Whether operations that were given up may still take effect.
    fn may_be_late(&self) -> bool {
        true
    }
}
