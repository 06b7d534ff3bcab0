//! Random histories of any kind of object, and how every procedure is held against brute force.
//!
//! What a kind asks and answers is said by [`Sample`]. Histories are small, times are few, so that
//! many are equal; about one operation in five is indeterminate.

use std::fmt::Debug;

use fracas_checker::budget::Budget;
use fracas_checker::event::{Completion, EventKind, ProcessId, Stamp};
use fracas_checker::history::{History, Operation};
use fracas_checker::linearizability::call::Call;
use fracas_checker::linearizability::finding::Finding;
use fracas_checker::linearizability::{is_linearizable, search_linearizable};
use fracas_checker::objects::Object;
use fracas_checker::{Algorithm, Op, Outcome, judge_by};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use super::events::{history as history_of, in_order};
use super::minimal::Witnesses;
use super::oracle::has_legal_order;

/// One operation of a history.
#[derive(Debug, Clone)]
pub(crate) struct Drawn {
    pub(crate) op: Op,
    pub(crate) outcome: Outcome,
    pub(crate) start: u64,
    /// None: indeterminate.
    pub(crate) lasts: Option<u64>,
}

/// What chance says of one operation.
#[derive(Debug, Clone)]
pub(crate) struct Chance {
    pub(crate) kind: u8,
    pub(crate) value: i64,
    pub(crate) pick: usize,
    wait: u64,
    early: u64,
    late: Option<u64>,
    /// Whether it takes effect, where nobody saw the end of it.
    happens: bool,
}

/// What a kind of object is asked and answers.
pub(crate) trait Sample: Object {
    /// Some operation; what it puts in is `fresh`, what it looks for is `old`.
    fn asked(chance: &Chance, fresh: i64, old: i64) -> Op;

    /// What this object may answer to `op`.
    fn answered(&self, op: &Op, chance: &Chance) -> Outcome;

    /// Any answer to `op` with values below `values`.
    fn invented(op: &Op, chance: &Chance, values: i64) -> Outcome;
}

/// How a history is drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draw {
    pub(crate) most: usize,
    pub(crate) values: i64,
    /// Whether everything that is put in is new, until all values were put in once.
    pub(crate) unique: bool,
    /// Of ten operations, how many nobody sees the end of.
    pub(crate) unknown: f64,
}

fn chances(draw: Draw) -> impl Strategy<Value = Vec<Chance>> {
    let late = prop::option::weighted(1.0 - draw.unknown / 10.0, 0..5_u64);
    let chance = (0..100_u8, 0..draw.values, 0..64_usize, 0..3_u64, 0..5_u64, late, any::<bool>());
    let chance = chance.prop_map(|(kind, value, pick, wait, early, late, happens)| Chance {
        kind,
        value,
        pick,
        wait,
        early,
        late,
        happens,
    });
    prop::collection::vec(chance, 1..=draw.most)
}

/// What the operation at `place` puts in, and what it looks for.
fn fresh_and_old(draw: Draw, place: usize, chance: &Chance) -> (i64, i64) {
    match draw.unique {
        true => (place as i64 % draw.values, chance.pick as i64 % (place as i64 + 1)),
        false => (chance.value, chance.value),
    }
}

/// Anything asked, anything answered, at any time.
fn anything<K: Sample>(draw: Draw) -> impl Strategy<Value = Vec<Drawn>> {
    chances(draw).prop_map(move |chances| {
        let draw = |(place, chance): (usize, &Chance)| {
            let (fresh, old) = fresh_and_old(draw, place, chance);
            let op = K::asked(chance, fresh, old);
            let outcome = K::invented(&op, chance, draw.values);
            let start = chance.wait * 5 + chance.early;
            Drawn { op, outcome, start, lasts: chance.late }
        };
        chances.iter().enumerate().map(draw).collect()
    })
}

/// A legal execution: operations one after the other, each with an interval around its instant.
pub(crate) fn execution<K: Sample>(draw: Draw) -> impl Strategy<Value = Vec<Drawn>> {
    chances(draw).prop_map(move |chances| {
        let (mut state, mut now, mut drawn) = (K::default(), 6, Vec::new());
        for (place, chance) in chances.iter().enumerate() {
            now += chance.wait;
            let (fresh, old) = fresh_and_old(draw, place, chance);
            let op = K::asked(chance, fresh, old);
            let outcome = state.answered(&op, chance);
            let known = chance.late.map(|_| &outcome);
            if known.is_some() || chance.happens {
                state = state.step(&op, known).expect("the answer is legal");
            }
            let lasts = chance.late.map(|late| chance.early + late);
            drawn.push(Drawn { op, outcome, start: now - chance.early, lasts });
        }
        drawn
    })
}

/// The same with one answer replaced.
pub(crate) fn mutated<K: Sample>(draw: Draw) -> impl Strategy<Value = Vec<Drawn>> {
    let wrong = chances(Draw { most: 1, ..draw });
    (execution::<K>(draw), wrong, 0..draw.most).prop_map(move |(mut drawn, chance, place)| {
        let place = place % drawn.len();
        drawn[place].outcome = K::invented(&drawn[place].op, &chance[0], draw.values);
        drawn
    })
}

