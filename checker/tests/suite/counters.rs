//! Counters, ids and versioned configurations: against brute force, against the search, and what is
//! said of them.

use crate::support;

use fracas_checker::models::versioned::Generation;
use fracas_checker::models::{Counter, Timestamps, UniqueIds, Versioned};
use fracas_checker::{Budget, Op, Outcome, Value, judge};
use support::language::{history, says};
use support::sampling::{
    Dice, Sampler, agrees_with_brute_force, agrees_with_search, decides_large_ones,
    decides_lossy_ones,
};

fn number(dice: &mut Dice, limit: u64) -> Value {
    Value::Int(dice.below(limit) as i64)
}

/// A counter whose every increment is drawn by `by`.
fn counter(ask: fn(&mut Dice, u64) -> Op) -> Sampler<Counter> {
    Sampler {
        ask,
        answer: |dice, op| match op {
            Op::Increment { .. } => Outcome::Increment,
            _ if dice.chance(10) => Outcome::Read { value: None },
            _ => Outcome::Read { value: Some(Value::Int(dice.below(7) as i64 - 1)) },
        },
        fit: |_, state, op| match op {
            Op::Increment { .. } => (op, Outcome::Increment),
            _ => (op, Outcome::Read { value: Some(Value::Int(state.0 as i64)) }),
        },
    }
}

fn read_or(dice: &mut Dice, by: i64) -> Op {
    let key = "c".into();
    if dice.chance(40) { Op::Read { key } } else { Op::Increment { key, by } }
}

/// Steps of one up; of two down; of any sizes.
pub(crate) fn counters() -> [Sampler<Counter>; 3] {
    [
        counter(|dice, _| read_or(dice, 1)),
        counter(|dice, _| read_or(dice, -2)),
        counter(|dice, _| {
            let by = dice.below(6) as i64 - 2;
            read_or(dice, by)
        }),
    ]
}

pub(crate) fn ids() -> Sampler<UniqueIds> {
    Sampler {
        ask: |_, _| Op::Generate { key: "i".into() },
        answer: |dice, _| Outcome::Generate { value: number(dice, 30) },
        fit: |_, state, op| (op, Outcome::Generate { value: Value::Int(state.0.len() as i64) }),
    }
}

pub(crate) fn timestamps() -> Sampler<Timestamps> {
    Sampler {
        ask: |_, _| Op::Generate { key: "t".into() },
        answer: |dice, _| Outcome::Generate { value: number(dice, 12) },
        fit: |dice, state, op| {
            let last = match &state.0 {
                Some(Value::Int(last)) => *last,
                _ => 0,
            };
            (op, Outcome::Generate { value: Value::Int(last + 1 + dice.below(2) as i64) })
        },
    }
}

/// The generation that an execution stands in: there the answer to every update is known.
fn generation(state: &Versioned) -> u64 {
    match state.generation {
        Generation::Is(generation) | Generation::Above(generation) => generation,
    }
}

pub(crate) fn versioned() -> Sampler<Versioned> {
    Sampler {
        ask: |dice, _| {
            let key = "c".into();
            if dice.chance(50) {
                return Op::ReadVersion { key };
            }
            Op::Update { key, expected: dice.below(4), value: number(dice, 5) }
        },
        answer: |dice, op| match op {
            Op::Update { expected, .. } => {
                Outcome::Update { generation: expected + dice.below(8).min(3) }
            }
            _ => {
                let generation = dice.below(5);
                let unset = dice.chance(if generation == 0 { 80 } else { 5 });
                let value = (!unset).then(|| number(dice, 5));
                Outcome::ReadVersion { generation, value }
            }
        },
        fit: |dice, state, op| {
            let generation = generation(state);
            match op {
                Op::Update { key, value, .. } => {
                    let made = generation + 1 + dice.below(2);
                    let op = Op::Update { key, expected: generation, value };
                    (op, Outcome::Update { generation: made })
                }
                _ => (op, Outcome::ReadVersion { generation, value: state.value.clone() }),
            }
        },
    }
}

