//! The plan of a run's faults, drawn from the seed alone.

use std::collections::{BTreeMap, BTreeSet};

use fracas_checker::fault::{FaultKind, Shape};
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::aims::Aim;
use super::{Act, Whom, partition, random};

/// The schema of a schedule file.
pub const SCHEMA: &str = "fracas.schedule/1";
/// Calm before the first fault, so that the cluster's normal state is in the history.
const CALM_MS: u64 = 1_500;
/// Of the time between two faults, the share that a fault lasts.
const SHARE: f64 = 0.62;
/// A fault shorter than this proves nothing.
const SHORTEST_MS: u64 = 200;
/// No plan is longer, whatever the times asked for.
const MOST_FAULTS: u32 = 10_000;

/// What faults are wanted.
#[derive(Debug, Clone)]
pub struct Config {
    /// How many nodes there are.
    pub nodes: u16,
    /// Which kinds are allowed.
    pub kinds: BTreeSet<FaultKind>,
    /// How long faults may go on.
    pub time_ms: u64,
    /// From the begin of one fault to that of the next.
    pub every_ms: u64,
    /// Whether the target has leaders to aim at.
    pub leaders: bool,
    /// A rare moment to aim at instead of the usual mix.
    pub aim: Option<&'static Aim>,
}

/// One act with its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Milliseconds from the begin of the load.
    pub at_ms: u64,
    /// Milliseconds until it is healed.
    pub lasts_ms: u64,
    /// What is done.
    pub act: Act,
}

/// All faults of a run, in order of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// [`SCHEMA`].
    pub schema: String,
    /// The acts.
    pub planned: Vec<Planned>,
}

impl Plan {
    /// The plan for `config` under `seed`. The same seed gives the same plan.
    #[must_use]
    pub fn draw(config: &Config, seed: u64) -> Self {
        let mut source = random(seed);
        let planned = match config.aim {
            Some(aim) => (aim.plan)(config, &mut source),
            None => Nemesis::new(config).plan(&mut source),
        };
        Self { schema: SCHEMA.to_owned(), planned }
    }

    /// The kinds of faults in it.
    #[must_use]
    pub fn kinds(&self) -> BTreeSet<FaultKind> {
        self.planned.iter().map(|planned| planned.act.kind()).collect()
    }
}

/// Chooses acts one by one: those used least come first, every second one is meant for the leader.
#[derive(Debug)]
pub struct Nemesis<'a> {
    config: &'a Config,
    used: BTreeMap<(FaultKind, u8), u32>,
    kinds: BTreeMap<FaultKind, u32>,
    picked: u32,
}

impl<'a> Nemesis<'a> {
    /// A nemesis that has not done anything yet.
    #[must_use]
    pub fn new(config: &'a Config) -> Self {
        Self { config, used: BTreeMap::new(), kinds: BTreeMap::new(), picked: 0 }
    }

    /// The next act, or none where no kind is allowed or possible.
    pub fn pick(&mut self, random: &mut ChaCha8Rng) -> Option<Act> {
        let mut choices = self.choices(random.next_u64());
        if self.config.leaders && self.picked.is_multiple_of(2) {
            choices.retain(|(_, act)| act.aims_at_leader());
        }
        choices.shuffle(random);
        let count = |(place, act): &(u8, Act)| {
            let kind = act.kind();
            (self.kinds.get(&kind).copied(), self.used.get(&(kind, *place)).copied())
        };
        let (place, act) = choices.into_iter().min_by_key(count)?;
        *self.used.entry((act.kind(), place)).or_default() += 1;
        *self.kinds.entry(act.kind()).or_default() += 1;
        self.picked += 1;
        Some(act)
    }

