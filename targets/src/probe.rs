//! Whether a node is up: a request that it answers in a certain way once it is.
//!
//! It deliberately does not wait: how often to ask, and when to give up, is the harness's choice.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::protocol::{Asking, Times};

/// How long one probe may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// A request that a node answers in a certain way once it is up.
#[derive(Debug, Clone)]
pub struct Probe {
    pub(crate) by: ProbeBy,
    /// The HTTP status it must answer with; in a protocol without any, anything but an error.
    pub status: Option<u16>,
    /// How long after its start the node must answer so at the latest.
    pub within: Duration,
}

/// What a node, or a process of it, is asked.
#[derive(Debug, Clone)]
pub(crate) enum ProbeBy {
    /// A request.
    Request(Arc<dyn Asking>),
    /// To take a connection at this address, and no more.
    Port(String),
}

impl Probe {
    /// Where it asks.
    #[must_use]
    pub fn address(&self) -> String {
        match &self.by {
            ProbeBy::Request(request) => request.address(),
            ProbeBy::Port(address) => address.clone(),
        }
    }

    /// Asks once, over a new connection.
    ///
    /// # Errors
    /// The reason why the node is not ready, for people.
    pub async fn ask(&self) -> Result<(), String> {
        let request = match &self.by {
            ProbeBy::Request(request) => request,
            ProbeBy::Port(address) => return connects(address).await,
        };
        let times = Times { connect: PROBE_TIMEOUT, whole: PROBE_TIMEOUT };
        let reply = request.ask(times).await.map_err(|failure| failure.to_string())?;
        let is_up = reply.status() == self.status && !reply.is_error();
        if is_up { Ok(()) } else { Err(reply.summary()) }
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.by, self.status) {
            (ProbeBy::Port(address), _) => write!(f, "connect to {address}"),
            (ProbeBy::Request(request), Some(status)) => write!(f, "{request} -> {status}"),
            (ProbeBy::Request(request), None) => request.fmt(f),
        }
    }
}

/// Whether somebody takes a connection there.
async fn connects(address: &str) -> Result<(), String> {
    match tokio::time::timeout(PROBE_TIMEOUT, TcpStream::connect(address)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no connection within {PROBE_TIMEOUT:?}")),
    }
}
