//! Aims: plans for rare moments that a random mix would hit too seldom, each written as data.
//!
//! Most are the classic stories of the field. A story is a list of steps that is gone through
//! again and again until the time is over; a step may wait for an election or for the end of
//! another step, whatever the cluster makes of it.

use fracas_checker::fault::{Again, Clock, Disk, FaultKind, Loss, Shape};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use super::act::{Act, Does, Whom};
use super::plan::{After, Config, Planned, Until, one_of};

/// A plan for one rare moment.
#[derive(Debug)]
pub struct Aim {
    /// The name used on the command line.
    pub name: &'static str,
    /// What moment it aims at, in one line.
    pub about: &'static str,
    /// The kinds of faults that it cannot do without.
    pub needs: &'static [FaultKind],
    /// How it is planned.
    script: Script,
}

/// How an aim is planned.
#[derive(Debug)]
enum Script {
    /// These steps, over and over.
    Steps(&'static [Step]),
    /// Where times hang on each other.
    Drawn(fn(&Config, &mut ChaCha8Rng) -> Vec<Planned>),
}

/// One step of a story.
#[derive(Debug, Clone, Copy)]
struct Step {
    /// What its time is counted from.
    since: Since,
    /// Milliseconds after that.
    at_ms: u64,
    /// How long it lasts, in milliseconds: one of these.
    lasts_ms: &'static [u64],
    until: Until,
    does: Does,
    whom: Whom,
}

/// What the time of a step is counted from; steps are numbered from 1 within their story.
#[derive(Debug, Clone, Copy)]
enum Since {
    /// The begin of this round.
    Round,
    /// The moment at which a step took effect.
    Begin(u32),
    /// The moment at which a step was healed.
    Heal(u32),
    /// The first election since a step took effect.
    Election(u32),
}

/// A step at the begin of a round, or counted from another one.
const fn step(since: Since, at_ms: u64, lasts_ms: &'static [u64], does: Does, whom: Whom) -> Step {
    Step { since, at_ms, lasts_ms, until: Until::Time, does, whom }
}

/// The same, lasting for its time beyond the next election.
const fn past_election(step: Step) -> Step {
    Step { until: Until::Election, ..step }
}

const KILL: Does = Does::Kill { again: Again::Same };
const UPGRADE: Does = Does::Kill { again: Again::NextBinary };

const fn cut(shape: Shape) -> Does {
    Does::Partition { shape }
}

const fn skip(by_ms: i64) -> Does {
    Does::Clock { change: Clock::Step { by_ms } }
}

use Since::{Begin, Election, Heal, Round};

/// Every aim, in the order in which lists show them.
pub static AIMS: [Aim; 13] = [
    Aim {
        name: "vote",
        about: "restart a voter between its vote and the end of that election, while a second \
                candidate asks for the same vote",
        needs: &[FaultKind::Partition, FaultKind::Pause, FaultKind::Kill],
        script: Script::Drawn(vote),
    },
    Aim {
        name: "return",
        about: "let a deposed leader come back in the middle of its successor's reign, over and over",
        needs: &[FaultKind::Partition, FaultKind::Pause],
        script: Script::Drawn(comeback),
    },
    Aim {
        name: "gc-pause",
        about: "the leader pauses past its own election and comes back, believing that it leads",
        needs: &[FaultKind::Pause],
        script: Script::Steps(&[past_election(step(
            Round,
            0,
            &[50, 300, 1_200],
            Does::Pause,
            Whom::Leader,
        ))]),
    },
    Aim {
        name: "minority-leader",
        about: "the leader is cut off with a minority that still answers clients",
        needs: &[FaultKind::Partition],
        script: Script::Steps(&[past_election(step(
            Round,
            0,
            &[500, 1_500],
            cut(Shape::Majority),
            Whom::Leader,
        ))]),
    },
    Aim {
        name: "lease-jump",
        about: "the clock of the lease holder jumps back, and it is cut off until another one leads",
        needs: &[FaultKind::Clock, FaultKind::Partition],
        script: Script::Steps(&[
            step(Round, 0, &[6_000], skip(-60_000), Whom::Leader),
            past_election(step(Begin(1), 200, &[1_500], cut(Shape::IsolateLeader), Whom::Leader)),
        ]),
    },
    Aim {
        name: "skew",
        about: "the clocks of leader and followers run apart, one way and the other",
        needs: &[FaultKind::Clock],
        script: Script::Steps(&[
            step(Round, 0, &[3_000], skip(30_000), Whom::Leader),
            step(Heal(1), 500, &[3_000], skip(-30_000), Whom::Leader),
            step(
                Heal(2),
                500,
                &[3_000],
                Does::Clock { change: Clock::Strobe { by_ms: 2_000, every_ms: 20 } },
                Whom::Follower,
            ),
            step(Heal(3), 500, &[3_000], skip(10_000), Whom::All),
        ]),
    },
    Aim {
        name: "power-majority",
        about: "a power failure takes a majority one by one, each before the last one is back for long",
        needs: &[FaultKind::Power],
        script: Script::Steps(&[
            step(Round, 0, &[400], Does::Power { loss: Loss::All }, Whom::Leader),
            step(Heal(1), 150, &[400], Does::Power { loss: Loss::All }, Whom::Follower),
            step(Heal(2), 150, &[400], Does::Power { loss: Loss::Pages }, Whom::Leader),
            step(Heal(3), 300, &[800], Does::Power { loss: Loss::All }, Whom::All),
        ]),
    },
    Aim {
        name: "bridge-leaders",
        about: "two sides that meet in one node only, with clients on both, until both may lead",
        needs: &[FaultKind::Partition],
        script: Script::Steps(&[past_election(step(
            Round,
            0,
            &[1_500, 3_000],
            cut(Shape::Bridge),
            Whom::Leader,
        ))]),
    },
    Aim {
        name: "election-storm",
        about: "each new leader dies as soon as it is seen to lead",
        needs: &[FaultKind::Kill],
        script: Script::Steps(&[
            step(Round, 0, &[700], KILL, Whom::Leader),
            step(Election(1), 20, &[700], KILL, Whom::Leader),
            step(Election(2), 20, &[700], KILL, Whom::Leader),
            step(Election(3), 60, &[700], KILL, Whom::Leader),
        ]),
    },
    Aim {
        name: "slow-disk",
        about: "the leader's disk takes its time until another one leads, then the leader's fails",
        needs: &[FaultKind::Disk],
        script: Script::Steps(&[
            step(
                Round,
                0,
                &[3_000],
                Does::Disk { trouble: Disk::SlowFsync { by_ms: 400 } },
                Whom::Leader,
            ),
            step(Heal(1), 500, &[1_000], Does::Disk { trouble: Disk::FsyncFails }, Whom::Leader),
        ]),
    },
    Aim {
        name: "rolling-restart",
        about: "one node after the other is killed and started again, and once more while it starts",
        needs: &[FaultKind::Kill],
        script: Script::Steps(&[
            step(Round, 0, &[300], KILL, Whom::Nth(1)),
            step(Heal(1), 400, &[300], KILL, Whom::Nth(2)),
            step(Heal(2), 400, &[300], KILL, Whom::Nth(3)),
            step(Heal(3), 400, &[300], KILL, Whom::One),
            step(Heal(4), 30, &[300], KILL, Whom::HitBy(4)),
        ]),
    },
    Aim {
        name: "upgrade",
        about: "one node after the other comes back with the binary of `--binary-next`",
        needs: &[FaultKind::Kill],
        script: Script::Steps(&[
            step(Round, 0, &[300], UPGRADE, Whom::Nth(1)),
            step(Heal(1), 1_500, &[300], UPGRADE, Whom::Nth(2)),
            step(Heal(2), 1_500, &[300], UPGRADE, Whom::Nth(3)),
            step(Heal(3), 1_500, &[300], KILL, Whom::Leader),
        ]),
    },
    Aim {
        name: "after-heal",
        about: "hit the old leader in the moment after the partition that deposed it is healed",
        needs: &[FaultKind::Partition, FaultKind::Pause],
        script: Script::Steps(&[
            past_election(step(Round, 0, &[400], cut(Shape::IsolateLeader), Whom::Leader)),
            step(Heal(1), 20, &[600], Does::Pause, Whom::LastLeader),
            step(Heal(2), 20, &[600], Does::Pause, Whom::Leader),
        ]),
    },
];

impl Aim {
    /// The acts of a run; the same source gives the same.
    pub(super) fn plan(&self, config: &Config, random: &mut ChaCha8Rng) -> Vec<Planned> {
        match self.script {
            Script::Steps(steps) => rounds(steps, config, random),
            Script::Drawn(plan) => plan(config, random),
        }
    }
}

/// Goes through `steps` again and again. A round begins when the last step of the one before is
/// healed, so how many of them fit is not known; more than could are planned.
fn rounds(steps: &[Step], config: &Config, random: &mut ChaCha8Rng) -> Vec<Planned> {
    let count = steps.len() as u32;
    let shortest: u64 = steps.iter().flat_map(|step| step.lasts_ms.iter().min()).sum();
    let rounds = config.time_ms / (shortest + CALM_MS) + 1;
    let mut planned = Vec::new();
    for round in 0..u32::try_from(rounds).unwrap_or(MOST_ROUNDS).min(MOST_ROUNDS) {
        let first = round * count;
        for step in steps {
            planned.push(step.planned(first, random));
        }
    }
    planned
}

impl Step {
    /// This step in the round whose acts come after number `first`.
    fn planned(&self, first: u32, random: &mut ChaCha8Rng) -> Planned {
        let (after, at_ms) = match self.since {
            Round if first == 0 => (After::Load, CALM_MS),
            Round => (After::Heal(first), CALM_MS),
            Begin(step) => (After::Begin(first + step), 0),
            Heal(step) => (After::Heal(first + step), 0),
            Election(step) => (After::ElectionSince(first + step), 0),
        };
        let whom = match self.whom {
            Whom::HitBy(step) => Whom::HitBy(first + step),
            whom => whom,
        };
        Planned {
            at_ms: at_ms + self.at_ms,
            after,
            lasts_ms: one_of(self.lasts_ms, random),
            until: self.until,
            act: Act { does: self.does, whom, draw: random.next_u64() },
            pinned: None,
        }
    }
}

/// No story is gone through more often.
const MOST_ROUNDS: u32 = 1_000;

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
    let least = |does| Act { does, whom: Whom::LeastCut, draw };
    let cut = |shape| Act { does: cut(shape), whom: Whom::One, draw };
    let (pause, kill, timed) = (least(Does::Pause), least(KILL), Planned::timed);
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
        let does = one_of(&[Does::Pause, cut(Shape::IsolateLeader)], random);
        let act = Act { does, whom: Whom::Leader, draw };
        if at_ms + lasts_ms > config.time_ms {
            return planned;
        }
        planned.push(Planned::timed(at_ms, lasts_ms, act));
        at_ms += lasts_ms + CALM_MS;
    }
}

