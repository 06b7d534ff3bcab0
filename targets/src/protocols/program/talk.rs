//! Speaking with one client program, line by line.
//!
//! It deliberately sends nothing twice, and waits for nothing without an end.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use fracas_checker::OpKind;
use serde_json::Value as Json;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout_at};

use super::lines::{Lines, NoLine};
use super::messages::{Hello, ready};
use super::running::{Programs, Running};

/// How long a program may take to say that it is ready: some languages start slowly.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// What is wrong with a program.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It did not answer in time.
    Late,
    /// It has ended, and what it was to be told it has certainly not seen.
    Unsent,
    /// It has ended.
    Ended,
    /// It does not keep to the protocol: what it did.
    Broken(String),
}

/// A client program that is ready.
pub(super) struct Talk {
    number: u64,
    programs: Arc<dyn Programs>,
    running: Running,
    lines: Lines,
    serves: BTreeSet<OpKind>,
}

impl Talk {
    /// Starts the program of a client and hears what it serves.
    pub(super) async fn start(
        number: u64,
        programs: &Arc<dyn Programs>,
        hello: &Hello,
    ) -> Result<Self, (Option<Box<Self>>, Trouble)> {
        let running = programs.start(number).map_err(|error| {
            (None, Trouble::Broken(format!("it could not be started: {error}")))
        })?;
        let Running { input, output, handle } = running;
        let lines = Lines::of(output);
        let running = Running { input, output: Box::new(tokio::io::empty()), handle };
        let programs = Arc::clone(programs);
        let mut talk = Self { number, programs, running, lines, serves: BTreeSet::new() };
        let answer = talk.ask(&hello.line(number), Instant::now() + READY_WITHIN).await;
        let answer = answer.and_then(|line| ready(&line).map_err(Trouble::Broken));
        match answer {
            Ok(serves) => {
                talk.serves = serves;
                Ok(talk)
            }
            Err(Trouble::Late) => {
                let why = format!("it did not say within {READY_WITHIN:?} that it is ready");
                Err((Some(Box::new(talk)), Trouble::Broken(why)))
            }
            Err(trouble) => Err((Some(Box::new(talk)), trouble)),
        }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn serves(&self, kind: OpKind) -> bool {
        self.serves.contains(&kind)
    }

    /// All that it serves.
    pub(super) fn all_served(&self) -> &BTreeSet<OpKind> {
        &self.serves
    }

    /// Says a line and hears the next one.
    pub(super) async fn ask(&mut self, line: &Json, until: Instant) -> Result<String, Trouble> {
        self.tell(line, until).await?;
        self.hear(until).await
    }

    /// Says a line.
    pub(super) async fn tell(&mut self, line: &Json, until: Instant) -> Result<(), Trouble> {
        let mut text = line.to_string();
        self.programs.overhear(self.number, true, &text);
        text.push('\n');
        let input = &mut self.running.input;
        // Of what the kernel has not taken a byte of, the program sees nothing.
        let begun = match timeout_at(until, input.write(text.as_bytes())).await {
            Ok(Ok(begun)) => begun,
            Ok(Err(_)) => return Err(Trouble::Unsent),
            Err(_) => return Err(Trouble::Late),
        };
        let rest = async {
            input.write_all(&text.as_bytes()[begun..]).await?;
            input.flush().await
        };
        match timeout_at(until, rest).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Trouble::Ended),
            Err(_) => Err(Trouble::Late),
        }
    }

    /// Hears the next line.
    pub(super) async fn hear(&mut self, until: Instant) -> Result<String, Trouble> {
        match timeout_at(until, self.lines.next()).await {
            Ok(Ok(line)) => {
                self.programs.overhear(self.number, false, &line);
                Ok(line)
            }
            Ok(Err(NoLine::End)) => Err(Trouble::Ended),
            Ok(Err(NoLine::Rubbish(what))) => Err(Trouble::Broken(format!("it wrote {what}"))),
            Err(_) => Err(Trouble::Late),
        }
    }

    /// How it ended, for people, and its last words.
    pub(super) fn obituary(&mut self) -> (String, Vec<String>) {
        let how = self.running.handle.ended().unwrap_or_else(|| "its output closed".to_owned());
        (how, self.running.handle.last_words())
    }
}
