//! What a register keeps and breaks besides linearizability: histories with their sentence, and the
//! decisions against brute force.

use crate::support;

use std::collections::BTreeMap;

use fracas_checker::event::Stamp;
use fracas_checker::guarantees::{SEQUENTIAL, SESSION, Standing, of_register, sentence};
use fracas_checker::history::Operation;
use fracas_checker::models::{Model, Register};
use fracas_checker::{Budget, Completion, Op, Outcome, ProcessId, Value, judge};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use support::language::history;

/// What the register of `text` keeps and breaks.
#[track_caller]
fn check(text: &str, expect: &str) {
    let history = history(text, &[]);
    let told = sentence(&of_register(history.operations())).expect("something is told");
    assert_eq!(told, expect, "{text}");
}

const FOUR: &str = "read-your-writes, monotonic-reads, monotonic-writes, writes-follow-reads";

/// Everything still holds.
#[track_caller]
fn holds(text: &str) {
    check(text, &format!("Still holds: sequential. Not shown broken: {FOUR}."));
}

/// `broken` are, and `others` are not shown to be.
#[track_caller]
fn breaks(text: &str, broken: &str, others: &str) {
    check(text, &format!("Breaks: sequential, {broken}. Not shown broken: {others}."));
}

#[test]
fn a_stale_read_of_another_client_breaks_nothing_else() {
    holds("p1 - w k 1 [0..10] ok\np1 - w k 2 [20..30] ok\np2 - r k [40..50] ok 1");
    // The same, seen by one who had not seen better; then everybody sees the newer one.
    holds(
        "p1 - w k 1 [0..10] ok\np1 - w k 2 [20..30] ok\np2 - r k [40..50] ok nil\np2 - r k [60..70] ok 2",
    );
}

#[test]
fn read_your_writes() {
    let others = "monotonic-reads, monotonic-writes, writes-follow-reads";
    // Whoever writes sees what was there before it ever was.
    breaks("p1 - w k 1 [0..10] ok\np1 - r k [20..30] ok nil", "read-your-writes", others);
    holds("p1 - w k 1 [0..10] ok\np1 - r k [20..30] ok 1\np2 - r k [40..50] ok nil");
    // What a compare-and-set of another replaced.
    let text = "p1 - w k 1 [0..10] ok\np2 - cas k 1 2 [20..30] ok\np1 - r k [40..50] ok";
    breaks(
        "p2 - w k 1 [0..10] ok\np1 - cas k 1 2 [20..30] ok\np1 - r k [40..50] ok 1",
        "read-your-writes",
        others,
    );
    holds(&format!("{text} 2"));
    holds(&format!("{text} 1"));
    // Nobody told it that it wrote.
    holds("p1 - w k 1 [0..10] info\np2 - r k [20..30] ok nil\np2 - r k [40..50] ok 1");
}

#[test]
fn monotonic_reads() {
    let others = "read-your-writes, monotonic-writes, writes-follow-reads";
    let written = "p1 - w k 1 [0..10] ok\n";
    breaks(
        &format!("{written}p2 - r k [20..30] ok 1\np2 - r k [40..50] ok nil"),
        "monotonic-reads",
        others,
    );
    holds(&format!("{written}p2 - r k [20..30] ok nil\np2 - r k [40..50] ok 1"));
    // There and back again.
    let written = "p1 - w k 1 [0..10] ok\np3 - w k 2 [0..10] ok\n";
    let seen = format!("{written}p2 - r k [20..30] ok 1\np2 - r k [40..50] ok 2\n");
    breaks(&format!("{seen}p2 - r k [60..70] ok 1"), "monotonic-reads", others);
    holds(&format!("{seen}p2 - r k [60..70] ok 2"));
    // Two sessions that disagree.
    breaks(
        &format!("{seen}p4 - r k [20..30] ok 2\np4 - r k [40..50] ok 1"),
        "monotonic-reads",
        others,
    );
    holds(&format!("{seen}p4 - r k [20..30] ok 1\np4 - r k [40..50] ok 2"));
    // A refused compare-and-set saw what it found.
    breaks(&format!("{seen}p2 - cas k 7 8 [60..70] ok found 1"), "monotonic-reads", others);
}