/// A legal execution of which a few operations are moved in time: every answer is true, but not then.
pub(crate) fn moved<K: Sample>(draw: Draw) -> impl Strategy<Value = Vec<Drawn>> {
    let moves = prop::collection::vec((0..draw.most, 0..13_u64), 1..3);
    (execution::<K>(draw), moves).prop_map(|(mut drawn, moves)| {
        for (place, by) in moves {
            let place = place % drawn.len();
            drawn[place].start = (drawn[place].start + by).saturating_sub(6);
        }
        drawn
    })
}

/// The calls of a history, without those that say nothing.
pub(crate) fn calls(drawn: &[Drawn]) -> Vec<Call<'_>> {
    let mut calls: Vec<Call<'_>> = drawn
        .iter()
        .filter(|drawn| drawn.lasts.is_some() || !drawn.op.kind().only_looks())
        .map(|drawn| Call {
            id: 0,
            op: &drawn.op,
            outcome: drawn.lasts.map(|_| &drawn.outcome),
            start: drawn.start,
            end: drawn.lasts.map(|lasts| drawn.start + lasts),
        })
        .collect();
    calls.sort_by_key(|call| call.start);
    calls.iter_mut().zip(0..).for_each(|(call, id)| call.id = id);
    calls
}

/// How many histories were judged, how many were legal, and of how many the near-linear check
/// could not tell.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) histories: usize,
    pub(crate) legal: usize,
    pub(crate) ambiguous: usize,
}

