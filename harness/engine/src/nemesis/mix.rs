//! The usual mix of faults: scenarios and single acts, one turn after the other.
//!
//! First every kind of fault gets its turn, as far as the time allows; which kind is the first to
//! get one follows from the seed, so that seeds counted up leave out each kind equally seldom. Then
//! come the scenarios that were not played yet, and now and then a single act.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use super::act::Act;
use super::config::Config;
use super::planned::Planned;
use super::scenarios::{MixScenario, Mixed};
use crate::faults::{Action, Kind, Part, Victims};

/// Calm before the first fault, so that the cluster's normal state is in the history.
const CALM_MS: u64 = 1_000;
/// Of the time from one single act to the next, the share that it lasts.
const SHARE: f64 = 0.62;
/// Of that time, the share that is calm between two turns, whatever they are.
const CALM_SHARE: f64 = 0.2;
/// A fault shorter than this proves nothing.
const SHORTEST_MS: u64 = 200;
/// No plan has more turns, whatever the times asked for.
const MOST_TURNS: u32 = 10_000;
/// One turn of so many is a single act, once the scenarios that come first were played.
const SINGLE: u32 = 4;
/// An hour.
const HOUR_MS: u64 = 3_600_000;
/// The golden ratio's fraction in 64 bits.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Plans a run turn by turn.
#[derive(Debug)]
pub struct Nemesis<'a> {
    config: &'a Config,
    /// The kinds that are possible here, the one first that is to have its turn first.
    kinds: Vec<Kind>,
    /// The scenarios that can be played, the one first that is to be played first, and how often each was.
    scenarios: Vec<(MixScenario, u32)>,
    /// How often each single act was chosen, by its number.
    used: BTreeMap<u8, u32>,
    /// How often a single act of each kind was chosen.
    singles: BTreeMap<Kind, u32>,
    /// How often each kind was used, scenarios included.
    had: BTreeMap<Kind, u32>,
    /// How often each kind was meant for each part of the cluster, scenarios included.
    parts: BTreeMap<(Kind, Part), u32>,
    turns: u32,
}

/// What comes next.
enum Turn {
    /// The scenario of this place.
    Scenario(usize),
    /// One act.
    Single {
        /// Its number among the choices.
        place: u8,
        act: Act,
        lasts_ms: u64,
    },
}

impl<'a> Nemesis<'a> {
    /// A nemesis that has not done anything yet.
    #[must_use]
    pub fn new(config: &'a Config, seed: u64) -> Self {
        let choices = choices(config, 0);
        let possible: BTreeSet<Kind> = choices.iter().map(|(_, act)| act.kind()).collect();
        let mut scenarios = turned(MixScenario::all(config), seed);
        scenarios.sort_by_key(|scenario| scenario.rank);
        Self {
            config,
            kinds: turned(possible.into_iter().collect(), seed),
            scenarios: scenarios.into_iter().map(|scenario| (scenario, 0)).collect(),
            used: BTreeMap::new(),
            singles: BTreeMap::new(),
            had: BTreeMap::new(),
            parts: BTreeMap::new(),
            turns: 0,
        }
    }

    /// Turns until the time is up; all of them end before, or so. Each waits for the end of what
    /// comes before it.
    pub(super) fn plan(mut self, random: &mut ChaCha8Rng) -> Vec<Planned> {
        let mut planned: Vec<Planned> = Vec::new();
        let mut at_ms = self.begin_ms();
        while self.turns < MOST_TURNS {
            let left_ms = self.config.time_ms.saturating_sub(at_ms);
            let Some(turn) = self.next(left_ms, random) else { break };
            let takes_ms = self.takes_ms(&turn);
            let mut acts = self.take(&turn, (at_ms, planned.len() as u32), random);
            // The turn as a whole: the other acts of a scenario wait for their moment within it.
            acts[0].calm_ms = Some(self.calm_ms());
            planned.extend(acts);
            at_ms += takes_ms + self.calm_ms();
        }
        planned
    }

    /// The kinds that are possible.
    pub(super) fn possible(&self) -> BTreeSet<Kind> {
        self.kinds.iter().copied().collect()
    }

