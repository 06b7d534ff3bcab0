//! What all routes share: putting a client's wish to the core, and its reply as HTTP. Every outcome
//! a client can meet is in the table of [`answer`].

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response as HttpResponse};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::core::Status;
use crate::job::Job;
use crate::messages::{Answer, Ask, Command, Index, NodeId, Query, Refusal, ReignId, Reply};

/// How long a client waits at most for what it asked.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest name of an object.
const MAX_KEY: usize = 256;

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) inbox: mpsc::Sender<Job>,
    pub(crate) status: Arc<Mutex<Status>>,
    pub(crate) nodes: Arc<BTreeSet<NodeId>>,
}

impl Site {
    /// What the node says of itself.
    pub(super) fn status(&self) -> Status {
        self.status.lock().expect("no holder panics").clone()
    }

    /// Looks at an object.
    pub(super) async fn read(&self, query: Query) -> HttpResponse {
        let key = query.key().to_owned();
        self.ask(&key, Ask::Read(query)).await
    }

    /// Changes an object.
    pub(super) async fn write(&self, command: Command) -> HttpResponse {
        let key = command.key().unwrap_or_default().to_owned();
        self.ask(&key, Ask::Write(command)).await
    }

    /// Puts a client's wish to the core and waits for the reply, but not for ever.
    async fn ask(&self, key: &str, ask: Ask) -> HttpResponse {
        if let Some(refused) = too_long(key) {
            return refused;
        }
        if self.status().full {
            return no_room();
        }
        let (waiter, reply) = oneshot::channel();
        if self.inbox.try_send(Job::Client(ask, waiter)).is_err() {
            return self.unknown();
        }
        match timeout(PATIENCE, reply).await {
            Ok(Ok(reply)) => answer(reply),
            // Out of time, or this node is stopping.
            Ok(Err(_)) | Err(_) => self.unknown(),
        }
    }

    fn unknown(&self) -> HttpResponse {
        ambiguous(self.status().generation)
    }
}

/// Refuses names that are too long.
pub(super) fn too_long(key: &str) -> Option<HttpResponse> {
    let refused = || invalid(&format!("the key is too long, expected at most {MAX_KEY} bytes"));
    (key.len() > MAX_KEY).then(refused)
}

/// Refused before it reached the core, for it makes no sense.
pub(super) fn invalid(error: &str) -> HttpResponse {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response()
}

/// Every reply of the core, as HTTP.
fn answer(reply: Reply) -> HttpResponse {
    match reply {
        Reply::Done { outcome: Ok(answer), at, by } => done(&answer, at, &by),
        Reply::Done { outcome: Err(refusal), by, .. } => {
            let (status, why) = match refusal {
                Refusal::Conflict(why) => (StatusCode::CONFLICT, why),
                Refusal::Invalid(why) => (StatusCode::BAD_REQUEST, why),
                // The core does not tell it: what the first copy came to is told.
                Refusal::Repeated => return ambiguous(by.generation),
            };
            stamped(status, json!({ "error": why }), &by)
        }
        Reply::NotLeader { leader, generation } => {
            let body = json!({ "error": "not leader", "leader": leader, "generation": generation });
            (StatusCode::MISDIRECTED_REQUEST, Json(body)).into_response()
        }
        Reply::Unknown { generation } => ambiguous(generation),
    }
}

fn done(answer: &Answer, at: Index, by: &ReignId) -> HttpResponse {
    let mut body = serde_json::to_value(answer).expect("plain data is JSON");
    body["index"] = json!(at);
    stamped(StatusCode::OK, body, by)
}

fn stamped(status: StatusCode, mut body: Value, by: &ReignId) -> HttpResponse {
    body["generation"] = json!(by.generation);
    body["node"] = json!(by.node);
    (status, Json(body)).into_response()
}

/// Refused before it reached the core: certainly nothing happened.
pub(super) fn no_room() -> HttpResponse {
    let body = json!({ "error": "the disk is full" });
    (StatusCode::INSUFFICIENT_STORAGE, Json(body)).into_response()
}

fn ambiguous(generation: u64) -> HttpResponse {
    let body = json!({ "error": "unknown", "generation": generation });
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}
