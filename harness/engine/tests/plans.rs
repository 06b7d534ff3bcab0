//! What seeds have planned so far, they plan for ever: a schedule is repeated by its seed. Plans of
//! many seeds are held against a file of their digests, some of them against their whole text.

use std::collections::BTreeSet;
use std::fmt::Write;

use fracas_checker::event::NodeId;
use fracas_checker::fault::RestartAs;
use fracas_engine::faults::{DeclaredProcess, Kind, ProcessName, State};
use fracas_engine::nemesis::{Config, Plan, SCENARIOS, Scenario, resolve};
use fracas_targets::Alone;
use sha2::{Digest, Sha256};

/// What has been planned so far; `FRACAS_UPDATE=1` writes it anew.
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/plans.txt");

/// So many seeds of each configuration.
const SEEDS: u64 = 8;

fn config(nodes: u16, leaders: bool, scenario: Option<&'static Scenario>) -> Config {
    let again = vec![RestartAs::NextBinary, RestartAs::OtherFlags];
    let kinds = Kind::mix();
    let processes = scenario.map(|_| agent()).into_iter().collect();
    let (time_ms, every_ms, asked) = (40_000, 3_000, BTreeSet::new());
    Config { nodes, kinds, time_ms, every_ms, leaders, again, asked, processes, scenario }
}

/// A process that may be hit alone.
fn agent() -> DeclaredProcess {
    let name = ProcessName::new("agent").expect("a name");
    DeclaredProcess { name, faults: [Alone::Pause, Alone::Kill].into() }
}

#[test]
fn the_usual_mix_hits_a_process_alone_where_one_may_be() {
    let alone = |config: &Config| {
        let plans = (0..SEEDS).flat_map(|seed| Plan::draw(config, seed).planned);
        let hit = plans.filter(|planned| planned.act.does.process() == Some(agent().name));
        hit.map(|planned| planned.act.kind()).collect::<BTreeSet<Kind>>()
    };
    let whole = config(3, true, None);
    assert_eq!(alone(&whole), BTreeSet::new());
    let declared = Config { processes: vec![agent()], ..whole };
    assert_eq!(alone(&declared), [Kind::Pause, Kind::Kill].into());
}

/// The begin of a digest of a plan as it is written to files.
fn digest(plan: &Plan) -> String {
    let text = serde_json::to_string(plan).expect("a plan can be written");
    let digest = Sha256::digest(text);
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// What the acts of a plan become where the second node leads, and no fault is in effect.
fn settled(plan: &Plan, nodes: u16) -> String {
    let state = State {
        nodes: (1..=nodes).map(NodeId).collect(),
        leader: Some(NodeId(2)),
        last_leader: Some(NodeId(1)),
        ..State::default()
    };
    let settled = plan.planned.iter().map(|planned| match resolve(&planned.act, &state) {
        Ok(fault) => format!("  {} at {} ms: {fault}\n", planned.act, planned.at_ms),
        Err(why) => format!("  {} at {} ms: not possible: {why}\n", planned.act, planned.at_ms),
    });
    settled.collect()
}

#[test]
fn seeds_plan_what_they_have_always_planned() {
    let mut told = String::new();
    for (nodes, leaders) in [(1, true), (2, true), (3, true), (3, false), (5, true), (5, false)] {
        for seed in 0..SEEDS {
            let plan = Plan::draw(&config(nodes, leaders, None), seed);
            let digest = digest(&plan);
            writeln!(told, "{nodes} nodes, leaders: {leaders}, seed {seed}: {digest}").unwrap();
            if seed == 0 {
                told += &settled(&plan, nodes);
            }
        }
    }
    for scenario in SCENARIOS {
        let plan = Plan::draw(&config(5, true, Some(scenario)), 1);
        writeln!(told, "{}: {}", scenario.name, digest(&plan)).unwrap();
    }
    if std::env::var_os("FRACAS_UPDATE").is_some() {
        std::fs::write(GOLDEN, &told).expect("the file can be written");
    }
    let golden = std::fs::read_to_string(GOLDEN).expect("the file is there");
    let differs = golden.lines().zip(told.lines()).find(|(before, now)| before != now);
    assert_eq!(differs, None, "before, and now");
    assert_eq!(golden.len(), told.len());
}
