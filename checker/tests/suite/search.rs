//! The general search against brute force and against itself, on random histories of two kinds of
//! objects: a register with repeated values, of which much is known, and a queue, of which nothing.

use std::fmt;

use fracas_checker::linearizability::call::Call;
use fracas_checker::linearizability::{search_linearizable, search_linearizable_by};
use fracas_checker::models::{Model, Refusal, Register};
use fracas_checker::{Algorithm, Budget, Op, Outcome, Value};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

use crate::support;

use support::oracle::has_legal_order;

/// Every way to search.
const ALL: [Algorithm; 3] = [Algorithm::Auto, Algorithm::Frontier, Algorithm::DepthFirst];

/// Random numbers from a seed that a failure names.
struct Dice(TestRng);

impl Dice {
    fn new(seed: u8) -> Self {
        Self(TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]))
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0.next_u64() % limit
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// A queue of small numbers, with its own operations and answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct Queue(Vec<u64>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Ask {
    Put(u64),
    Take,
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl Model for Queue {
    type Op = Ask;
    type Outcome = Option<u64>;

    fn step(&self, op: &Ask, outcome: Option<&Option<u64>>) -> Result<Self, Refusal> {
        let mut next = self.clone();
        let answer = match op {
            Ask::Put(value) => {
                next.0.push(*value);
                None
            }
            Ask::Take if next.0.is_empty() => None,
            Ask::Take => Some(next.0.remove(0)),
        };
        match outcome {
            Some(outcome) if *outcome != answer => Err(Refusal("another answer".to_owned())),
            _ => Ok(next),
        }
    }

    fn bytes(&self) -> usize {
        size_of_val(self) + self.0.capacity() * size_of::<u64>()
    }
}

/// What can be drawn at random.
trait Random: Model<Op: Clone, Outcome: Clone> {
    /// An operation, and one of its answers.
    fn drawn(dice: &mut Dice) -> (Self::Op, Self::Outcome);

    /// What it answers in this state.
    fn answer(&self, op: &Self::Op) -> Self::Outcome;

    /// Whether it says nothing if nobody saw its answer.
    fn only_looks(op: &Self::Op) -> bool;
}

impl Random for Queue {
    fn drawn(dice: &mut Dice) -> (Ask, Option<u64>) {
        match dice.below(2) {
            0 => (Ask::Put(dice.below(3)), None),
            _ => (Ask::Take, dice.chance(80).then(|| dice.below(3))),
        }
    }

    fn answer(&self, op: &Ask) -> Option<u64> {
        self.0.first().copied().filter(|_| *op == Ask::Take)
    }

    fn only_looks(_: &Ask) -> bool {
        false
    }
}

impl Random for Register {
    fn drawn(dice: &mut Dice) -> (Op, Outcome) {
        let key = || "k".into();
        let mut value = || Value::Int(dice.below(3) as i64);
        let (old, new, seen) = (value(), value(), value());
        let seen = dice.chance(90).then_some(seen);
        match dice.below(10) {
            0..=3 => (Op::Read { key: key() }, Outcome::Read { value: seen }),
            4..=6 => (Op::Write { key: key(), value: new }, Outcome::Write),
            7 => (Op::Cas { key: key(), old, new }, Outcome::CasFound { value: seen }),
            8 => (Op::Cas { key: key(), old, new }, Outcome::CasDiffers),
            _ => (Op::Cas { key: key(), old, new }, Outcome::Cas),
        }
    }

    fn answer(&self, op: &Op) -> Outcome {
        match op {
            Op::Read { .. } => Outcome::Read { value: self.0.clone() },
            Op::Cas { old, .. } if self.0.as_ref() == Some(old) => Outcome::Cas,
            Op::Cas { new: Value::Int(0), .. } => Outcome::CasDiffers,
            Op::Cas { .. } => Outcome::CasFound { value: self.0.clone() },
            _ => Outcome::Write,
        }
    }

    fn only_looks(op: &Op) -> bool {
        matches!(op, Op::Read { .. })
    }
}

