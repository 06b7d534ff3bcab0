//! What the usual mix plans, over many seeds: every kind in its turn, followers as often as leaders, no
//! time lost.

use fracas_checker::event::NodeId;

use super::super::{Plan, resolve};
use super::*;
use crate::faults::chance::random;
use crate::faults::partition::Partition;
use crate::faults::{On, Shape, State};

fn config(nodes: u16, time_ms: u64) -> Config {
    let kinds = Kind::mix();
    let (again, processes, asked) = (Vec::new(), Vec::new(), BTreeSet::new());
    let (every_ms, leaders, scenario) = (3_000, true, None);
    Config { nodes, kinds, time_ms, every_ms, leaders, again, asked, processes, scenario }
}

fn plans(config: &Config, seeds: std::ops::Range<u64>) -> Vec<Vec<Planned>> {
    seeds.map(|seed| Plan::draw(config, seed).planned).collect()
}

/// The last act of each scenario that the mix plays first.
fn first_stories(config: &Config) -> Vec<(&'static str, Action)> {
    let soon = |scenario: &MixScenario| scenario.rank <= Mixed::First;
    let first = MixScenario::all(config).into_iter().filter(soon);
    let last = |scenario: &MixScenario| scenario.acts(0, 0, &mut random(1)).pop().unwrap();
    first.map(|scenario| (scenario.name, last(&scenario).act.does)).collect()
}

#[test]
fn the_same_seed_plans_the_same() {
    let config = config(5, 60_000);
    assert_eq!(Plan::draw(&config, 3), Plan::draw(&config, 3));
    assert_ne!(Plan::draw(&config, 3), Plan::draw(&config, 4));
}

#[test]
fn a_default_run_has_room_for_every_kind_and_a_shorter_one_for_each_in_its_turn() {
    for (nodes, seed) in
        [(3, 0..50), (5, 0..50)].into_iter().flat_map(|(n, seeds)| seeds.map(move |seed| (n, seed)))
    {
        let plan = Plan::draw(&config(nodes, 30_000), seed);
        assert_eq!(plan.kinds(), Kind::mix(), "{nodes} nodes, seed {seed}");
    }
    for (time_ms, seeds) in [(20_000, 2), (10_000, 5), (5_000, 14)] {
        for first in 0..30 {
            let plans = plans(&config(5, time_ms), first..first + seeds);
            let had: BTreeSet<Kind> =
                plans.iter().flatten().map(|planned| planned.act.kind()).collect();
            assert_eq!(had, Kind::mix(), "{time_ms} ms, seeds from {first}: {had:?}");
        }
    }
}

#[test]
fn what_a_run_has_room_for_is_told_with_the_time_that_all_need() {
    for nodes in [3, 5] {
        for seed in 0..50 {
            let short = config(nodes, 8_000);
            let fits = Plan::fits(&short, seed).unwrap();
            assert_eq!(fits.kinds, Kind::mix());
            let all_ms = fits.all_ms.unwrap();
            assert!(all_ms < 30_000, "{nodes} nodes, seed {seed}: {all_ms}");
            let kinds = |time_ms| Plan::draw(&config(nodes, time_ms), seed).kinds();
            assert_eq!(kinds(all_ms), fits.kinds, "seed {seed}");
            assert_ne!(kinds(all_ms - 1_000), fits.kinds, "seed {seed}");
        }
    }
}

#[test]
fn no_time_is_lost_between_turns_nor_at_the_end() {
    for seed in 0..50 {
        let config = config(5, 30_000);
        let mix = Nemesis::new(&config, seed);
        let planned = Plan::draw(&config, seed).planned;
        let turns: Vec<u64> = planned
            .iter()
            .filter(|planned| planned.calm_ms.is_some())
            .map(|planned| planned.at_ms)
            .collect();
        assert_eq!(turns[0], CALM_MS);
        assert!(planned.iter().all(|planned| planned.calm_ms.is_none_or(|calm| calm == 600)));
        let shortest = mix.every_ms() as f64 * SHARE * 1.2 + 600.0 + 120.0;
        let longest = turns.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
        assert!(longest < 12_000, "seed {seed}: {turns:?}");
        let takes = |place: usize| mix.scenarios[place].0.takes_ms + 600;
        let last = (0..mix.scenarios.len()).map(takes).max().unwrap() as f64;
        let rest = 30_000.0 - *turns.last().unwrap() as f64;
        assert!(rest < last + shortest, "seed {seed}: {turns:?}");
    }
}

