//! Scenarios: plans for rare moments that single faults would hit too seldom, each written as data.
//!
//! Most are the classic stories of the field. A scenario is a list of steps; a step may wait for an
//! election or for the end of another step, whatever the cluster makes of it. Where a run aims at it
//! (`--aim`), it is gone through again and again until the time is over; most are also played once in
//! a while in the usual mix.

mod drawn;
mod list;
pub(super) mod scenario;

use std::collections::BTreeSet;
use std::iter;

use fracas_targets::Alone;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::act::Act;
use super::config::Config;
use super::planned::{After, Planned, Until};
use crate::faults::chance::one_of;
use crate::faults::{Action, DeclaredProcess, Kind, ProcessName, Victims, hit_by};
use fracas_checker::fault::RestartAs;
use scenario::{CALM_MS, Since, Step};

pub use list::SCENARIOS;
pub(super) use scenario::Mixed;
pub use scenario::Scenario;

impl Scenario {
    /// The kind of fault for which it needs a process that may be hit alone, if none of these may.
    #[must_use]
    pub fn lacks_process(&self, processes: &[DeclaredProcess]) -> Option<Kind> {
        let steps = self.acts.steps(1).unwrap_or_default();
        let any = steps.iter().map(|step| step.does);
        let mut kinds =
            any.filter(|does| does.process() == Some(ProcessName::ANY)).map(|it| it.kind());
        kinds.find(|kind| alone(*kind).is_none_or(|fault| hit_by(processes, fault).is_empty()))
    }

    /// The acts of a run; the same source gives the same.
    pub(super) fn plan(&self, config: &Config, random: &mut ChaCha8Rng) -> Vec<Planned> {
        if self.lacks_process(&config.processes).is_some() {
            return Vec::new();
        }
        match self.acts.steps(config.nodes) {
            Ok(steps) => rounds(&steps, config, random),
            Err(drawn) => (drawn.plan)(config.time_ms, random),
        }
    }

    /// Whether the usual mix plays it only where a target asks for it.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.mixed == Mixed::Asked
    }

    /// Why it would mean nothing in a cluster like this, if so: it would be played, and what it is
    /// for could never be seen.
    #[must_use]
    pub fn lacks(&self, config: &Config) -> Option<String> {
        let again = RestartAs::OTHERS.to_vec();
        let given = Config { again, ..config.clone() };
        if self.makes_sense(&given) {
            return None;
        }
        let more = (config.nodes..=MOST_NODES).find(|nodes| {
            self.makes_sense(&Config { nodes: *nodes, leaders: true, ..given.clone() })
        });
        let count = config.nodes;
        Some(match more {
            Some(nodes) if nodes > count => format!("needs {nodes} nodes, the cluster has {count}"),
            _ => "needs a target that shows its leader: see `[status]` of its file".to_owned(),
        })
    }

    fn makes_sense(&self, config: &Config) -> bool {
        match self.acts.steps(config.nodes) {
            Ok(steps) => steps.iter().all(|step| step.is_possible(config)),
            Err(drawn) => config.nodes >= drawn.nodes && (config.leaders || !drawn.led),
        }
    }
}

/// A scenario of the usual mix.
#[derive(Debug, Clone)]
pub(super) struct MixScenario {
    /// Its name.
    #[cfg(test)]
    pub(super) name: &'static str,
    /// How soon it is played: the lower, the sooner.
    pub(super) rank: Mixed,
    /// The kinds of its acts.
    pub(super) kinds: BTreeSet<Kind>,
    /// How long it takes, its proofs included.
    pub(super) takes_ms: u64,
    steps: Vec<Step>,
    /// The processes that may be hit alone.
    processes: Vec<DeclaredProcess>,
}

impl MixScenario {
    /// The scenarios that the usual mix plays under `config`, in the order of the list.
    pub(super) fn all(config: &Config) -> Vec<Self> {
        SCENARIOS.iter().filter_map(|scenario| Self::of(scenario, config)).collect()
    }

