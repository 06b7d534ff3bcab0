//! One attempt at one HTTP exchange, and what is known if it does not succeed.
//!
//! It deliberately has no retry, no redirect, no proxy, no cookies and no TLS. The connection pool
//! below sends a request a second time only if not one byte of it had been written the first time.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::retry;

use crate::answer::Reply;
use crate::request::HttpRequest;
use crate::wire::{Failure, MAX_ANSWER};

/// A request sent down a connection that died unnoticed with its server ends `info`. Connections
/// are kept only for a short time and one per node, so that few do.
const IDLE: Duration = Duration::from_secs(5);
const MAX_IDLE_PER_NODE: usize = 1;

/// An HTTP client could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("set up an HTTP client: {0}")]
pub struct ClientError(#[from] reqwest::Error);

/// A client for plain HTTP/1.1.
#[derive(Debug, Clone)]
pub(crate) struct Http(reqwest::Client);

impl Http {
    pub(crate) fn new(connect_timeout: Duration, timeout: Duration) -> Result<Self, ClientError> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .retry(retry::never())
            .referer(false)
            .connect_timeout(connect_timeout)
            .timeout(timeout)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MAX_IDLE_PER_NODE)
            .build()?;
        Ok(Self(client))
    }

    /// Sends the request and reads the whole answer.
    pub(crate) async fn exchange(&self, request: HttpRequest) -> Result<Reply, Failure> {
        let mut sent = self.0.request(request.method, request.url).headers(request.headers);
        if let Some(body) = request.body {
            sent = sent.body(body);
        }
        let mut response = sent.send().await.map_err(|error| failure(&error))?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(Failure::Unknown(format!("answer longer than {MAX_ANSWER} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply::Http { status, body })
    }
}

/// A refused connection is certain. A time-out is so only while connecting: reqwest tells the two
/// apart by `is_connect`, which is false for the time-out of the whole exchange.
fn failure(error: &reqwest::Error) -> Failure {
    let text = explain(error);
    if error.is_connect() || error.is_builder() {
        Failure::NotSent(text)
    } else {
        Failure::Unknown(text)
    }
}

/// The innermost cause says the most: `Connection refused` rather than `error sending request`.
fn explain(error: &reqwest::Error) -> String {
    let causes =
        std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    let innermost = causes.last().map_or_else(String::new, ToString::to_string);
    match (error.is_timeout(), error.is_connect()) {
        (true, true) => "connect: timed out".to_owned(),
        (true, false) => "timed out".to_owned(),
        (false, true) => format!("connect: {innermost}"),
        (false, false) => innermost,
    }
}