/// Counted once in 35 default runs on three nodes: 39 of 42 partitions cut off the leader.
#[test]
fn followers_are_victims_as_often_as_leaders() {
    for (nodes, time_ms) in [(3, 30_000), (5, 30_000), (5, 60_000)] {
        let state = State {
            nodes: (1..=nodes).map(NodeId).collect(),
            leader: Some(NodeId(1)),
            ..State::default()
        };
        let (mut leader, mut follower) = (0, 0);
        for planned in plans(&config(nodes, time_ms), 0..35).into_iter().flatten() {
            let Ok(fault) = resolve(&planned.act, &state) else {
                leader += u32::from(planned.act.part() == Part::Leader);
                continue;
            };
            if matches!(planned.act.does, Action::Partition(Partition { shape: Shape::Scatter })) {
                continue;
            }
            // A cut that leaves the leader its majority cuts off followers.
            let On::Cut(cut) = &fault.on else { continue };
            let lost = cut.iter().filter(|(from, _)| *from == NodeId(1)).count();
            match cut.len() {
                0 => {}
                _ if lost * 2 >= usize::from(nodes) => leader += 1,
                _ => follower += 1,
            }
        }
        let all = f64::from(leader + follower);
        let share = f64::from(follower) / all;
        assert!((0.4..0.6).contains(&share), "{nodes} nodes: {follower} of {all}");
    }
}

#[test]
fn three_seeds_counted_up_play_all_that_comes_first_and_one_minute_does() {
    for nodes in [3, 5] {
        for first in 0..50 {
            let three = plans(&config(nodes, 30_000), first..first + 3).concat();
            let minute = Plan::draw(&config(nodes, 60_000), first).planned;
            for (name, does) in first_stories(&config(nodes, 0)) {
                let played = |plan: &[Planned]| plan.iter().any(|planned| planned.act.does == does);
                assert!(played(&three), "{name} by {nodes} nodes in three runs from {first}");
                assert!(played(&minute), "{name} by {nodes} nodes in a minute of {first}");
            }
        }
    }
}

#[test]
fn few_seeds_counted_up_play_all_stories() {
    for first in [1, 40, 1_000_000] {
        let played = plans(&config(5, 60_000), first..first + 10).concat();
        for scenario in MixScenario::all(&config(5, 0)) {
            let acts = scenario.acts(0, 0, &mut random(1));
            let same = |planned: &Planned| {
                let last = &acts[acts.len() - 1];
                (planned.act.does, planned.until) == (last.act.does, last.until)
            };
            assert!(played.iter().any(same), "{scenario:?} from seed {first}");
        }
    }
}

#[test]
fn acts_end_in_time_and_refer_to_those_before_them() {
    for seed in 0..50 {
        let plan = Plan::draw(&config(3, 60_000), seed);
        assert_eq!(plan.impossible(), None);
        assert!(plan.planned.iter().all(|planned| planned.act.contradiction().is_none()));
        assert!(
            plan.planned.iter().all(|planned| planned.at_ms + planned.lasts_ms <= 60_000),
            "{seed}"
        );
    }
}

#[test]
fn every_way_of_every_kind_comes_in_the_long_run() {
    let plan = Plan::draw(&config(5, 2_000_000), 1).planned;
    for does in Kind::mix().into_iter().flat_map(Kind::usual) {
        assert!(plan.iter().any(|planned| planned.act.does == does), "{does:?}");
    }
}

#[test]
fn only_allowed_kinds_are_planned() {
    let mut config = config(3, 60_000);
    config.kinds = BTreeSet::from([Kind::Pause]);
    let plan = Plan::draw(&config, 1).planned;
    assert!(!plan.is_empty());
    assert!(plan.iter().all(|planned| planned.act.kind() == Kind::Pause));
    config.kinds.clear();
    assert!(Plan::draw(&config, 1).planned.is_empty());
}

/// A cluster of one was planned no fault at all if it told of its role.
#[test]
fn a_single_node_has_no_links_and_all_other_faults() {
    for leaders in [false, true] {
        let config = Config { leaders, ..config(1, 100_000) };
        let links = [Kind::Partition, Kind::Slow, Kind::Loss];
        let all = Kind::mix();
        let expected: BTreeSet<Kind> = all.difference(&links.into()).copied().collect();
        for seed in 0..20 {
            assert_eq!(Plan::draw(&config, seed).kinds(), expected, "leaders: {leaders}");
        }
    }
}

#[test]
fn where_no_leader_is_known_every_node_is_isolated_in_its_turn() {
    for nodes in [3_u16, 5] {
        let config = Config { leaders: false, ..config(nodes, 30_000) };
        for first in 0..20 {
            let acts = plans(&config, first..first + 3).concat();
            let isolates = |place: u32| {
                let alone = Action::Partition(Partition { shape: Shape::IsolateOne });
                acts.iter().any(|it| it.act.does == alone && it.act.whom == Victims::Nth(place))
            };
            let missed = (1..=u32::from(nodes)).find(|place| !isolates(*place));
            assert_eq!(missed, None, "{nodes} nodes, seeds from {first}");
            assert!(acts.iter().all(|it| it.after.act().is_some() || it.calm_ms.is_some()));
        }
    }
}
