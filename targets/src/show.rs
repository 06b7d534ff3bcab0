//! Everything a deployment would do, as text for `fracas validate --show-commands`.
//!
//! Requests are shown with sample arguments; nothing is sent.

use std::fmt::Write as _;
use std::sync::Arc;

use fracas_checker::event::Nanos;
use fracas_checker::transaction::{Micro, Seen};
use fracas_checker::{Key, NodeId, Op, OpKind, ProcessId, Value};

use crate::deploy::{Deployment, LogFile, NodePlan};

/// A word that every shell takes as it is.
const PLAIN: &str = "-_./:=,+@%";

impl Deployment {
    /// Every rendered command, file and probe of each node, and its requests with sample arguments.
    #[must_use]
    pub fn show(&self) -> String {
        let mut out = String::new();
        for (node, plan) in &self.nodes {
            show_node(&mut out, *node, plan);
            for (name, request) in self.sample_requests(*node) {
                show_block(&mut out, name, &request);
            }
        }
        out
    }
}

/// An operation of this kind with sample arguments; none if no target can declare it.
pub(crate) fn sample_op(kind: OpKind) -> Option<Op> {
    let (key, value) = (Key::from("k1"), Value::Int(17));
    Some(match kind {
        OpKind::Read => Op::Read { key },
        OpKind::Write => Op::Write { key, value },
        OpKind::Cas => Op::Cas { key, old: value, new: 18.into() },
        OpKind::Append => Op::Append { key, value },
        OpKind::Add => Op::Add { key, value },
        OpKind::Remove => Op::Remove { key, value },
        OpKind::Contains => Op::Contains { key, value },
        OpKind::ReadAll => Op::ReadAll { key },
        OpKind::Enqueue => Op::Enqueue { key, value },
        OpKind::Dequeue => Op::Dequeue { key },
        OpKind::Acquire => Op::Acquire { key, holder: 1, ttl: Some(SAMPLE_TTL) },
        OpKind::Renew => Op::Renew { key, holder: 1, ttl: Some(SAMPLE_TTL) },
        OpKind::Release => Op::Release { key, holder: 1 },
        OpKind::GuardedWrite => Op::GuardedWrite { key, token: 33, value },
        OpKind::Increment => Op::Increment { key, by: 2 },
        OpKind::Generate => Op::Generate { key },
        OpKind::ReadVersion => Op::ReadVersion { key },
        OpKind::Update => Op::Update { key, expected: 4, value },
        OpKind::Txn => Op::Txn { ops: sample_parts(key, value) },
        OpKind::Claim => return None,
    })
}

/// A transaction of one part of each kind.
fn sample_parts(key: Key, value: Value) -> Arc<[Micro]> {
    let list = Key::from("k2");
    Arc::new([
        Micro::Read { key: key.clone(), seen: Seen::Unknown },
        Micro::Write { key, value: value.clone() },
        Micro::Append { key: list, value },
    ])
}

/// How long a sample lease lasts, in nanoseconds.
const SAMPLE_TTL: Nanos = 2_000_000_000;

/// The client that sample requests come from.
pub(crate) const SAMPLE_PROCESS: ProcessId = ProcessId(0);

fn show_node(out: &mut String, node: NodeId, plan: &NodePlan) {
    let words = plan.env.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
    let words = words.chain(plan.argv.iter().map(|word| quoted(word)));
    let _ = writeln!(out, "{node}\n  command  {}", words.collect::<Vec<_>>().join(" "));
    for (path, text) in &plan.files {
        show_block(out, &format!("file {}", path.display()), text);
    }
    for log in &plan.logs {
        let _ = match log {
            LogFile::Stdout => writeln!(out, "  log      stdout"),
            LogFile::Stderr => writeln!(out, "  log      stderr"),
            LogFile::Path(path) => writeln!(out, "  log      {}", path.display()),
        };
    }
    for asked in plan.asked() {
        let _ = writeln!(out, "  asks     {asked}");
    }
    if let Some(probe) = &plan.ready {
        let _ = writeln!(out, "  ready    {probe}");
    }
}

/// A name, and a text of several lines below it.
fn show_block(out: &mut String, name: &str, text: &str) {
    let _ = writeln!(out, "  {name}");
    for line in text.lines() {
        let _ = writeln!(out, "    {line}");
    }
}

/// The word as a shell must be given it.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || PLAIN.contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_a_shell_would_split() {
        for (word, expected) in [
            ("--id", "--id"),
            ("n1=http://10.0.0.1:7000", "n1=http://10.0.0.1:7000"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("$HOME", "'$HOME'"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
