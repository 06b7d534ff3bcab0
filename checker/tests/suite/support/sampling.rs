//! Random histories of one object, from a seed, and the decision procedures held against each other
//! on them. What is asked and answered is drawn by a [`Sampler`] per kind of object.

use fracas_checker::budget::Budget;
use fracas_checker::event::{Completion, EventKind, Op, Outcome, ProcessId, Stamp};
use fracas_checker::history::{History, Operation};
use fracas_checker::linearizability::call::Call;
use fracas_checker::objects::{Kind, Object};
use fracas_checker::{Algorithm, judge_by};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

use super::events::{history as history_of, in_order};
use super::minimal::Witnesses;
use super::oracle::has_legal_order;

/// Random numbers from a seed.
pub(crate) struct Dice(TestRng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self(TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0.next_u64() % limit
    }

    /// True this often out of a hundred.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// How operations of one kind of object are drawn.
pub(crate) struct Sampler<M> {
    /// What client asks, whatever the state.
    pub(crate) ask: fn(&mut Dice, u64) -> Op,
    /// Any answer to it.
    pub(crate) answer: fn(&mut Dice, &Op) -> Outcome,
    /// What the client might ask and be answered in this state; it may be refused all the same.
    pub(crate) fit: fn(&mut Dice, &M, Op) -> (Op, Outcome),
}

/// One drawn operation.
#[derive(Debug, Clone)]
pub(crate) struct Drawn {
    pub(crate) op: Op,
    pub(crate) outcome: Outcome,
    pub(crate) start: u64,
    /// None: indeterminate.
    pub(crate) end: Option<u64>,
}

impl Drawn {
    fn call(&self) -> Call<'_> {
        let outcome = self.end.map(|_| &self.outcome);
        Call { id: 0, op: &self.op, outcome, start: self.start, end: self.end }
    }
}

impl<M: Object> Sampler<M> {
    /// Any operations with any answers at any times, many of them equal.
    pub(crate) fn anything(&self, dice: &mut Dice, most: u64) -> Vec<Drawn> {
        let count = 1 + dice.below(most);
        let drawn = (0..count).map(|_| {
            let client = dice.below(3);
            let op = (self.ask)(dice, client);
            let outcome = (self.answer)(dice, &op);
            let start = dice.below(14);
            let end = dice.chance(80).then(|| start + dice.below(6));
            Drawn { op, outcome, start, end }
        });
        drawn.collect()
    }

    /// A legal execution: one operation after the other, each with an interval around its instant;
    /// of `clients`, each of which asks one thing at a time.
    pub(crate) fn execution(&self, dice: &mut Dice, count: usize, shape: Shape) -> Vec<Drawn> {
        let (mut state, mut now, mut drawn) = (M::default(), 10, Vec::new());
        let mut free = vec![0; shape.clients as usize];
        for _ in 0..8 * count {
            now += dice.below(3);
            let client = dice.below(shape.clients);
            let op = (self.ask)(dice, client);
            let (op, outcome) = (self.fit)(dice, &state, op);
            let busy = &mut free[client as usize];
            if drawn.len() >= count || (shape.one_at_a_time && *busy > now) {
                continue;
            }
            let early = dice.below(6).min(if shape.one_at_a_time { now - *busy } else { 6 });
            let late = dice.below(shape.late);
            let end = (!dice.chance(shape.unseen)).then_some(now + late);
            // One that nobody saw the end of need not have happened.
            let happened = end.is_some() || dice.chance(60);
            match state.step(&op, Some(&outcome)) {
                Ok(next) if happened => state = next,
                Ok(_) => {}
                Err(_) => continue,
            }
            *busy = end.unwrap_or(now) + 1;
            drawn.push(Drawn { op, outcome, start: now - early, end });
        }
        drawn
    }

    /// The same with one answer drawn anew.
    pub(crate) fn mutated(&self, dice: &mut Dice, mut drawn: Vec<Drawn>) -> Vec<Drawn> {
        if !drawn.is_empty() {
            let place = dice.below(drawn.len() as u64) as usize;
            drawn[place].outcome = (self.answer)(dice, &drawn[place].op);
            if dice.chance(30) {
                let client = dice.below(3);
                drawn[place].op = (self.ask)(dice, client);
                drawn[place].outcome = (self.answer)(dice, &drawn[place].op);
            }
        }
        drawn
    }
}

/// What an execution looks like.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) clients: u64,
    /// Whether a client waits for its answer.
    pub(crate) one_at_a_time: bool,
    /// Of a hundred operations, how many nobody saw the end of.
    pub(crate) unseen: u64,
    /// How long after its instant an operation may end, at most.
    pub(crate) late: u64,
}

pub(crate) const CROWD: Shape = Shape { clients: 3, one_at_a_time: false, unseen: 20, late: 6 };
pub(crate) const CLIENTS: Shape = Shape { clients: 3, one_at_a_time: true, unseen: 15, late: 6 };