    /// Every act that the configuration allows, numbered within its kind.
    fn choices(&self, draw: u64) -> Vec<(u8, Act)> {
        let fits = |shape: &Shape| {
            partition::smallest(*shape) <= usize::from(self.config.nodes)
                && (self.config.leaders || *shape != Shape::IsolateLeader)
        };
        let whom: &[Whom] = match self.config.nodes {
            1 => &[Whom::One],
            2 => &[Whom::Leader, Whom::One, Whom::All],
            _ => &[Whom::Leader, Whom::One, Whom::Minority, Whom::Majority, Whom::All],
        };
        let whom = whom.iter().filter(|whom| self.config.leaders || **whom != Whom::Leader);
        let shapes = Shape::ALL.iter().filter(|shape| fits(shape));
        let partitions = shapes.map(|shape| Act::Partition { shape: *shape, draw });
        let pauses = whom.clone().map(|whom| Act::Pause { whom: *whom, draw });
        let kills = whom.map(|whom| Act::Kill { whom: *whom, draw });
        let all = partitions.chain(pauses).chain(kills);
        let allowed = all.filter(|act| self.config.kinds.contains(&act.kind()));
        (0..=u8::MAX).zip(allowed).collect()
    }

    /// Acts at regular times until the time is up; the last one ends before it.
    fn plan(mut self, random: &mut ChaCha8Rng) -> Vec<Planned> {
        let every = self.config.every_ms.max(SHORTEST_MS);
        let mut planned = Vec::new();
        let mut at_ms = CALM_MS.min(every);
        while planned.len() < MOST_FAULTS as usize {
            let stretch = random.random_range(0.8..1.2);
            let lasts_ms = ((every as f64 * SHARE * stretch) as u64).max(SHORTEST_MS);
            if at_ms + lasts_ms > self.config.time_ms {
                break;
            }
            let Some(act) = self.pick(random) else { break };
            planned.push(Planned { at_ms, lasts_ms, act });
            at_ms += every;
        }
        planned
    }
}

/// One of `items`, which must not be empty.
pub(super) fn one_of<T: Copy>(items: &[T], random: &mut ChaCha8Rng) -> T {
    *items.choose(random).expect("the caller gives at least one")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(nodes: u16, time_ms: u64) -> Config {
        let kinds = FaultKind::ALL.into();
        Config { nodes, kinds, time_ms, every_ms: 5_000, leaders: true, aim: None }
    }

    #[test]
    fn the_same_seed_plans_the_same() {
        let config = config(5, 60_000);
        assert_eq!(Plan::draw(&config, 3), Plan::draw(&config, 3));
        assert_ne!(Plan::draw(&config, 3), Plan::draw(&config, 4));
    }

    #[test]
    fn every_kind_comes_within_twenty_seconds_and_half_of_the_acts_mean_the_leader() {
        for seed in 0..50 {
            let plan = Plan::draw(&config(5, 20_000), seed).planned;
            let kinds: BTreeSet<_> = plan.iter().map(|planned| planned.act.kind()).collect();
            assert_eq!(kinds.len(), 3, "seed {seed}: {plan:?}");
            let aimed = plan.iter().filter(|planned| planned.act.aims_at_leader()).count();
            assert!(aimed * 2 >= plan.len(), "seed {seed}: {plan:?}");
            assert!(plan.iter().all(|planned| planned.at_ms + planned.lasts_ms <= 20_000));
        }
    }

    #[test]
    fn every_shape_comes_in_the_long_run() {
        let plan = Plan::draw(&config(5, 600_000), 1).planned;
        let shapes: BTreeSet<_> = plan
            .iter()
            .filter_map(|planned| match planned.act {
                Act::Partition { shape, .. } => Some(shape),
                _ => None,
            })
            .collect();
        assert_eq!(shapes.len(), Shape::ALL.len());
    }

    #[test]
    fn only_allowed_kinds_are_planned() {
        let mut config = config(3, 60_000);
        config.kinds = BTreeSet::from([FaultKind::Pause]);
        let plan = Plan::draw(&config, 1).planned;
        assert!(!plan.is_empty());
        assert!(plan.iter().all(|planned| planned.act.kind() == FaultKind::Pause));
        config.kinds.clear();
        assert!(Plan::draw(&config, 1).planned.is_empty());
    }

    #[test]
    fn a_single_node_is_only_paused_and_killed() {
        let mut config = config(1, 60_000);
        config.leaders = false;
        let kinds: BTreeSet<_> =
            Plan::draw(&config, 1).planned.iter().map(|planned| planned.act.kind()).collect();
        assert_eq!(kinds, BTreeSet::from([FaultKind::Pause, FaultKind::Kill]));
    }
}
