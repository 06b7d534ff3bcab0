//! Aims: plans for rare moments that single faults would hit too seldom, each written as data.
//!
//! Most are the classic stories of the field. A story is a list of steps; a step may wait for an
//! election or for the end of another step, whatever the cluster makes of it. As an aim a story is
//! gone through again and again until the time is over; most are also told once in a while in the
//! usual mix.

mod drawn;
mod list;
pub(super) mod script;

use std::collections::BTreeSet;
use std::iter;

use fracas_checker::fault::{FaultKind, Shape};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::act::{Act, Action, Victims};
use super::chance::one_of;
use super::config::Config;
use super::partition;
use super::planned::{After, Planned, Until};
use script::{CALM_MS, Since, Step};

pub use list::AIMS;
pub use script::Aim;
pub(super) use script::Mixed;

impl Aim {
    /// The acts of a run; the same source gives the same.
    pub(super) fn plan(&self, config: &Config, random: &mut ChaCha8Rng) -> Vec<Planned> {
        match self.script.steps(config.nodes) {
            Ok(steps) => rounds(&steps, config, random),
            Err(plan) => plan(config.time_ms, random),
        }
    }
}

/// A story of the usual mix.
#[derive(Debug, Clone)]
pub(super) struct Story {
    /// Its name as an aim.
    #[cfg(test)]
    pub(super) name: &'static str,
    /// How soon it is told: the lower, the sooner.
    pub(super) rank: Mixed,
    /// The kinds of its acts.
    pub(super) kinds: BTreeSet<FaultKind>,
    /// How long it takes, its proofs included.
    pub(super) takes_ms: u64,
    steps: Vec<Step>,
}

impl Story {
    /// The stories that the usual mix tells under `config`, in the order of the list.
    pub(super) fn all(config: &Config) -> Vec<Self> {
        AIMS.iter().filter_map(|aim| Self::of(aim, config)).collect()
    }

    /// The story of `aim`, if the mix tells it and it can be brought about.
    fn of(aim: &Aim, config: &Config) -> Option<Self> {
        let rank = match aim.mixed {
            Mixed::FirstWithoutLeaders if config.leaders => Mixed::Later,
            Mixed::FirstWithoutLeaders => Mixed::First,
            Mixed::Never => return None,
            rank => rank,
        };
        let steps = aim.script.steps(config.nodes).ok()?;
        let allowed = aim.needs.iter().all(|kind| config.kinds.contains(kind));
        let possible = steps.iter().all(|step| step.is_possible(config));
        let takes_ms = length_ms(&steps);
        let long = takes_ms * MOST_SHARE > config.time_ms;
        let rank = if long { Mixed::Later } else { rank };
        let kinds = steps.iter().map(|step| step.does.kind()).collect();
        (allowed && possible).then_some(Self {
            #[cfg(test)]
            name: aim.name,
            rank,
            kinds,
            takes_ms,
            steps,
        })
    }

    /// Its acts, told once from `at_ms` on, in a plan of which `first` acts come before it.
    pub(super) fn told(&self, at_ms: u64, first: u32, random: &mut ChaCha8Rng) -> Vec<Planned> {
        let planned = |step: &Step| step.planned(first, (After::Load, at_ms), random);
        self.steps.iter().map(planned).collect()
    }
}

/// How long it takes, in milliseconds, where elections take as long as they usually do; its
/// proofs included.
fn length_ms(steps: &[Step]) -> u64 {
    let mut spans: Vec<(u64, u64)> = Vec::new();
    for step in steps {
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
        let proof_ms = step.proof_ms();
        let effect = begin + proof_ms / 2;
        spans.push((effect, effect + waits + lasts + proof_ms / 2));
    }
    spans.iter().map(|(_, heal)| *heal).max().unwrap_or_default()
}