#[test]
fn monotonic_writes() {
    // The second write was replaced by what the first one wrote.
    breaks(
        "p1 - cas k 2 1 [0..10] ok\np1 - w k 2 [20..30] ok",
        "monotonic-writes, writes-follow-reads",
        "read-your-writes, monotonic-reads",
    );
    // Either the reads went back or the writes were swapped.
    let written = "p1 - w k 1 [0..10] ok\np1 - w k 2 [20..30] ok\n";
    check(
        &format!("{written}p2 - r k [40..50] ok 2\np2 - r k [60..70] ok 1"),
        &format!(
            "Breaks: sequential, monotonic-reads + monotonic-writes. Not shown broken: {FOUR}."
        ),
    );
    holds(&format!("{written}p2 - r k [40..50] ok 1\np2 - r k [60..70] ok 2"));
    // One whose outcome nobody knows may come later than all that follow.
    let written = "p1 - w k 1 [0..10] info\np5 - w k 2 [20..30] ok\n";
    holds(&format!("{written}p2 - r k [40..50] ok 2\np2 - r k [60..70] ok 1"));
}

#[test]
fn writes_follow_reads() {
    let text = "p1 - w k 1 [0..10] ok\np2 - r k [20..30] ok 1\np2 - w k 2 [40..50] ok\n";
    check(
        &format!("{text}p3 - r k [60..70] ok 2\np3 - r k [80..90] ok 1"),
        &format!(
            "Breaks: sequential, monotonic-reads + writes-follow-reads. Not shown broken: {FOUR}."
        ),
    );
    holds(&format!("{text}p3 - r k [60..70] ok 1\np3 - r k [80..90] ok 2"));
    // Seen before it was asked for.
    breaks(
        "p1 - r k [0..10] ok 1\np1 - w k 1 [20..30] ok",
        "writes-follow-reads",
        "read-your-writes, monotonic-reads, monotonic-writes",
    );
}

#[test]
fn compare_and_sets_stand_together() {
    // Both replaced the same: no order of all operations, whatever the sessions.
    check(
        "p1 - w k 1 [0..10] ok\np2 - cas k 1 2 [20..30] ok\np3 - cas k 1 3 [20..30] ok",
        &format!("Breaks: sequential. Not shown broken: {FOUR}."),
    );
    holds("p1 - w k 1 [0..10] ok\np2 - cas k 1 2 [20..30] ok\np3 - cas k 2 3 [20..30] ok");
    // What one replaced cannot be seen after something else was.
    let text = "p1 - w k 1 [0..10] ok\np2 - cas k 1 2 [20..30] ok\np4 - w k 9 [0..10] ok\n";
    check(
        &format!("{text}p3 - r k [40..50] ok 1\np3 - r k [60..70] ok 9\np3 - r k [80..90] ok 2"),
        &format!("Breaks: sequential. Not shown broken: {FOUR}."),
    );
    holds(&format!("{text}p3 - r k [40..50] ok 1\np3 - r k [60..70] ok 2"));
}

#[test]
fn what_cannot_be_told_is_not() {
    // Two writers of one value: the read names neither.
    let nothing = format!("Not shown broken: sequential, {FOUR}.");
    check("p1 - w k 1 [0..10] ok\np2 - w k 1 [0..10] ok\np1 - r k [20..30] ok 1", &nothing);
    check("p1 - w k 1 [0..10] ok\np2 - cas k 5 6 [20..30] ok differs", &nothing);
    check("p1 - r k [0..10] ok 7", &nothing);
}

