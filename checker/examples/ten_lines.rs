//! Judges a few calls of one register. It asks nobody and reads nothing.

use fracas_checker::linearizability::{call::Call, is_linearizable};
use fracas_checker::{Budget, Op, Outcome, models::Register};

/// Whether a read may find nothing: it lasts from `from` to 30, the write from 0 to 10.
fn may_find_nothing(from: u64) -> Option<bool> {
    let write = Op::Write { key: "k".into(), value: 1.into() };
    let read = Op::Read { key: "k".into() };
    let nothing = Outcome::Read { value: None };
    let calls = [
        Call { id: 0, op: &write, outcome: Some(&Outcome::Write), start: 0, end: Some(10) },
        Call { id: 1, op: &read, outcome: Some(&nothing), start: from, end: Some(30) },
    ];
    is_linearizable::<Register>(&calls, &Budget::unlimited_time())
}

pub(crate) fn main() {
    for from in [10, 20] {
        println!("a read from {from} on may find nothing: {:?}", may_find_nothing(from));
    }
    assert_eq!(may_find_nothing(10), Some(true), "what touches in time is concurrent");
    assert_eq!(may_find_nothing(20), Some(false), "the write was over when the read began");
}
