//! What a waiting person sees: one live line on a terminal, a line every ten seconds elsewhere.
//!
//! Everything goes to stderr; stdout is for results.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::{narrate, quiet};
use crate::recorder::Counts;
use crate::view::View;

/// Between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The progress of one run's load.
pub struct Progress {
    bar: Option<ProgressBar>,
    began: Instant,
    last: Mutex<Instant>,
}

impl Progress {
    /// Begins to show the progress of a load that lasts `time`.
    #[must_use]
    pub fn begin(time: Duration) -> Self {
        let terminal = std::io::stderr().is_terminal() && std::env::var_os("CI").is_none();
        let bar = (terminal && !quiet()).then(|| live(time));
        let began = Instant::now();
        Self { bar, began, last: Mutex::new(began) }
    }

    /// Shows how things stand, with `left` to go.
    pub fn show(&self, left: Duration, counts: &Counts, view: &View) {
        if let Some(bar) = &self.bar {
            bar.set_position(bar.length().unwrap_or(0).saturating_sub(left.as_secs()));
            bar.set_message(self.line(left, counts, view));
            return;
        }
        let Ok(mut last) = self.last.lock() else { return };
        if last.elapsed() >= LINE_EVERY {
            *last = Instant::now();
            narrate(&self.line(left, counts, view));
        }
    }

    fn line(&self, left: Duration, counts: &Counts, view: &View) -> String {
        let [ok, fail, info] =
            [&counts.ok, &counts.fail, &counts.info].map(|c| c.load(Ordering::Relaxed));
        let rate = ok as f64 / self.began.elapsed().as_secs_f64().max(0.1);
        let election = *view.elections().borrow();
        let leader = match view.leader() {
            Some(node) => format!("{node} leads generation {}", election.generation),
            None => "no leader seen".to_owned(),
        };
        format!(
            "{:>3} s left · {rate:.0} ok/s · {ok} ok, {fail} fail, {info} indeterminate · {leader} · active faults: {}",
            left.as_secs(),
            view.faults()
        )
    }
}

impl Drop for Progress {
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