/// An operation with its answer, when it began, and when it ended if it did.
type Drawn<M> = (<M as Model>::Op, <M as Model>::Outcome, u64, Option<u64>);

/// How a history is drawn.
#[derive(Debug, Clone, Copy)]
struct Shape {
    operations: u64,
    /// How long an operation takes at most, if one takes effect at every instant.
    overlap: u64,
    /// Percent of operations of which nobody saw the end.
    indeterminate: u64,
    /// How many answers are changed in what was legal; none: all answers are drawn at random.
    changed: Option<u64>,
}

fn draw<M: Random>(dice: &mut Dice, shape: Shape) -> Vec<Drawn<M>> {
    let (mut state, mut now, mut drawn) = (M::default(), shape.overlap, Vec::new());
    for _ in 0..shape.operations {
        let (op, random) = M::drawn(dice);
        let answer = if shape.changed.is_some() { state.answer(&op) } else { random };
        now += dice.below(2);
        let (start, end) = (now - dice.below(shape.overlap), now + dice.below(shape.overlap));
        let known = !dice.chance(shape.indeterminate);
        // What nobody saw the end of need not have taken effect.
        if known || dice.chance(50) {
            state = state.step(&op, Some(&answer)).unwrap_or(state);
        }
        if known || !M::only_looks(&op) {
            drawn.push((op, answer, start, known.then_some(end)));
        }
    }
    for _ in 0..shape.changed.unwrap_or_default().min(drawn.len() as u64) {
        let place = dice.below(drawn.len() as u64) as usize;
        let (op, answer) = M::drawn(dice);
        if std::mem::discriminant(&op) == std::mem::discriminant(&drawn[place].0) {
            drawn[place].1 = answer;
        }
    }
    drawn
}

fn calls<'a, M: Model>(drawn: &'a [Drawn<M>]) -> Vec<Call<'a, M::Op, M::Outcome>> {
    let call = |(op, outcome, start, end): &'a Drawn<M>| Call {
        id: 0,
        op,
        outcome: end.map(|_| outcome),
        start: *start,
        end: *end,
    };
    let mut calls: Vec<_> = drawn.iter().map(call).collect();
    calls.sort_by_key(|call| call.start);
    calls.iter_mut().zip(0..).for_each(|(call, id)| call.id = id);
    calls
}

/// Holds every search against brute force on `count` histories.
#[track_caller]
fn check_small<M: Random + fmt::Debug>(seed: u8, count: u64)
where
    M::Op: fmt::Debug,
    M::Outcome: fmt::Debug,
{
    let (mut dice, mut legal) = (Dice::new(seed), 0);
    for number in 0..count {
        let shape = Shape {
            operations: 1 + dice.below(8),
            overlap: 1 + dice.below(8),
            indeterminate: [0, 20, 40][dice.below(3) as usize],
            changed: [None, Some(0), Some(1), Some(2)][dice.below(4) as usize],
        };
        let drawn = draw::<M>(&mut dice, shape);
        let calls = calls::<M>(&drawn);
        let truth = has_legal_order::<M>(&calls);
        for algorithm in ALL.into_iter().chain([Algorithm::BruteForce]) {
            let got = search_linearizable_by::<M>(&calls, algorithm, &Budget::unlimited_time());
            assert_eq!(got, Some(truth), "{algorithm}, seed {seed}, history {number}: {calls:#?}");
        }
        legal += u64::from(truth);
    }
    println!("{count} histories, seed {seed}: {legal} legal, no disagreement");
    assert!(count < 100 || (legal > count / 10 && legal < count * 9 / 10), "{legal} of {count}");
}