#[cfg(test)]
mod tests {
    use super::super::Plan;
    use super::*;

    fn config(aim: &'static Aim) -> Config {
        Config {
            nodes: 3,
            kinds: FaultKind::ALL.into(),
            time_ms: 30_000,
            every_ms: 5_000,
            leaders: true,
            again: Vec::new(),
            aim: Some(aim),
        }
    }

    #[test]
    fn every_aim_can_be_carried_out() {
        for aim in &AIMS {
            let plan = Plan::draw(&config(aim), 1);
            assert!(plan.planned.len() >= 3, "{}", aim.name);
            assert_eq!(plan.impossible(), None, "{}", aim.name);
            assert_eq!(plan, Plan::draw(&config(aim), 1), "{}", aim.name);
        }
    }

    #[test]
    fn an_aim_needs_the_kinds_of_its_acts_and_no_other() {
        for aim in &AIMS {
            let plans = (0..20).map(|seed| Plan::draw(&config(aim), seed));
            let used: std::collections::BTreeSet<_> = plans.flat_map(|plan| plan.kinds()).collect();
            assert_eq!(used, aim.needs.iter().copied().collect(), "{}", aim.name);
        }
    }

    #[test]
    fn aims_have_names_of_their_own() {
        let names: std::collections::BTreeSet<_> = AIMS.iter().map(|aim| aim.name).collect();
        assert_eq!(names.len(), AIMS.len());
    }
}
