//! Mutexes, locks, fencing tokens and leases: against brute force, against the search, and what is
//! said of them.

use crate::support;

use fracas_checker::models::{Fencing, Lock, Mutex};
use fracas_checker::{Op, Outcome, Value};
use support::language::says;
use support::sampling::{
    Dice, Sampler, agrees_with_brute_force, agrees_with_search, decides_large_ones,
};

/// Acquires and releases for the client that asks.
fn ask_lock(dice: &mut Dice, holder: u64) -> Op {
    let key = "l".into();
    if dice.chance(50) {
        Op::Acquire { key, holder, ttl: None }
    } else {
        Op::Release { key, holder }
    }
}

fn answer_lock(_: &mut Dice, op: &Op) -> Outcome {
    match op {
        Op::Acquire { .. } => Outcome::Acquire { token: None },
        _ => Outcome::Release,
    }
}

/// The client acquires what is free, and mostly gives back what it holds.
fn fit_lock(dice: &mut Dice, free: bool, op: Op) -> (Op, Outcome) {
    let (Op::Acquire { key, holder, .. } | Op::Release { key, holder }) = op.clone() else {
        return (op, Outcome::Release);
    };
    let op = match free {
        true => Op::Acquire { key, holder, ttl: None },
        false if dice.chance(90) => Op::Release { key, holder },
        false => op,
    };
    let outcome = answer_lock(dice, &op);
    (op, outcome)
}

pub(crate) fn mutex() -> Sampler<Mutex> {
    let fit = |dice: &mut Dice, state: &Mutex, op| fit_lock(dice, !state.held, op);
    Sampler { ask: ask_lock, answer: answer_lock, fit }
}

pub(crate) fn lock() -> Sampler<Lock> {
    let fit = |dice: &mut Dice, state: &Lock, op| fit_lock(dice, state.0.is_none(), op);
    Sampler { ask: ask_lock, answer: answer_lock, fit }
}

fn ask_fencing(dice: &mut Dice, holder: u64, values: u64) -> Op {
    let key = "l".into();
    match dice.below(3) {
        0 => Op::Acquire { key, holder, ttl: None },
        1 => Op::Read { key },
        _ => {
            let value = Value::Int(dice.below(values) as i64);
            Op::GuardedWrite { key, token: dice.below(4), value }
        }
    }
}

fn answer_fencing(dice: &mut Dice, op: &Op, values: u64) -> Outcome {
    match op {
        Op::Acquire { .. } => Outcome::Acquire { token: dice.chance(90).then(|| dice.below(4)) },
        Op::Read { .. } => {
            let value = dice.chance(80).then(|| Value::Int(dice.below(values) as i64));
            Outcome::Read { value }
        }
        _ => Outcome::GuardedWrite,
    }
}

fn fit_fencing(dice: &mut Dice, state: &Fencing, op: Op) -> (Op, Outcome) {
    match op {
        Op::Acquire { .. } => {
            let token = state.granted.map_or(0, |granted| granted + 1) + dice.below(2);
            (op, Outcome::Acquire { token: dice.chance(90).then_some(token) })
        }
        Op::GuardedWrite { key, value, .. } => {
            let token = state.accepted.unwrap_or(0) + dice.below(2);
            (Op::GuardedWrite { key, token, value }, Outcome::GuardedWrite)
        }
        _ => (op, Outcome::Read { value: state.value.clone() }),
    }
}

/// With a few values, and with so many that most are written once.
pub(crate) fn fencing() -> [Sampler<Fencing>; 2] {
    let few = Sampler {
        ask: |dice, client| ask_fencing(dice, client, 3),
        answer: |dice, op| answer_fencing(dice, op, 3),
        fit: fit_fencing,
    };
    let many = Sampler {
        ask: |dice, client| ask_fencing(dice, client, 40),
        answer: |dice, op| answer_fencing(dice, op, 40),
        fit: fit_fencing,
    };
    [few, many]
}

/// With so many values that each is written once.
pub(crate) fn unique_fencing() -> Sampler<Fencing> {
    Sampler {
        ask: |dice, client| ask_fencing(dice, client, 1 << 62),
        answer: |dice, op| answer_fencing(dice, op, 1 << 62),
        fit: fit_fencing,
    }
}

#[test]
fn mutexes_agree_with_brute_force() {
    agrees_with_brute_force(&mutex(), 1_500, 1);
}

#[test]
fn locks_agree_with_brute_force() {
    agrees_with_brute_force(&lock(), 1_500, 1);
}

#[test]
fn fencing_agrees_with_brute_force() {
    fencing()
        .iter()
        .zip(1..)
        .for_each(|(fencing, seed)| agrees_with_brute_force(fencing, 800, seed));
}