/// The calls of a history, without looks that say nothing.
pub(crate) fn calls(drawn: &[Drawn]) -> Vec<Call<'_>> {
    let known = |drawn: &&Drawn| drawn.end.is_some() || !drawn.op.kind().only_looks();
    let mut calls: Vec<Call<'_>> = drawn.iter().filter(known).map(Drawn::call).collect();
    calls.sort_by_key(|call| call.start);
    calls.iter_mut().zip(0..).for_each(|(call, id)| call.id = id);
    calls
}

/// Counts the witnesses of `count` refuted histories of each of a few sorts.
pub(crate) fn witnesses<M: Object>(sampler: &Sampler<M>, count: usize, seed: u64) -> Witnesses {
    let (mut dice, mut witnesses) = (Dice::new(seed), Witnesses::default());
    let sorts = [(CROWD, 7), (CLIENTS, 7), (CROWD, 9), (CLIENTS, 10)];
    for (shape, length) in sorts {
        for _ in 0..count {
            let mut drawn = match dice.chance(25) {
                true => sampler.anything(&mut dice, length as u64),
                false => sampler.execution(&mut dice, length, shape),
            };
            (0..1 + dice.below(2))
                .for_each(|_| drawn = sampler.mutated(&mut dice, std::mem::take(&mut drawn)));
            witnesses.judge::<M>(&history(&drawn, M::ID));
        }
    }
    witnesses
}

/// How often what was found.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) histories: usize,
    pub(crate) refuted: usize,
    /// Those that the near-linear check decided by itself.
    pub(crate) decided: usize,
}

impl Tally {
    fn count(&mut self, legal: bool, decided: bool) {
        self.histories += 1;
        self.refuted += usize::from(!legal);
        self.decided += usize::from(decided);
    }
}

/// Every procedure agrees with brute force on `count` small histories of each sort.
#[track_caller]
pub(crate) fn agrees_with_brute_force<M: Object>(sampler: &Sampler<M>, count: usize, seed: u64) {
    let (kind, mut dice) = (Kind::of::<M>(), Dice::new(seed));
    type Sort<M> = fn(&Sampler<M>, &mut Dice) -> Vec<Drawn>;
    let sorts: [(&str, Sort<M>); 4] = [
        ("random", |sampler, dice| sampler.anything(dice, 8)),
        ("legal", |sampler, dice| sampler.execution(dice, 7, CROWD)),
        ("mutated", |sampler, dice| {
            let drawn = sampler.execution(dice, 8, CROWD);
            sampler.mutated(dice, drawn)
        }),
        ("clients, mutated", |sampler, dice| {
            let drawn = sampler.execution(dice, 8, CLIENTS);
            sampler.mutated(dice, drawn)
        }),
    ];
    for (name, draw) in sorts {
        let mut tally = Tally::default();
        for _ in 0..count {
            let drawn = draw(sampler, &mut dice);
            let calls = calls(&drawn);
            let truth = has_legal_order::<M>(&calls);
            assert!(truth || name != "legal", "{calls:#?}");
            tally.count(truth, same(&kind, &calls, Some(truth)));
            if !truth {
                witness_proves::<M>(&drawn);
            }
        }
        println!("{}, {name}: seed {seed}, {tally:?}, 0 disagreements", kind.id);
    }
}

/// The near-linear check answers by itself, and as brute force does, on `count` small histories of
/// each sort in which nobody saw the end of many operations.
#[track_caller]
pub(crate) fn decides_lossy_ones<M: Object>(sampler: &Sampler<M>, count: usize, seed: u64) {
    let (kind, mut dice) = (Kind::of::<M>(), Dice::new(seed));
    for (changes, one_at_a_time) in [(0, true), (0, false), (1, true), (2, false)] {
        let mut tally = Tally::default();
        for _ in 0..count {
            let unseen = 30 + dice.below(50);
            let shape = Shape { clients: 3, one_at_a_time, unseen, late: 6 };
            let length = 4 + dice.below(5) as usize;
            let mut drawn = sampler.execution(&mut dice, length, shape);
            (0..changes)
                .for_each(|_| drawn = sampler.mutated(&mut dice, std::mem::take(&mut drawn)));
            let calls = calls(&drawn);
            let truth = has_legal_order::<M>(&calls);
            assert!(truth || changes > 0, "{calls:#?}");
            let decided = same(&kind, &calls, Some(truth));
            assert!(decided, "left to the search: {calls:#?}");
            tally.count(truth, decided);
            if !truth {
                witness_proves::<M>(&drawn);
            }
        }
        println!("{}, lossy, {changes} changes: seed {seed}, {tally:?}", kind.id);
    }
}

