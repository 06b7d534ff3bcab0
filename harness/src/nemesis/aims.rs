//! Aims: plans for rare moments that a random mix would hit too seldom.

use fracas_checker::fault::{FaultKind, Shape};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use super::plan::one_of;
use super::{Act, Config, Planned, Whom};

/// A plan for one rare moment.
#[derive(Debug)]
pub struct Aim {
    /// The name used on the command line.
    pub name: &'static str,
    /// What moment it aims at, in one line.
    pub about: &'static str,
    /// The kinds of faults that it cannot do without.
    pub needs: &'static [FaultKind],
    /// Draws the plan.
    pub plan: fn(&Config, &mut ChaCha8Rng) -> Vec<Planned>,
}

/// Every aim, in the order in which lists show them.
pub const AIMS: [Aim; 2] = [
    Aim {
        name: "vote",
        about: "restart a voter between its vote and the end of that election, while a second \
                candidate asks for the same vote",
        needs: &FaultKind::ALL,
        plan: vote,
    },
    Aim {
        name: "return",
        about: "let a deposed leader come back in the middle of its successor's reign, over and over",
        needs: &[FaultKind::Partition, FaultKind::Pause],
        plan: comeback,
    },
];

/// Calm before the first act, and between two rounds.
const CALM_MS: u64 = 1_500;
/// How long one round of [`vote`] keeps two sides apart, with one voter between them.
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
/// How long a deposed leader stays away in [`comeback`].
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
fn vote(config: &Config, random: &mut ChaCha8Rng) -> Vec<Planned> {
    let mut planned = Vec::new();
    let mut at_ms = CALM_MS;
    while at_ms + BRIDGE_MS <= config.time_ms {
        planned.extend(round(at_ms, random));
        at_ms += BRIDGE_MS + CALM_MS;
    }
    planned
}

/// One round of [`vote`].
fn round(at_ms: u64, random: &mut ChaCha8Rng) -> [Planned; 6] {
    let draw = random.next_u64();
    let cut = |shape| Act::Partition { shape, draw };
    let pause = Act::Pause { whom: Whom::LeastCut, draw };
    let kill = Act::Kill { whom: Whom::LeastCut, draw };
    let timed = |at_ms, lasts_ms, act| Planned { at_ms, lasts_ms, act };
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
fn comeback(config: &Config, random: &mut ChaCha8Rng) -> Vec<Planned> {
    let mut planned = Vec::new();
    let mut at_ms = CALM_MS;
    loop {
        let draw = random.next_u64();
        let lasts_ms = one_of(&DEPOSED_MS, random);
        let cut = Act::Partition { shape: Shape::IsolateLeader, draw };
        let act = one_of(&[Act::Pause { whom: Whom::Leader, draw }, cut], random);
        if at_ms + lasts_ms > config.time_ms {
            return planned;
        }
        planned.push(Planned { at_ms, lasts_ms, act });
        at_ms += lasts_ms + CALM_MS;
    }
}

#[cfg(test)]
mod tests {
    use super::super::Plan;
    use super::*;

    #[test]
    fn every_aim_plans_within_its_time() {
        for aim in &AIMS {
            let kinds = FaultKind::ALL.into();
            let config = Config {
                nodes: 3,
                kinds,
                time_ms: 30_000,
                every_ms: 5_000,
                leaders: true,
                aim: Some(aim),
            };
            let plan = Plan::draw(&config, 1);
            assert!(plan.planned.len() >= 3, "{}", aim.name);
            assert!(plan.planned.is_sorted_by_key(|planned| planned.at_ms), "{}", aim.name);
            assert_eq!(plan, Plan::draw(&config, 1), "{}", aim.name);
        }
    }
}