/// Asks about every history of `strategy`; the same ones in every run. Prints what was counted.
pub(crate) fn each<S: Strategy>(
    name: &str,
    cases: u32,
    strategy: S,
    mut ask: impl FnMut(&S::Value) -> Result<(bool, bool), TestCaseError>,
) -> Tally
where
    S::Value: Debug,
{
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let seed = [23; 32];
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let tally = std::cell::Cell::new(Tally::default());
    let ask = std::cell::RefCell::new(&mut ask);
    let result = runner.run(&strategy, |drawn| {
        let (legal, ambiguous) = (ask.borrow_mut())(&drawn)?;
        let mut so_far = tally.get();
        so_far.histories += 1;
        so_far.legal += usize::from(legal);
        so_far.ambiguous += usize::from(ambiguous);
        tally.set(so_far);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{name}: {error}");
    }
    let Tally { histories, legal, ambiguous } = tally.get();
    println!(
        "{name}: {histories} histories (seed: bytes {}), {legal} legal, {ambiguous} left to the \
         search, 0 disagreements",
        seed[0]
    );
    tally.get()
}

/// Monitor, dispatcher and search agree with brute force: whether it is legal, and whether the
/// monitor could not tell.
pub(crate) fn agree<K: Object>(drawn: &[Drawn]) -> Result<(bool, bool), TestCaseError> {
    let calls = calls(drawn);
    let truth = has_legal_order::<K>(&calls);
    let budget = Budget::unlimited_time();
    let finding = K::decide_fast(&calls);
    match &finding {
        Finding::Legal => prop_assert!(truth, "called legal: {:#?}", calls),
        Finding::Refuted(violation) => {
            prop_assert!(!truth, "refuted as {}: {:#?}", violation.class, calls);
            let part: Vec<_> = violation.calls.iter().map(|place| calls[*place]).collect();
            let proves = part.is_empty() || !has_legal_order::<K>(&part);
            prop_assert!(proves, "{:?} does not prove it: {:#?}", violation, calls);
        }
        Finding::Ambiguous => {}
    }
    prop_assert_eq!(is_linearizable::<K>(&calls, &budget), Some(truth), "{:#?}", calls);
    let searched = search_linearizable::<K>(&calls, &budget);
    prop_assert_eq!(searched, Some(truth), "by search: {:#?}", calls);
    Ok((truth, finding == Finding::Ambiguous))
}

/// The monitor agrees with the search, where it can tell and the search comes to an end.
pub(crate) fn agree_with_search<K: Object>(drawn: &[Drawn]) -> Result<(bool, bool), TestCaseError> {
    let calls = calls(drawn);
    let finding = K::decide_fast(&calls);
    let budget = Budget::new(20_000_000, &|| false);
    let searched = search_linearizable::<K>(&calls, &budget);
    if let (Some(truth), false) = (searched, finding == Finding::Ambiguous) {
        prop_assert_eq!(truth, finding == Finding::Legal, "{:?}: {:#?}", finding, calls);
    }
    Ok((finding == Finding::Legal, finding == Finding::Ambiguous))
}

/// Everything held against brute force: answers made up, executions, executions with one answer
/// replaced, each with few values and with new ones.
pub(crate) fn held_against_brute_force<K: Sample>(cases: u32) {
    let name = K::NAMES[0];
    let kinds = [("few values", false, 3), ("new values", true, 8), ("a few twice", true, 5)];
    for (kind, unique, values) in kinds {
        let draw = Draw { most: 7, values, unique, unknown: 2.0 };
        let name = |how: &str| format!("{name}, {kind}, {how}");
        each(&name("anything"), cases, anything::<K>(draw), |drawn| agree::<K>(drawn));
        let legal =
            each(&name("executions"), cases, execution::<K>(draw), |drawn| agree::<K>(drawn));
        assert_eq!(legal.legal, legal.histories, "executions are legal");
        let draw = Draw { most: 8, ..draw };
        each(&name("one wrong answer"), cases, mutated::<K>(draw), |drawn| agree::<K>(drawn));
        each(&name("moved in time"), cases, moved::<K>(draw), |drawn| agree::<K>(drawn));
        let draw = Draw { unknown: 5.0, ..draw };
        each(&name("half of it unknown"), cases, mutated::<K>(draw), |drawn| agree::<K>(drawn));
    }
}

/// The monitor held against the search on histories of up to `most` operations.
pub(crate) fn held_against_search<K: Sample>(cases: u32, most: usize) {
    // All values new, and a few of them put in twice.
    for values in [most as i64, most as i64 - 3] {
        let draw = Draw { most, values, unique: true, unknown: 0.5 };
        let name =
            |how: &str| format!("{}, up to {most} operations, {values} values, {how}", K::NAMES[0]);
        let right = execution::<K>(draw);
        each(&name("executions"), cases, right, |drawn| agree_with_search::<K>(drawn));
        let wrong = mutated::<K>(draw);
        each(&name("one wrong answer"), cases, wrong, |drawn| agree_with_search::<K>(drawn));
        let moved = moved::<K>(draw);
        each(&name("moved in time"), cases, moved, |drawn| agree_with_search::<K>(drawn));
    }
}

/// The same operations as a history, each of a process of its own.
pub(crate) fn history<K: Object>(drawn: &[Drawn]) -> History {
    let mut events = Vec::new();
    for (process, drawn) in (0..).zip(drawn) {
        let process = ProcessId(process);
        let op = drawn.op.clone();
        events.push((drawn.start, 0, EventKind::Invoke { process, node: None, op }));
        if let Some(lasts) = drawn.lasts {
            let completion =
                Completion::Ok { outcome: drawn.outcome.clone(), stamp: Stamp::default() };
            events.push((drawn.start + lasts, 1, EventKind::Complete { process, completion }));
        }
    }
    history_of(&in_order(events), &[K::ID])
}

/// What is told of a refuted history proves it: its witness has no legal order either.
fn proven<K: Object>(drawn: &[Drawn]) -> Result<(bool, bool), TestCaseError> {
    let history = history::<K>(drawn);
    let budget = Budget::unlimited_time();
    let verdict = judge_by(&history, &[K::ID], Algorithm::Auto, budget);
    let anomaly = verdict.anomalies().next().map(|(_, anomaly)| anomaly.clone());
    let truth = has_legal_order::<K>(&calls(drawn));
    prop_assert_eq!(anomaly.is_none(), truth, "{:#?}", verdict);
    if let Some(anomaly) = anomaly {
        let of_witness = |operation: &&Operation| anomaly.witness.contains(&operation.invoked.0);
        let witness: Vec<Call<'_>> =
            history.operations().iter().filter(of_witness).filter_map(Call::of).collect();
        prop_assert!(!has_legal_order::<K>(&witness), "{:#?}", anomaly);
        prop_assert!(!anomaly.refuted.is_empty(), "no reason given: {:#?}", anomaly);
    }
    Ok((truth, false))
}

/// Every refutation is told by a witness that proves it.
pub(crate) fn told_truly<K: Sample>(cases: u32) {
    let draw = Draw { most: 8, values: 8, unique: true, unknown: 2.0 };
    let name = |how: &str| format!("{}, {how}, told", K::NAMES[0]);
    each(&name("one wrong answer"), cases, mutated::<K>(draw), |drawn| proven::<K>(drawn));
    each(&name("moved in time"), cases, moved::<K>(draw), |drawn| proven::<K>(drawn));
    let draw = Draw { values: 3, unique: false, ..draw };
    each(&name("few values"), cases, mutated::<K>(draw), |drawn| proven::<K>(drawn));
}

/// Counts the witnesses of `cases` histories of each of a few sorts.
pub(crate) fn witnesses<K: Sample>(cases: u32) -> Witnesses {
    let mut all = Witnesses::default();
    for (most, unique, values) in [(7, true, 7), (7, false, 3), (9, true, 9), (9, false, 4)] {
        let draw = Draw { most, values, unique, unknown: 2.0 };
        let mut look = |drawn: &Vec<Drawn>| {
            all.judge::<K>(&history::<K>(drawn));
            Ok((false, false))
        };
        each("one wrong answer", cases, mutated::<K>(draw), &mut look);
        each("moved in time", cases, moved::<K>(draw), &mut look);
        each("anything", cases / 4, anything::<K>(draw), &mut look);
    }
    all
}
