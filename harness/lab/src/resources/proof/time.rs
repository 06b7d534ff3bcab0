//! Measures whether a node has too little processor time because we hold it back.
//!
//! On a busy machine every process has too little. So two things are measured: that the node gets
//! no more than its share, which a busy machine cannot spoil, and that it is held back by us, which
//! a busy machine cannot feign. What a missing proof means is for others to say.

use std::thread;
use std::time::{Duration, Instant};

use fracas_checker::fault::{Measurement, Stage};

use crate::resources::Duty;
use crate::resources::group::{Group, Periods};
use crate::threads::stands_still;
use crate::{LabError, NodeProcess};

/// How many periods one window of a measurement has, and how long it is at least.
const WINDOW_PERIODS: u32 = 20;
const WINDOW_MIN: Duration = Duration::from_millis(200);

/// In how many windows it is measured at most, as long as the proof is missing.
const WINDOWS: u32 = 5;

/// How much more than its share a process may get, by a factor and besides: on a busy machine turns
/// do not end on the dot.
const SHARE_MOST: (f64, f64) = (1.75, 0.02);

/// The share of the time in which a process can run that never stands still. Its start is not
/// counted by the kernel in the same way.
const SHARE_ALL: f64 = 0.9;

/// Who wants all and gets less than this part of its share gets it from the machine, not from us.
const BUSY: f64 = 0.9;

/// How many looks there are at a node in one period: no whole number, so that every part of a
/// period is looked at.
const LOOKS: f64 = 6.45;

/// How often the list of a group's processes is compared with that of the node's: some may be born
/// or end between the two.
const LISTS: u32 = 5;

/// Measures the starvation of a node by turns: its processes are found standing still for the rest
/// of its share, and a process that wants to run all the time gets no more than its share; healed,
/// it can run all the time.
///
/// # Errors
/// When it cannot be measured.
pub fn starved(
    node: &mut NodeProcess,
    duty: Duty,
    stage: Stage,
) -> Result<Vec<Measurement>, LabError> {
    if stage == Stage::Healed {
        return Ok(vec![free_to_run(node)?]);
    }
    let mut found = Looks::default();
    let mut measured = Vec::new();
    for _ in 0..WINDOWS {
        let (share, looks) = watched(node, duty)?;
        found = Looks { all: found.all + looks.all, standing: found.standing + looks.standing };
        measured = vec![wanted_all(node, duty, share), stood_still(node, duty, found)];
        if measured.iter().all(|measurement| measurement.holds) {
            break;
        }
    }
    Ok(measured)
}

/// Measures the ration of a node: the kernel says that the node has it, all its processes are
/// subject to it, a process that wants all the time gets no more than it, and the kernel has held
/// the node back; healed, it can always run, and the group is gone.
///
/// While this is measured the node comes before all others that want a processor. Else a busy
/// machine would leave it less than its ration, and it would not be held back.
///
/// # Errors
/// When it cannot be measured.
pub fn rationed(
    node: &mut NodeProcess,
    duty: Duty,
    stage: Stage,
) -> Result<Vec<Measurement>, LabError> {
    if stage == Stage::Healed {
        let left = node.ration.is_left();
        let gone = of_group(node, if left { "still there" } else { "gone" }, !left);
        return Ok(vec![free_to_run(node)?, gone]);
    }
    if node.ration.group().is_none() {
        return Ok(vec![of_group(node, "there is none: the ration is not in effect", false)]);
    }
    precede(node, true)?;
    let mut measured = ration(node, duty);
    for _ in 1..WINDOWS {
        match &measured {
            Ok(all) if !all.iter().all(|measurement| measurement.holds) => {
                measured = ration(node, duty);
            }
            _ => break,
        }
    }
    precede(node, false)?;
    measured
}

/// Whether there is a group.
fn of_group(node: &NodeProcess, result: &str, holds: bool) -> Measurement {
    Measurement { what: format!("group of {}", node.node()), result: result.to_owned(), holds }
}

/// Lets the node come before all others, or no more. One that ended has no group any more.
fn precede(node: &NodeProcess, others: bool) -> Result<(), LabError> {
    node.ration.group().map_or(Ok(()), |group| group.precede(others))
}

