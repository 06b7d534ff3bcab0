//! Scenarios whose times hang on each other, so that no list of steps can say them.

use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use super::super::act::Act;
use super::super::planned::Planned;
use super::scenario::{CALM_MS, Drawn, KILL, cut};
use crate::faults::chance::one_of;
use crate::faults::pause::Pause;
use crate::faults::{Action, Shape, Victims};

/// How long one round of [`VOTE`] keeps two sides apart, with one voter between them.
const BRIDGE_MS: u64 = 1_700;
/// How long the voter is silent. Both sides must have raised a candidate when it is back, and
/// neither a second one, for only candidates of one generation can both be given its vote: with
/// election timeouts of T to 2 T, between T and 2 T.
const SILENT_MS: std::ops::Range<u64> = 520..700;
/// The candidate that the voter can hear is stopped this much before the voter is back …
const BEFORE_MS: u64 = 20;
/// … and goes on after this long, when the voter has voted for it and is gone again.
const STOPPED_MS: u64 = 60;
/// The voter votes at once when it is back, and is killed this much later …
const VOTED_MS: u64 = 25;
/// … to return after this long.
const AWAY_MS: u64 = 230;
/// Meanwhile the one that was elected is cut off from the voter …
const ELECTED_MS: u64 = 50;
/// … and the other one, which was, no longer is.
const ALONE_MS: u64 = 100;
/// How long a deposed leader stays away in [`COMEBACK`].
const DEPOSED_MS: [u64; 3] = [1_200, 1_800, 2_600];

/// A voter is made to forget between its vote and the end of that election.
///
/// The leader becomes the only bridge between two sides and falls silent: each side raises a
/// candidate, neither hears of the other, both ask the same voter. One of them cannot reach it;
/// the other one is stopped with its request on the way. The voter comes back, votes, and is
/// killed; the stopped one goes on, finds its vote and leads, but is cut off before it can say so.
/// The voter returns, now the other one reaches it, and asks for the same generation.
///
/// Meant for three nodes, where one voter decides, and for a light load: a leader that falls
/// silent with an entry of its own votes for nobody who does not have it.
pub(super) const VOTE: Drawn = Drawn { plan: vote, nodes: 3, led: false };

/// Plans [`VOTE`].
fn vote(time_ms: u64, random: &mut ChaCha8Rng) -> Vec<Planned> {
    let mut planned = Vec::new();
    let mut at_ms = CALM_MS;
    while at_ms + BRIDGE_MS <= time_ms {
        planned.extend(round(at_ms, random));
        at_ms += BRIDGE_MS + CALM_MS;
    }
    planned
}

/// One round of [`VOTE`].
fn round(at_ms: u64, random: &mut ChaCha8Rng) -> [Planned; 6] {
    let draw = random.next_u64();
    let least = |does| Act { does, whom: Victims::LeastCut, draw };
    let cut = |shape| Act { does: cut(shape), whom: Victims::One, draw };
    let (pause, kill, timed) = (least(Action::Pause(Pause::WHOLE)), least(KILL), Planned::timed);
    let silent_ms = random.random_range(SILENT_MS);
    let silent = at_ms + 100;
    let back = silent + silent_ms;
    [
        timed(at_ms, BRIDGE_MS, cut(Shape::Bridge)),
        timed(silent, silent_ms, pause),
        timed(silent + 10, silent_ms - 10 + ALONE_MS, cut(Shape::IsolateOne)),
        timed(back - BEFORE_MS, STOPPED_MS, pause),
        timed(back + VOTED_MS, AWAY_MS, kill),
        timed(back + ELECTED_MS, AWAY_MS + ALONE_MS, cut(Shape::IsolateOne)),
    ]
}

/// The leader is taken away by a pause or a cut for just longer than an election, again and again.
pub(super) const COMEBACK: Drawn = Drawn { plan: comeback, nodes: 2, led: true };

/// Plans [`COMEBACK`].
fn comeback(time_ms: u64, random: &mut ChaCha8Rng) -> Vec<Planned> {
    let mut planned = Vec::new();
    let mut at_ms = CALM_MS;
    loop {
        let draw = random.next_u64();
        let lasts_ms = one_of(&DEPOSED_MS, random);
        let does = one_of(&[Action::Pause(Pause::WHOLE), cut(Shape::IsolateLeader)], random);
        let act = Act { does, whom: Victims::Leader, draw };
        if at_ms + lasts_ms > time_ms {
            return planned;
        }
        planned.push(Planned::timed(at_ms, lasts_ms, act));
        at_ms += lasts_ms + CALM_MS;
    }
}
