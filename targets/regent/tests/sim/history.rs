//! What simulated clients saw, and whether one register per key can explain it. Small and plain on
//! purpose: it must be right by inspection. It searches all orders, but only of operations that
//! overlap.

use std::collections::BTreeSet;

/// How many explanations may be open at a time before the search gives up loudly.
const MAX_OPEN: usize = 200_000;

/// What a client asked of a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Read,
    Write(i64),
    Cas(Option<i64>, i64),
    Swap(i64),
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Read, or found by a swap, and what.
    Value(Option<i64>),
    /// Written, or swapped.
    Done,
    /// Not swapped, or refused: the register was not changed.
    Nothing,
}

/// One operation. `start` and `end` are places in one order of all events.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) key: String,
    pub(crate) op: Op,
    pub(crate) start: u64,
    /// None: the client never learned what became of it.
    pub(crate) end: Option<(u64, Outcome)>,
}

/// The value of the register and the operations that took effect but have not returned.
type Explanation = (Option<i64>, BTreeSet<usize>);

/// Why no order of the operations on one register explains the outcomes, if none does.
///
/// Left out, because they constrain nothing here: operations that did nothing, reads that never
/// returned, and writes that never returned and whose value nobody saw (every value is written
/// once only).
pub(crate) fn contradiction(all: &[Operation]) -> Option<String> {
    let seen: BTreeSet<i64> = all.iter().filter_map(seen_value).collect();
    let ops: Vec<&Operation> = all.iter().filter(|o| constrains(o, &seen)).collect();
    let mut events: Vec<(u64, usize, bool)> = Vec::new();
    for (i, o) in ops.iter().enumerate() {
        events.push((o.start, i, true));
        events.extend(o.end.map(|(end, _)| (end, i, false)));
    }
    events.sort_unstable();
    let mut pending = BTreeSet::new();
    let mut open: BTreeSet<Explanation> = BTreeSet::from([(None, BTreeSet::new())]);
    for (_, i, starts) in events {
        if starts {
            pending.insert(i);
            continue;
        }
        open = returned(i, &open, &pending, &ops);
        pending.remove(&i);
        if open.is_empty() {
            return Some(format!("nothing explains {:?}", ops[i]));
        }
    }
    None
}

/// The value that the operation saw, or may have seen.
fn seen_value(o: &Operation) -> Option<i64> {
    match (o.op, o.end) {
        (Op::Read | Op::Swap(_), Some((_, Outcome::Value(value)))) => value,
        (Op::Cas(old, _), _) => old,
        _ => None,
    }
}

fn constrains(o: &Operation, seen: &BTreeSet<i64>) -> bool {
    match (o.end, o.op) {
        (Some((_, Outcome::Nothing)), _) | (None, Op::Read) => false,
        (Some(_), _) => true,
        (None, Op::Write(value) | Op::Cas(_, value) | Op::Swap(value)) => seen.contains(&value),
    }
}

/// The explanations in which operation `i` took effect before it returned.
fn returned(
    i: usize,
    open: &BTreeSet<Explanation>,
    pending: &BTreeSet<usize>,
    ops: &[&Operation],
) -> BTreeSet<Explanation> {
    let mut found = BTreeSet::new();
    let mut known = open.clone();
    let mut todo: Vec<Explanation> = open.iter().cloned().collect();
    while let Some((value, done)) = todo.pop() {
        if done.contains(&i) {
            let mut done = done;
            done.remove(&i);
            found.insert((value, done));
            continue;
        }
        for &next in pending.difference(&done) {
            let Some(value) = effect(ops[next], value) else { continue };
            let mut done = done.clone();
            done.insert(next);
            if known.insert((value, done.clone())) {
                todo.push((value, done));
            }
        }
        assert!(known.len() < MAX_OPEN, "the history is too entangled to judge");
    }
    found
}

/// The value after the operation, if it can take effect now.
fn effect(o: &Operation, value: Option<i64>) -> Option<Option<i64>> {
    match (o.op, o.end) {
        (Op::Read, Some((_, Outcome::Value(read)))) => (read == value).then_some(value),
        (Op::Read, _) => Some(value),
        (Op::Write(new), _) => Some(Some(new)),
        (Op::Swap(new), Some((_, Outcome::Value(found)))) => (found == value).then_some(Some(new)),
        (Op::Swap(new), _) => Some(Some(new)),
        (Op::Cas(old, new), _) => (old == value).then_some(Some(new)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(op: Op, start: u64, end: Option<(u64, Outcome)>) -> Operation {
        Operation { key: "x".into(), op, start, end }
    }

    #[test]
    fn a_read_during_a_write_may_see_either_value() {
        let write = op(Op::Write(1), 1, Some((4, Outcome::Done)));
        for value in [None, Some(1)] {
            let read = op(Op::Read, 2, Some((3, Outcome::Value(value))));
            assert_eq!(contradiction(&[write.clone(), read]), None);
        }
    }

    #[test]
    fn a_read_after_a_write_must_see_it() {
        let write = op(Op::Write(1), 1, Some((2, Outcome::Done)));
        let read = op(Op::Read, 3, Some((4, Outcome::Value(None))));
        assert!(contradiction(&[write, read]).is_some());
    }

    #[test]
    fn a_write_of_unknown_outcome_may_take_effect_late_but_not_be_undone() {
        let write = op(Op::Write(1), 1, None);
        let read = |start, value| op(Op::Read, start, Some((start + 1, Outcome::Value(value))));
        let late = [write.clone(), read(2, None), read(4, Some(1))];
        assert_eq!(contradiction(&late), None);
        let undone = [write, read(2, Some(1)), read(4, None)];
        assert!(contradiction(&undone).is_some());
    }

    #[test]
    fn a_swap_finds_what_was_there_before() {
        let swap = |new, found| op(Op::Swap(new), 1, Some((9, Outcome::Value(found))));
        assert_eq!(contradiction(&[swap(1, None), swap(2, Some(1))]), None);
        assert!(contradiction(&[swap(1, None), swap(2, None)]).is_some());
        assert!(contradiction(&[swap(1, Some(1))]).is_some());
        assert_eq!(contradiction(&[op(Op::Swap(1), 1, None), swap(2, Some(1))]), None);
    }

    #[test]
    fn of_two_changes_from_one_value_only_one_succeeds() {
        let cas = |new| op(Op::Cas(None, new), 1, Some((9, Outcome::Done)));
        assert_eq!(contradiction(&[cas(1)]), None);
        assert!(contradiction(&[cas(1), cas(2)]).is_some());
    }
}