/// Measures a ration in one window.
fn ration(node: &mut NodeProcess, duty: Duty) -> Result<Vec<Measurement>, LabError> {
    let before = node.ration.group().map(Group::periods).transpose()?.unwrap_or_default();
    let share = node.spin(window(duty), false)?;
    let Some(group) = node.ration.group() else {
        return Ok(vec![of_group(node, "the node has ended", false)]);
    };
    let after = group.periods()?;
    let periods =
        Periods { all: after.all - before.all, held_back: after.held_back - before.held_back };
    Ok(vec![
        in_effect(node, duty, group.share()?),
        subject(node, group)?,
        wanted_all(node, duty, share),
        held_back(node, duty, (share, periods)),
    ])
}

/// What the kernel says of a ration.
fn in_effect(node: &NodeProcess, duty: Duty, found: Option<Duty>) -> Measurement {
    let words = |duty: Duty| format!("{} of {} ms", duty.run.as_millis(), duty.period.as_millis());
    let holds = found == Some(duty);
    let found = found.map_or("none".to_owned(), words);
    Measurement {
        what: format!("ration of {}, {}", node.node(), words(duty)),
        result: if holds { found } else { format!("{found}: the ration is not in effect") },
        holds,
    }
}

/// Whether all processes of the node are in its group.
fn subject(node: &NodeProcess, group: &Group) -> Result<Measurement, LabError> {
    let (mut all, mut outside) = (0, 0);
    for _ in 0..LISTS {
        let (members, grouped) = (node.members()?, group.processes()?);
        all = members.len();
        outside = members.iter().filter(|pid| !grouped.contains(pid)).count();
        if outside == 0 {
            break;
        }
    }
    Ok(Measurement {
        what: format!("processes of {} that the ration holds for", node.node()),
        result: format!("{} of {all}", all - outside),
        holds: all > 0 && outside == 0,
    })
}

/// How often the kernel held a node back. One that gets less than its share from a busy machine is
/// not held back, and that is no fault of the ration.
fn held_back(
    node: &NodeProcess,
    duty: Duty,
    (share, periods): (Option<f64>, Periods),
) -> Measurement {
    Measurement {
        what: format!("periods in which {} was held back", node.node()),
        result: held_back_words(duty, share, periods),
        holds: periods.held_back > 0,
    }
}

/// The result in words, and why it is missing.
fn held_back_words(duty: Duty, share: Option<f64>, periods: Periods) -> String {
    let count = format!("{} of {}", periods.held_back, periods.all);
    match share {
        _ if periods.held_back > 0 => count,
        Some(share) if share < duty.share() * BUSY => {
            format!("{count}: this machine is too busy, the node was left less than its ration")
        }
        _ => format!("{count}: the ration is not in effect"),
    }
}

/// Looks at a node: how many there were, and in how many its processes stood still.
#[derive(Debug, Clone, Copy, Default)]
struct Looks {
    all: u32,
    standing: u32,
}

impl Looks {
    /// Looks at these processes for so long.
    fn at(pids: &[i32], duty: Duty) -> Self {
        let (end, apart) = (Instant::now() + window(duty), duty.period.div_f64(LOOKS));
        let mut looks = Self::default();
        while Instant::now() < end {
            let found: Vec<bool> = pids.iter().filter_map(|pid| stands_still(*pid)).collect();
            looks.all += u32::from(!found.is_empty());
            looks.standing += u32::from(!found.is_empty() && found.iter().all(|still| *still));
            thread::sleep(apart);
        }
        looks
    }

    /// The share of the looks in which all stood still.
    fn share(self) -> f64 {
        f64::from(self.standing) / f64::from(self.all.max(1))
    }
}

/// Looks at a node for one window, while a process in it wants to run all the time; the share of
/// the time in which that one ran.
fn watched(node: &mut NodeProcess, duty: Duty) -> Result<(Option<f64>, Looks), LabError> {
    let pids = node.members()?;
    thread::scope(|scope| {
        let looks = scope.spawn(|| Looks::at(&pids, duty));
        let share = node.spin(window(duty), false)?;
        Ok((share, looks.join().expect("looking does not panic")))
    })
}

