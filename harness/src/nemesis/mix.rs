//! The usual mix of faults: single acts by turns with stories.

use std::collections::{BTreeMap, BTreeSet};

use fracas_checker::fault::{FaultKind, Shape};
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use super::act::{Act, Does, Whom, usual};
use super::partition;
use super::plan::{Config, Planned};
use super::stories::Story;

/// Calm before the first fault, so that the cluster's normal state is in the history.
const CALM_MS: u64 = 1_500;
/// Of the time between two faults, the share that a fault lasts.
const SHARE: f64 = 0.62;
/// A fault shorter than this proves nothing.
const SHORTEST_MS: u64 = 200;
/// No plan is longer, whatever the times asked for.
const MOST_FAULTS: u32 = 10_000;

/// Chooses single acts: kinds used least come first, among them those that no story was made of;
/// every second act is meant for the leader.
#[derive(Debug)]
pub struct Nemesis<'a> {
    config: &'a Config,
    used: BTreeMap<(FaultKind, u8), u32>,
    kinds: BTreeMap<FaultKind, u32>,
    /// The kinds that stories were made of.
    told: BTreeSet<FaultKind>,
    picked: u32,
}

impl<'a> Nemesis<'a> {
    /// A nemesis that has not done anything yet.
    #[must_use]
    pub fn new(config: &'a Config) -> Self {
        Self {
            config,
            used: BTreeMap::new(),
            kinds: BTreeMap::new(),
            told: BTreeSet::new(),
            picked: 0,
        }
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
            let told = self.told.contains(&kind);
            (self.kinds.get(&kind).copied(), told, self.used.get(&(kind, *place)).copied())
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
        let whom = |kind| {
            let some = self.config.leaders || !matches!(kind, FaultKind::Partition);
            let meant = if some { victims(kind, self.config.nodes) } else { &[Whom::One] };
            let meant = meant.iter().filter(|whom| self.config.leaders || **whom != Whom::Leader);
            meant.copied().collect::<Vec<_>>()
        };
        let kinds = self.config.kinds.iter().copied();
        let all = kinds.flat_map(usual).chain(self.restarts());
        let possible = all.map(|does| (does.kind(), does)).filter(|(_, does)| match does {
            Does::Partition { shape } => fits(shape),
            Does::Slow { .. } | Does::Loss { .. } => self.config.nodes > 1,
            _ => true,
        });
        let acts = possible.flat_map(|(kind, does)| {
            whom(kind).into_iter().map(move |whom| Act { does, whom, draw })
        });
        (0..=u8::MAX).zip(acts).collect()
    }

    /// Kills after which a node comes back as something else.
    fn restarts(&self) -> impl Iterator<Item = Does> {
        let kills = self.config.kinds.contains(&FaultKind::Kill);
        self.config.again.iter().filter(move |_| kills).map(|again| Does::Kill { again: *again })
    }

    /// Single acts by turns with stories until the time is up; all of it ends before, or so. Each
    /// waits for the end of what comes before it, for proving a fault takes its time, too.
    pub(super) fn plan(mut self, seed: u64, random: &mut ChaCha8Rng) -> Vec<Planned> {
        let every = self.config.every_ms.max(SHORTEST_MS);
        let gap_ms = (every as f64 * (1.0 - SHARE)) as u64;
        // Shorter, so that what came late does not make all the rest late.
        let calm_ms = gap_ms / 2;
        let mut stories = Story::in_turn(self.config, seed);
        let mut planned = Vec::new();
        let mut at_ms = CALM_MS.min(every);
        for turn in 0..MOST_FAULTS {
            let left_ms = self.config.time_ms.saturating_sub(at_ms);
            let story = if turn % 2 == 0 { None } else { stories.next() };
            let lasts_ms = match story.filter(|story| story.length_ms() <= left_ms) {
                Some(story) => {
                    let mut acts = story.told(at_ms, planned.len() as u32, random);
                    // The story as a whole: the others wait for their moment within it.
                    acts[0].calm_ms = Some(calm_ms);
                    self.told.extend(acts.iter().map(|planned| planned.act.kind()));
                    planned.extend(acts);
                    story.length_ms()
                }
                None => {
                    let lasts_ms = lasts(every, random);
                    let Some(act) = self.pick(random).filter(|_| lasts_ms <= left_ms) else {
                        break;
                    };
                    planned.push(Planned {
                        calm_ms: Some(calm_ms),
                        ..Planned::timed(at_ms, lasts_ms, act)
                    });
                    lasts_ms
                }
            };
            at_ms += every.max(lasts_ms + gap_ms);
        }
        planned
    }
}