#[test]
fn an_anomaly_says_what_else_it_breaks() {
    let text = "p1 - w k 1 [0..10] ok\np1 - w k 2 [20..30] ok\np2 - r k [40..50] ok 1\n";
    let told = |text: &str| {
        let verdict = judge(&history(text, &["register/linearizable"]), Budget::unlimited_time());
        let (_, anomaly) = verdict.anomalies().next().expect("an anomaly");
        sentence(&anomaly.guarantees).expect("something is told")
    };
    let expect =
        format!("Breaks: linearizable. Still holds: sequential. Not shown broken: {FOUR}.");
    assert_eq!(told(text), expect);
    // One key alone does not tell that all of them together are sequential.
    let expect = format!("Breaks: linearizable. Not shown broken: sequential, {FOUR}.");
    assert_eq!(told(&format!("{text}p3 - w other 1 [0..10] ok")), expect);
}

/// A random operation of one of a few sessions. Whatever is asked after an unknown outcome is asked
/// by a session of its own.
#[derive(Debug, Clone)]
struct Drawn {
    session: u64,
    op: Op,
    outcome: Outcome,
    known: bool,
}

fn drawn() -> impl Strategy<Value = Vec<Drawn>> {
    let draw = (0..3_u64, 0..9_u8, 0..5_i64, 0..10_u8, any::<bool>());
    prop::collection::vec(draw, 1..=7).prop_map(|drawn| {
        let values = drawn.len() as i64;
        let draw =
            |(own, (session, kind, other, chance, twice)): (i64, (u64, u8, i64, u8, bool))| {
                let key = "k".into();
                // Most values are written by someone; now and then one is written twice.
                let own = Value::Int(if twice && chance == 9 { 0 } else { own });
                let other = Value::Int(other % values);
                let (op, outcome) = match kind {
                    0..=2 => {
                        let value = (chance > 1).then_some(other);
                        (Op::Read { key }, Outcome::Read { value })
                    }
                    3 | 4 => (Op::Write { key, value: own }, Outcome::Write),
                    5 => (Op::Cas { key, old: other, new: own }, Outcome::Cas),
                    7 | 8 => {
                        let value = (chance > 1).then_some(other);
                        (Op::Swap { key, value: own }, Outcome::Swap { value })
                    }
                    _ if chance > 7 => (Op::Cas { key, old: other, new: own }, Outcome::CasDiffers),
                    _ => {
                        let old = Value::Int(77);
                        (Op::Cas { key, old, new: own }, Outcome::CasFound { value: Some(other) })
                    }
                };
                Drawn { session, op, outcome, known: chance % 5 > 0 }
            };
        (0..).zip(drawn).map(draw).collect()
    })
}

/// The drawn operations, one after the other; a session goes on under a new process after an
/// unknown outcome.
fn operations(drawn: &[Drawn]) -> Vec<Operation> {
    let mut processes: BTreeMap<u64, u64> = BTreeMap::new();
    let draw = |(place, drawn): (u64, &Drawn)| {
        let process = processes.entry(drawn.session).or_insert(drawn.session);
        let completion = if drawn.known {
            Completion::Ok { outcome: drawn.outcome.clone(), stamp: Stamp::default() }
        } else {
            Completion::Info { error: String::new() }
        };
        let operation = Operation {
            process: ProcessId(*process),
            node: None,
            op: drawn.op.clone(),
            invoked: (2 * place, 2 * place),
            completed: Some((2 * place + 1, 2 * place + 1, completion)),
        };
        *process += if drawn.known { 0 } else { 3 };
        operation
    };
    (0..).zip(drawn).map(draw).collect()
}

/// Whether some order of all operations, each session's in their own, is legal.
fn is_sequential(operations: &[Operation]) -> bool {
    let mut sessions: BTreeMap<ProcessId, Vec<&Operation>> = BTreeMap::new();
    for operation in operations {
        sessions.entry(operation.process).or_default().push(operation);
    }
    let sessions: Vec<Vec<&Operation>> = sessions.into_values().collect();
    interleave(&sessions, &vec![0; sessions.len()], &Register::default())
}

