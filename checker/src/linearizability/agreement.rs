//! Tests of what only the inside of the search shows: since when a history is refuted, and that
//! refuters and windows refute nothing that the frontier does not.

use std::cell::RefCell;

use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

use super::breadth_first::BreadthFirst;
use super::brute;
use super::call::Call;
use super::ground::{All, Ground, Outcome, Stop};
use super::question::{Aim, Decision, Portfolio};
use super::refute::refuted_at;
use super::search::search;
use super::space::Space;
use super::window;
use crate::budget::Budget;
use crate::event::Nanos;
use crate::models::Register;
use crate::op::{Op, Outcome as Answer, Value};

/// An operation with its answer, when it began, and when it ended if it did.
type Drawn = (Op, Answer, Nanos, Option<Nanos>);

/// Some reads, writes, swaps and compare-and-sets of few values; half of the answers are right, if every
/// operation takes effect halfway.
fn draw(rng: &mut TestRng, operations: u64) -> Vec<Drawn> {
    let mut below = |limit: u64| rng.next_u64() % limit;
    let (mut held, mut now) = (None::<Value>, 8);
    let mut drawn = Vec::new();
    for _ in 0..operations {
        let key = || "k".into();
        let [old, new, random] = [(); 3].map(|()| Value::Int(below(3) as i64));
        let right = below(8) > 0;
        let seen = if right { held.clone() } else { Some(random) };
        let (op, answer) = match below(5) {
            0 | 1 => (Op::Read { key: key() }, Answer::Read { value: seen }),
            3 => (Op::Swap { key: key(), value: new.clone() }, Answer::Swap { value: seen }),
            2 => (Op::Write { key: key(), value: new.clone() }, Answer::Write),
            _ if held.as_ref() == Some(&old) => {
                (Op::Cas { key: key(), old, new: new.clone() }, Answer::Cas)
            }
            _ => (Op::Cas { key: key(), old, new: new.clone() }, Answer::CasDiffers),
        };
        if matches!(answer, Answer::Write | Answer::Cas | Answer::Swap { .. }) {
            held = Some(new);
        }
        now += below(3);
        let known = below(8) > 0 || matches!(op, Op::Read { .. });
        drawn.push((op, answer, now - below(6), known.then_some(now + below(6))));
    }
    drawn
}

fn calls(drawn: &[Drawn]) -> Vec<Call<'_>> {
    let call = |drawn| {
        let (op, outcome, start, end): &Drawn = drawn;
        Call { id: 0, op, outcome: end.map(|_| outcome), start: *start, end: *end }
    };
    drawn.iter().map(call).collect()
}

fn all<'s, 'c>(calls: &[Call<'c>], steps: &'s RefCell<Space<'c, Register>>) -> All<'s> {
    let tasks = calls.iter().map(|call| steps.borrow_mut().task(call)).collect();
    let abouts = steps.borrow().abouts().to_vec();
    let states = steps.borrow().states() as u32;
    All { tasks, abouts, states, steps, budget: Budget::unlimited_time() }
}

fn found(calls: &[Call<'_>], portfolio: Portfolio) -> Decision {
    search::<Register>(calls, Aim { portfolio, earliest: true }, &Budget::unlimited_time())
}

#[test]
fn all_agree_on_since_when_a_history_is_refuted() {
    let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[11; 32]);
    let mut refuted = 0;
    for number in 0..3_000 {
        let drawn = draw(&mut rng, 2 + number % 7);
        let calls = calls(&drawn);
        let truth = brute::search::<Register>(&calls, &Budget::unlimited_time());
        for portfolio in [Portfolio::All, Portfolio::Frontier, Portfolio::DepthFirst] {
            assert_eq!(
                found(&calls, portfolio),
                truth,
                "{portfolio:?}, history {number}: {calls:#?}"
            );
        }
        refuted += u32::from(truth != Decision::Legal);
    }
    assert!(refuted > 300, "{refuted}");
}

#[test]
fn refuters_and_windows_refute_only_what_the_frontier_does() {
    let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[12; 32]);
    let (mut by_refuter, mut by_window, mut legal) = (0, 0, 0);
    for number in 0..2_000 {
        let drawn = draw(&mut rng, 10 + number % 20);
        let calls = calls(&drawn);
        let truth = found(&calls, Portfolio::Frontier);
        let since = match truth {
            Decision::Refuted { at } => at,
            _ => Nanos::MAX,
        };
        legal += u32::from(truth == Decision::Legal);
        let steps = RefCell::new(Space::new());
        let all = all(&calls, &steps);
        if let Some(at) = refuted_at(&all.tasks, &all.abouts) {
            assert!(since <= at, "history {number}: refuted at {at}, not {truth:?}: {calls:#?}");
            by_refuter += 1;
        }
        let states = window::states(&all).expect("few states");
        for from in (0..60).step_by(7) {
            let timeline = window::timeline(&all, from, from + 20).expect("few open");
            let (timeline, abouts, steps, budget) =
                (&timeline, &all.abouts[..], all.steps, all.budget);
            let ground = Ground { timeline, abouts, steps, budget, elsewhere: 0 };
            let outcome = BreadthFirst::<1>::new(&ground, &states, usize::MAX).run();
            if let Outcome::Stopped { place, stop: Stop::Refuted } = outcome {
                let at = timeline.moments[place].time;
                assert!(since <= at, "history {number}, window from {from}: {at}, {truth:?}");
                by_window += 1;
            }
        }
    }
    assert!(by_refuter > 200 && by_window > 200 && legal > 200, "{by_refuter} {by_window} {legal}");
}
