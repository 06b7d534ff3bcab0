//! Measures whether shaped directions are as they were asked to be, and all others as ever.
//!
//! Every direction is measured by itself, by probes with numbers. What they prove is said by `judge`.

use std::collections::BTreeMap;
use std::time::Duration;

use fracas_checker::fault::{Cut, Measurement, Stage};

use super::judge::{as_asked, as_ever, narrow, plan};
use super::{Sample, Shaping};
use crate::{Lab, LabError};

/// How many directions that nothing shapes are measured besides.
const CONTROLS: usize = 2;

/// A measurement that a busy machine has spoilt is made again, this often at most.
const TRIES: u32 = 3;

/// Measures directions that were asked to be shaped in this way.
///
/// While the fault lasts, each is measured unless something cuts it, and some directions that
/// nothing shapes besides; when it is healed, each that nothing else shapes or cuts must be as ever.
///
/// # Errors
/// When nothing can be sent, or the thread that sends shaped packets on has failed.
pub fn shaped(
    lab: &Lab,
    asked: &BTreeMap<Cut, Shaping>,
    stage: Stage,
) -> Result<Vec<Measurement>, LabError> {
    lab.carried()?;
    let mut expected = expectations(lab, asked, stage);
    let mut found = BTreeMap::new();
    for _ in 0..TRIES {
        let again = measured(lab, &expected)?;
        let holds = |cut: &Cut| again.get(cut).is_some_and(|all| all.iter().all(|it| it.holds));
        expected.retain(|cut, _| !holds(cut));
        found.extend(again);
        if expected.is_empty() {
            break;
        }
    }
    Ok(found.into_values().flatten().collect())
}

/// What every direction that is to be measured must be like; none is as ever.
fn expectations(
    lab: &Lab,
    asked: &BTreeMap<Cut, Shaping>,
    stage: Stage,
) -> BTreeMap<Cut, Option<Shaping>> {
    let (cut, now) = (lab.cut_directions(), lab.shapings());
    let mut all: BTreeMap<Cut, Option<Shaping>> = match stage {
        Stage::Healed => {
            asked.keys().filter(|it| !now.contains_key(it)).map(|it| (*it, None)).collect()
        }
        _ => asked.iter().map(|(direction, shaping)| (*direction, Some(*shaping))).collect(),
    };
    let plain = lab.directions().into_iter().filter(|it| !now.contains_key(it));
    // From all over the list: the first ones have a sender in common.
    let others: Vec<Cut> =
        plain.filter(|it| !cut.contains(it) && !asked.contains_key(it)).collect();
    let step = others.len().div_ceil(CONTROLS).max(1);
    all.extend(others.into_iter().step_by(step).map(|direction| (direction, None)));
    all.retain(|direction, _| !cut.contains(direction));
    all
}

/// Measures each of these directions once.
fn measured(
    lab: &Lab,
    expected: &BTreeMap<Cut, Option<Shaping>>,
) -> Result<BTreeMap<Cut, Vec<Measurement>>, LabError> {
    let pairs: Vec<Cut> = expected.keys().copied().collect();
    let samples = lab.measure(&pairs, plan(expected))?;
    let noise = noise(&samples, expected);
    let mut measurements = BTreeMap::new();
    for (direction, sample) in samples {
        let mut all = match expected[&direction] {
            None => vec![as_ever(direction, &sample)],
            Some(shaping) => as_asked(direction, &shaping, (&sample, noise)),
        };
        if let Some(rate) = expected[&direction].and_then(|shaping| shaping.bandwidth) {
            all.push(narrow(direction, rate, lab.measure_rate(direction, rate)?));
        }
        measurements.insert(direction, all);
    }
    Ok(measurements)
}

/// How late a busy machine makes the probes of directions that nothing shapes: nine of ten take no
/// longer.
fn noise(samples: &BTreeMap<Cut, Sample>, expected: &BTreeMap<Cut, Option<Shaping>>) -> Duration {
    let plain = samples.iter().filter(|(direction, _)| expected[direction].is_none());
    plain.filter_map(|(_, sample)| sample.forth.quantile(0.9)).max().unwrap_or_default()
}