/// How long a single act lasts, in milliseconds.
fn lasts(every: u64, random: &mut ChaCha8Rng) -> u64 {
    let stretch = random.random_range(0.8..1.2);
    ((every as f64 * SHARE * stretch) as u64).max(SHORTEST_MS)
}

/// Whom an act of a kind means in the usual mix. A partition's shape says that by itself.
fn victims(kind: FaultKind, nodes: u16) -> &'static [Whom] {
    use Whom::{All, Follower, Leader, Majority, Minority, One};
    match (kind, nodes) {
        (FaultKind::Partition, _) | (_, 1) => &[One],
        (FaultKind::Pause | FaultKind::Kill | FaultKind::Power, 2) => &[Leader, One, All],
        (FaultKind::Pause | FaultKind::Kill | FaultKind::Power, _) => {
            &[Leader, One, Minority, Majority, All]
        }
        (FaultKind::Slow | FaultKind::Loss | FaultKind::Clock, _) => &[Leader, Follower, All],
        (FaultKind::Disk | FaultKind::Starve, _) => &[Leader, Follower],
    }
}

/// One of `items`, which must not be empty.
pub(super) fn one_of<T: Copy>(items: &[T], random: &mut ChaCha8Rng) -> T {
    *items.choose(random).expect("the caller gives at least one")
}

#[cfg(test)]
mod tests {
    use super::super::Plan;
    use super::*;

    fn config(nodes: u16, time_ms: u64) -> Config {
        let kinds = FaultKind::ALL.into();
        let again = Vec::new();
        Config { nodes, kinds, time_ms, every_ms: 5_000, leaders: true, again, aim: None }
    }

    #[test]
    fn the_same_seed_plans_the_same() {
        let config = config(5, 60_000);
        assert_eq!(Plan::draw(&config, 3), Plan::draw(&config, 3));
        assert_ne!(Plan::draw(&config, 3), Plan::draw(&config, 4));
    }

    #[test]
    fn most_kinds_come_soon_and_the_leader_is_meant_often() {
        for seed in 0..50 {
            let plan = Plan::draw(&config(5, 60_000), seed);
            assert!(plan.kinds().len() >= 6, "seed {seed}: {plan:?}");
            let plan = plan.planned;
            let aimed = plan.iter().filter(|planned| planned.act.aims_at_leader()).count();
            assert!(aimed * 5 >= plan.len() * 2, "seed {seed}: {plan:?}");
            assert!(plan.iter().all(|one| one.at_ms + one.lasts_ms <= 60_000), "seed {seed}");
        }
    }

    #[test]
    fn few_seeds_counted_up_tell_all_stories() {
        for first in [1, 40, 1_000_000] {
            let seeds = first..first + 10;
            let plans = seeds.map(|seed| Plan::draw(&config(5, 60_000), seed).planned);
            let told: Vec<Planned> = plans.flatten().collect();
            for story in Story::in_turn(&config(5, 0), 0).take(20) {
                let acts = story.told(0, 0, &mut super::super::random(1));
                let same = |one: &Planned| {
                    let last = &acts[acts.len() - 1];
                    (one.act.does, one.until) == (last.act.does, last.until)
                };
                assert!(told.iter().any(same), "{story:?} from seed {first}");
            }
        }
    }

    #[test]
    fn the_first_act_is_a_single_one_and_what_refers_to_others_comes_after_them() {
        for seed in 0..50 {
            let plan = Plan::draw(&config(3, 60_000), seed);
            assert_eq!(plan.impossible(), None);
            assert_eq!(plan.planned[1].after, super::super::After::Load);
        }
    }

    #[test]
    fn every_way_of_every_kind_comes_in_the_long_run() {
        let plan = Plan::draw(&config(5, 2_000_000), 1).planned;
        for does in FaultKind::ALL.into_iter().flat_map(usual) {
            assert!(plan.iter().any(|planned| planned.act.does == does), "{does:?}");
        }
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
    fn a_single_node_has_no_links() {
        let mut config = config(1, 100_000);
        config.leaders = false;
        let kinds = Plan { schema: String::new(), ..Plan::draw(&config, 1) }.kinds();
        let links = [FaultKind::Partition, FaultKind::Slow, FaultKind::Loss];
        assert_eq!(
            kinds,
            BTreeSet::from(FaultKind::ALL).difference(&links.into()).copied().collect()
        );
    }
}