/// How often a node was found standing still.
fn stood_still(node: &NodeProcess, duty: Duty, found: Looks) -> Measurement {
    Measurement {
        what: format!(
            "time in which {} stands still, {}",
            node.node(),
            percent(1.0 - duty.share())
        ),
        result: stood_still_words(duty, found),
        holds: found.standing > 0 && found.share() >= 1.0 - most(duty),
    }
}

/// The result in words, and why it is too little.
fn stood_still_words(duty: Duty, found: Looks) -> String {
    let count = format!("{}, by {} looks", percent(found.share()), found.all);
    match found {
        Looks { all: 0, .. } => "the node has no processes".to_owned(),
        Looks { standing: 0, .. } => format!("{count}: the turns are not in effect"),
        _ if found.share() < 1.0 - most(duty) => {
            format!("{count}: this machine is too busy, the turns come too late")
        }
        _ => count,
    }
}

/// What a process gets that wants to run all the time.
fn wanted_all(node: &NodeProcess, duty: Duty, share: Option<f64>) -> Measurement {
    Measurement {
        what: format!("time to run in {}, {}", node.node(), percent(duty.share())),
        result: share.map_or("the node has ended".to_owned(), percent),
        holds: share.is_some_and(|share| share <= most(duty)),
    }
}

/// Measures that a process that wants to run all the time is never held back. That it waits for a
/// processor is the machine's doing.
fn free_to_run(node: &mut NodeProcess) -> Result<Measurement, LabError> {
    let (mut share, mut holds) = (None, false);
    for _ in 0..WINDOWS {
        share = node.spin(WINDOW_MIN, true)?;
        holds = share.is_some_and(|share| share >= SHARE_ALL);
        if holds {
            break;
        }
    }
    Ok(Measurement {
        what: format!("time to run in {}, as ever", node.node()),
        result: share.map_or("the node has ended".to_owned(), percent),
        holds,
    })
}

/// The most that a process may get: more than its share, and less than all.
fn most(duty: Duty) -> f64 {
    (duty.share() * SHARE_MOST.0 + SHARE_MOST.1).min(f64::midpoint(duty.share(), 1.0))
}

/// How long one window is.
fn window(duty: Duty) -> Duration {
    (duty.period * WINDOW_PERIODS).max(WINDOW_MIN)
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn of_100(run: u64) -> Duty {
        Duty { run: Duration::from_millis(run), period: Duration::from_millis(100) }
    }

    #[test]
    fn the_most_is_more_than_a_share_and_less_than_all() {
        for (run, expect) in [(1, 0.0375), (20, 0.37), (50, 0.75), (80, 0.9), (99, 0.995)] {
            assert!((most(of_100(run)) - expect).abs() < 1e-9, "{run}: {}", most(of_100(run)));
        }
    }

    #[test]
    fn a_busy_machine_and_a_broken_ration_are_told_apart() {
        let cases = [
            (Some(0.2), 3, "3 of 40"),
            (Some(0.1), 1, "1 of 40"),
            (Some(0.17), 0, "0 of 40: this machine is too busy"),
            (Some(0.19), 0, "0 of 40: the ration is not in effect"),
            (Some(0.98), 0, "0 of 40: the ration is not in effect"),
            (None, 0, "0 of 40: the ration is not in effect"),
        ];
        for (share, held_back, expect) in cases {
            let words = held_back_words(of_100(20), share, Periods { all: 40, held_back });
            assert!(words.starts_with(expect), "{share:?}, {held_back}: {words}");
        }
    }

    #[test]
    fn late_turns_and_no_turns_are_told_apart() {
        let cases = [
            ((100, 80), "80 %, by 100 looks"),
            ((100, 63), "63 %, by 100 looks"),
            ((100, 40), "40 %, by 100 looks: this machine is too busy"),
            ((100, 0), "0 %, by 100 looks: the turns are not in effect"),
            ((0, 0), "the node has no processes"),
        ];
        for ((all, standing), expect) in cases {
            let words = stood_still_words(of_100(20), Looks { all, standing });
            assert!(words.starts_with(expect), "{standing} of {all}: {words}");
        }
    }
}
