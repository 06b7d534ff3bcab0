//! Speaking with one client program, line by line.
//!
//! It deliberately sends nothing twice, and waits for nothing without an end.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use fracas_checker::OpKind;
use serde_json::Value as Json;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout_at};

use super::lines::{Lines, NoLine};
use super::messages::{Hello, again, id_of, ready};
use super::running::{Programs, Running};
use crate::spec::Serves;

/// How long a program may take to say that it is ready: some languages start slowly.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// How long a program that did not answer in time has to answer too late.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// So many answers back it is known that an operation was answered before.
const ANSWERS_KEPT: usize = 64;

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
    serves: Serves,
    /// The operations that it answered last: a bounded number.
    answered: VecDeque<u64>,
    /// Whether somebody may listen to what is said.
    heard: bool,
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
        let mut talk = Self {
            number,
            programs,
            running,
            lines,
            serves: Serves::default(),
            answered: VecDeque::new(),
            heard: true,
        };
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
        self.serves.ops.contains(&kind)
    }

    /// All that it serves.
    pub(super) fn all_served(&self) -> &Serves {
        &self.serves
    }

    /// Notes that it answered an operation.
    pub(super) fn has_answered(&mut self, id: u64) {
        self.answered.push_back(id);
        if self.answered.len() > ANSWERS_KEPT {
            self.answered.pop_front();
        }
    }

    /// From now on nobody listens: what is said is said all the time, and of no interest.
    pub(super) fn muted(mut self) -> Self {
        self.heard = false;
        self
    }

    /// Says a line and hears the next one.
    pub(super) async fn ask(&mut self, line: &Json, until: Instant) -> Result<String, Trouble> {
        self.tell(line, until).await?;
        self.hear(until).await
    }

    /// Says a line.
    pub(super) async fn tell(&mut self, line: &Json, until: Instant) -> Result<(), Trouble> {
        let mut text = line.to_string();
        self.overhear(true, &text);
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

    fn overhear(&self, sent: bool, line: &str) {
        if self.heard {
            self.programs.overhear(self.number, sent, line);
        }
    }

    /// Hears the next line.
    pub(super) async fn hear(&mut self, until: Instant) -> Result<String, Trouble> {
        match timeout_at(until, self.lines.next()).await {
            Ok(Ok(line)) => {
                self.overhear(false, &line);
                match id_of(&line).filter(|id| self.answered.contains(id)) {
                    Some(id) => Err(Trouble::Broken(again(&line, id))),
                    None => Ok(line),
                }
            }
            Ok(Err(NoLine::End)) => Err(Trouble::Ended),
            Ok(Err(NoLine::Rubbish(rubbish))) => {
                Err(Trouble::Broken(format!("it wrote {rubbish}")))
            }
            Err(_) => Err(Trouble::Late),
        }
    }

    /// How it ended, for people, and its last words.
    pub(super) fn obituary(&mut self) -> (String, Vec<String>) {
        let how = self.running.handle.ended().unwrap_or_else(|| "its output closed".to_owned());
        (how, self.running.handle.last_words())
    }
}
