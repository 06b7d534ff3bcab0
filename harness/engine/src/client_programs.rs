//! Client programs of a run: started by the lab, spoken to by the target, their errors in a log each.
//!
//! What they say is none of this module's business; what they write to their standard error is
//! untrusted, and bounded.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fracas_checker::event::EventKind;
use fracas_checker::harness::Mishap;
use fracas_lab::{ClientProgram, Pipes};
use fracas_targets::{Deployment, Ear, Handle, Programs, Running, Serves, Target};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::runtime::Builder;

use crate::programs;
use crate::recorder::Recorder;

/// What a client's program writes to its standard error beyond this is not kept, in bytes.
const LOG_MAX: usize = 1 << 20;

/// So many of the last lines of it are told when something is wrong.
const LAST_LINES: usize = 6;

/// So many bytes of such a line are kept.
const LINE_MAX: usize = 400;

/// Starts the client programs of a target.
pub struct ClientPrograms {
    argv: Vec<String>,
    /// Where their errors are kept, if anywhere.
    logs: Option<PathBuf>,
    recorder: Option<Recorder>,
    ear: Option<Ear>,
}

impl ClientPrograms {
    /// The client programs of a target whose file is in `dir`; none if the target has none.
    ///
    /// # Errors
    /// A text for the user, if the program is not here: what to install.
    pub fn of(target: &Target, dir: Option<&Path>) -> Result<Option<Self>, String> {
        let argv = target.client_program(dir.unwrap_or(Path::new(".")));
        let argv = argv.map(|argv| programs::client(target, argv)).transpose()?;
        Ok(argv.map(|argv| Self { argv, logs: None, recorder: None, ear: None }))
    }

    /// Writes late answers into the history, and that a client program is broken.
    #[must_use]
    pub fn recorded_by(mut self, recorder: Recorder) -> Self {
        self.recorder = Some(recorder);
        self
    }

    /// Keeps their errors in this directory, which is made.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn kept_in(mut self, dir: PathBuf) -> io::Result<Self> {
        std::fs::create_dir_all(&dir)?;
        self.logs = Some(dir);
        Ok(self)
    }

    /// Lets somebody hear every line.
    #[must_use]
    pub fn heard_by(mut self, ear: Option<Ear>) -> Self {
        self.ear = ear;
        self
    }

    fn log(&self, number: u64) -> io::Result<Option<File>> {
        let Some(dir) = &self.logs else { return Ok(None) };
        let path = dir.join(format!("{number}.log"));
        OpenOptions::new().create(true).append(true).open(path).map(Some)
    }
}

impl Programs for ClientPrograms {
    fn start(&self, number: u64) -> io::Result<Running> {
        let log = self.log(number)?;
        let (program, Pipes { input, output, errors }) =
            ClientProgram::start(&self.argv).map_err(io::Error::other)?;
        let words = Arc::new(Mutex::new(Words::default()));
        tokio::spawn(listen(errors, log, Arc::clone(&words)));
        Ok(Running {
            input: Box::new(pipe::Sender::from_owned_fd(input)?),
            output: Box::new(pipe::Receiver::from_owned_fd(output)?),
            handle: Box::new(Started { program, words }),
        })
    }

    fn answered_late(&self, client: u64, by: Duration, answer: String) {
        if let Some(ear) = &self.ear {
            ear(false, "(this answer is too late: it does not count)");
        }
        if let Some(recorder) = &self.recorder {
            let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
            recorder.record(EventKind::mishap(Mishap::AnsweredLate { client, by, answer }));
        }
    }

    fn broke(&self, number: u64, why: &str) {
        let Some(recorder) = &self.recorder else { return };
        let since = recorder.now();
        recorder.record(EventKind::mishap(Mishap::ClientBroken {
            client: number,
            why: why.to_owned(),
            since,
        }));
    }

    fn overhear(&self, _: u64, sent: bool, line: &str) {
        if let Some(ear) = &self.ear {
            ear(sent, line);
        }
    }
}

struct Started {
    program: ClientProgram,
    words: Arc<Mutex<Words>>,
}

impl Handle for Started {
    fn ended(&mut self) -> Option<String> {
        self.program.ended().map(|status| status.to_string())
    }

    fn last_words(&mut self) -> Vec<String> {
        self.words.lock().unwrap_or_else(PoisonError::into_inner).last()
    }
}

/// The last lines of a program's standard error.
#[derive(Default)]
struct Words {
    lines: VecDeque<Vec<u8>>,
    /// The line that has no end yet.
    open: Vec<u8>,
}

impl Words {
    fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.open);
                if !line.iter().all(u8::is_ascii_whitespace) {
                    self.lines.push_back(line);
                }
                if self.lines.len() > LAST_LINES {
                    self.lines.pop_front();
                }
            } else if self.open.len() < LINE_MAX {
                self.open.push(*byte);
            }
        }
    }

    fn last(&self) -> Vec<String> {
        let lines = self.lines.iter().chain((!self.open.is_empty()).then_some(&self.open));
        lines.map(|line| String::from_utf8_lossy(line).into_owned()).collect()
    }
}

/// Reads what a program complains of, to its end: else it would wait once its pipe is full.
async fn listen(errors: OwnedFd, mut log: Option<File>, words: Arc<Mutex<Words>>) {
    let Ok(mut errors) = pipe::Receiver::from_owned_fd(errors) else { return };
    let (mut chunk, mut room) = ([0; 4096], LOG_MAX);
    while let Ok(count @ 1..) = errors.read(&mut chunk).await {
        let bytes = &chunk[..count];
        words.lock().unwrap_or_else(PoisonError::into_inner).take(bytes);
        let kept = &bytes[..count.min(room)];
        room -= kept.len();
        // A disk that is full is told of by others; the last words are kept all the same.
        if log.as_mut().is_some_and(|log| log.write_all(kept).is_err()) {
            log = None;
        }
    }
}

/// Starts the client program of a target once and asks what it serves. Must not be called within a
/// runtime.
///
/// # Errors A text for people that says what is wrong with the program.
pub fn served(
    target: &Target,
    dir: Option<&Path>,
    deployment: &Deployment,
) -> Result<Serves, String> {
    let Some(programs) = ClientPrograms::of(target, dir)? else {
        return Ok(Serves { ops: target.serves(), status: false });
    };
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("failed to start a runtime: {error}"))?;
    runtime.block_on(deployment.asked_program(Arc::new(programs)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_few_and_short() {
        let mut words = Words::default();
        assert_eq!(words.last(), [""; 0]);
        for number in 0..10 {
            words.take(format!("line {number}\n\n").as_bytes());
        }
        words.take(&vec![b'x'; 1 << 20]);
        let last = words.last();
        assert_eq!(last.len(), LAST_LINES + 1);
        assert_eq!((last[0].as_str(), last[5].as_str()), ("line 4", "line 9"));
        assert_eq!(last[6].len(), LINE_MAX);
    }
}