fn interleave(sessions: &[Vec<&Operation>], done: &[usize], state: &Register) -> bool {
    let next = |session: usize| sessions[session].get(done[session]);
    let open = |session: usize| next(session).is_some_and(|operation| operation.ok().is_some());
    if !(0..sessions.len()).any(open) {
        return true;
    }
    (0..sessions.len()).any(|session| {
        let Some(operation) = next(session) else { return false };
        let mut done = done.to_vec();
        done[session] += 1;
        let outcome = operation.ok().map(|(_, outcome, _)| outcome);
        let after = state.step(&operation.op, outcome);
        after.is_ok_and(|after| interleave(sessions, &done, &after))
    })
}

/// A deed of a session: what it saw, then what it wrote and whether it knows, by place of the write
/// (none is “absent”).
#[derive(Debug, Clone, Copy)]
struct OpClass {
    process: ProcessId,
    saw: Option<Option<usize>>,
    wrote: Option<(usize, bool)>,
}

/// What `operations` did, as far as values name their writes.
fn deeds(operations: &[Operation]) -> Vec<OpClass> {
    let names = |value: &Value| {
        let mut writers =
            (0..operations.len()).filter(|place| operations[*place].writes() == Some(value));
        writers.next().filter(|_| writers.next().is_none())
    };
    let saw = |place: usize, operation: &Operation| -> Option<Option<usize>> {
        let Some(value) = operation.saw()? else { return Some(None) };
        names(value).filter(|writer| *writer != place).map(Some)
    };
    let deed = |(place, operation): (usize, &Operation)| OpClass {
        process: operation.process,
        saw: saw(place, operation),
        wrote: operation.writes().map(|_| (place, operation.ok().is_some())),
    };
    operations.iter().enumerate().map(deed).collect()
}

/// What was certainly replaced by what: by compare-and-sets that took effect, and answered swaps.
fn replaced(operations: &[Operation], deeds: &[OpClass]) -> Vec<(Option<usize>, usize)> {
    let mut certain: Vec<bool> =
        operations.iter().map(|operation| operation.ok().is_some()).collect();
    let old = |place: usize| -> Option<usize> {
        operations[place].writes()?;
        let old = match &operations[place].op {
            Op::Cas { old, .. } => old,
            _ => operations[place].saw()??,
        };
        let mut writers = (0..operations.len()).filter(|it| operations[*it].writes() == Some(old));
        writers.next().filter(|_| writers.next().is_none())
    };
    // Whatever was seen or replaced by what is certain is certain, as often as there are operations.
    for _ in operations {
        for place in 0..operations.len() {
            if certain[place] {
                let seen = [deeds[place].saw.flatten(), old(place)];
                seen.into_iter().flatten().for_each(|seen| certain[seen] = true);
            }
        }
    }
    let all = (0..operations.len()).filter(|place| certain[*place]);
    all.filter_map(|place| Some((Some(old(place)?), place))).collect()
}

/// Whether the version `low` comes before `high` in `order`; “absent” before all.
fn before(order: &[usize], low: Option<usize>, high: Option<usize>, or_same: bool) -> bool {
    let rank = |version: Option<usize>| version.map(|it| order.iter().position(|at| *at == it));
    rank(low) < rank(high) || (or_same && low == high)
}

/// Whether `order` keeps the guarantees `rules` (a bit each, as in [`SESSION`]), by their definition.
fn keeps(order: &[usize], deeds: &[OpClass], rules: u8) -> bool {
    let has = |rule: u8| rules & 1 << rule != 0;
    let pair = |(early, late): (&OpClass, &OpClass)| {
        let wrote = |deed: &OpClass| deed.wrote.map(|(place, _)| Some(place));
        let knew =
            |deed: &OpClass| deed.wrote.filter(|(_, known)| *known).map(|(place, _)| Some(place));
        let holds = |low: Option<Option<usize>>, high: Option<Option<usize>>, or_same| {
            low.zip(high).is_none_or(|(low, high)| before(order, low, high, or_same))
        };
        (!has(0) || holds(knew(early), late.saw, true))
            && (!has(1) || holds(early.saw, late.saw, true))
            && (!has(2) || holds(knew(early), wrote(late), false))
            && (!has(3) || holds(early.saw, wrote(late), false))
    };
    let pairs = deeds.iter().enumerate().flat_map(|(place, early)| {
        let later = deeds[place + 1..].iter().filter(|late| late.process == early.process);
        later.map(move |late| (early, late))
    });
    pairs.into_iter().all(pair)
}

