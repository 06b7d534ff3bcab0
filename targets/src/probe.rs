//! Whether a node is up: a request that it answers in a certain way once it is.
//!
//! It deliberately does not wait: how often to ask, and when to give up, is the harness's choice.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::protocol::{Asking, Times};

/// How long one probe may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// A request that a node answers in a certain way once it is up.
#[derive(Debug, Clone)]
pub struct Probe {
    pub(crate) request: Arc<dyn Asking>,
    /// The HTTP status it must answer with; in a protocol without any, anything but an error.
    pub status: Option<u16>,
    /// How long after its start the node must answer so at the latest.
    pub within: Duration,
}

impl Probe {
    /// Where it asks.
    #[must_use]
    pub fn address(&self) -> String {
        self.request.address()
    }

    /// Asks once, over a new connection.
    ///
    /// # Errors
    /// The reason why the node is not ready, for people.
    pub async fn ask(&self) -> Result<(), String> {
        let times = Times { connect: PROBE_TIMEOUT, whole: PROBE_TIMEOUT };
        let reply = self.request.ask(times).await.map_err(|failure| failure.to_string())?;
        let is_up = reply.status() == self.status && !reply.is_error();
        if is_up { Ok(()) } else { Err(reply.summary()) }
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "{} -> {status}", self.request),
            None => self.request.fmt(f),
        }
    }
}
