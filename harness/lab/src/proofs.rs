//! Measures whether a fault is there, still there, or gone.
//!
//! Each fault has one function, and each of its results could have come out otherwise. Nothing is
//! brought about here, and what a missing proof means is for others to say.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fracas_checker::fault::{Cut, Measurement, Stage};

use super::error::LabError;
use super::launch::{Standing, Threads};
use super::{Lab, NodeProcess};

/// How long silence is listened to; it adds to the time that every partition takes to be proven.
const LISTEN: Duration = Duration::from_millis(60);
/// A direction that must carry its probe is tried this often: on a busy machine one that comes
/// late proves nothing.
const TRIES: u32 = 6;

/// Measures a partition of these directions.
///
/// Injected and held: no probe arrives along a cut direction, and its packets were counted as
/// dropped since the last measurement; silence alone could be a probe that was never sent. In
/// `counted` the counts are kept from stage to stage: hand in an empty map first. At every stage
/// each direction that no fault cuts must carry its probe: it shows that the probe itself works.
pub fn partition(
    lab: &Lab,
    cut: &[Cut],
    stage: Stage,
    counted: &mut BTreeMap<Cut, u64>,
) -> Result<Vec<Measurement>, LabError> {
    let cut_by_any = lab.cut_directions();
    let arrived = listen(lab, &cut_by_any)?;
    let drops = lab.drops()?;
    let mut measurements = Vec::new();
    if stage == Stage::Healed {
        // Who heals while others cut the same has nothing else to measure. When they heal it is seen
        // whether the direction is open.
        let others = cut.iter().filter(|direction| cut_by_any.contains(direction));
        measurements.extend(others.map(|direction| {
            kept_cut(*direction, arrived.get(direction).copied().unwrap_or_default())
        }));
    } else {
        for direction in cut {
            let before = counted.get(direction).copied().unwrap_or_default();
            let dropped = drops.get(direction).copied().unwrap_or_default();
            let heard = arrived.get(direction).copied().unwrap_or_default();
            measurements.push(silence(*direction, heard, (before, dropped)));
            counted.insert(*direction, dropped);
        }
    }
    let open = arrived.into_iter().filter(|(direction, _)| !cut_by_any.contains(direction));
    measurements.extend(open.map(|(direction, heard)| sound(direction, heard)));
    Ok(measurements)
}

/// Probes every direction; one that nothing cuts is tried again if its probe does not arrive.
fn listen(lab: &Lab, cut: &BTreeSet<Cut>) -> Result<BTreeMap<Cut, bool>, LabError> {
    let mut arrived = lab.probe(&lab.directions(), LISTEN)?;
    for _ in 1..TRIES {
        let late = arrived.iter().filter(|(direction, heard)| !**heard && !cut.contains(direction));
        let late: Vec<Cut> = late.map(|(direction, _)| *direction).collect();
        if late.is_empty() {
            break;
        }
        arrived.extend(lab.probe(&late, LISTEN)?);
    }
    Ok(arrived)
}

/// A cut direction, with what was counted at the last measurement and now.
fn silence((from, to): Cut, heard: bool, (before, dropped): (u64, u64)) -> Measurement {
    let arrival = if heard { "arrived" } else { "no answer" };
    let more = dropped.saturating_sub(before);
    Measurement {
        what: format!("probe {from}→{to}, cut"),
        result: format!("{arrival}, {dropped} packets dropped, {more} of them new"),
        holds: !heard && more > 0,
    }
}

/// A direction that is no longer cut by the fault that was healed, and still by another one.
fn kept_cut((from, to): Cut, heard: bool) -> Measurement {
    Measurement {
        what: format!("probe {from}→{to}, cut by another fault"),
        result: if heard { "arrived" } else { "no answer" }.to_owned(),
        holds: !heard,
    }
}

/// A direction that nothing cuts.
fn sound((from, to): Cut, heard: bool) -> Measurement {
    Measurement {
        what: format!("probe {from}→{to}, not cut"),
        result: if heard { "arrived" } else { "no answer" }.to_owned(),
        holds: heard,
    }
}

/// Measures the pause of these nodes: all threads are stopped, or none is.
pub fn pause<'a>(
    nodes: impl IntoIterator<Item = &'a mut NodeProcess>,
    stage: Stage,
) -> Result<Vec<Measurement>, LabError> {
    nodes.into_iter().map(|node| paused(node, stage)).collect()
}

/// Measures one node's pause. A node without threads is neither stopped nor running.
fn paused(node: &mut NodeProcess, stage: Stage) -> Result<Measurement, LabError> {
    let threads = node.threads()?;
    let expected = if stage == Stage::Healed { 0 } else { threads.total };
    Ok(Measurement {
        what: format!("threads of {} stopped", node.node()),
        result: format!("{} of {}", threads.stopped, threads.total),
        holds: threads.total > 0 && threads.stopped == expected,
    })
}

