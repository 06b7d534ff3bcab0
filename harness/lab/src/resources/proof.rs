//! Measures whether a node really has too little, and enough again when that is over.

use fracas_checker::fault::{Measurement, Stage};

use super::{Resource, SmallDisk};
use crate::{LabError, NodeProcess};

mod time;

pub use time::{rationed, starved};

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