    /// This scenario, if the mix plays it and it can be brought about.
    fn of(scenario: &Scenario, config: &Config) -> Option<Self> {
        let rank = match scenario.mixed {
            Mixed::FirstWithoutLeaders if config.leaders => Mixed::Later,
            Mixed::FirstWithoutLeaders => Mixed::First,
            Mixed::Asked if config.asked.contains(scenario.name) => Mixed::First,
            Mixed::Asked => return None,
            Mixed::Never => return None,
            rank => rank,
        };
        let steps = scenario.acts.steps(config.nodes).ok()?;
        let allowed = scenario.needs.iter().all(|kind| config.kinds.contains(kind));
        let possible = steps.iter().all(|step| step.is_possible(config));
        let takes_ms = length_ms(&steps);
        let long = takes_ms * MOST_SHARE > config.time_ms;
        let rank = if long { Mixed::Later } else { rank };
        let kinds = steps.iter().map(|step| step.does.kind()).collect();
        (allowed && possible).then_some(Self {
            #[cfg(test)]
            name: scenario.name,
            rank,
            kinds,
            takes_ms,
            steps,
            processes: config.processes.clone(),
        })
    }

    /// Its acts, played once from `at_ms` on, in a plan of which `first` acts come before it.
    pub(super) fn acts(&self, at_ms: u64, first: u32, random: &mut ChaCha8Rng) -> Vec<Planned> {
        let around = Before { first, processes: &self.processes };
        let planned = |step: &Step| step.planned(around, (After::Load, at_ms), random);
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
        let around = Before { first, processes: &config.processes };
        planned.extend(steps.iter().map(|step| step.planned(around, (after, CALM_MS), random)));
    }
    planned
}

/// What a scenario is planned after, and with.
#[derive(Clone, Copy)]
struct Before<'a> {
    /// The number of the last act before it.
    first: u32,
    /// The processes that may be hit alone.
    processes: &'a [DeclaredProcess],
}

/// The action, with one of the processes that it may hit alone where it means any.
fn settled(does: Action, processes: &[DeclaredProcess], random: &mut ChaCha8Rng) -> Action {
    if does.process() != Some(ProcessName::ANY) {
        return does;
    }
    let possible: Vec<ProcessName> =
        alone(does.kind()).map(|fault| hit_by(processes, fault)).unwrap_or_default();
    let chosen = (!possible.is_empty()).then(|| one_of(&possible, random));
    chosen.and_then(|process| does.on_process(process)).unwrap_or(does)
}

/// The kind as a fault that may hit one process alone, if it is such.
fn alone(kind: Kind) -> Option<Alone> {
    [Alone::Pause, Alone::Kill].into_iter().find(|fault| fault.word() == kind.word())
}

impl Step {
    /// How long it takes to prove it, at most.
    fn proof_ms(&self) -> u64 {
        iter::once(&self.does).chain(self.or).map(Action::proof_ms).max().unwrap_or_default()
    }

    /// Whether a cluster like this one has what it takes. Where there are no leaders, any node may
    /// stand for one, but no election ever comes; nor where there is nobody else to elect.
    fn is_possible(&self, config: &Config) -> bool {
        let elects = self.until == Until::Election
            || matches!(self.since, Since::Election(_))
            || matches!(self.victims, Victims::LastLeader | Victims::FollowerInTurn);
        let others = matches!(
            self.victims,
            Victims::Follower | Victims::FollowerInTurn | Victims::Followers
        );
        let some = config.nodes > 1 || !others;
        self.does.fits(&config.around()) && some && (!elects || config.leaders && config.nodes > 1)
    }

    /// This step of a scenario that begins at `begin`, after what comes before it.
    fn planned(
        &self,
        Before { first, processes }: Before<'_>,
        begin: (After, u64),
        random: &mut ChaCha8Rng,
    ) -> Planned {
        let (after, at_ms) = match self.since {
            Since::Round => begin,
            Since::Begin(step) => (After::Begin(first + step), 0),
            Since::Heal(step) => (After::Heal(first + step), 0),
            Since::Election(step) => (After::ElectionSince(first + step), 0),
        };
        let draw = random.next_u64();
        let all: Vec<Action> = iter::once(self.does).chain(self.or.iter().copied()).collect();
        let does = settled(one_of(&all, random), processes, random);
        let victims = match self.victims {
            Victims::HitBy(step) => Victims::HitBy(first + step),
            victims => victims,
        };
        Planned {
            at_ms: at_ms + self.at_ms,
            after,
            calm_ms: None,
            lasts_ms: one_of(self.lasts_ms, random),
            until: self.until,
            act: Act { does, whom: victims, draw },
            pinned: None,
        }
    }
}

