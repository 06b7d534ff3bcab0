//! The heartbeat of the harness: it notices when a part of it, all of it or the machine stood still,
//! and says so in the history. What is judged by time then is not decided.
//!
//! A part that stands still for less than [`BOUND`] beyond its own period changes no verdict: the
//! bounds of plans are several seconds, and a busy machine often stands still for half a second.

use crate::pulse::{PERIOD, Pulse, RESTS};
use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use fracas_checker::event::{EventKind, Nanos};
use fracas_checker::harness::Mishap;

use crate::powerless;
use crate::recorder::Recorder;

/// How much later than that it may come.
pub const BOUND: Duration = Duration::from_millis(900);
/// Both together.
const LATE: Nanos = 1_000_000_000;
/// The thread that looks at all parts. It ends when this is dropped.
#[derive(Debug)]
pub struct Heartbeat {
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    runtime: tokio::task::JoinHandle<()>,
}

impl Heartbeat {
    /// Begins to look at these parts, and at the runtime in which clients and polls run. Must be called
    /// within it.
    ///
    /// # Errors
    /// When there can be no thread for it.
    pub fn start(recorder: &Recorder, parts: &[(&'static str, Pulse)]) -> io::Result<Self> {
        let pulse = Pulse::default();
        let (theirs, clock) = (pulse.clone(), recorder.clone());
        let runtime = tokio::spawn(async move {
            loop {
                theirs.beat(clock.now());
                tokio::time::sleep(PERIOD).await;
            }
        });
        let of_runtime = ("clients and observer", pulse);
        let watched = parts.iter().cloned().chain([of_runtime]).map(Watched::new).collect();
        let ends = Arc::new(AtomicBool::new(false));
        let (ended, recorder) = (Arc::clone(&ends), recorder.clone());
        let thread = std::thread::Builder::new().name("heartbeat".to_owned()).spawn(move || {
            powerless::give_up();
            watch(&recorder, watched, &ended);
        })?;
        Ok(Self { ends, thread: Some(thread), runtime })
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the heartbeat failed");
        }
        self.runtime.abort();
    }
}

/// A part that is looked at.
struct Watched {
    name: &'static str,
    pulse: Pulse,
    /// Since when it stands still.
    still: Option<Nanos>,
}

impl Watched {
    fn new((name, pulse): (&'static str, Pulse)) -> Self {
        Self { name, pulse, still: None }
    }

    /// Looks at it at `now`; nothing before `floor` counts. Says since when it stood still once it goes
    /// on again.
    fn look(&mut self, now: Nanos, floor: Nanos) -> Option<Nanos> {
        let last = self.pulse.last();
        if last != RESTS && now.saturating_sub(last.max(floor)) > LATE {
            self.still.get_or_insert(last.max(floor));
            return None;
        }
        self.still.take()
    }
}

/// Looks at all parts until it is to end.
fn watch(recorder: &Recorder, mut parts: Vec<Watched>, ends: &AtomicBool) {
    let tell = |part: &str, since| {
        recorder.record(EventKind::mishap(Mishap::Stalled { part: part.to_owned(), since }));
    };
    let (mut last, mut floor, mut asleep) = (recorder.now(), 0, asleep(recorder));
    while !ends.load(Ordering::Relaxed) {
        std::thread::sleep(PERIOD);
        let (now, slept) = (recorder.now(), self::asleep(recorder));
        let suspended = slept.zip(asleep).is_some_and(|(now, before)| now > before + LATE as i64);
        if suspended || now - last > LATE {
            tell(if suspended { "the whole machine" } else { "all of it" }, last);
            floor = now;
        }
        for part in &mut parts {
            if let Some(since) = part.look(now, floor) {
                tell(part.name, since);
            }
        }
        (last, asleep) = (now, slept);
    }
    parts.iter().filter_map(|part| Some((part.name, part.still?))).for_each(|(n, at)| tell(n, at));
}

/// How much further the clock is that goes on while the machine is suspended, but for a constant.
fn asleep(recorder: &Recorder) -> Option<i64> {
    let text = fs::read_to_string("/proc/uptime").ok()?;
    let seconds: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some((seconds * 1e9) as i64 - recorder.now().cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Nanos = 1_000_000_000;

    #[test]
    fn a_part_that_stood_still_is_told_once_it_goes_on() {
        let pulse = Pulse::default();
        let mut part = Watched::new(("a part", pulse.clone()));
        assert_eq!(part.look(9 * SECOND, 0), None, "it has not begun");
        pulse.beat(10 * SECOND);
        assert_eq!(part.look(10 * SECOND + LATE, 0), None, "just in time");
        assert_eq!(part.look(12 * SECOND, 0), None);
        assert_eq!((part.still, part.look(13 * SECOND, 0)), (Some(10 * SECOND), None));
        pulse.beat(14 * SECOND);
        assert_eq!(part.look(14 * SECOND, 0), Some(10 * SECOND));
        assert_eq!(part.look(14 * SECOND, 0), None, "told once");
        // All of the harness stood still until 20 s: that is told already.
        assert_eq!((part.look(20 * SECOND, 20 * SECOND), part.still), (None, None));
        pulse.rest();
        assert_eq!((part.look(30 * SECOND, 0), part.still), (None, None));
    }
}
