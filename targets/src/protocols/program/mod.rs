//! Client programs: operations performed by a program in any language, which is spoken to in lines of
//! JSON over its standard input and output.
//!
//! `messages` says what the lines mean, `lines` reads them with bounds, `talk` speaks with one
//! program, `pool` keeps those that no process uses at the moment, and this file opens sessions in
//! them. Nothing is started here: whoever brings [`Programs`] does that.

mod lines;
mod messages;
mod pool;
mod running;
mod status;
mod talk;

use std::sync::Arc;

use fracas_checker::{Completion, NodeId, Op, ProcessId};
use tokio::time::Instant;

use crate::answer::unknown;
use crate::redirect::{Attempt, Redirect};
use crate::session::{AsksStatus, Later, Opener, Refused, Session};
use crate::spec::Serves;

pub(crate) use messages::{Hello, hello};
use messages::{answered, asked, closed, is_unknown, opened, opening};
use pool::Pool;
pub use running::{Handle, Programs, Running};
use status::StatusPrograms;
use talk::{GRACE, Talk, Trouble};

/// How many programs a reader has at most: each is a process of the machine.
const BESIDE: u32 = 4;

/// Opens sessions in client programs.
pub(crate) struct ClientPrograms(Arc<Pool>);

impl ClientPrograms {
    pub(crate) fn new(programs: Arc<dyn Programs>, hello: Hello) -> Self {
        Self(Arc::new(Pool::new(programs, hello)))
    }

    /// Starts a program and asks what it serves.
    pub(crate) async fn serves(&self) -> Result<Serves, String> {
        let taken = self.0.take().await;
        taken.map(|talk| talk.all_served().clone()).map_err(|lost| lost.to_string())
    }
}

impl Opener for ClientPrograms {
    fn open(
        &self,
        node: NodeId,
        process: ProcessId,
    ) -> Later<'_, Result<Box<dyn Session>, Refused>> {
        Box::pin(async move {
            let mut talk = self.0.take().await.map_err(|lost| Refused(lost.why))?;
            let until = Instant::now() + self.0.timeout();
            let answer = match talk.ask(&opening(process, node), until).await {
                Ok(line) => opened(&line, process).map_err(Trouble::Broken),
                Err(trouble) => Err(trouble),
            };
            match answer {
                Ok(Ok(())) => {
                    let (pool, state) = (Arc::clone(&self.0), State::Open);
                    Ok(Box::new(InProgram { pool, talk: Some(talk), process, state }) as _)
                }
                Ok(Err(why)) => {
                    self.0.give_back(talk);
                    Err(Refused(why))
                }
                Err(trouble) => Err(Refused(self.0.lost(talk, trouble).await.why)),
            }
        })
    }

    fn beside(&self) -> u32 {
        BESIDE
    }

    fn broken(&self) -> Option<String> {
        self.0.broken()
    }

    fn late(&self) -> Option<String> {
        self.0.late()
    }

    fn status(&self) -> Option<Arc<dyn AsksStatus>> {
        Some(Arc::new(StatusPrograms::of(&self.0)))
    }
}

/// A session of a process in a client program.
struct InProgram {
    pool: Arc<Pool>,
    /// None once the program is lost.
    talk: Option<Talk>,
    process: ProcessId,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Nobody knows what became of an operation.
    Unknown,
    /// The answer to this operation did not come in time, which ended then.
    Late(u64, Instant),
}

impl Session for InProgram {
    fn invoke<'a>(&'a mut self, op: &'a Op, _: Option<&'a Redirect>) -> Later<'a, Attempt> {
        Box::pin(async move { self.ask(op).await.into() })
    }

    fn is_over(&self) -> bool {
        self.talk.is_none() || self.state != State::Open
    }

    fn holds(&self) -> bool {
        true
    }
}

impl InProgram {
    /// Asks for an operation, once.
    async fn ask(&mut self, op: &Op) -> Completion {
        let Some(talk) = &mut self.talk else {
            return Completion::Fail { error: "the client program is gone".to_owned() };
        };
        if !talk.serves(op.kind()) {
            let error = format!("the client program serves no `{}`", op.kind());
            return Completion::Fail { error };
        }
        let (id, until) = (self.pool.next_id(), Instant::now() + self.pool.timeout());
        let answer = match talk.ask(&asked(id, op), until).await {
            Ok(line) => {
                if is_unknown(&line) {
                    self.state = State::Unknown;
                }
                answered(&line, id, op, self.pool.hello()).map_err(Trouble::Broken)
            }
            Err(trouble) => Err(trouble),
        };
        match answer {
            Ok(completion) => {
                talk.has_answered(id);
                self.pool.note_answer(talk.number());
                completion
            }
            Err(Trouble::Late) => {
                self.state = State::Late(id, until);
                unknown(op, "timed out")
            }
            Err(trouble) => self.lose(op, trouble).await,
        }
    }

    /// The program is lost, and how the operation ends for it.
    async fn lose(&mut self, op: &Op, trouble: Trouble) -> Completion {
        let unsent = trouble == Trouble::Unsent;
        let Some(talk) = self.talk.take() else { return unknown(op, "the client program is gone") };
        let error = self.pool.lost(talk, trouble).await.why;
        if unsent { Completion::Fail { error } } else { unknown(op, &error) }
    }
}

/// Closes the session. The program is free for another one afterwards.
impl Drop for InProgram {
    fn drop(&mut self) {
        let Some(talk) = self.talk.take() else { return };
        let (pool, process, state) = (Arc::clone(&self.pool), self.process, self.state);
        let closing = pool.closing();
        // Where no runtime is left, the run is over, and so is the program.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            close(&pool, talk, process, state).await;
            drop(closing);
        });
    }
}

/// Waits a moment for an answer that is late, and gives the program back; one that does not answer
/// is killed.
async fn close(pool: &Arc<Pool>, mut talk: Talk, process: ProcessId, state: State) {
    if let State::Late(id, until) = state {
        match talk.hear(Instant::now() + GRACE).await {
            Ok(line) if messages::id_of(&line) == Some(id) => {
                talk.has_answered(id);
                pool.note_late(&talk, Instant::now() - until, &line);
            }
            Ok(line) => {
                let why = format!("an answer to operation {id}, which is late, was expected");
                pool.lost(talk, Trouble::Broken(messages::wrong(&line, &why))).await;
                return;
            }
            Err(trouble) => {
                pool.lost(talk, trouble).await;
                return;
            }
        }
    }
    match talk.tell(&closed(process), Instant::now() + GRACE).await {
        Ok(()) => pool.give_back(talk),
        Err(trouble) => drop(pool.lost(talk, trouble).await),
    }
}

#[cfg(test)]
mod tests;
