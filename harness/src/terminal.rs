//! What a waiting person sees: one live line on a terminal, a line every ten seconds elsewhere.
//!
//! Everything goes to stderr; stdout is for results.

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use fracas_engine::progress::{Listener, Progress, Standing};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::{narrate, quiet, tell};

/// Between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Shows how a run goes on.
#[derive(Default)]
pub(crate) struct Terminal {
    load: Mutex<Option<Load>>,
}

/// What is shown of a load.
struct Load {
    bar: Option<ProgressBar>,
    began: Instant,
    last: Instant,
}

impl Listener for Terminal {
    fn hear(&self, progress: &Progress) {
        match progress {
            Progress::PreparationAwaited => {
                narrate("fracas: another run prepares what this one needs: waiting for it");
            }
            Progress::Prepared(prepared) => narrate(&format!("fracas: {prepared}")),
            Progress::StepTaken(taken) => narrate(&format!("fracas: {taken}")),
            Progress::LoadBegan(time) => self.show(Some(Load::begin(*time))),
            Progress::Load(standing) => {
                let mut load = self.load.lock().unwrap_or_else(PoisonError::into_inner);
                load.iter_mut().for_each(|load| load.show(standing));
            }
            Progress::LoadEnded => self.show(None),
            Progress::LoadExtended { by, lacks } => {
                narrate(&format!("fracas: the load goes on for at most {by:?}: it lacks {lacks}"));
            }
            Progress::Watching { during, after } => narrate(&watching(during, after)),
            Progress::WatchOverrun(behind) => tell(&format!(
                "fracas: warning: the check during the run fell {behind} events behind and has \
                 stopped; the whole history is checked at the end"
            )),
            Progress::WatchBlind { objects, reason } => narrate(&blind(objects, reason)),
            Progress::WatchFailed => tell(
                "fracas: warning: the check during the run failed, which is a bug of fracas; please \
                 report it",
            ),
            Progress::Proven(proven) => tell(&format!("fracas: {proven}")),
            Progress::Interrupted(signal) => tell(&format!(
                "{}: healing and stopping; a second signal ends fracas at once",
                signal.word()
            )),
        }
    }
}

impl Terminal {
    /// Shows this load from now on, or none.
    fn show(&self, load: Option<Load>) {
        *self.load.lock().unwrap_or_else(PoisonError::into_inner) = load;
    }
}

/// Which objects could be checked during the run up to a point only.
fn blind(objects: &[String], reason: &str) -> String {
    const NAMED: usize = 3;
    let named = objects[..objects.len().min(NAMED)].join(", ");
    let more = objects.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(
        "fracas: {named}{more}: checked during the run up to a point only, because {reason}; the \
         whole history is checked at the end"
    )
}

/// What is checked during the run, and what is not.
fn watching(during: &[&str], after: &[String]) -> String {
    let after = match after {
        [] => String::new(),
        ids => format!("; {} can be checked at the end only", ids.join(", ")),
    };
    format!("fracas: checking during the run: {}{after}", during.join(", "))
}

impl Load {
    /// Begins to show a load that lasts `time`.
    fn begin(time: Duration) -> Self {
        let terminal = std::io::stderr().is_terminal() && std::env::var_os("CI").is_none();
        let bar = (terminal && !quiet()).then(|| live(time));
        let began = Instant::now();
        Self { bar, began, last: began }
    }

    /// Shows how it stands.
    fn show(&mut self, standing: &Standing) {
        if let Some(bar) = &self.bar {
            let left = standing.left.as_secs();
            bar.set_position(bar.length().unwrap_or(0).saturating_sub(left));
            bar.set_message(self.line(standing));
        } else if self.last.elapsed() >= LINE_EVERY {
            self.last = Instant::now();
            narrate(&self.line(standing));
        }
    }

    fn line(&self, standing: &Standing) -> String {
        let Standing { left, ok, fail, info, leader, faults } = standing;
        let rate = *ok as f64 / self.began.elapsed().as_secs_f64().max(0.1);
        let leader = match leader {
            Some((node, generation)) => format!("{node} leads generation {generation}"),
            None => "no leader seen".to_owned(),
        };
        format!(
            "{:>3} s left · {rate:.0} ok/s · {ok} ok, {fail} fail, {info} indeterminate · {leader} · active faults: {faults}",
            left.as_secs(),
        )
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A live line, drawn at most four times a second.
fn live(time: Duration) -> ProgressBar {
    let bar =
        ProgressBar::with_draw_target(Some(time.as_secs()), ProgressDrawTarget::stderr_with_hz(4));
    if let Ok(style) = ProgressStyle::with_template("{bar:60}\n{wide_msg}") {
        bar.set_style(style);
    }
    bar
}
