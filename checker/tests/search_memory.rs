//! The memory of a search against its budget of bytes. Alone in its process, because the peak is the
//! process's.

use std::fs;
use std::sync::Arc;

use fracas_checker::event::Key;
use fracas_checker::linearizability::call::Call;
use fracas_checker::linearizability::search_linearizable_by;
use fracas_checker::models::{Bag, ListAppend, Model, Queue, RwRegister, Set};
use fracas_checker::transaction::{Micro, ReadValue};
use fracas_checker::{Algorithm, Budget, Op, Outcome, Value};

/// How many operations are open at once.
const OPEN: i64 = 400;

/// In bytes.
const BUDGET: usize = 20_000_000;

/// The hardest of histories: `OPEN` operations at once, and then an answer that none of their orders
/// explains.
fn all_at_once(
    change: impl Fn(i64) -> (Op, Outcome),
    last: (Op, Outcome),
) -> Vec<(Op, Outcome, u64, u64)> {
    let open = (0..OPEN).map(change).map(|(op, outcome)| (op, outcome, 0, 10));
    open.chain([(last.0, last.1, 11, 12)]).collect()
}

/// Holds the growth of the process while each search works on `history` against its budget.
#[track_caller]
fn check<M: Model<Op = Op, Outcome = Outcome>>(name: &str, history: &[(Op, Outcome, u64, u64)]) {
    let calls: Vec<Call<'_>> = (0..)
        .zip(history)
        .map(|(id, (op, outcome, start, end))| {
            let (start, end) = (*start, Some(*end));
            Call { id, op, outcome: Some(outcome), start, end }
        })
        .collect();
    for algorithm in [Algorithm::Auto, Algorithm::Frontier, Algorithm::DepthFirst] {
        let before = resident("VmRSS");
        let found = search_linearizable_by::<M>(&calls, algorithm, &Budget::new(BUDGET, &|| false));
        assert_eq!(found, None, "{name} by {algorithm}");
        let grown = resident("VmHWM").saturating_sub(before);
        println!("{name} by {algorithm}: {grown} bytes");
        // A table that grows is there twice for a moment.
        assert!(grown < 2 * BUDGET, "{name} by {algorithm} took {grown} bytes for {BUDGET}");
    }
}

/// A figure of this process in bytes; 0 where the system does not tell.
fn resident(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    1024 * kilobytes.unwrap_or(0_usize)
}

fn dequeued(value: i64) -> (Op, Outcome) {
    let value = Some(Value::Int(value));
    (Op::Dequeue { key: "q".into() }, Outcome::Dequeue { value })
}

fn enqueue(value: i64) -> (Op, Outcome) {
    (Op::Enqueue { key: "q".into(), value: Value::Int(value) }, Outcome::Enqueue)
}

fn add(value: i64) -> (Op, Outcome) {
    (Op::Add { key: "s".into(), value: Value::Int(value) }, Outcome::Add)
}

fn transaction(micro: Micro) -> (Op, Outcome) {
    let ops: Arc<[Micro]> = [micro].into();
    (Op::Txn { ops: ops.clone() }, Outcome::Txn { ops })
}

#[test]
fn a_budget_of_bytes_holds() {
    let queue = all_at_once(enqueue, dequeued(OPEN));
    check::<Queue>("a queue", &queue);
    check::<Bag>("a multiset queue", &queue);
    let values = [Value::Int(OPEN)].into();
    let all = (Op::ReadAll { key: "s".into() }, Outcome::ReadAll { values });
    check::<Set>("a set", &all_at_once(add, all));
    let key = |number: i64| -> Key { format!("k{number}").into() };
    let append = |number| transaction(Micro::Append { key: key(0), value: Value::Int(number) });
    let seen = ReadValue::List([Value::Int(OPEN)].into());
    let read = transaction(Micro::Read { key: key(0), seen });
    check::<ListAppend>("lists", &all_at_once(append, read));
    let write = |number| transaction(Micro::Write { key: key(number), value: Value::Int(number) });
    let read = transaction(Micro::Read { key: key(0), seen: ReadValue::Value(Value::Int(OPEN)) });
    check::<RwRegister>("registers", &all_at_once(write, read));
}
