//! Writes a history as Jepsen does: one operation map per line, values as `[key value]`.
//!
//! Where Jepsen has a word for an operation, that word is used, so that its checkers understand
//! what is written; else one of our own. What was written is read again as it was, but for what an
//! operation map has no place for: see [`left_out`]. A compare-and-set that found another value is
//! written as one that failed, which it is to Jepsen, with what it found as the error.

use std::io::{self, Write};

use crate::event::{Completion, Event, EventKind, ProcessId};
use crate::formats::edn::{Strings, from_value, quoted};
use crate::hashing::Map;
use crate::history::History;
use crate::op::{Key, Op, OpKind, Outcome, Value};
use crate::transaction::{Micro, ReadValue};

/// Writes the operations of `history` as Jepsen would, one map per line.
///
/// # Errors
///
/// Those of `out`.
pub fn write(history: &History, out: &mut impl Write) -> io::Result<()> {
    let mut writer = Writer { words: Words::of(history), open: Map::default(), index: 0 };
    for event in history.events() {
        if let Some(line) = writer.line(event) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

/// What of `history` operation maps have no place for, each a lowercase fragment.
#[must_use]
pub fn left_out(history: &History) -> Vec<String> {
    let count = |holds: fn(&EventKind) -> bool| {
        history.events().iter().filter(|event| holds(&event.kind)).count()
    };
    let told = [
        (count(|kind| matches!(kind, EventKind::Fault(_))), "events of faults"),
        (count(|kind| matches!(kind, EventKind::Observe(_))), "observations"),
        (count(|kind| matches!(kind, EventKind::Node { .. })), "starts and ends of nodes"),
        (count(|kind| matches!(kind, EventKind::Phase { .. })), "phases"),
        (count(|kind| matches!(kind, EventKind::Note { .. })), "notes"),
        (count(names_a_node), "names of the node that was asked, or that answered"),
    ];
    told.iter().filter(|(count, _)| *count > 0).map(|(n, name)| format!("{n} {name}")).collect()
}

fn names_a_node(kind: &EventKind) -> bool {
    match kind {
        EventKind::Invoke { node, .. } => node.is_some(),
        EventKind::Complete { completion: Completion::Ok { stamp, .. }, .. } => !stamp.is_empty(),
        _ => false,
    }
}

/// Which words this history needs so that it is read again as it was.
#[derive(Debug, Clone, Copy)]
struct Words {
    strings: Strings,
    /// There are no sets, so that `:read` can only mean one value, and `:add` only counting.
    one_value: bool,
    /// There are sets and nothing else that is read, so that `:read` can only mean all of one.
    sets_only: bool,
    /// What is read are numbers, by which a reader tells a counter from a set.
    numbers: bool,
    /// Lists are appended to, so that what a transaction reads is one.
    lists: bool,
}

impl Words {
    fn of(history: &History) -> Self {
        let operations = history.operations();
        let has = |kinds: &[OpKind]| operations.iter().any(|it| kinds.contains(&it.op.kind()));
        let strings = if has(&[OpKind::Append]) { Strings::Plain } else { Strings::Distinct };
        let reads = operations.iter().filter_map(|it| match it.ok() {
            Some((_, Outcome::Read { value: Some(value) }, _)) => Some(from_value(value, strings)),
            _ => None,
        });
        let (mut numbers, mut collections) = (false, false);
        for value in reads {
            numbers |= value.parse::<i64>().is_ok();
            collections |= value.starts_with(['[', '#']);
        }
        let sets = has(&[OpKind::Add, OpKind::Remove, OpKind::Contains]);
        let values = operations.iter().any(|it| {
            let kind = it.op.kind();
            kind == OpKind::Read || kind.is_read_by(OpKind::Read)
        });
        let appends = |op: &Op| match op {
            Op::Txn { ops } => ops.iter().any(|micro| matches!(micro, Micro::Append { .. })),
            _ => false,
        };
        Self {
            strings,
            one_value: !sets && !has(&[OpKind::ReadAll]) && !collections,
            sets_only: sets && !values,
            numbers,
            lists: operations.iter().any(|it| appends(&it.op)),
        }
    }

    /// The function of `op`: Jepsen's word where it cannot be misread in this history.
    fn function(self, op: &Op) -> &'static str {
        match op.kind() {
            OpKind::Read if !self.one_value => "read-value",
            OpKind::ReadAll if self.sets_only => "read",
            OpKind::Add if !self.sets_only => "add-element",
            OpKind::Increment if self.one_value && self.numbers => "add",
            OpKind::Contains => "contains?",
            kind => kind.word(),
        }
    }
}

struct Writer<'a> {
    words: Words,
    open: Map<ProcessId, &'a Op>,
    index: u64,
}

impl<'a> Writer<'a> {
    fn line(&mut self, event: &'a Event) -> Option<String> {
        let (ProcessId(process), step, f, value, error) = match &event.kind {
            EventKind::Invoke { process, op, .. } => {
                self.open.insert(*process, op);
                (*process, "invoke", self.words.function(op), self.asked(op), None)
            }
            EventKind::Complete { process, completion } => {
                let op = *self.open.get(process)?;
                let (step, value, error) = self.completed(op, completion);
                (*process, step, self.words.function(op), value, error)
            }
            _ => return None,
        };
        let error = error.map_or_else(String::new, |error| format!(", :error {error}"));
        let (time, index) = (event.time, self.index);
        self.index += 1;
        Some(format!(
            "{{:type :{step}, :f :{f}, :value {value}, :time {time}, :process {process}, \
             :index {index}{error}}}"
        ))
    }