/// Holds the searches against each other on `count` longer histories.
///
/// The frontier, and both in turns, must decide all of them. The depth-first search alone may be
/// led astray so far that its memory runs out, but not often.
#[track_caller]
fn check_longer<M: Random>(seed: u8, count: u64, operations: u64) {
    let (mut dice, mut legal, mut astray) = (Dice::new(seed), 0, 0);
    for number in 0..count {
        let shape = Shape {
            operations: 1 + dice.below(operations),
            overlap: 1 + dice.below(7),
            indeterminate: [0, 2, 10][dice.below(3) as usize],
            changed: [Some(0), Some(1), Some(1)][dice.below(3) as usize],
        };
        let drawn = draw::<M>(&mut dice, shape);
        let calls = calls::<M>(&drawn);
        let budget = Budget::unlimited_time();
        let [auto, frontier, depth] =
            ALL.map(|by| search_linearizable_by::<M>(&calls, by, &budget));
        let all = (auto.is_some(), auto, depth.or(frontier));
        assert_eq!(all, (true, frontier, frontier), "seed {seed}, history {number}, {shape:?}");
        legal += u64::from(frontier == Some(true));
        astray += u64::from(depth.is_none());
    }
    println!(
        "{count} histories of up to {operations}, seed {seed}: {legal} legal, no disagreement, \
         {astray} open to the depth-first search alone"
    );
    assert!(astray <= count / 1_000, "the depth-first search gave up {astray} times");
}

#[test]
fn small_registers_agree_with_brute_force() {
    check_small::<Register>(1, 4_000);
}

#[test]
fn small_queues_agree_with_brute_force() {
    check_small::<Queue>(2, 3_000);
}

#[test]
fn both_searches_agree_on_longer_histories() {
    check_longer::<Register>(3, 600, 60);
    check_longer::<Queue>(4, 200, 24);
}

#[test]
#[ignore = "slow: 100,000 histories against brute force, 27,000 longer ones"]
fn many_histories_agree() {
    check_longer::<Register>(30, 20_000, 60);
    check_longer::<Register>(31, 2_000, 200);
    check_longer::<Queue>(32, 5_000, 30);
    for seed in 10..12 {
        check_small::<Register>(seed, 30_000);
        check_small::<Queue>(seed + 10, 20_000);
    }
}

#[test]
fn a_tiny_budget_decides_nothing_or_rightly() {
    let (mut dice, mut open) = (Dice::new(5), 0);
    for _ in 0..300 {
        let shape = Shape { operations: 40, overlap: 6, indeterminate: 5, changed: Some(1) };
        let drawn = draw::<Register>(&mut dice, shape);
        let calls = calls::<Register>(&drawn);
        let truth = search_linearizable::<Register>(&calls, &Budget::unlimited_time());
        for bytes in [0, 5_000, 10_000, 20_000] {
            for algorithm in ALL {
                let budget = Budget::new(bytes, &|| false);
                let got = search_linearizable_by::<Register>(&calls, algorithm, &budget);
                open += u32::from(got.is_none());
                assert!(got.is_none() || got == truth, "{algorithm} with {bytes} bytes");
            }
        }
    }
    assert!(open > 300, "only {open} were left open");
}

/// Every operation at once, more than a search can tell apart.
#[test]
fn what_has_too_much_open_is_left_open() {
    let put = (0..2_000).map(|value| (Ask::Put(value), None, 0, Some(10)));
    let many: Vec<Drawn<Queue>> = put.chain([(Ask::Take, Some(2_000), 11, Some(12))]).collect();
    let calls = calls::<Queue>(&many);
    assert_eq!(search_linearizable::<Queue>(&calls, &Budget::unlimited_time()), None);
}

/// Searches a long history in a thread with a small stack.
#[track_caller]
fn check_stack(operations: u64) {
    let run = move || {
        let shape = Shape { operations, overlap: 6, indeterminate: 0, changed: Some(0) };
        let drawn = draw::<Register>(&mut Dice::new(6), shape);
        let calls = calls::<Register>(&drawn);
        let budget = Budget::unlimited_time();
        ALL.map(|by| search_linearizable_by::<Register>(&calls, by, &budget))
    };
    let thread = std::thread::Builder::new().stack_size(128 * 1024).spawn(run);
    let found = thread.expect("a thread").join().expect("no overflow");
    assert_eq!(found, [Some(true); 3]);
}

#[test]
fn the_stack_does_not_grow_with_the_history() {
    check_stack(50_000);
}

#[test]
#[ignore = "slow: a million operations, three times"]
fn a_million_operations_need_no_stack() {
    check_stack(1_000_000);
}