/// Measures the kill of these nodes: there were processes and none is left, none has come back,
/// and, with the nodes as they were started again, there are threads.
pub fn kill<'a>(
    nodes: impl IntoIterator<Item = &'a mut NodeProcess>,
    stage: Stage,
) -> Result<Vec<Measurement>, LabError> {
    nodes.into_iter().map(|node| killed(node, stage)).collect()
}

/// Measures the polite end of these nodes: each server ended by itself after its signal, and nothing of
/// it is left; and, with the nodes as they were started again, there are threads.
pub fn stop<'a>(
    nodes: impl IntoIterator<Item = &'a mut NodeProcess>,
    stage: Stage,
) -> Result<Vec<Measurement>, LabError> {
    nodes.into_iter().map(|node| ended(node, stage)).collect()
}

/// Measures one node's polite end.
fn ended(node: &mut NodeProcess, stage: Stage) -> Result<Measurement, LabError> {
    if stage == Stage::Healed {
        return killed(node, stage);
    }
    let how = node.gone().and_then(|gone| gone.by_itself.clone());
    let remaining = node.remaining()?;
    let told = how.as_deref().unwrap_or("no end within its grace, then killed");
    Ok(Measurement {
        what: format!("end of {} after its signal", node.node()),
        result: format!("{told}, {remaining} processes now"),
        holds: how.is_some() && remaining == 0,
    })
}

/// Measures one node's kill.
fn killed(node: &mut NodeProcess, stage: Stage) -> Result<Measurement, LabError> {
    if stage == Stage::Healed {
        let threads = node.threads()?.total;
        return Ok(Measurement {
            what: format!("threads of {}, started again", node.node()),
            result: threads.to_string(),
            holds: threads > 0,
        });
    }
    let before = node.gone().map(|gone| gone.processes).unwrap_or_default();
    let remaining = node.remaining()?;
    Ok(Measurement {
        what: format!("processes of {}", node.node()),
        result: format!("{before} before the kill, {remaining} now"),
        holds: before > 0 && remaining == 0,
    })
}

/// How often the others are looked at that must not stand still: one of them may for a moment, as
/// when it is given its clock.
const LOOKS: u32 = 20;
/// How long is waited between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Measures the pause of one process: all its threads are stopped, or none is; and those of the other
/// processes are not.
pub fn paused_process(
    node: &mut NodeProcess,
    name: &str,
    stage: Stage,
) -> Result<Vec<Measurement>, LabError> {
    let standing = standing(node, name)?;
    let Threads { total, stopped } = standing.own;
    let wanted = if stage == Stage::Healed { 0 } else { total };
    let own = Measurement {
        what: format!("stopped threads of the process {name} of {}", node.node()),
        result: format!("{stopped} of {total}"),
        holds: total > 0 && stopped == wanted,
    };
    Ok(vec![own, others(node, name, &standing)])
}

/// Measures the kill of one process: it is gone, or there again; and the other processes are there.
pub fn killed_process(
    node: &mut NodeProcess,
    name: &str,
    stage: Stage,
) -> Result<Vec<Measurement>, LabError> {
    let standing = standing(node, name)?;
    let own = if stage == Stage::Healed {
        let threads = standing.own.total;
        Measurement {
            what: format!("threads of the process {name} of {}, started again", node.node()),
            result: threads.to_string(),
            holds: threads > 0 && standing.killed.is_none(),
        }
    } else {
        let (before, remaining) = standing.killed.unwrap_or_default();
        Measurement {
            what: format!("processes of the process {name} of {}", node.node()),
            result: format!("{before} before the kill, {remaining} now"),
            holds: before > 0 && remaining == 0 && standing.own.total == 0,
        }
    };
    Ok(vec![own, others(node, name, &standing)])
}

/// How a process stands, once none of the others stands still; after some looks as it stands then.
fn standing(node: &mut NodeProcess, name: &str) -> Result<Standing, LabError> {
    let mut standing = node.standing(name)?;
    for _ in 1..LOOKS {
        if standing.others.stopped == 0 {
            break;
        }
        std::thread::sleep(LOOK_AGAIN);
        standing = node.standing(name)?;
    }
    Ok(standing)
}

/// The other processes of a node, which the fault of one must not touch.
fn others(node: &NodeProcess, name: &str, standing: &Standing) -> Measurement {
    let Threads { total, stopped } = standing.others;
    Measurement {
        what: format!("stopped threads of {} beside the process {name}", node.node()),
        result: format!("{stopped} of {total}"),
        holds: total > 0 && stopped == 0,
    }
}