/// The same with few reads and few contents, so that many updates may have made what is read, one
/// after the other.
pub(crate) fn updates() -> Sampler<Versioned> {
    let ask = |dice: &mut Dice, _| {
        let key = "c".into();
        if dice.chance(25) {
            return Op::ReadVersion { key };
        }
        Op::Update { key, expected: dice.below(6), value: number(dice, 2) }
    };
    let answer = |dice: &mut Dice, op: &Op| match op {
        Op::Update { expected, .. } => Outcome::Update { generation: expected + 1 + dice.below(3) },
        _ => {
            let generation = dice.below(8);
            let value = (generation > 0).then(|| number(dice, 2));
            Outcome::ReadVersion { generation, value }
        }
    };
    Sampler { ask, answer, ..versioned() }
}

#[test]
fn counters_agree_with_brute_force() {
    counters()
        .iter()
        .zip(1..)
        .for_each(|(counter, seed)| agrees_with_brute_force(counter, 800, seed));
}

#[test]
fn ids_agree_with_brute_force() {
    agrees_with_brute_force(&ids(), 300, 1);
    agrees_with_brute_force(&timestamps(), 1_500, 2);
}

#[test]
fn configurations_agree_with_brute_force() {
    agrees_with_brute_force(&versioned(), 1_500, 1);
    decides_lossy_ones(&versioned(), 1_500, 2);
    decides_lossy_ones(&updates(), 1_500, 3);
}

#[test]
fn long_histories_agree_with_the_search() {
    let [up, down, any] = counters();
    agrees_with_search(&up, (150, 1, 100));
    agrees_with_search(&down, (150, 2, 100));
    agrees_with_search(&any, (100, 3, 10));
    agrees_with_search(&ids(), (50, 4, 100));
    agrees_with_search(&timestamps(), (100, 6, 100));
    agrees_with_search(&versioned(), (200, 5, 100));
}

#[test]
#[ignore = "slow: twenty thousand histories of each sort against brute force"]
fn many_histories_agree_with_brute_force() {
    counters()
        .iter()
        .zip(11..)
        .for_each(|(counter, seed)| agrees_with_brute_force(counter, 20_000, seed));
    agrees_with_brute_force(&ids(), 20_000, 14);
    agrees_with_brute_force(&timestamps(), 20_000, 16);
    agrees_with_brute_force(&versioned(), 20_000, 15);
    decides_lossy_ones(&versioned(), 20_000, 20);
    decides_lossy_ones(&updates(), 20_000, 21);
    let [up, down, any] = counters();
    agrees_with_search(&up, (3_000, 16, 100));
    agrees_with_search(&down, (3_000, 17, 100));
    agrees_with_search(&any, (1_000, 18, 10));
    agrees_with_search(&versioned(), (3_000, 19, 100));
}

#[test]
#[ignore = "slow: a hundred thousand operations of each kind"]
fn large_histories_are_decided_without_a_search() {
    let [up, ..] = counters();
    let reads = |op: &Op| op.kind().only_looks();
    decides_large_ones(&up, reads, 10);
    decides_large_ones(&versioned(), reads, 10);
    decides_large_ones(&versioned(), |op| !op.kind().only_looks(), 10);
}

#[test]
fn a_counter_says_what_it_should_have_shown() {
    let counter = "counter/linearizable";
    says(
        counter,
        "p1 - r c [0..10] ok nil\np1 - inc c 1 [20..30] ok\np1 - r c [40..50] ok 1",
        "pass",
    );
    says(
        counter,
        "p1 - inc c 1 [0..10] ok\np2 - inc c 1 [0..]\np1 - r c [40..50] ok 3",
        "Counter out of bounds: process 1 read c = 3 at 0.050 s, but all that had been asked for by \
         then comes to 2 or less",
    );
    says(
        counter,
        "p1 - inc c 5 [0..10] ok\np2 - inc c -2 [0..60] ok\np1 - r c [40..50] ok 2",
        "Counter out of bounds: process 1 read c = 2 at 0.050 s, but what had been acknowledged \
         or read before it began comes to 3 or more",
    );
    // Within all bounds, but the second read shows less than the first.
    says(
        counter,
        "p1 - inc c 1 [0..90] ok\np2 - r c [10..20] ok 1\np2 - r c [30..40] ok 0",
        "Not linearizable: 3 operations on c have no legal order by 0.040 s, as process 2 saw c = 0",
    );
    // What was counted before is told of by one increment, whatever it was.
    says(
        counter,
        "p1 - inc c 1 [0..5] ok\np1 - inc c 1 [6..7] ok\np1 - inc c 1 [8..9] ok\n\
         p1 - inc c 1 [10..90] ok\np2 - r c [10..20] ok 4\np2 - r c [30..40] ok 3",
        "Counter out of bounds: process 2 read c = 3 at 0.040 s, but what had been acknowledged or \
         read before it began comes to 4 or more",
    );
    says(counter, "p1 - inc c 2 [0..]\np2 - inc c 2 [0..]\np3 - r c [0..9] ok 4", "pass");
}

