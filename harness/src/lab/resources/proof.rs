//! Measures whether a node really has too little, and enough again when that is over.

use std::time::Duration;

use fracas_checker::fault::{Measurement, Stage};

use super::{Duty, Resource, SmallDisk};
use crate::lab::{LabError, NodeProcess};

/// How many periods the process runs that measures processor time, and for how long at least.
const SPIN_PERIODS: u32 = 20;
const SPIN_MIN: Duration = Duration::from_millis(200);

/// How much more than its share a process may get, by a factor and besides: on a busy machine turns
/// do not end on the dot.
const SHARE_MOST: (f64, f64) = (1.75, 0.02);

/// The share of the time in which a process can run that never stands still. Its start is not
/// counted by the kernel in the same way.
const SHARE_ALL: f64 = 0.9;

/// How often it is measured: on a busy machine the one who gives the turns may miss some.
const TRIES: u32 = 3;

/// Measures the starvation of a node by turns: a process that runs as much as it may stands still
/// all the time but its share; healed, never.
///
/// # Errors
/// When it cannot be measured.
pub fn starved(
    node: &mut NodeProcess,
    duty: Duty,
    stage: Stage,
) -> Result<Vec<Measurement>, LabError> {
    Ok(vec![spun(node, duty, stage)?])
}

/// Measures the ration of a node: a process that runs as much as it may gets no more than its
/// share of a processor, and the kernel says that it has held the node back; healed, it can always
/// run, and the group is gone. On a busy machine it may get less, so the kernel's word counts too.
///
/// # Errors
/// When it cannot be measured.
pub fn rationed(
    node: &mut NodeProcess,
    duty: Duty,
    stage: Stage,
) -> Result<Vec<Measurement>, LabError> {
    let before = node.ration.periods()?.unwrap_or_default();
    let spun = spun(node, duty, stage)?;
    let after = node.ration.periods()?;
    let name = node.node();
    let word = match (stage, after) {
        (Stage::Healed, _) => Measurement {
            what: format!("group of {name}"),
            result: if node.ration.is_left() { "still there" } else { "gone" }.to_owned(),
            holds: !node.ration.is_left(),
        },
        (_, None) => Measurement {
            what: format!("group of {name}"),
            result: "there is none".to_owned(),
            holds: false,
        },
        (_, Some(after)) => {
            let (all, held_back) = (after.all - before.all, after.held_back - before.held_back);
            Measurement {
                what: format!("periods in which {name} was held back"),
                result: format!("{held_back} of {all}"),
                holds: held_back > 0,
            }
        }
    };
    Ok(vec![spun, word])
}

/// Measures what a process gets that runs as much as it may.
fn spun(node: &mut NodeProcess, duty: Duty, stage: Stage) -> Result<Measurement, LabError> {
    let most = duty.share() * SHARE_MOST.0 + SHARE_MOST.1;
    let (mut share, mut holds) = (None, false);
    for _ in 0..TRIES {
        share = node.spin((duty.period * SPIN_PERIODS).max(SPIN_MIN))?;
        holds = share.is_some_and(|share| match stage {
            Stage::Healed => share >= SHARE_ALL,
            _ => share <= most,
        });
        if holds {
            break;
        }
    }
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    Ok(Measurement {
        what: match stage {
            Stage::Healed => format!("time to run in {}, as ever", node.node()),
            _ => format!("time to run in {}, {}", node.node(), percent(duty.share())),
        },
        result: share.map_or("the node has ended".to_owned(), percent),
        holds,
    })
}

/// Measures the limits of a node: every process has the one it was told; healed, none has.
///
/// # Errors
/// When its processes cannot be listed.
pub fn limited(
    node: &NodeProcess,
    resource: Resource,
    stage: Stage,
) -> Result<Vec<Measurement>, LabError> {
    let (limits, most) = (node.limits(resource)?, node.told(resource));
    let is_limited = |limit: &&super::Limit| match (limit.told, most) {
        (Some(told), _) => limit.most == told,
        (None, Some(most)) => limit.most <= most,
        (None, None) => false,
    };
    let limited = limits.iter().filter(is_limited).count();
    let name = match resource {
        Resource::Files => "file descriptors",
        Resource::Memory => "bytes of memory",
    };
    let least = limits.iter().min_by_key(|limit| limit.most.saturating_sub(limit.used));
    let tightest = least.map_or(String::new(), |limit| {
        let most = if limit.most == u64::MAX { "no end".into() } else { limit.most.to_string() };
        format!("; the tightest has {} of {most}", limit.used)
    });
    let expected = if stage == Stage::Healed { 0 } else { limits.len() };
    Ok(vec![Measurement {
        what: format!("limits of {}: {name}", node.node()),
        result: format!("{limited} of {} processes limited{tightest}", limits.len()),
        holds: !limits.is_empty() && limited == expected,
    }])
}

/// Measures a small disk: there is no room, and a write fails; healed, it does not.
///
/// # Errors
/// When it is not there any more.
pub fn full(disk: &SmallDisk, stage: Stage) -> Result<Vec<Measurement>, LabError> {
    let (free, room) = (disk.free()?, disk.has_room()?);
    let healed = stage == Stage::Healed;
    Ok(vec![Measurement {
        what: format!("room on `{}`", disk.dir().display()),
        result: format!("{free} bytes free, a write {}", if room { "succeeds" } else { "fails" }),
        holds: (free > 0) == healed && room == healed,
    }])
}