/// A scenario that takes more than one part of so many of the time comes after all shorter ones.
const MOST_SHARE: u64 = 3;
/// Every scenario makes sense with so many nodes.
const MOST_NODES: u16 = 5;
/// No scenario is gone through more often.
const MOST_ROUNDS: u32 = 1_000;

/// How long an election takes, or so: nothing but the length of a scenario is guessed by it.
const ELECTION_MS: u64 = 1_000;

#[cfg(test)]
mod tests {
    use fracas_checker::event::NodeId;

    use super::super::{Plan, resolve};
    use super::*;
    use crate::faults::State;
    use crate::faults::chance::random;

    /// A process that may be paused alone.
    fn agent() -> DeclaredProcess {
        let name = ProcessName::new("agent").unwrap();
        DeclaredProcess { name, faults: [Alone::Pause, Alone::Kill].into() }
    }

    fn config(aimed: &'static Scenario) -> Config {
        Config {
            nodes: 3,
            kinds: Kind::mix(),
            time_ms: 30_000,
            every_ms: 5_000,
            leaders: true,
            again: Vec::new(),
            asked: BTreeSet::new(),
            processes: vec![agent()],
            scenario: Some(aimed),
        }
    }

    #[test]
    fn every_scenario_can_be_carried_out() {
        for scenario in SCENARIOS {
            let plan = Plan::draw(&config(scenario), 1);
            assert!(plan.planned.len() >= 3, "{}", scenario.name);
            assert_eq!(plan.impossible(), None, "{}", scenario.name);
            assert_eq!(plan, Plan::draw(&config(scenario), 1), "{}", scenario.name);
        }
    }

    #[test]
    fn a_scenario_needs_the_kinds_of_its_acts_and_no_other() {
        for scenario in SCENARIOS {
            let plans = (0..20).map(|seed| Plan::draw(&config(scenario), seed));
            let used: BTreeSet<_> = plans.flat_map(|plan| plan.kinds()).collect();
            assert_eq!(used, scenario.needs.iter().copied().collect(), "{}", scenario.name);
        }
    }

    /// A scenario that hits nobody would end like one that found nothing.
    #[test]
    fn every_act_hits_somebody_where_a_scenario_lacks_nothing() {
        for scenario in SCENARIOS {
            for (nodes, leaders) in (1..=5).flat_map(|nodes| [(nodes, true), (nodes, false)]) {
                let config = Config { nodes, leaders, ..config(scenario) };
                if scenario.lacks(&config).is_some() {
                    continue;
                }
                let leader = leaders.then_some(NodeId(1));
                let last_leader = (leaders && nodes > 1).then_some(NodeId(2));
                let nodes = (1..=nodes).map(NodeId).collect();
                let mut state = State { nodes, leader, last_leader, ..State::default() };
                for (number, planned) in (1..).zip(Plan::draw(&config, 1).planned) {
                    let hit = resolve(&planned.act, &state).map(|fault| fault.hardest_hit());
                    let hit = hit.unwrap_or_else(|why| panic!("{}: {why}", scenario.name));
                    assert!(!hit.is_empty(), "{}", scenario.name);
                    state.hit.insert(number, hit);
                }
            }
        }
    }

