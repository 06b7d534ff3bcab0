//! Aims: plans for rare moments that single faults would hit too seldom, each written as data.
//!
//! Most are the classic stories of the field. A story is a list of steps; a step may wait for an
//! election or for the end of another step, whatever the cluster makes of it. As an aim a story is
//! gone through again and again until the time is over; most are also told once in a while in the
//! usual mix.

mod drawn;
mod list;

use fracas_checker::fault::{FaultKind, Shape};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::act::{Act, Does, Whom};
use super::mix::one_of;
use super::partition;
use super::plan::{After, Config, Planned, Until};

pub use list::AIMS;

/// A plan for one rare moment.
#[derive(Debug)]
pub struct Aim {
    /// The name used on the command line.
    pub name: &'static str,
    /// What moment it aims at, in one line.
    pub about: &'static str,
    /// The kinds of faults that it cannot do without.
    pub needs: &'static [FaultKind],
    /// Whether the usual mix tells it, too.
    mixed: bool,
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

impl Aim {
    /// The acts of a run; the same source gives the same.
    pub(super) fn plan(&self, config: &Config, random: &mut ChaCha8Rng) -> Vec<Planned> {
        match self.script {
            Script::Steps(steps) => rounds(steps, config, random),
            Script::Drawn(plan) => plan(config, random),
        }
    }
}

/// A story of the usual mix.
#[derive(Debug, Clone, Copy)]
pub(super) struct Story(&'static [Step]);

impl Story {
    /// The stories that the usual mix tells under `config`, in the order of the list, beginning
    /// somewhere else for every seed: so that few seeds, counted up, tell all of them.
    pub(super) fn in_turn(config: &Config, seed: u64) -> impl Iterator<Item = Self> {
        let told: Vec<Self> = AIMS.iter().filter_map(|aim| Self::of(aim, config)).collect();
        // The fraction of a multiple of the golden ratio: neighbouring seeds begin far apart.
        let turn = u128::from(seed.wrapping_mul(GOLDEN)) * told.len() as u128;
        let first = (turn >> u64::BITS) as usize;
        (first..).map_while(move |place| told.get(place % told.len().max(1)).copied())
    }

    /// The story of `aim`, if the mix tells it and it can be brought about.
    fn of(aim: &Aim, config: &Config) -> Option<Self> {
        let Script::Steps(steps) = aim.script else { return None };
        let allowed = aim.needs.iter().all(|kind| config.kinds.contains(kind));
        let possible = steps.iter().all(|step| step.is_possible(config));
        (aim.mixed && allowed && possible).then_some(Self(steps))
    }

    /// How long it takes, in milliseconds, where elections take as long as they usually do.
    pub(super) fn length_ms(&self) -> u64 {
        let mut spans: Vec<(u64, u64)> = Vec::new();
        for step in self.0 {
            let of = |number: u32| spans[number as usize - 1];
            let begin = step.at_ms
                + match step.since {
                    Since::Round => 0,
                    Since::Begin(number) => of(number).0,
                    Since::Heal(number) => of(number).1,
                    Since::Election(number) => of(number).0 + ELECTION_MS,
                };
            let waits = if step.until == Until::Election { ELECTION_MS } else { 0 };
            let lasts = step.lasts_ms.iter().max().copied().unwrap_or_default();
            spans.push((begin, begin + waits + lasts));
        }
        spans.iter().map(|(_, heal)| *heal).max().unwrap_or_default()
    }

    /// Its acts, told once from `at_ms` on, in a plan of which `first` acts come before it.
    pub(super) fn told(&self, at_ms: u64, first: u32, random: &mut ChaCha8Rng) -> Vec<Planned> {
        let planned = |step: &Step| step.planned(first, (After::Load, at_ms), random);
        self.0.iter().map(planned).collect()
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
        let after = if round == 0 { After::Load } else { After::Heal(first) };
        planned.extend(steps.iter().map(|step| step.planned(first, (after, CALM_MS), random)));
    }
    planned
}

impl Step {
    /// Whether a cluster like this one has what it takes. Where there are no leaders, any node may
    /// stand for one, but no election ever comes.
    fn is_possible(&self, config: &Config) -> bool {
        let elects = self.until == Until::Election
            || matches!(self.since, Since::Election(_))
            || self.whom == Whom::LastLeader;
        let fits = match self.does {
            Does::Partition { shape } => {
                partition::smallest(shape) <= usize::from(config.nodes)
                    && (config.leaders || shape != Shape::IsolateLeader)
            }
            Does::Kill { again } => again.is_same() || config.again.contains(&again),
            _ => true,
        };
        let some = self.whom != Whom::Followers || config.nodes > 1;
        fits && some && (config.leaders || !elects)
    }

    /// This step of a story that begins at `begin`, and whose acts come after number `first`.
    fn planned(&self, first: u32, begin: (After, u64), random: &mut ChaCha8Rng) -> Planned {
        let (after, at_ms) = match self.since {
            Since::Round => begin,
            Since::Begin(step) => (After::Begin(first + step), 0),
            Since::Heal(step) => (After::Heal(first + step), 0),
            Since::Election(step) => (After::ElectionSince(first + step), 0),
        };
        let whom = match self.whom {
            Whom::HitBy(step) => Whom::HitBy(first + step),
            whom => whom,
        };
        Planned {
            at_ms: at_ms + self.at_ms,
            after,
            calm_ms: None,
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
/// How long an election takes, or so: nothing but the length of a story is guessed by it.
const ELECTION_MS: u64 = 1_000;
/// The golden ratio's fraction in 64 bits.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

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
    fn the_mix_tells_only_what_can_be_brought_about() {
        let stories = |config: &Config| Story::in_turn(config, 3).take(AIMS.len()).count();
        let mut config = config(&AIMS[0]);
        assert_eq!(stories(&config), AIMS.len(), "they come round and round");
        config.kinds = [FaultKind::Starve].into();
        assert_eq!(stories(&config), 0);
        config.kinds = FaultKind::ALL.into();
        let names = |config: &Config| -> Vec<&str> {
            let told = AIMS.iter().filter(|aim| Story::of(aim, config).is_some());
            told.map(|aim| aim.name).collect()
        };
        assert!(!names(&config).contains(&"upgrade"));
        config.leaders = false;
        let without = [
            "power-majority",
            "slow-disk",
            "late-answers",
            "lost-sync",
            "full-disks",
            "rolling-restart",
        ];
        assert_eq!(names(&config), without);
        config.nodes = 1;
        assert!(!names(&config).contains(&"late-answers"), "a single node has no followers");
    }

    #[test]
    fn a_story_takes_as_long_as_its_steps_do_one_after_the_other() {
        let length = |name| {
            let aim = AIMS.iter().find(|aim| aim.name == name).unwrap();
            Story::of(aim, &config(aim)).unwrap().length_ms()
        };
        assert_eq!(length("gc-pause"), 50 + ELECTION_MS + 3_200);
        assert_eq!(length("lost-sync"), 1_000 + 1_500 + 500);
        assert_eq!(length("stopped-clock"), 7_600);
        assert_eq!(length("election-storm"), 3 * ELECTION_MS + 20 + 20 + 60 + 700);
    }

    #[test]
    fn aims_have_names_of_their_own() {
        let names: std::collections::BTreeSet<_> = AIMS.iter().map(|aim| aim.name).collect();
        assert_eq!(names.len(), AIMS.len());
    }
}
