//! A client program that runs, as whoever started it hands it over.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

/// Starts client programs: brought by who runs clients.
pub trait Programs: Send + Sync {
    /// Starts the program of client `number`, from 1. A client has one at a time.
    ///
    /// # Errors
    /// When it cannot be started.
    fn start(&self, number: u64) -> io::Result<Running>;

    /// An answer that came so long after its time-out: it belongs into the history, and never counts.
    fn answered_late(&self, number: u64, by: Duration, answer: String);

    /// The program of a client does not keep to the protocol; told once, with the reason.
    fn broke(&self, number: u64, why: &str);

    /// A line that was sent to a program, or came from it.
    fn overhear(&self, number: u64, sent: bool, line: &str) {
        let _nobody_listens = (number, sent, line);
    }
}

/// A client program. It ends when this is dropped.
pub struct Running {
    /// Its standard input.
    pub input: Box<dyn AsyncWrite + Send + Unpin>,
    /// Its standard output.
    pub output: Box<dyn AsyncRead + Send + Unpin>,
    /// What can be done to it. Dropping it kills the program.
    pub handle: Box<dyn Handle>,
}

/// What can be done to a client program beside speaking to it.
pub trait Handle: Send {
    /// How it ended, if it has: `exit status: 1`.
    fn ended(&mut self) -> Option<String>;

    /// The last lines that it wrote to its standard error.
    fn last_words(&mut self) -> Vec<String>;
}