    #[test]
    fn a_cluster_in_which_a_scenario_means_nothing_is_told() {
        let lacks = |name: &str, nodes, leaders| {
            let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name).unwrap();
            scenario.lacks(&Config { nodes, leaders, ..config(scenario) }).unwrap_or_default()
        };
        let nothing = String::new();
        let leader = "needs a target that shows its leader: see `[status]` of its file";
        for (name, nodes, leaders, expected) in [
            ("vote", 2, true, "needs 3 nodes, the cluster has 2"),
            ("vote", 3, false, ""),
            ("return", 1, true, "needs 2 nodes, the cluster has 1"),
            ("return", 3, false, leader),
            ("bridge-leaders", 2, true, "needs 3 nodes, the cluster has 2"),
            ("hub-pauses", 2, true, "needs 3 nodes, the cluster has 2"),
            ("hub-pauses", 3, true, ""),
            ("gc-pause", 1, true, "needs 2 nodes, the cluster has 1"),
            ("gc-pause", 3, false, leader),
            ("followers-restart", 1, true, ""),
            ("followers-restart", 3, false, leader),
            ("leader-pauses", 1, true, ""),
            ("upgrade", 3, true, ""),
        ] {
            assert_eq!(lacks(name, nodes, leaders), expected, "{name} by {nodes} nodes");
        }
        assert_eq!(nothing, lacks("rack", 3, false));
    }

    #[test]
    fn the_mix_plays_what_a_target_asks_for_before_most_others() {
        let asks = |asked: &[&'static str]| Config {
            asked: asked.iter().copied().collect(),
            scenario: None,
            ..config(&SCENARIOS[0])
        };
        let ranks = |asked: &[&'static str]| -> Vec<(&str, Mixed)> {
            let all = MixScenario::all(&asks(asked)).into_iter();
            all.filter(|it| it.name == "hub-pauses").map(|it| (it.name, it.rank)).collect()
        };
        assert_eq!(ranks(&[]), []);
        assert_eq!(ranks(&["hub-pauses"]), [("hub-pauses", Mixed::First)]);
        let cut = |config: &Config| {
            let acts = (0..3).flat_map(|seed| Plan::draw(config, seed).planned);
            acts.filter(|it| it.act.whom == Victims::LeastCut).count()
        };
        assert_eq!((cut(&asks(&[])), cut(&asks(&["hub-pauses"])) > 0), (0, true));
    }

    #[test]
    fn a_scenario_hits_a_process_that_is_declared() {
        for (name, kind) in [("half-pause", Kind::Pause), ("half-kill", Kind::Kill)] {
            let scenario = SCENARIOS.iter().find(|it| it.name == name).unwrap();
            let config = config(scenario);
            let hit = |acts: Vec<Planned>| {
                acts.iter().all(|it| it.act.does.process() == Some(agent().name))
            };
            let acts = Plan::draw(&config, 1).planned;
            assert!(!acts.is_empty() && hit(acts));
            let mixed = MixScenario::of(scenario, &config).unwrap();
            assert!(hit(mixed.acts(0, 0, &mut random(1))));
            assert_eq!(scenario.lacks_process(&config.processes), None);
            assert_eq!(scenario.lacks_process(&[]), Some(kind));
        }
    }

    #[test]
    fn the_mix_plays_only_what_can_be_brought_about() {
        let names = |config: &Config| -> Vec<&str> {
            MixScenario::all(config).into_iter().map(|scenario| scenario.name).collect()
        };
        let mut config = config(&SCENARIOS[0]);
        config.kinds = [Kind::Starve].into();
        assert!(names(&config).is_empty());
        config.kinds = Kind::mix();
        let alone =
            |config: &Config| names(config).iter().filter(|it| it.starts_with("half-")).count();
        assert_eq!(alone(&config), 2);
        config.processes.clear();
        assert_eq!(alone(&config), 0);
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
            let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name).unwrap();
            MixScenario::of(scenario, &config(scenario)).unwrap().takes_ms
        };
        assert_eq!(length("gc-pause"), 50 + ELECTION_MS + 3_200 + 180);
        assert_eq!(length("lost-sync"), 900 + 300 + 900 + 400 + 120);
        assert_eq!(length("stopped-clock"), 7_600 + 300);
        assert_eq!(length("election-storm"), 3 * ELECTION_MS + 20 + 20 + 60 + 700 + 4 * 60 + 60);
    }

    #[test]
    fn scenarios_have_names_of_their_own() {
        let names: BTreeSet<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
        assert_eq!(names.len(), SCENARIOS.len());
    }
}
