//! The searches in turns, the cheapest first, under one budget.
//!
//! Cheap refutations, then a depth-first search that finds a legal order fast, then windows in
//! which a refutation may already show, then the frontier: narrow, which may find a legal order
//! where the depth-first search is stuck, then wider where it has to be, and at last with
//! everything, which decides. What each of them shows holds whatever the others did.

use super::breadth_first::BreadthFirst;
use super::depth_first::DepthFirst;
use super::elastic;
use super::ground::{All, Ground, Outcome, Stop};
use super::moments::Timeline;
use super::question::{Aim, Decision, GaveUp, Portfolio};
use super::refute::refuted_at;
use super::window;
use crate::event::Nanos;

/// How many configurations the first passes of the frontier keep. The last keeps all.
const WIDTHS: [usize; 4] = [32, 512, 8_192, usize::MAX];

/// The width up to which they are worth their time where all that is left to find out is since when.
const CHEAP: usize = 512;

/// How often the frontier goes back from one place to become wider: before windows are looked at,
/// and after.
const ATTEMPTS: [u32; 2] = [3, 6];

/// How many configurations a window may keep.
const WINDOW: usize = 4_096;

/// How many configurations the depth-first search may expand at first, per moment and besides.
const EAGER: (u64, u64) = (4, 1_000);

/// The depth-first search keeps to this part of the budget of bytes.
const PART: usize = 4;

/// Decides whether the calls have a legal order.
pub(crate) fn decide(all: &All<'_>, aim: Aim) -> Decision {
    let refuters = aim.portfolio == Portfolio::All;
    let proven = if refuters { refuted_at(&all.tasks, &all.abouts) } else { None };
    if let (Some(at), false) = (proven, aim.earliest) {
        return Decision::Refuted { at };
    }
    let Some(mut timeline) = Timeline::new(&all.tasks, &all.abouts) else {
        let open = Decision::GaveUp { at: 0, completed: 0, why: GaveUp::Open };
        return proven.map_or(open, |at| Decision::Refuted { at });
    };
    // What ended earlier may refute them too; if not, it is this end.
    proven.into_iter().for_each(|at| timeline.cut(at));
    let found = match timeline.open.div_ceil(64) {
        0..=1 => Searches::<1>::new(all, &timeline, aim, proven).take(),
        2 => Searches::<2>::new(all, &timeline, aim, proven).take(),
        3..=4 => Searches::<4>::new(all, &timeline, aim, proven).take(),
        _ => Searches::<16>::new(all, &timeline, aim, proven).take(),
    };
    match (found, proven) {
        (Decision::Legal | Decision::GaveUp { .. }, Some(at)) => Decision::Refuted { at },
        (found, _) => found,
    }
}

/// One after the other.
struct Searches<'s, const W: usize> {
    all: &'s All<'s>,
    ground: Ground<'s>,
    depth: DepthFirst<'s, W>,
    /// Up to which moment some order of everything before is known to be legal.
    best: usize,
    /// A completion that is known to refute.
    proven: Option<Nanos>,
    aim: Aim,
}

impl<'s, const W: usize> Searches<'s, W> {
    fn new(all: &'s All<'s>, timeline: &'s Timeline, aim: Aim, proven: Option<Nanos>) -> Self {
        let ground = Ground {
            timeline,
            abouts: &all.abouts,
            steps: all.steps,
            budget: all.budget,
            elsewhere: all.bytes() + timeline.bytes(),
        };
        let depth = match aim.portfolio {
            Portfolio::DepthFirst => DepthFirst::new(&ground, all.budget.bytes).thorough(),
            Portfolio::All | Portfolio::Frontier => {
                DepthFirst::new(&ground, all.budget.bytes / PART)
            }
        };
        Self { all, ground, depth, best: 0, proven, aim }
    }

    fn take(mut self) -> Decision {
        let (per_moment, besides) = EAGER;
        let steps = match self.aim.portfolio {
            Portfolio::All => per_moment * self.ground.timeline.moments.len() as u64 + besides,
            Portfolio::DepthFirst => u64::MAX,
            Portfolio::Frontier => 0,
        };
        let found = self.deeper(steps).or_else(|| match self.aim.portfolio {
            Portfolio::All => {
                let narrow = self.wider(&WIDTHS[..1]).or_else(|| self.elastic(ATTEMPTS[0]));
                let window = narrow.or_else(|| self.windows());
                window.or_else(|| self.elastic(ATTEMPTS[1])).or_else(|| self.wider(&WIDTHS[1..]))
            }
            Portfolio::Frontier => self.wider(&WIDTHS),
            Portfolio::DepthFirst => None,
        });
        found.unwrap_or_else(|| self.gave_up(GaveUp::Bytes))
    }