    fn completed(
        &self,
        op: &Op,
        completion: &Completion,
    ) -> (&'static str, String, Option<String>) {
        let told = |error: &String| (!error.is_empty()).then(|| quoted(error));
        match completion {
            Completion::Fail { error } => ("fail", self.asked(op), told(error)),
            Completion::Info { error } => ("info", self.asked(op), told(error)),
            Completion::Ok { outcome: Outcome::CasDiffers, .. } => {
                ("fail", self.asked(op), Some(":cas-differs".to_owned()))
            }
            Completion::Ok { outcome: Outcome::CasFound { value }, .. } => {
                let found = format!("[:cas-found {}]", self.maybe(value.as_ref()));
                ("fail", self.asked(op), Some(found))
            }
            Completion::Ok { outcome, .. } => ("ok", self.answered(op, outcome), None),
        }
    }

    fn value(&self, value: &Value) -> String {
        from_value(value, self.words.strings)
    }

    fn maybe(&self, value: Option<&Value>) -> String {
        value.map_or_else(|| "nil".to_owned(), |value| self.value(value))
    }

    fn key(&self, key: &Key) -> String {
        match canonical_int(key) {
            Some(number) => number.to_string(),
            None => self.value(&Value::Text(Key::clone(key))),
        }
    }

    /// What is asked: `[key value]`, or the operations of a transaction.
    fn asked(&self, op: &Op) -> String {
        let value = match op {
            Op::Txn { ops } => return self.transaction(ops, false),
            Op::Cas { old, new, .. } => format!("[{} {}]", self.value(old), self.value(new)),
            Op::Acquire { holder, ttl, .. } | Op::Renew { holder, ttl, .. } => {
                let ttl = ttl.map_or_else(String::new, |ttl| format!(", :ttl {ttl}"));
                format!("{{:holder {holder}{ttl}}}")
            }
            Op::Release { holder, .. } => format!("{{:holder {holder}}}"),
            Op::GuardedWrite { token, value, .. } => format!("[{token} {}]", self.value(value)),
            Op::Increment { by, .. } => by.to_string(),
            Op::Update { expected, value, .. } => format!("[{expected} {}]", self.value(value)),
            _ => self.maybe(op.values().first().copied()),
        };
        self.pair(op, &value)
    }

    fn answered(&self, op: &Op, outcome: &Outcome) -> String {
        let list = |values: &[Value]| {
            let values: Vec<String> = values.iter().map(|value| self.value(value)).collect();
            format!("[{}]", values.join(" "))
        };
        let value = match (outcome, op) {
            (Outcome::Read { value } | Outcome::Dequeue { value } | Outcome::Swap { value }, _) => {
                self.maybe(value.as_ref())
            }
            (Outcome::Generate { value }, _) => self.value(value),
            (Outcome::ReadAll { values }, _) => list(values),
            (Outcome::Contains { present }, Op::Contains { value, .. }) => {
                format!("[{} {present}]", self.value(value))
            }
            (Outcome::Acquire { token: Some(token) }, Op::Acquire { holder, .. }) => {
                format!("{{:holder {holder}, :token {token}}}")
            }
            (Outcome::ReadVersion { generation, value }, _) => {
                format!("[{generation} {}]", self.maybe(value.as_ref()))
            }
            (Outcome::Update { generation }, Op::Update { expected, value, .. }) => {
                format!("[{expected} {} {generation}]", self.value(value))
            }
            (Outcome::Txn { ops }, _) => return self.transaction(ops, true),
            _ => return self.asked(op),
        };
        self.pair(op, &value)
    }

    fn pair(&self, op: &Op, value: &str) -> String {
        match op.key() {
            Some(key) => format!("[{} {value}]", self.key(key)),
            None => value.to_owned(),
        }
    }

    fn transaction(&self, ops: &[Micro], done: bool) -> String {
        let micros: Vec<String> = ops.iter().map(|micro| self.micro(micro, done)).collect();
        format!("[{}]", micros.join(" "))
    }

    fn micro(&self, micro: &Micro, done: bool) -> String {
        match micro {
            Micro::Write { key, value } => format!("[:w {} {}]", self.key(key), self.value(value)),
            Micro::Append { key, value } => {
                format!("[:append {} {}]", self.key(key), self.value(value))
            }
            Micro::Read { key, seen } => {
                let key = self.key(key);
                match seen {
                    ReadValue::Unknown if done => format!("[:r {key}]"),
                    ReadValue::Value(value) if done => format!("[:r {key} {}]", self.value(value)),
                    ReadValue::List(values) if done => {
                        let values: Vec<String> = values.iter().map(|it| self.value(it)).collect();
                        let values = values.join(" ");
                        match self.words.lists {
                            true => format!("[:r {key} [{values}]]"),
                            false => format!("[:r {key} ({values})]"),
                        }
                    }
                    _ => format!("[:r {key} nil]"),
                }
            }
        }
    }
}

/// The number that `key` is the name of.
fn canonical_int(key: &str) -> Option<i64> {
    key.parse().ok().filter(|number: &i64| number.to_string() == key)
}
