//! How long it takes to bring faults about, and what they cost those who are not hit: the median
//! of many, printed. Absolute times of a busy machine mean little; nothing is judged here.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use fracas_checker::NodeId;
use fracas_lab::clock::{Clock, ClockPage};
use fracas_lab::packets::overhead::{overhead, transactions};
use fracas_lab::{Isolation, Lab, LabError, LabSpec, Mechanism};

/// How often a clock is stepped.
const STEPS: usize = 10_001;

/// Partitions of five nodes into two and three cut twelve directions.
const NODES: u16 = 5;

/// What is measured, and its median.
type Row = (String, Duration);

fn main() -> ExitCode {
    // Nodes and other helpers of the lab are this program, started again.
    if std::env::args().nth(1).as_deref() == Some("__node") {
        return fracas_lab::node_main().into();
    }
    let isolation =
        if nix::unistd::geteuid().is_root() { Isolation::Root } else { Isolation::Userns };
    let entered = fracas_lab::enter(isolation, |_| match measured() {
        Ok(rows) => {
            println!("| what | p50 |\n|---|---:|");
            rows.iter().for_each(|(name, time)| println!("| {name} | {time:.1?} |"));
            0
        }
        Err(error) => complain(&error),
    });
    entered.unwrap_or_else(|error| complain(&error)).into()
}

fn complain(error: &LabError) -> u8 {
    eprintln!("error: failed to {error}");
    1
}

fn measured() -> Result<Vec<Row>, LabError> {
    let mut rows = Vec::new();
    for mechanism in [Mechanism::Nft, Mechanism::Iptables] {
        let nodes = (1..=NODES).map(NodeId).collect();
        match Lab::build(&LabSpec { nodes, partition: mechanism, ineffective_cut: false }) {
            Ok(lab) => rows.extend(of_the_network(&lab)?),
            Err(error @ LabError::Unavailable { .. }) => eprintln!("not here: {error}"),
            Err(error) => return Err(error),
        }
    }
    if cfg!(target_arch = "x86_64") {
        rows.push(("a clock is stepped".to_owned(), step()?));
    }
    Ok(rows)
}

/// Partitions, and round trips beside shaped pairs.
fn of_the_network(lab: &Lab) -> Result<Vec<Row>, LabError> {
    let by = lab.partition_mechanism();
    let times = transactions(lab)?;
    let mut rows = vec![
        (format!("12 directed pairs are cut, {by}"), times.apply),
        (format!("12 directed pairs are cut in place of 12 others, {by}"), times.swap),
        (format!("all are healed, {by}"), times.heal),
    ];
    if by.starts_with("nft") {
        let trips = overhead(lab)?;
        rows.push(("round trip, nothing shaped".to_owned(), trips.without));
        rows.push(("round trip beside a shaped pair".to_owned(), trips.elsewhere));
        rows.push(("round trip to a node that shaped pairs lead to".to_owned(), trips.same_sender));
    }
    Ok(rows)
}

/// The median time of a step of a node's clock.
fn step() -> Result<Duration, LabError> {
    let page = ClockPage::new()?;
    let mut times = Vec::with_capacity(STEPS);
    for by in 1..=STEPS {
        let start = Instant::now();
        page.set(Clock::Step { nanos: i64::try_from(by).unwrap_or(1) * 1_000_000_000 })?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    Ok(times[STEPS / 2])
}
