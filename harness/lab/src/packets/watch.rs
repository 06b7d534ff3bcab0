//! Shaped directions, measured in the background while a fault lasts: seldom, so that it disturbs
//! nobody, and for long, so that the numbers are better than a moment's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use fracas_checker::fault::{Cut, Measurement};

use super::Shaping;
use super::judge::{as_asked, plan};
use super::meter::{Meter, Plan, Sample};
use crate::error::{Doing, LabError};
use crate::punctual::be_punctual;

/// How many probes are sent before the watch looks whether it is over.
const ROUND: u32 = 50;

/// The time between two of them, at least.
const EVERY: Duration = Duration::from_millis(5);

/// How many rounds are measured at most; after that, the numbers are as good as they get.
const ROUNDS_MAX: u32 = 2_000;

/// How late a busy machine may make half of the probes, besides what a moment's proof allows.
const NOISE: Duration = Duration::from_millis(1);

/// What was found so far.
type Found = BTreeMap<Cut, Sample>;

/// A running watch. Dropped without being finished, it ends with its present round.
pub struct Watch {
    asked: BTreeMap<Cut, Shaping>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<Found, LabError>>>,
}

impl Watch {
    /// Starts it, with a meter of its own.
    pub(super) fn start(mut meter: Meter, asked: BTreeMap<Cut, Shaping>) -> Result<Self, LabError> {
        let over = Arc::new(AtomicBool::new(false));
        let pairs: Vec<Cut> = asked.keys().copied().collect();
        let dense = plan(&asked.iter().map(|(pair, shaping)| (*pair, Some(*shaping))).collect());
        let plan = Plan { count: ROUND, every: dense.every.max(EVERY), ..dense };
        let ends = Arc::clone(&over);
        let watch = move || {
            be_punctual()?;
            let mut found = Found::new();
            for _ in 0..ROUNDS_MAX {
                for (pair, sample) in meter.round_trips(&pairs, plan)? {
                    found.entry(pair).or_default().add(&sample);
                }
                if ends.load(Ordering::Relaxed) {
                    break;
                }
            }
            Ok(found)
        };
        let thread = std::thread::Builder::new().name("lab-watch".into());
        let thread = thread.spawn(watch).doing(|| "start a thread".into())?;
        Ok(Self { asked, over, thread: Some(thread) })
    }

    /// Ends it, before the fault is healed, and says whether all was as asked. Takes as long as
    /// the present round.
    ///
    /// # Errors
    /// When the probes could not be sent.
    pub fn finish(mut self) -> Result<Vec<Measurement>, LabError> {
        self.over.store(true, Ordering::Relaxed);
        let thread = self.thread.take().expect("a watch is finished once");
        let found = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let judged = self.asked.iter().filter_map(|(pair, shaping)| {
            let sample = found.get(pair)?;
            Some(as_asked(*pair, shaping, (sample, NOISE)))
        });
        Ok(judged.flatten().collect())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}