    /// What comes next, if anything fits. Where there is room for all kinds that had no turn yet, it
    /// is what is due anyhow, as long as they still have theirs after it; else one of them is next.
    fn next(&self, left_ms: u64, random: &mut ChaCha8Rng) -> Option<Turn> {
        let missing: BTreeSet<Kind> = self.missing().collect();
        let leaves_room = |turn: &Turn| {
            let takes_ms = self.takes_ms(turn) + self.calm_ms();
            let had = self.has(turn);
            takes_ms <= left_ms + self.calm_ms()
                && (missing.is_subset(&had) || takes_ms + self.rest_ms(&missing - &had) <= left_ms)
        };
        let single = self.single(None, random).filter(leaves_room);
        let scenario = self.scenarios_due().map(Turn::Scenario).find(leaves_room);
        let soon =
            |(scenario, played): &(MixScenario, u32)| scenario.rank <= Mixed::First && *played == 0;
        let alone = self.turns.is_multiple_of(SINGLE) && !self.scenarios.iter().any(soon);
        let due = if alone { single.or(scenario) } else { scenario.or(single) };
        due.or_else(|| self.missing().find_map(|kind| self.exposing(kind, left_ms, random)))
    }

    /// How long it takes, about, to give each of these kinds a turn.
    fn rest_ms(&self, mut missing: BTreeSet<Kind>) -> u64 {
        let mut takes_ms = 0;
        while let Some(kind) = missing.pop_first() {
            let proof_ms = kind.usual().iter().map(Action::proof_ms).min().unwrap_or_default();
            let alone = BTreeSet::new();
            let single = (&alone, (self.every_ms() as f64 * SHARE) as u64 + proof_ms);
            let scenarios =
                self.scenarios.iter().map(|(scenario, _)| (&scenario.kinds, scenario.takes_ms));
            let useful = scenarios.filter(|(kinds, _)| kinds.contains(&kind)).chain([single]);
            let worth = |kinds: &BTreeSet<Kind>, takes_ms: u64| {
                (1 + (kinds & &missing).len() as u64) * HOUR_MS / (takes_ms + self.calm_ms())
            };
            let best = useful.max_by_key(|(kinds, takes_ms)| worth(kinds, *takes_ms));
            let (kinds, best_ms) = best.expect("there is a single act at least");
            takes_ms += best_ms + self.calm_ms();
            missing = &missing - kinds;
        }
        takes_ms
    }

    /// The kinds that had no turn yet.
    fn missing(&self) -> impl Iterator<Item = Kind> {
        self.kinds.iter().copied().filter(|kind| self.count(*kind) == 0)
    }

    /// How often a kind was used.
    fn count(&self, kind: Kind) -> u32 {
        self.had.get(&kind).copied().unwrap_or_default()
    }

    /// What has this kind in it and fits: rather that which brings more kinds that had no turn yet
    /// in the same time.
    fn exposing(&self, kind: Kind, left_ms: u64, random: &mut ChaCha8Rng) -> Option<Turn> {
        let single = self.single(Some(kind), random);
        let scenarios = (0..self.scenarios.len()).map(Turn::Scenario);
        let turns = scenarios.chain(single).filter(|turn| self.has(turn).contains(&kind));
        let fits = turns.filter(|turn| self.takes_ms(turn) <= left_ms);
        fits.min_by_key(|turn| Reverse(self.worth(turn)))
    }

    /// How many kinds that had no turn yet it brings, for every hour that it takes.
    fn worth(&self, turn: &Turn) -> u64 {
        let kinds = self.has(turn);
        let fresh = self.missing().filter(|kind| kinds.contains(kind)).count() as u64;
        fresh * HOUR_MS / (self.takes_ms(turn) + self.calm_ms())
    }

    /// The scenarios in the order in which they are due: those that were played least come first.
    fn scenarios_due(&self) -> impl Iterator<Item = usize> {
        let mut places: Vec<usize> = (0..self.scenarios.len()).collect();
        places.sort_by_key(|place| self.scenarios[*place].1);
        places.into_iter()
    }