/// What a reader adds up comes to the bound.
#[test]
fn a_counter_out_of_bounds_is_told_with_sums() {
    let last = |text: &str| {
        let history = history(text, &["counter/linearizable"]);
        let verdict = judge(&history, Budget::unlimited_time());
        let (_, anomaly) = verdict.anomalies().next().unwrap();
        anomaly.story.last().unwrap().clone()
    };
    let begin = "A counter shows the sum of what was counted: ";
    for (text, told) in [
        (
            "p1 - inc c 5 [0..10] ok\np1 - inc c 2 [11..15] ok\np2 - inc c 3 [20..]\np3 - r c [40..50] ok 12",
            "2 increments acknowledged before it began, 7 together and the increment by 3 without a known \
             outcome by then, which makes 10 at most. The read showed 12: 2 too many.",
        ),
        (
            "p1 - inc c 5 [0..10] ok\np2 - inc c -2 [0..60] ok\np1 - r c [40..50] ok 2",
            "the increment by 5 acknowledged before it began and the increment by -2 without a known \
             outcome by then, which makes 3 at least. The read showed 2: 1 too few.",
        ),
        (
            "p1 - inc c 1 [0..5] ok\np1 - inc c 1 [6..7] ok\np1 - inc c 1 [8..9] ok\n\
             p1 - inc c 1 [10..90] ok\np2 - r c [10..20] ok 4\np2 - r c [30..40] ok 3",
            "4 that was counted before that, which makes 4 at least. The read showed 3: 1 too few.",
        ),
    ] {
        assert_eq!(last(text), format!("{begin}{told}"));
    }
}

#[test]
fn a_configuration_says_which_generation_is_wrong() {
    let versioned = "versioned/linearizable";
    let chain = "p1 - upd c 0 10 [0..10] ok 1\np1 - upd c 1 20 [20..30] ok 2\n\
                 p1 - upd c 2 30 [40..50] ok 3\n";
    let after = |text: &str, expect: &str| says(versioned, &format!("{chain}{text}"), expect);
    after("p2 - rv c [35..60] ok 2 20", "pass");
    after(
        "p2 - rv c [51..60] ok 1 10",
        "Stale read: process 2 read c = 10 of generation 1 at 0.060 s, 30 ms after generation 2 had \
         been acknowledged",
    );
    after(
        "p2 - upd c 2 40 [60..70] ok 4",
        "Lost update: processes 1 and 2 both updated c from generation 2, to generations 3 and 4",
    );
    after(
        "p2 - upd c 3 40 [60..70] ok 3",
        "Version went back: process 2 updated c from generation 3, and that made generation 3 at \
         0.070 s",
    );
    after(
        "p2 - rv c [60..70] ok 4 40",
        "Read of an unwritten value: process 2 saw c = 40 in generation 4 at 0.070 s, but no update \
         that had begun by then can have made generation 4 so",
    );
    // An update that nobody saw the answer of makes some higher generation.
    after("p2 - upd c 3 40 [60..70] info\np3 - rv c [80..90] ok 9 40", "pass");
    // Two of them may do so one after the other; nobody need have seen what is between.
    let detour = |start: u64| {
        format!("p2 - upd c 3 40 [{start}..]\np3 - upd c 6 50 [55..]\np4 - rv c [60..70] ok 9 50")
    };
    after(&detour(70), "pass");
    after(
        &detour(71),
        "Read of an unwritten value: process 4 saw c = 50 in generation 9 at 0.070 s, but no update \
         that had begun by then can have made generation 9 so",
    );
    after(
        "p2 - upd c 3 40 [80..90] info\np3 - rv c [60..70] ok 9 40",
        "Read of an unwritten value: process 3 saw c = 40 in generation 9 at 0.070 s, but no update \
         that had begun by then can have made generation 9 so",
    );
}