/// Every order of `left` after `order`, until one is good.
fn some_order(order: &mut Vec<usize>, left: &[usize], good: &dyn Fn(&[usize]) -> bool) -> bool {
    if left.is_empty() {
        return good(order);
    }
    left.iter().any(|next| {
        order.push(*next);
        let rest: Vec<usize> = left.iter().copied().filter(|it| it != next).collect();
        let found = some_order(order, &rest, good);
        order.pop();
        found
    })
}

/// The names of all sets of guarantees that no version order keeps, and no smaller one neither.
fn broken_sets(operations: &[Operation]) -> Vec<String> {
    let deeds = deeds(operations);
    let replaced = replaced(operations, &deeds);
    let writes: Vec<usize> = deeds.iter().filter_map(|deed| Some(deed.wrote?.0)).collect();
    let is_broken = |rules: u8| {
        let good = |order: &[usize]| {
            let replaced = replaced.iter().all(|(old, new)| before(order, *old, Some(*new), true));
            replaced && keeps(order, &deeds, rules)
        };
        !some_order(&mut Vec::new(), &writes, &good)
    };
    let mut broken: Vec<u8> = Vec::new();
    for count in 1..=4 {
        for rules in (1..16_u8).filter(|rules| rules.count_ones() == count) {
            if !broken.iter().any(|smaller| smaller & rules == *smaller) && is_broken(rules) {
                broken.push(rules);
            }
        }
    }
    let name = |rules: &u8| {
        let names = (0..4).filter(|rule| rules & 1 << rule != 0).map(|rule| SESSION[rule]);
        names.collect::<Vec<_>>().join(" + ")
    };
    broken.iter().map(name).collect()
}

/// Holds every decision on `drawn` against brute force, and says how often something was broken.
fn agree(drawn: &[Drawn]) -> Result<[usize; 3], TestCaseError> {
    let operations = operations(drawn);
    let told = of_register(&operations);
    let broken = told.iter().filter(|guarantee| guarantee.standing == Standing::Broken);
    let mut broken: Vec<String> =
        broken.map(|guarantee| guarantee.name.clone()).filter(|name| name != SEQUENTIAL).collect();
    let mut expected = broken_sets(&operations);
    broken.sort();
    expected.sort();
    prop_assert_eq!(&broken, &expected, "{:#?}", operations);
    let sequential = is_sequential(&operations);
    match told[0].standing {
        Standing::Broken => prop_assert!(!sequential, "{:#?}", operations),
        Standing::Holds => prop_assert!(sequential, "{:#?}", operations),
        Standing::NotShownBroken => {}
    }
    let count = |is: bool| usize::from(is);
    let standing = told[0].standing;
    Ok([
        count(standing == Standing::Broken),
        count(standing == Standing::Holds),
        count(!broken.is_empty()),
    ])
}

/// Runs `cases` random histories from a fixed seed.
fn hold_against_brute_force(cases: u32) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[11; 32]));
    let counts = std::cell::RefCell::new([0; 3]);
    let judged = runner.run(&drawn(), |drawn| {
        let found = agree(&drawn)?;
        counts.borrow_mut().iter_mut().zip(found).for_each(|(sum, count)| *sum += count);
        Ok(())
    });
    judged.unwrap_or_else(|error| panic!("{error}"));
    let [broken, holds, sessions] = counts.into_inner();
    println!(
        "{cases} histories, seed 11: sequential broken in {broken}, holds in {holds}; session \
         guarantees broken in {sessions}; 0 disagreements"
    );
    let least = cases as usize / 50;
    assert!(broken > least && holds > least && sessions > least);
}

#[test]
fn what_is_told_agrees_with_brute_force() {
    hold_against_brute_force(2_000);
}

#[test]
#[ignore = "slow: 20,000 histories against every order"]
fn what_is_told_agrees_with_brute_force_20_000_times() {
    hold_against_brute_force(20_000);
}
