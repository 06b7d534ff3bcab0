//! Steps before the load: programs that are run once, in order, when all nodes are ready. What the
//! nodes have written by then is made durable, as files of the target are.
//!
//! A step that does not end as expected ends the run: there is no test then, and no anomaly.

use std::sync::Arc;
use std::time::Duration;

use fracas_checker::event::EventKind;
use fracas_lab::agent::Order;
use fracas_lab::{Attempt, LabError};
use fracas_targets::{Side, Step};
use tokio::time::Instant;

use super::context::{GLANCE, RunContext};
use super::error::RunError;
use super::ready::{LAST_LINES, Patience, is_late};
use crate::powerless;
use crate::progress::{Progress, StepTaken};
use crate::start_error::StartError;
use crate::text::plain;

/// Between two attempts of one step.
const AGAIN: Duration = Duration::from_millis(200);

/// A step, and its place among the others.
#[derive(Clone, Copy)]
struct Turn<'a> {
    step: &'a Step,
    number: usize,
    count: usize,
}

impl RunContext<'_> {
    /// Takes all steps. An interrupted run takes no more of them.
    pub(super) async fn set_up(&self) -> Result<(), RunError> {
        let count = self.setup.len();
        for (number, step) in (1..).zip(&self.setup) {
            if self.interrupts.now().is_some() || self.is_broken() {
                return Ok(());
            }
            self.take(Turn { step, number, count }).await?;
        }
        tokio::task::block_in_place(|| self.cluster.settle_all())?;
        Ok(())
    }

    /// Takes one step, again and again while it does not end as expected.
    async fn take(&self, turn: Turn<'_>) -> Result<(), RunError> {
        let (began, patience, step) = (Instant::now(), Patience::begin(), turn.step);
        for attempts in 1_u32.. {
            let Some(attempt) = self.attempt(step).await? else { return Ok(()) };
            let Some(missed) = step.expect.missed(attempt.exit, &attempt.output) else {
                self.tell(turn.taken(began.elapsed(), attempts));
                break;
            };
            tracing::debug!("step {} of the setup: {missed}", turn.number);
            if let Some(crash) = self.cluster.crashed().first() {
                return Err(RunError::Target(self.died(crash)));
            }
            if is_late(began.elapsed(), patience.stood_still(), step.again_for) {
                let taken = turn.taken(began.elapsed(), attempts);
                return Err(RunError::Target(failed(&taken, &missed, &attempt.output)));
            }
            tokio::time::sleep(AGAIN).await;
        }
        Ok(())
    }

    /// One attempt at a step; none if the run is interrupted meanwhile. On the side of the clients
    /// the program has no more rights than clients have.
    async fn attempt(&self, step: &Step) -> Result<Option<Attempt>, RunError> {
        let (cluster, step) = (Arc::clone(&self.cluster), step.clone());
        let act = async move {
            match step.on {
                Side::Node(node) => cluster.ask(&Order::Attempt(node, step.argv, step.within)),
                Side::Clients => {
                    powerless::give_up();
                    fracas_lab::attempt(&step.argv, step.within)
                }
            }
        };
        let attempt = powerless::beside("setup", act).map_err(RunError::Runtime)?;
        while !attempt.is_finished() {
            if self.interrupts.now().is_some() {
                return Ok(None);
            }
            tokio::time::sleep(GLANCE).await;
        }
        let attempt: Result<Attempt, LabError> = match attempt.await {
            Ok(Ok(attempt)) => attempt,
            _ => return Err(RunError::Bug("a step of the setup failed".to_owned())),
        };
        match (attempt, self.cluster.crashed().first()) {
            (Ok(attempt), _) => Ok(Some(attempt)),
            (Err(_), Some(crash)) => Err(RunError::Target(self.died(crash))),
            (Err(error), None) => Err(StartError::Lab(error).into()),
        }
    }

    /// Tells of a step, on screen and in the history.
    fn tell(&self, taken: StepTaken) {
        self.recorder.record(EventKind::note(taken.to_string()));
        self.listener.hear(&Progress::StepTaken(taken));
    }
}

impl Turn<'_> {
    fn taken(self, took: Duration, attempts: u32) -> StepTaken {
        let Self { step, number, count } = self;
        let (on, command) = (step.on.to_string(), plain(&step.command()));
        StepTaken { number, count, on, command, took, attempts }
    }
}

/// What is told of a step that failed, with the end of what its program wrote.
fn failed(taken: &StepTaken, missed: &str, output: &str) -> String {
    let StepTaken { number, count, on, command, took, attempts } = taken;
    let attempts = match attempts {
        1 => "1 attempt".to_owned(),
        many => format!("{many} attempts"),
    };
    let seconds = took.as_secs_f64();
    let mut text = format!(
        "start the cluster: step {number} of {count} of `setup`, on {on}, failed: {missed}, after \
         {attempts} in {seconds:.1} s: `{command}`"
    );
    let lines: Vec<&str> = output.lines().filter(|line| !line.trim().is_empty()).collect();
    text.push_str(&quote(&lines[lines.len().saturating_sub(LAST_LINES)..]));
    text
}

/// The last lines of a program, below what is told of it.
pub(super) fn quote(lines: &[impl AsRef<str>]) -> String {
    let head = if lines.is_empty() { "" } else { "\n  end of its output:" };
    let line = |line: &_| format!("\n    {}", plain(AsRef::<str>::as_ref(line)));
    head.to_owned() + &lines.iter().map(line).collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_is_told_with_its_last_words() {
        let taken = StepTaken {
            number: 1,
            count: 2,
            on: "n1".to_owned(),
            command: "tool create".to_owned(),
            took: Duration::from_millis(30_250),
            attempts: 3,
        };
        let output: String = (1..=9).map(|line| format!("line {line}\x1b[31m\n\n")).collect();
        let told = failed(&taken, "it ended with status 1, expected status 0", &output);
        let (head, words) = told.split_once('\n').unwrap();
        assert_eq!(
            head,
            "start the cluster: step 1 of 2 of `setup`, on n1, failed: it ended with status 1, \
             expected status 0, after 3 attempts in 30.2 s: `tool create`"
        );
        assert!(!words.contains("line 3") && words.contains("\n    line 4\\u{1b}[31m"), "{words}");
        assert!(words.ends_with("line 9\\u{1b}[31m"), "{words}");
        assert_eq!(failed(&taken, "x", "\n").lines().count(), 1);
    }
}