#[test]
fn long_histories_agree_with_the_search() {
    let [few, many] = fencing();
    agrees_with_search(&mutex(), (200, 1, 100));
    agrees_with_search(&lock(), (200, 2, 80));
    agrees_with_search(&few, (100, 3, 10));
    agrees_with_search(&many, (200, 4, 60));
}

#[test]
#[ignore = "slow: twenty thousand histories of each sort against brute force"]
fn many_histories_agree_with_brute_force() {
    agrees_with_brute_force(&mutex(), 20_000, 11);
    agrees_with_brute_force(&lock(), 20_000, 12);
    fencing()
        .iter()
        .zip(13..)
        .for_each(|(fencing, seed)| agrees_with_brute_force(fencing, 20_000, seed));
    let [few, many] = fencing();
    agrees_with_search(&mutex(), (3_000, 15, 100));
    agrees_with_search(&lock(), (3_000, 16, 80));
    agrees_with_search(&few, (1_000, 17, 10));
    agrees_with_search(&many, (3_000, 18, 60));
}

#[test]
#[ignore = "slow: a hundred thousand operations of each kind"]
fn large_histories_are_decided_without_a_search() {
    let many = unique_fencing();
    let acquires = |op: &Op| matches!(op, Op::Acquire { .. });
    let releases = |op: &Op| matches!(op, Op::Release { .. });
    decides_large_ones(&mutex(), acquires, 10);
    // Where all calls overlap with many others, it takes a long span to show that one is too many.
    decides_large_ones(&mutex(), releases, 1_000);
    decides_large_ones(&lock(), acquires, 10);
    decides_large_ones(&lock(), releases, 10);
    decides_large_ones(&many, |op| matches!(op, Op::GuardedWrite { .. }), 10);
    decides_large_ones(&many, |op| matches!(op, Op::Read { .. }), 10);
}

#[test]
fn a_mutex_says_who_was_granted_what() {
    let mutex = "mutex/linearizable";
    says(
        mutex,
        "p1 - acq m 1 [0..10] ok\np2 - acq m 2 [20..30] ok",
        "Lock held twice: m was granted to process 2 at 0.030 s, and nobody had given it back in \
         between",
    );
    // Whoever asks may give it back.
    says(
        mutex,
        "p1 - acq m 1 [0..10] ok\np2 - rel m 2 [20..30] ok\np2 - acq m 2 [40..50] ok",
        "pass",
    );
    says(mutex, "p1 - acq m 1 [0..10] ok\np2 - rel m 1 [5..]\np3 - acq m 2 [20..30] ok", "pass");
    says(
        mutex,
        "p1 - rel m 1 [0..10] ok",
        "Release without a hold: process 1 gave m back at 0.010 s, and nobody can have held it",
    );
    says(
        mutex,
        "p1 - acq m 1 [0..10] ok\np2 - acq m 2 [0..10] ok\np3 - acq m 3 [0..10] ok\n\
         p4 - rel m 1 [0..10] ok",
        "Lock held twice: m was granted to process 1 at 0.010 s, and 1 of 3 grants can have been \
         given back in between",
    );
}

#[test]
fn a_lock_says_who_held_it() {
    let lock = "lock/linearizable";
    says(
        lock,
        "p1 - acq l 1 [0..10] ok\np2 - acq l 2 [10..30] info\np1 - rel l 1 [40..50] ok",
        "pass",
    );
    // Closed intervals: given back and granted at the same instant.
    says(
        lock,
        "p1 - acq l 1 [0..10] ok\np1 - rel l 1 [20..30] ok\np2 - acq l 2 [15..20] ok",
        "pass",
    );
    says(
        lock,
        "p1 - acq l 1 [0..10] ok\np1 - acq l 1 [20..30] ok",
        "Lock held twice: l was granted to holder 1 again at 0.030 s, which had not given it back",
    );
    // Given back twice: the second time it was not held.
    says(
        lock,
        "p1 - acq l 1 [0..10] ok\np1 - rel l 1 [20..30] ok\np1 - rel l 1 [40..50] ok",
        "Release without a hold: process 1 gave l back for holder 1 at 0.050 s, which cannot have \
         held it then",
    );
    // Nobody saw the answer to the acquire, but the release shows it.
    says(
        lock,
        "p1 - acq l 1 [12..14] info\np2 - acq l 2 [0..10] ok\np3 - rel l 1 [20..30] ok\n\
         p2 - rel l 2 [40..50] ok",
        "Lock held twice: holders 2 and 1 both held l: holder 2 acquired it at 0.010 s, and holder 1 gave it back at 0.030 s",
    );
}

