//! Drains that other operations overlap with: their elements were taken in their order, somewhere
//! within the drain.

use std::collections::VecDeque;

use crate::support::dice::Dice;
use crate::support::maps::{judged, written};

const PASS: &str = "queue/linearizable: pass";
const ORDER: &str = "queue/linearizable: anomaly out-of-order-dequeue";
const OPEN: &str = "queue/linearizable: inconclusive";

/// Enqueues of 1, 2 and 3, one after the other, before `rest`.
fn filled(rest: &str) -> String {
    let enqueue =
        |value| format!("0 i :f :enqueue, :value {value}\n0 o :f :enqueue, :value {value}\n");
    (1..4).map(enqueue).collect::<String>() + rest
}

#[track_caller]
fn check(ops: &str, expect: &str) {
    let found = judged(&written(ops), Some("queue"), None);
    assert!(found.starts_with(expect), "{ops}\n{found}");
}

#[test]
fn elements_are_taken_in_the_order_of_the_answer_wherever_that_is_possible() {
    let dequeue = |taken: i64, drained: &str| {
        filled(&format!(
            "4 i :f :drain\n5 i :f :dequeue\n5 o :f :dequeue, :value {taken}\n\
             4 o :f :drain, :value {drained}"
        ))
    };
    check(&dequeue(1, "[2 3]"), PASS);
    check(&dequeue(2, "[1 3]"), PASS);
    check(&dequeue(3, "[1 2]"), PASS);
    check(&dequeue(1, "[3 2]"), ORDER);
    check(&dequeue(2, "[3 1]"), ORDER);
    // An enqueue that ends within the drain.
    let enqueue = |drained: &str| {
        filled(&format!(
            "4 i :f :drain\n5 i :f :enqueue, :value 9\n5 o :f :enqueue, :value 9\n\
             4 o :f :drain, :value {drained}"
        ))
    };
    check(&enqueue("[1 2 3 9]"), PASS);
    check(&enqueue("[1 2 3]"), PASS);
    check(&enqueue("[1 2 9 3]"), ORDER);
    // One that began before: its element may come anywhere.
    let open = |drained: &str| {
        format!(
            "5 i :f :enqueue, :value 9\n{}",
            filled(&format!(
                "4 i :f :drain\n5 o :f :enqueue, :value 9\n4 o :f :drain, :value {drained}"
            ))
        )
    };
    check(&open("[1 9 2 3]"), PASS);
    check(&open("[9 1 2 3]"), PASS);
    check(&open("[1 9 3 2]"), ORDER);
    // What is not told: nobody knows whether it was enqueued.
    let unknown = "6 i :f :enqueue, :value 8\n6 x :f :enqueue, :value 8\n";
    check(&(unknown.to_owned() + &enqueue("[8 1 2 3]")), PASS);
    check(&(unknown.to_owned() + &enqueue("[8 2 1 3]")), ORDER);
}

#[test]
fn several_drains_have_their_places_each() {
    let twice = |first: &str, second: &str| {
        filled(&format!(
            "4 i :f :drain\n5 i :f :dequeue\n5 f :f :dequeue\n4 o :f :drain, :value {first}\n\
             4 i :f :drain\n5 i :f :dequeue\n5 f :f :dequeue\n4 o :f :drain, :value {second}"
        ))
    };
    check(&twice("[1 2]", "[3]"), PASS);
    check(&twice("[1]", "[2 3]"), PASS);
    check(&twice("[1]", "[3 2]"), ORDER);
    check(&twice("[2 1]", "[3]"), ORDER);
}

#[test]
fn what_cannot_be_tried_in_every_way_stays_open() {
    let both = filled(
        "4 i :f :drain\n5 i :f :drain\n4 o :f :drain, :value [2 1]\n5 o :f :drain, :value [3]",
    );
    check(&both, OPEN);
    let why = |ops: &str| judged(&written(ops), Some("queue"), None);
    assert!(why(&both).contains("two of them overlap each other"), "{}", why(&both));
    let steps = "5 i :f :dequeue\n5 f :f :dequeue\n".repeat(50);
    let many = filled(&format!("4 i :f :drain\n{steps}4 o :f :drain, :value [1 2 3]"));
    check(&many, OPEN);
    assert!(why(&many).contains("there are too many ways to try"), "{}", why(&many));
    // An anomaly in whatever order they were taken.
    let lost = filled(&format!("4 i :f :drain\n{steps}4 o :f :drain, :value [1 7 3]"));
    check(&lost, "queue/linearizable: anomaly phantom-element");
}

#[test]
fn a_queue_without_order_is_asked_of_the_whole_drain() {
    let ops = filled(
        "4 i :f :drain\n5 i :f :enqueue, :value 9\n5 o :f :enqueue, :value 9\n\
         4 o :f :drain, :value [2 9 1]",
    );
    let expect =
        "queue/linearizable: inconclusive not legal for `queue`, legal for `multiset-queue`";
    let found = judged(&written(&ops), None, None);
    assert!(found.starts_with(expect), "{found}");
    assert_eq!(judged(&written(&ops), Some("bag"), None), "multiset-queue/linearizable: pass");
}

/// An operation on a queue: its first and last record, and what it put in or took out. Those of one
/// drain come one after the other.
#[derive(Debug, Clone)]
struct Step {
    from: usize,
    to: usize,
    enqueue: bool,
    value: u64,
    /// Whether the one before it must have happened.
    follows: bool,
}