    /// A single act, of this kind or of any: kinds used least come first, then what was done least
    /// often, then the part of the cluster that the kind was meant for least.
    fn single(&self, kind: Option<Kind>, random: &mut ChaCha8Rng) -> Option<Turn> {
        let mut choices = choices(self.config, random.next_u64());
        choices.retain(|(_, act)| kind.is_none_or(|kind| act.kind() == kind));
        choices.shuffle(random);
        let rank = |(place, act): &(u8, Act)| {
            let kind = act.kind();
            let single = self.singles.get(&kind).copied();
            (single, self.count(kind), self.used.get(place).copied(), self.meant(act))
        };
        let (place, act) = choices.into_iter().min_by_key(rank)?;
        let stretch = random.random_range(0.8..1.2);
        let lasts_ms = ((self.every_ms() as f64 * SHARE * stretch) as u64).max(SHORTEST_MS);
        Some(Turn::Single { place, act, lasts_ms })
    }

    /// How often its kind was meant for its part of the cluster; what is meant for any part is not
    /// less due than the rest.
    fn meant(&self, act: &Act) -> u32 {
        let of = |part| self.parts.get(&(act.kind(), part)).copied().unwrap_or_default();
        match act.part() {
            Part::Any => of(Part::Leader).min(of(Part::Followers)),
            part => of(part),
        }
    }

    /// The kinds that a turn has in it.
    fn has(&self, turn: &Turn) -> BTreeSet<Kind> {
        match turn {
            Turn::Scenario(place) => self.scenarios[*place].0.kinds.clone(),
            Turn::Single { act, .. } => [act.kind()].into(),
        }
    }

    /// How long a turn takes, its proofs included.
    fn takes_ms(&self, turn: &Turn) -> u64 {
        match turn {
            Turn::Scenario(place) => self.scenarios[*place].0.takes_ms,
            Turn::Single { act, lasts_ms, .. } => lasts_ms + act.does.proof_ms(),
        }
    }

    /// The acts of a turn that begins at `at_ms`, after so many acts; it counts as taken.
    fn take(
        &mut self,
        turn: &Turn,
        (at_ms, before): (u64, u32),
        random: &mut ChaCha8Rng,
    ) -> Vec<Planned> {
        let acts = match turn {
            Turn::Scenario(place) => {
                let (scenario, played) = &mut self.scenarios[*place];
                *played += 1;
                scenario.acts(at_ms, before, random)
            }
            Turn::Single { place, act, lasts_ms } => {
                *self.used.entry(*place).or_default() += 1;
                *self.singles.entry(act.kind()).or_default() += 1;
                vec![Planned::timed(at_ms, *lasts_ms, *act)]
            }
        };
        self.turns += 1;
        for act in acts.iter().map(|planned| planned.act) {
            *self.had.entry(act.kind()).or_default() += 1;
            *self.parts.entry((act.kind(), act.part())).or_default() += 1;
        }
        acts
    }

    fn every_ms(&self) -> u64 {
        self.config.every_ms.max(SHORTEST_MS)
    }

    fn begin_ms(&self) -> u64 {
        CALM_MS.min(self.every_ms())
    }

    fn calm_ms(&self) -> u64 {
        (self.every_ms() as f64 * CALM_SHARE) as u64
    }
}

/// Every act that `config` allows, with a number of its own.
fn choices(config: &Config, draw: u64) -> Vec<(u8, Act)> {
    let around = config.around();
    let usual = config.kinds.iter().flat_map(|kind| kind.usual());
    let given = config.kinds.iter().flat_map(|kind| kind.given(&around));
    let acts = usual.chain(given).filter(|does| does.fits(&around)).flat_map(|does| {
        let shown = |victims: &&Victims| {
            config.leaders || !matches!(victims, Victims::Leader | Victims::Follower)
        };
        let some: Vec<Victims> = does.victims(config.nodes).iter().filter(shown).copied().collect();
        let some = if some.is_empty() { vec![Victims::One] } else { some };
        some.into_iter().map(move |victims| Act { does, whom: victims, draw })
    });
    (0..=u8::MAX).zip(acts).collect()
}

/// `items` from another one on, counted round: the fraction of a multiple of the golden ratio, so
/// that neighbouring seeds begin far apart and few of them begin everywhere.
fn turned<T>(mut items: Vec<T>, seed: u64) -> Vec<T> {
    let turn = u128::from(seed.wrapping_mul(GOLDEN)) * items.len() as u128;
    items.rotate_left((turn >> u64::BITS) as usize);
    items
}

#[cfg(test)]
mod tests;