#[test]
fn tokens_and_the_guard_say_what_went_wrong() {
    let fencing = "fencing/linearizable";
    // One token may be shown more than once, and a lower one while the higher one is under way.
    says(
        fencing,
        "p1 - gw l 7 1 [0..10] ok\np1 - gw l 7 2 [20..30] ok\np2 - gw l 8 3 [40..60] ok\n\
         p1 - gw l 7 4 [50..70] ok\np3 - r l [80..90] ok 3",
        "pass",
    );
    // A grant that expires excludes nobody.
    says(fencing, "p1 - acq l 1 ttl 50 [0..10] ok 1\np2 - acq l 2 ttl 50 [11..20] ok 2", "pass");
    says(
        fencing,
        "p1 - gw l 7 1 [0..10] ok\np1 - gw l 7 2 [20..30] ok\np3 - r l [40..50] ok 1",
        "Stale read: process 3 read l = 1 at 0.050 s, 20 ms after 2 had been accepted",
    );
    says(
        fencing,
        "p1 - gw l 7 1 [0..10] ok\np3 - r l [40..50] ok nil",
        "Stale read: process 3 read l as absent at 0.050 s, 40 ms after 1 had been accepted",
    );
    says(
        fencing,
        "p1 - gw l 7 1 [0..10] fail\np3 - r l [40..50] ok 1",
        "Read of an unwritten value: process 3 saw l = 1 at 0.050 s, but no guarded write of it \
         that can have been accepted had begun by then",
    );
    // A write that nobody saw the answer of was accepted, for it was read.
    says(
        fencing,
        "p1 - gw l 8 1 [0..10] ok\np2 - gw l 7 2 [20..30] info\np3 - r l [40..50] ok 2",
        "Stale token accepted: a write to l of process 2 with token 7 was accepted, as a read of it \
         showed, though one with token 8 had been accepted by 0.010 s",
    );
}

#[test]
fn leases_say_how_long_they_overlapped() {
    let lease = "lease/exclusive";
    let first = "p1 - acq l 1 ttl 50 [0..10] ok";
    let overlap = |text: &str, expect: &str| says(lease, &format!("{first}\n{text}"), expect);
    // The holder counts from when it asked.
    overlap("p2 - acq l 2 ttl 50 [20..50] ok", "pass");
    overlap(
        "p2 - acq l 2 ttl 50 [20..48] ok",
        "Lease overlap: holders 1 and 2 both held l for 2 ms from 0.048 s",
    );
    overlap("plan clock-error 2\np2 - acq l 2 ttl 50 [20..48] ok", "pass");
    // Given back, whatever came of it.
    overlap("p1 - rel l 1 [15..40] fail\np2 - acq l 2 ttl 50 [16..20] ok", "pass");
    // Nobody knows of a grant, or of a renewal.
    overlap("p2 - acq l 2 ttl 50 [20..30] info", "pass");
    overlap("p1 - ren l 1 ttl 50 [20..30] info\np2 - acq l 2 ttl 50 [40..60] ok", "pass");
    // A renewal without a time to live lasts as long as the grant.
    overlap(
        "p1 - ren l 1 [40..45] ok\np2 - acq l 2 ttl 9 [78..80] ok",
        "Lease overlap: holders 1 and 2 both held l for 7 ms from 0.080 s",
    );
    // A holder may ask for less.
    overlap("p1 - ren l 1 ttl 5 [20..21] ok\np2 - acq l 2 ttl 50 [22..30] ok", "pass");
    // A release that nobody knows the end of may take effect after the next grant, and free it.
    let again = "p3 - acq l 1 ttl 50 [30..32] ok\np2 - acq l 2 ttl 50 [34..40] ok";
    overlap(&format!("p1 - rel l 1 [15..20] info\n{again}"), "pass");
    overlap(&format!("p1 - rel l 1 [15..] info\n{again}"), "pass");
    overlap(
        &format!("p1 - rel l 1 [15..20] ok\n{again}"),
        "Lease overlap: holders 1 and 2 both held l for 40 ms from 0.040 s",
    );
    // Two grants of one holder, neither of which lasts long enough by itself.
    overlap(
        "plan clock-error 15\np1 - ren l 1 ttl 13 [48..50] ok\np2 - acq l 2 ttl 50 [38..39] ok",
        "Lease overlap: holders 1 and 2 both held l for 22 ms from 0.039 s",
    );
    says(lease, "p1 - acq l 1 [0..10] ok\np2 - acq l 2 [20..30] ok", "inconclusive");
}