    /// Lets the depth-first search go on for a while.
    fn deeper(&mut self, steps: u64) -> Option<Decision> {
        if steps == 0 || self.depth.exhausted() {
            return None;
        }
        let outcome = self.depth.run(steps);
        let found = self.found(outcome);
        if self.aim.portfolio == Portfolio::DepthFirst {
            return found;
        }
        // That it is out of its part leaves the rest to the others.
        let out = matches!(found, Some(Decision::GaveUp { why: GaveUp::Bytes, .. }));
        if out || self.depth.bytes() > 2 * self.all.budget.bytes / PART {
            self.depth.abandon();
        }
        if out { None } else { found }
    }

    /// Looks for a refutation around the moment at which the depth-first search is stuck.
    fn windows(&mut self) -> Option<Decision> {
        let states = window::states(self.all).filter(|_| self.proven.is_none())?;
        let stuck = self.ground.timeline.moments.get(self.best)?.time;
        for timeline in window::around(self.all, stuck) {
            let elsewhere = self.elsewhere() + timeline.bytes();
            let ground = Ground { timeline: &timeline, elsewhere, ..self.ground };
            let mut breadth = BreadthFirst::<W>::new(&ground, &states, WINDOW).all_or_nothing();
            if let Outcome::Stopped { place, stop: Stop::Refuted } = breadth.run() {
                let at = timeline.moments[place].time;
                self.proven = Some(at);
                return (!self.aim.earliest)
                    .then_some(Decision::Refuted { at })
                    .or_else(|| self.since());
            }
        }
        None
    }

    /// The frontier, wider where it has to be.
    fn elastic(&mut self, attempts: u32) -> Option<Decision> {
        if self.proven.is_some() {
            return None;
        }
        self.ground.elsewhere = self.elsewhere();
        let outcome = elastic::run::<W>(&self.ground, attempts);
        match outcome {
            // What it kept is free again.
            Outcome::Stopped { place, stop: Stop::GaveUp(GaveUp::Bytes) } => {
                self.best = self.best.max(place);
                None
            }
            outcome => self.found(outcome),
        }
    }

    /// The frontier, wider and wider; in between, the depth-first search goes on for as long.
    fn wider(&mut self, widths: &[usize]) -> Option<Decision> {
        for width in widths {
            if let (Some(at), true) = (self.proven, *width > CHEAP) {
                return Some(Decision::Refuted { at });
            }
            self.ground.elsewhere = self.elsewhere();
            let mut breadth = BreadthFirst::<W>::new(&self.ground, &[0], *width);
            let outcome = breadth.run();
            let found = self.found(outcome).or_else(|| self.since());
            let steps = if self.aim.portfolio == Portfolio::All { breadth.expanded() } else { 0 };
            let found = found.or_else(|| self.deeper(steps)).or_else(|| self.since());
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// The answer where a completion is known to refute and everything before it is legal.
    fn since(&self) -> Option<Decision> {
        let at = self.proven?;
        let legal = self.ground.timeline.moments.get(self.best)?.time >= at;
        legal.then_some(Decision::Refuted { at })
    }

    fn elsewhere(&self) -> usize {
        self.all.bytes() + self.ground.timeline.bytes() + self.depth.bytes()
    }

    /// What an outcome says; none if nothing but how far it came.
    fn found(&mut self, outcome: Outcome) -> Option<Decision> {
        let Outcome::Stopped { place, stop } = outcome else { return Some(Decision::Legal) };
        self.best = self.best.max(place);
        match stop {
            Stop::Refuted => {
                Some(Decision::Refuted { at: self.ground.timeline.moments[place].time })
            }
            Stop::Stuck => None,
            Stop::GaveUp(why) => Some(self.gave_up(why)),
        }
    }

    /// What a narrow pass came through was legal, even where a wide one came less far.
    fn gave_up(&self, why: GaveUp) -> Decision {
        let at = self.ground.timeline.moments.get(self.best).map_or(0, |moment| moment.time);
        Decision::GaveUp { at, completed: self.ground.timeline.completed(self.best), why }
    }
}
