//! What faults of the network cost those who are not meant, and how long changing them takes.
//!
//! Numbers for a table. Nothing here judges them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fracas_checker::NodeId;
use fracas_checker::fault::Cut;

use super::{Plan, Shaping};
use crate::{Lab, LabError};

/// How many probes a round trip's time is taken from, and how densely they are sent.
const PROBES: Plan =
    Plan { count: 1000, every: Duration::from_micros(100), patience: Duration::from_millis(200) };

/// How often each transaction is made.
const ROUNDS: usize = 100;

/// Round trips of a pair that nothing shapes: half take no longer than this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overhead {
    /// While nothing is shaped.
    pub without: Duration,
    /// While all directions between other nodes are.
    pub elsewhere: Duration,
    /// While one of its ends sends shaped packets to a third node.
    pub same_sender: Duration,
}

/// How long changing a partition of twelve directions takes: half take no longer than this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transactions {
    /// From none to a partition.
    pub apply: Duration,
    /// From one partition to another.
    pub swap: Duration,
    /// From a partition to none.
    pub heal: Duration,
}

/// Measures round trips between the first two nodes. Ends with nothing shaped.
///
/// # Errors
/// When the lab has fewer than four nodes, or refuses.
pub fn overhead(lab: &Lab) -> Result<Overhead, LabError> {
    let [a, b, c, d] = first(lab)?;
    let shaping = Shaping { delay: Duration::from_millis(10), ..Shaping::default() };
    let shape = |pairs: &[Cut]| lab.shape(&pairs.iter().map(|pair| (*pair, shaping)).collect());
    let without = round_trip(lab, (a, b))?;
    shape(&[(c, d), (d, c)])?;
    let elsewhere = round_trip(lab, (a, b))?;
    shape(&[(a, c), (b, c)])?;
    let same_sender = round_trip(lab, (a, b))?;
    lab.shape(&BTreeMap::new())?;
    Ok(Overhead { without, elsewhere, same_sender })
}

/// Half of the round trips of a pair take no longer than this.
///
/// # Errors
/// When the lab refuses, or nothing comes back.
pub fn round_trip(lab: &Lab, pair: Cut) -> Result<Duration, LabError> {
    let sample = lab.measure(&[pair], PROBES)?.remove(&pair).unwrap_or_default();
    let none = || LabError::answer("measure round trips", "no probe came back");
    sample.round.p50().ok_or_else(none)
}

/// Measures partitions of five nodes into two and three: twelve directions. Ends with no cut.
///
/// # Errors
/// When the lab has fewer than five nodes, or refuses.
pub fn transactions(lab: &Lab) -> Result<Transactions, LabError> {
    let [a, b, c, d, e] = first(lab)?;
    let apart = |few: [NodeId; 2], many: [NodeId; 3]| -> Vec<Cut> {
        few.iter()
            .flat_map(|few| many.iter().flat_map(|many| [(*few, *many), (*many, *few)]))
            .collect()
    };
    let (first, second) = (apart([a, b], [c, d, e]), apart([a, c], [b, d, e]));
    let mut times: [Vec<Duration>; 3] = Default::default();
    for _ in 0..ROUNDS {
        for (times, cut) in times.iter_mut().zip([&first[..], &second, &[]]) {
            let start = Instant::now();
            lab.cut(cut)?;
            times.push(start.elapsed());
        }
    }
    let [apply, swap, heal] = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    Ok(Transactions { apply, swap, heal })
}

/// The first nodes of a lab.
fn first<const N: usize>(lab: &Lab) -> Result<[NodeId; N], LabError> {
    let nodes = lab.nodes().get(..N).and_then(|nodes| nodes.try_into().ok());
    nodes.ok_or_else(|| LabError::Asked(format!("measure a lab of fewer than {N} nodes")))
}
