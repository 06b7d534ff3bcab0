//! What transactions read of and appended to each list.
//!
//! A read that follows the transaction's own appends shows them at the end; what stands before
//! them is what the transaction *found*. It must find the same thing every time it looks.

use super::conflict::Conflict;
use crate::hashing::Map;
use crate::linearizability::call::Call;
use crate::op::{Key, Op, Outcome, Value};
use crate::transaction::{Micro, ReadValue};

/// One list. The numbers are places in the slice of calls.
#[derive(Debug, Default)]
pub(super) struct List<'a> {
    /// Who found what, once per transaction.
    pub(super) found: Vec<(usize, &'a [Value])>,
    /// Who appended what, in the order of each transaction.
    pub(super) appended: Vec<(usize, Vec<&'a Value>)>,
}

/// All lists, in the order in which they are first named.
#[derive(Debug, Default)]
pub(super) struct Lists<'a> {
    pub(super) keys: Vec<&'a Key>,
    pub(super) list: Vec<List<'a>>,
}

/// What one transaction did with one list so far.
#[derive(Debug, Default)]
struct Own<'a> {
    key: usize,
    found: Option<&'a [Value]>,
    appended: Vec<&'a Value>,
}

impl<'a> Lists<'a> {
    /// None if some call is no transaction on lists.
    ///
    /// # Errors
    ///
    /// A transaction that does not agree with itself.
    pub(super) fn of(calls: &[Call<'a>]) -> Option<Result<Self, Conflict>> {
        let mut lists = Self::default();
        let mut numbers: Map<&Key, usize> = Map::default();
        let mut torn = None;
        for (place, call) in calls.iter().enumerate() {
            let (ops, answered) = micros(call)?;
            let mut own: Vec<Own<'a>> = Vec::new();
            for micro in ops {
                let Some((key, access)) = asked(micro, answered)? else { continue };
                let number = lists.number(&mut numbers, key);
                let at = own.iter().position(|own| own.key == number).unwrap_or_else(|| {
                    own.push(Own { key: number, ..Own::default() });
                    own.len() - 1
                });
                if !own[at].goes_on(access) && torn.is_none() {
                    torn = Some(Conflict::Internal { txn: place, list: number });
                }
            }
            for Own { key, found, appended } in own {
                let list = &mut lists.list[key];
                list.found.extend(found.map(|found| (place, found)));
                if !appended.is_empty() {
                    list.appended.push((place, appended));
                }
            }
        }
        Some(torn.map_or(Ok(lists), Err))
    }

    fn number(&mut self, numbers: &mut Map<&'a Key, usize>, key: &'a Key) -> usize {
        let number = *numbers.entry(key).or_insert(self.list.len());
        if number == self.list.len() {
            self.list.push(List::default());
            self.keys.push(key);
        }
        number
    }
}

/// What a transaction did, and whether its reads were answered.
pub(crate) fn micros<'a>(call: &Call<'a>) -> Option<(&'a [Micro], bool)> {
    match (call.op, call.outcome) {
        (Op::Txn { .. }, Some(Outcome::Txn { ops })) => Some((ops, true)),
        (Op::Txn { ops }, None) => Some((ops, false)),
        _ => None,
    }
}

#[derive(Clone, Copy)]
enum What<'a> {
    Appended(&'a Value),
    Read(&'a [Value]),
}

/// The inner none: it says nothing. The outer: it is not about lists.
fn asked(micro: &Micro, answered: bool) -> Option<Option<(&Key, What<'_>)>> {
    match micro {
        Micro::Append { key, value } => Some(Some((key, What::Appended(value)))),
        Micro::Read { .. } if !answered => Some(None),
        Micro::Read { seen: ReadValue::Unknown, .. } => Some(None),
        Micro::Read { key, seen: ReadValue::Absent } => Some(Some((key, What::Read(&[])))),
        Micro::Read { key, seen: ReadValue::List(values) } => Some(Some((key, What::Read(values)))),
        Micro::Read { seen: ReadValue::Value(_), .. } | Micro::Write { .. } => None,
    }
}

impl<'a> Own<'a> {
    /// Whether `access` agrees with what the transaction did before.
    fn goes_on(&mut self, access: What<'a>) -> bool {
        match access {
            What::Appended(value) => {
                self.appended.push(value);
                true
            }
            What::Read(values) => {
                let Some(before) = values.len().checked_sub(self.appended.len()) else {
                    return false;
                };
                let (found, own) = values.split_at(before);
                let known = *self.found.get_or_insert(found);
                known == found && own.iter().eq(self.appended.iter().copied())
            }
        }
    }
}
