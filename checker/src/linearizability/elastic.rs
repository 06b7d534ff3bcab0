//! A frontier that is narrow where it may be and wide where it must be.
//!
//! A narrow pass through a legal history comes far and is then stuck, because it left out the
//! configuration that was needed a while ago. So it goes back a little and tries again with more,
//! and becomes narrow again once it is past. What it leaves out it leaves out: it finds a legal
//! order, and that it finds none shows nothing.

use super::breadth_first::BreadthFirst;
use super::ground::{Ground, Outcome, Stop};

/// How many configurations are kept where nothing is difficult.
const NARROW: usize = 32;

/// How many times wider it becomes with each further attempt at one place.
const WIDER: usize = 4;

/// How many moments lie between two places to which it can go back.
const STRIDE: usize = 32;

/// To how many places it can go back.
const KEPT: usize = 128;

/// How many moments beyond a difficult one it becomes narrow again.
const BEYOND: usize = 64;

/// How many configurations may be expanded, per moment and besides.
const EFFORT: (u64, u64) = (2_000, 2_000_000);

/// Looks for a legal order, with so many `attempts` at one place.
pub(crate) fn run<const W: usize>(ground: &Ground<'_>, attempts: u32) -> Outcome {
    let mut breadth = BreadthFirst::<W>::new(ground, &[0], NARROW);
    let most = EFFORT.0 * ground.timeline.moments.len() as u64 + EFFORT.1;
    let (mut attempt, mut past, mut next, mut best) = (0, 0, 0, 0);
    loop {
        let place = breadth.place();
        best = best.max(place);
        if place >= past {
            attempt = 0;
            breadth.set_width(NARROW);
        }
        if place >= next {
            breadth.keep(KEPT);
            next = place + STRIDE;
        }
        match breadth.step() {
            None => return Outcome::Legal,
            Some(Ok(())) => {}
            Some(Err(Stop::Stuck)) if attempt < attempts && breadth.expanded() < most => {
                attempt += 1;
                past = past.max(place + BEYOND);
                if !breadth.back(1 << attempt) {
                    return Outcome::Stopped { place: best, stop: Stop::Stuck };
                }
                breadth.set_width(NARROW * WIDER.pow(attempt));
                next = breadth.place() + STRIDE;
            }
            Some(Err(stop)) => return Outcome::Stopped { place: best, stop },
        }
    }
}