/// Whether some order of all is legal, by trying each.
fn is_legal(steps: &[Step], done: &mut [bool], queue: &mut VecDeque<u64>) -> bool {
    if done.iter().all(|done| *done) {
        return true;
    }
    for place in 0..steps.len() {
        let step = &steps[place];
        let waits = |(other, earlier): (usize, &Step)| !done[other] && earlier.to < step.from;
        let late = steps.iter().enumerate().any(waits) || (step.follows && !done[place - 1]);
        if done[place] || late || (!step.enqueue && queue.front() != Some(&step.value)) {
            continue;
        }
        let mut after = queue.clone();
        if step.enqueue {
            after.push_back(step.value);
        } else {
            after.pop_front();
        }
        done[place] = true;
        if is_legal(steps, done, &mut after) {
            return true;
        }
        done[place] = false;
    }
    false
}

/// A client of a simulated queue: what it does now.
#[derive(Clone, Copy, PartialEq)]
enum Now {
    Idle,
    Asked(usize),
    Done(usize),
}

/// An operation with its records, and what it put in or took out.
struct Drawn {
    kind: &'static str,
    client: usize,
    from: usize,
    to: usize,
    values: Vec<u64>,
}

/// Clients of one queue, of which the last drains it; with some luck two answers are exchanged.
fn drawn(dice: &mut Dice) -> Vec<Drawn> {
    let (mut queue, mut all, mut next, mut record) = (VecDeque::new(), Vec::new(), 0, 0);
    let mut now = [Now::Idle; 4];
    while all.len() < 8 || now.iter().any(|state| *state != Now::Idle) {
        let client = dice.within(0, 4) as usize;
        match now[client] {
            Now::Idle if all.len() < 8 => {
                let drains = client == 3;
                if drains && all.iter().any(|drawn: &Drawn| drawn.kind == "drain") {
                    continue;
                }
                let kind = if drains {
                    "drain"
                } else if dice.one_in(3) {
                    "dequeue"
                } else {
                    "enqueue"
                };
                now[client] = Now::Asked(all.len());
                all.push(Drawn { kind, client, from: record, to: 0, values: Vec::new() });
                record += 1;
            }
            Now::Idle => {}
            Now::Asked(place) => {
                let asked = &mut all[place];
                if asked.kind == "enqueue" {
                    next += 1;
                    queue.push_back(next);
                    asked.values.push(next);
                } else {
                    asked.values.extend(queue.pop_front());
                }
                let more = asked.kind == "drain" && asked.values.len() < 4 && !dice.one_in(5);
                if !more {
                    now[client] = Now::Done(place);
                }
            }
            Now::Done(place) => {
                (all[place].to, now[client]) = (record, Now::Idle);
                record += 1;
            }
        }
    }
    exchanged(dice, all)
}

fn exchanged(dice: &mut Dice, mut all: Vec<Drawn>) -> Vec<Drawn> {
    let mut answers: Vec<(usize, usize)> = Vec::new();
    for (place, drawn) in all.iter().enumerate().filter(|(_, drawn)| drawn.kind != "enqueue") {
        answers.extend((0..drawn.values.len()).map(|number| (place, number)));
    }
    dice.shuffle(&mut answers);
    if let (&[first, second, ..], false) = (&answers[..], dice.one_in(3)) {
        let kept = all[first.0].values[first.1];
        all[first.0].values[first.1] = all[second.0].values[second.1];
        all[second.0].values[second.1] = kept;
    }
    all
}

/// The operations as lines, and as steps.
fn told(all: &[Drawn]) -> (String, Vec<Step>) {
    let (mut lines, mut steps) = (Vec::new(), Vec::new());
    for Drawn { kind, client, from, to, values } in all {
        let told = values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let (asked, answer) = match *kind {
            "drain" => ("nil".to_owned(), format!("[{told}]")),
            "enqueue" => (told.clone(), told),
            _ => ("nil".to_owned(), told),
        };
        let took = if values.is_empty() && *kind == "dequeue" { "f" } else { "o" };
        let answer = if took == "f" { "nil".to_owned() } else { answer };
        lines.push((*from, format!("{client} i :f :{kind}, :value {asked}\n")));
        lines.push((*to, format!("{client} {took} :f :{kind}, :value {answer}\n")));
        steps.extend(values.iter().enumerate().map(|(number, value)| Step {
            from: *from,
            to: *to,
            enqueue: *kind == "enqueue",
            value: *value,
            follows: number > 0,
        }));
    }
    lines.sort();
    (lines.into_iter().map(|(_, line)| line).collect(), steps)
}

#[test]
fn random_drains_are_judged_as_by_brute_force() {
    let mut dice = Dice::new(11);
    let (mut legal, mut refuted, mut by_order) = (0, 0, 0);
    for _ in 0..4_000 {
        let (ops, steps) = told(&drawn(&mut dice));
        if steps.is_empty() {
            continue; // nothing took effect
        }
        let free: Vec<Step> =
            steps.iter().map(|step| Step { follows: false, ..step.clone() }).collect();
        let decide =
            |steps: &[Step]| is_legal(steps, &mut vec![false; steps.len()], &mut VecDeque::new());
        let expect = decide(&steps);
        legal += usize::from(expect);
        refuted += usize::from(!expect);
        by_order += usize::from(!expect && decide(&free));
        check(&ops, if expect { PASS } else { "queue/linearizable: anomaly" });
    }
    println!("{legal} legal, {refuted} refuted, {by_order} of them by the order of a drain alone");
    assert!(legal > 500 && refuted > 500 && by_order > 50, "{legal} {refuted} {by_order}");
}