/// How long it takes to bring a fault about, to prove it three times and to mend it, in
/// milliseconds: what was measured, and a little more.
pub(super) fn proof_ms(does: &Action) -> u64 {
    match does {
        Action::Slow { link, .. } if link.jitter_us > 0 => 5_000,
        Action::Slow { link, .. } => 800 + 4 * link.delay_us / 1_000,
        Action::Loss { .. } => 700,
        Action::Starve { .. } => 600,
        Action::Clock { .. } | Action::Disk { .. } => 300,
        Action::Partition { .. } | Action::Pause | Action::Kill { .. } | Action::Power { .. } => {
            120
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
        let after = if round == 0 { After::Load } else { After::Heal(first) };
        planned.extend(steps.iter().map(|step| step.planned(first, (after, CALM_MS), random)));
    }
    planned
}

impl Step {
    /// How long it takes to prove it, at most.
    fn proof_ms(&self) -> u64 {
        iter::once(&self.does).chain(self.or).map(proof_ms).max().unwrap_or_default()
    }

    /// Whether a cluster like this one has what it takes. Where there are no leaders, any node may
    /// stand for one, but no election ever comes; nor where there is nobody else to elect.
    fn is_possible(&self, config: &Config) -> bool {
        let elects = self.until == Until::Election
            || matches!(self.since, Since::Election(_))
            || self.whom == Victims::LastLeader;
        let fits = match self.does {
            Action::Partition { shape } => {
                partition::smallest(shape) <= usize::from(config.nodes)
                    && (config.leaders || shape != Shape::IsolateLeader)
            }
            Action::Kill { again } => again.is_same() || config.again.contains(&again),
            Action::Slow { .. } | Action::Loss { .. } => config.nodes > 1,
            _ => true,
        };
        let others = matches!(self.whom, Victims::Follower | Victims::Followers);
        let some = config.nodes > 1 || !others;
        fits && some && (!elects || config.leaders && config.nodes > 1)
    }

    /// This step of a story that begins at `begin`, and whose acts come after number `first`.
    fn planned(&self, first: u32, begin: (After, u64), random: &mut ChaCha8Rng) -> Planned {
        let (after, at_ms) = match self.since {
            Since::Round => begin,
            Since::Begin(step) => (After::Begin(first + step), 0),
            Since::Heal(step) => (After::Heal(first + step), 0),
            Since::Election(step) => (After::ElectionSince(first + step), 0),
        };
        let draw = random.next_u64();
        let all: Vec<Action> = iter::once(self.does).chain(self.or.iter().copied()).collect();
        let does = one_of(&all, random);
        let whom = match self.whom {
            Victims::HitBy(step) => Victims::HitBy(first + step),
            whom => whom,
        };
        Planned {
            at_ms: at_ms + self.at_ms,
            after,
            calm_ms: None,
            lasts_ms: one_of(self.lasts_ms, random),
            until: self.until,
            act: Act { does, whom, draw },
            pinned: None,
        }
    }
}

/// A story that takes more than one part of so many of the time comes after all shorter ones.
const MOST_SHARE: u64 = 3;
/// No story is gone through more often.
const MOST_ROUNDS: u32 = 1_000;

/// How long an election takes, or so: nothing but the length of a story is guessed by it.
const ELECTION_MS: u64 = 1_000;

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
            let used: BTreeSet<_> = plans.flat_map(|plan| plan.kinds()).collect();
            assert_eq!(used, aim.needs.iter().copied().collect(), "{}", aim.name);
        }
    }

    #[test]
    fn the_mix_tells_only_what_can_be_brought_about() {
        let names = |config: &Config| -> Vec<&str> {
            Story::all(config).into_iter().map(|story| story.name).collect()
        };
        let mut config = config(&AIMS[0]);
        config.kinds = [FaultKind::Starve].into();
        assert!(names(&config).is_empty());
        config.kinds = FaultKind::ALL.into();
        assert!(!names(&config).contains(&"upgrade"));
        config.leaders = false;
        let without = [
            "rack",
            "blackout",
            "clock-ahead",
            "rough-day",
            "one-by-one",
            "power-majority",
            "slow-disk",
            "late-answers",
            "lost-sync",
            "full-disks",
            "rolling-restart",
        ];
        assert_eq!(names(&config), without);
        config.nodes = 1;
        assert_eq!(
            names(&config),
            ["clock-ahead", "slow-disk", "lost-sync", "full-disks", "rolling-restart"],
            "a single node has no followers and no links",
        );
    }

    #[test]
    fn a_story_takes_as_long_as_its_steps_do_one_after_the_other() {
        let length = |name| {
            let aim = AIMS.iter().find(|aim| aim.name == name).unwrap();
            Story::of(aim, &config(aim)).unwrap().takes_ms
        };
        assert_eq!(length("gc-pause"), 50 + ELECTION_MS + 3_200 + 180);
        assert_eq!(length("lost-sync"), 900 + 300 + 900 + 400 + 120);
        assert_eq!(length("stopped-clock"), 7_600 + 300);
        assert_eq!(length("election-storm"), 3 * ELECTION_MS + 20 + 20 + 60 + 700 + 4 * 60 + 60);
    }

    #[test]
    fn aims_have_names_of_their_own() {
        let names: BTreeSet<_> = AIMS.iter().map(|aim| aim.name).collect();
        assert_eq!(names.len(), AIMS.len());
    }
}