/// The near-linear check, where it answers, and the choice between the two agree with `expect`, and
/// so does the search. Whether the near-linear check answered.
#[track_caller]
fn same(kind: &Kind, calls: &[Call<'_>], expect: Option<bool>) -> bool {
    let budget = Budget::unlimited_time();
    let by = |algorithm| kind.is_linearizable(calls, algorithm, &budget);
    let near = by(Algorithm::NearLinear);
    if near.is_some() {
        assert_eq!(near, expect, "near-linear: {calls:#?}");
    }
    assert_eq!(by(Algorithm::Auto), expect, "chosen: {calls:#?}");
    assert_eq!(by(Algorithm::Frontier), expect, "search: {calls:#?}");
    near.is_some()
}

/// The near-linear check agrees with the search on `count` longer histories of clients, and answers
/// at least this share of a hundred by itself.
#[track_caller]
pub(crate) fn agrees_with_search<M: Object>(
    sampler: &Sampler<M>,
    (count, seed, share): (usize, u64, usize),
) {
    let (kind, mut dice, mut tally) = (Kind::of::<M>(), Dice::new(seed), Tally::default());
    for _ in 0..count {
        let length = 10 + dice.below(40) as usize;
        let unseen = dice.below(10);
        let shape = Shape { clients: 4, one_at_a_time: true, unseen, late: 5 };
        let drawn = sampler.execution(&mut dice, length, shape);
        let drawn = if dice.chance(50) { sampler.mutated(&mut dice, drawn) } else { drawn };
        let calls = calls(&drawn);
        let searched = kind.is_linearizable(&calls, Algorithm::Frontier, &Budget::unlimited_time());
        tally.count(searched == Some(true), same(&kind, &calls, searched));
    }
    println!("{}, long: seed {seed}, {tally:?}, 0 disagreements", kind.id);
    assert!(100 * tally.decided >= share * count, "{}: {tally:?}", kind.id);
}

/// The witness of a refuted history has no legal order either, and its prefix is legal.
#[track_caller]
fn witness_proves<M: Object>(drawn: &[Drawn]) {
    let history = history(drawn, M::ID);
    let budget = Budget::unlimited_time();
    let verdict = judge_by(&history, &[M::ID], Algorithm::Auto, budget);
    let anomalies: Vec<_> = verdict.anomalies().map(|(_, anomaly)| anomaly).collect();
    assert_eq!(anomalies.len(), 1, "{verdict:#?}");
    let of_witness = |operation: &&Operation| anomalies[0].witness.contains(&operation.invoked.0);
    let witness: Vec<Call<'_>> =
        history.operations().iter().filter(of_witness).filter_map(Call::of).collect();
    assert!(!has_legal_order::<M>(&witness), "{anomalies:#?}");
    assert!(anomalies[0].prefix.len() < witness.len(), "{anomalies:#?}");
}

/// The drawn operations as a history, each of a process of its own.
fn history(drawn: &[Drawn], check: &str) -> History {
    let mut events = Vec::new();
    for (process, drawn) in (0..).zip(drawn) {
        let process = ProcessId(process);
        let op = drawn.op.clone();
        events.push((drawn.start, 0, EventKind::Invoke { process, node: None, op }));
        if let Some(end) = drawn.end {
            let completion =
                Completion::Ok { outcome: drawn.outcome.clone(), stamp: Stamp::default() };
            events.push((end, 1, EventKind::Complete { process, completion }));
        }
    }
    history_of(&in_order(events), &[check])
}

/// The near-linear check decides a hundred thousand operations of ten clients by itself, legal and
/// with an operation that is `wrong` at the end; a witness holds at most `most` operations.
#[track_caller]
pub(crate) fn decides_large_ones<M: Object>(
    sampler: &Sampler<M>,
    wrong: fn(&Op) -> bool,
    most: usize,
) {
    let (kind, mut dice, budget) = (Kind::of::<M>(), Dice::new(1), Budget::unlimited_time());
    let shape = Shape { clients: 10, one_at_a_time: true, unseen: 0, late: 20 };
    for count in [10_000, 100_000] {
        let mut drawn = sampler.execution(&mut dice, count, shape);
        let legal = calls(&drawn);
        let since = std::time::Instant::now();
        let answer = kind.is_linearizable(&legal, Algorithm::NearLinear, &budget);
        println!("{}: {} legal calls in {:?}", kind.id, legal.len(), since.elapsed());
        assert_eq!(answer, Some(true), "{}", kind.id);
        // What happened once, a while ago, happens three times more.
        let before = &drawn[..drawn.len() - 50];
        let again =
            before.iter().rev().find(|drawn| wrong(&drawn.op)).expect("there is one").clone();
        let end = drawn.iter().filter_map(|drawn| drawn.end).max().unwrap_or_default();
        drawn.extend((1..4).map(|after| {
            let start = end + 10 * after;
            Drawn { start, end: Some(start + 5), ..again.clone() }
        }));
        let since = std::time::Instant::now();
        let verdict = judge_by(&history(&drawn, M::ID), &[M::ID], Algorithm::NearLinear, budget);
        let found: Vec<_> = verdict.anomalies().map(|(_, anomaly)| anomaly).collect();
        assert_eq!(found.len(), 1, "{}", kind.id);
        let operations = found[0].witness.len().div_ceil(2);
        println!("refuted in {:?} by {operations}: {}", since.elapsed(), found[0].headline);
        assert!(operations <= most, "{:#?}", found[0]);
    }
}
