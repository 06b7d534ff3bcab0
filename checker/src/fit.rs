//! Which model fits a history, and which does not.
//!
//! A model that does not fit judges nothing: neither is what it refuses an anomaly, nor is what it
//! has no objection to a pass. Where the words of a history fit several models, it says so; it
//! never takes the first.

use std::collections::BTreeSet;

use crate::formats::Doubts;
use crate::history::{History, Operation};
use crate::lease;
use crate::models::{Bag, Kv, ListAppend, Lock, Mutex, Queue, RwRegister};
use crate::objects::{Kind, OBJECTS, Object};
use crate::op::{Op, OpKind, Outcome};
use crate::transaction::{Micro, ReadValue};
use crate::words;

/// The model or check that a history is to be judged by.
#[derive(Debug, Clone)]
pub enum Choice {
    /// By this model, the only one that fits.
    One(&'static Kind),
    /// By one of two: whatever the first allows the second allows too.
    Either(&'static Kind, &'static Kind),
    /// By this check, which has no model.
    Check(&'static str),
    /// The history does not tell which model fits: the reason, and what would tell it.
    Unclear(String),
    /// No model fits: the reason.
    None(String),
}

/// The kind that `K` is the row of.
fn row<K: Object>() -> &'static Kind {
    let found = OBJECTS.iter().find(|kind| kind.id == K::ID);
    found.expect("every kind of object is in the table")
}

/// The model that fits `history`, of which the file left `doubts`.
#[must_use]
pub fn choose(history: &History, doubts: &Doubts) -> Choice {
    let asked: BTreeSet<OpKind> =
        history.operations().iter().map(|operation| operation.op.kind()).collect();
    let only = |kinds: &[OpKind]| asked.iter().all(|asked| kinds.contains(asked));
    match () {
        () if asked.is_empty() => Choice::Unclear("it has no operation of a client".to_owned()),
        () if only(&[OpKind::Txn]) => transactions(history),
        () if doubts.adds => Choice::Unclear(
            "`add` may put into a set or count, and nothing was read that tells which, expected \
             `--model set` or `--model counter`"
                .to_owned(),
        ),
        () if has_leases(history) => match only(&[OpKind::Acquire, OpKind::Renew, OpKind::Release])
        {
            true => Choice::Check(lease::ID),
            false => serving(&asked),
        },
        () if only(Queue::KINDS) => Choice::Either(row::<Queue>(), row::<Bag>()),
        () if only(Lock::KINDS) => Choice::Either(row::<Lock>(), row::<Mutex>()),
        () if doubts.texts && only(Kv::KINDS) => Choice::One(row::<Kv>()),
        () => serving(&asked),
    }
}

/// The first model that serves every operation.
fn serving(asked: &BTreeSet<OpKind>) -> Choice {
    let serves = |kind: &&Kind| asked.iter().all(|asked| kind.serves.contains(asked));
    match OBJECTS.iter().find(serves) {
        Some(kind) => Choice::One(kind),
        None => Choice::None(format!(
            "no model serves all of its operations ({}), expected one to be named by `--model`",
            words::list(asked.iter().map(|kind| format!("`{kind}`")))
        )),
    }
}

/// The model of transactions, by what they consist of.
fn transactions(history: &History) -> Choice {
    let (list, register) = (ListAppend::ID, RwRegister::ID);
    match (foreign_to(history, list), foreign_to(history, register)) {
        (None, _) => Choice::One(row::<ListAppend>()),
        (_, None) => Choice::One(row::<RwRegister>()),
        (Some(write), Some(append)) => Choice::None(format!(
            "no model serves both `{write}` and `{append}`, expected transactions of lists or of \
             registers"
        )),
    }
}

/// Why `kind` does not fit `history`, and which model would; none if `kind` fits.
#[must_use]
pub fn misfit(kind: &Kind, history: &History, doubts: &Doubts) -> Option<String> {
    let serves = |operation: &Operation| kind.serves.contains(&operation.op.kind());
    let asked: BTreeSet<OpKind> =
        history.operations().iter().map(|operation| operation.op.kind()).collect();
    let nothing = || {
        let none = !asked.is_empty() && !history.operations().iter().any(serves);
        none.then(|| {
            let asked = words::list(asked.iter().map(|kind| format!("`{kind}`")));
            format!("`{}` serves none of its operations ({asked})", kind.names[0])
        })
    };
    let why = contradiction(kind.id, history).or_else(nothing)?;
    Some(match choose(history, doubts) {
        Choice::One(fits) => format!("{why}, expected `--model {}`", fits.names[0]),
        Choice::Either(first, second) => {
            let (first, second) = (first.names[0], second.names[0]);
            format!("{why}, expected `--model {first}` or `--model {second}`")
        }
        Choice::Check(id) => format!("{why}: `{id}` judges them, without `--model`"),
        Choice::Unclear(reason) | Choice::None(reason) => format!("{why}; {reason}"),
    })
}

/// Why the check `id` cannot judge `history`, although it serves operations of that name.
#[must_use]
pub(crate) fn contradiction(id: &str, history: &History) -> Option<String> {
    if [Mutex::ID, Lock::ID].contains(&id) && has_only_leases(id, history) {
        return Some("its locks are leases, which expire".to_owned());
    }
    let objects = match id {
        ListAppend::ID => "lists",
        RwRegister::ID => "registers",
        _ => return None,
    };
    foreign_to(history, id).map(|micro| format!("{objects} do not answer `{micro}`"))
}

/// The first part of a transaction that the check `id` has no rule for.
fn foreign_to(history: &History, id: &str) -> Option<Micro> {
    let lists = id == ListAppend::ID;
    let foreign = |micro: &&Micro| match micro {
        Micro::Write { .. } | Micro::Read { seen: ReadValue::Value(_), .. } => lists,
        Micro::Append { .. } | Micro::Read { seen: ReadValue::List(_), .. } => !lists,
        Micro::Read { seen: ReadValue::Unknown | ReadValue::Absent, .. } => false,
    };
    let judged = |operation: &&Operation| history.kinds().may_be(id, &operation.op);
    history
        .operations()
        .iter()
        .filter(judged)
        .find_map(|operation| micros(operation).find(foreign))
        .cloned()
}

/// What a transaction was asked to do, and what it answered.
fn micros(operation: &Operation) -> impl Iterator<Item = &Micro> {
    let asked = match &operation.op {
        Op::Txn { ops } => &ops[..],
        _ => &[],
    };
    let answered = match operation.ok() {
        Some((_, Outcome::Txn { ops }, _)) => &ops[..],
        _ => &[],
    };
    asked.iter().chain(answered)
}

fn is_lease(op: &Op) -> bool {
    matches!(op, Op::Acquire { ttl: Some(_), .. } | Op::Renew { .. })
}

fn has_leases(history: &History) -> bool {
    history.operations().iter().any(|operation| is_lease(&operation.op))
}

/// Whether every lock of the history that the check `id` may judge is a lease.
fn has_only_leases(id: &str, history: &History) -> bool {
    let of = |object: &crate::history::ObjectIndex| {
        let ops = object.places.iter().map(|place| &history.operations()[*place as usize].op);
        ops.filter(|op| history.kinds().may_be(id, op)).collect::<Vec<_>>()
    };
    let locks: Vec<Vec<&Op>> = history.objects().iter().map(of).collect();
    let acquired = |ops: &&Vec<&Op>| ops.iter().any(|op| matches!(op, Op::Acquire { .. }));
    let mut locks = locks.iter().filter(acquired).peekable();
    locks.peek().is_some() && locks.all(|ops| ops.iter().any(|op| is_lease(op)))
}
