//! One attempt at one exchange with a node, in whichever protocol its request is written.
//!
//! It deliberately has no retry in any of them: what is known after a failure is told, not mended.

use std::time::Duration;

use crate::answer::Reply;
use crate::http::{ClientError, Http};
use crate::request::Request;
use crate::resp::Resp;

/// The most bytes of an answer that are read; more is an error.
pub(crate) const MAX_ANSWER: usize = 64 * 1024;

/// Why there is no whole answer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// No connection came about: the node has certainly not seen the request.
    #[error("{0}")]
    NotSent(String),
    /// The node may have seen the request, or a part of it.
    #[error("{0}")]
    Unknown(String),
}

/// Speaks to nodes. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    http: Http,
    resp: Resp,
}

impl Wire {
    /// `connect` is how long a connection may take, `whole` how long the exchange.
    pub(crate) fn new(connect: Duration, whole: Duration) -> Result<Self, ClientError> {
        Ok(Self { http: Http::new(connect, whole)?, resp: Resp::new(connect, whole) })
    }

    /// Sends the request and reads the whole answer.
    pub(crate) async fn exchange(&self, request: Request) -> Result<Reply, Failure> {
        match request {
            Request::Http(request) => self.http.exchange(request).await,
            Request::Resp(command) => self.resp.exchange(&command).await.map(Reply::Resp),
        }
    }
}
