//! The HTTP face of a node, for clients and for the other nodes. It translates; it decides
//! nothing. Every outcome a client can meet is in the table of [`answer`].

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response as HttpResponse};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::core::Status;
use crate::job::Job;
use crate::messages::{
    AppendRequest, Ask, Command, FencingToken, Holder, NodeId, ReignId, Reply, Request, Response,
    VoteRequest,
};

/// How long a client waits at most for what it asked.
const PATIENCE: Duration = Duration::from_secs(2);
/// The largest body from another node: more than 512 entries of the longest key.
const MAX_BODY: usize = 4 << 20;
/// The longest name of a register.
const MAX_KEY: usize = 256;

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) inbox: mpsc::Sender<Job>,
    pub(crate) status: Arc<Mutex<Status>>,
    pub(crate) nodes: Arc<BTreeSet<NodeId>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PutBody {
    value: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CasBody {
    old: Option<i64>,
    new: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LeaseBody {
    holder: Holder,
    /// 0 is for ever.
    #[serde(default)]
    ttl_ms: u64,
}

impl LeaseBody {
    fn ttl_ms(&self) -> Option<u64> {
        Some(self.ttl_ms).filter(|ttl| *ttl > 0)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReleaseBody {
    holder: Holder,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GuardedBody {
    token: FencingToken,
    value: i64,
}

/// Serves until the listener fails.
pub(crate) async fn serve(listener: TcpListener, site: Site) -> io::Result<()> {
    let router = Router::new()
        .route("/kv/{key}", get(read).put(write))
        .route("/kv/{key}/cas", post(cas))
        .route("/kv/{key}/guarded", post(guarded_write))
        .route("/lock/{key}/acquire", post(acquire))
        .route("/lock/{key}/renew", post(renew))
        .route("/lock/{key}/release", post(release))
        .route("/status", get(status))
        .route("/peer/vote", post(vote))
        .route("/peer/append", post(append))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(site);
    // Without delay: a heartbeat that waits for company is late. If the option is refused, the
    // connection is already gone, and its first read says so.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await
}

async fn read(State(site): State<Site>, Path(key): Path<String>) -> HttpResponse {
    ask(&site, Ask::Read { key }).await
}

async fn write(
    State(site): State<Site>,
    Path(key): Path<String>,
    Json(PutBody { value }): Json<PutBody>,
) -> HttpResponse {
    ask(&site, Ask::Write(Command::Put { key, value })).await
}

async fn cas(
    State(site): State<Site>,
    Path(key): Path<String>,
    Json(CasBody { old, new }): Json<CasBody>,
) -> HttpResponse {
    ask(&site, Ask::Write(Command::Cas { key, old, new })).await
}

async fn guarded_write(
    State(site): State<Site>,
    Path(key): Path<String>,
    Json(GuardedBody { token, value }): Json<GuardedBody>,
) -> HttpResponse {
    ask(&site, Ask::Write(Command::GuardedPut { key, token, value })).await
}

async fn acquire(
    State(site): State<Site>,
    Path(key): Path<String>,
    Json(body): Json<LeaseBody>,
) -> HttpResponse {
    let (holder, ttl_ms) = (body.holder, body.ttl_ms());
    ask(&site, Ask::Write(Command::Acquire { key, holder, ttl_ms })).await
}

async fn renew(
    State(site): State<Site>,
    Path(key): Path<String>,
    Json(body): Json<LeaseBody>,
) -> HttpResponse {
    let (holder, ttl_ms) = (body.holder, body.ttl_ms());
    ask(&site, Ask::Write(Command::Renew { key, holder, ttl_ms })).await
}

async fn release(
    State(site): State<Site>,
    Path(key): Path<String>,
    Json(ReleaseBody { holder }): Json<ReleaseBody>,
) -> HttpResponse {
    ask(&site, Ask::Write(Command::Release { key, holder })).await
}

/// A node whose disk is full says nothing of itself: it acts on nothing that it is.
async fn status(State(site): State<Site>) -> HttpResponse {
    let status = status_of(&site);
    if status.full { no_room() } else { Json(status).into_response() }
}

async fn vote(State(site): State<Site>, Json(request): Json<VoteRequest>) -> HttpResponse {
    let from = request.candidate.clone();
    ask_as_peer(&site, &from, Request::Vote(request)).await
}

async fn append(State(site): State<Site>, Json(request): Json<AppendRequest>) -> HttpResponse {
    let from = request.leader.clone();
    ask_as_peer(&site, &from, Request::Append(request)).await
}

/// Puts a client's wish to the core and waits for the reply, but not for ever.
async fn ask(site: &Site, ask: Ask) -> HttpResponse {
    if key(&ask).is_some_and(|key| key.len() > MAX_KEY) {
        let error = format!("the key is too long, expected at most {MAX_KEY} bytes");
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    }
    if status_of(site).full {
        return no_room();
    }
    let (waiter, reply) = oneshot::channel();
    if site.inbox.try_send(Job::Client(ask, waiter)).is_err() {
        return unknown(site);
    }
    match timeout(PATIENCE, reply).await {
        Ok(Ok(reply)) => answer(reply),
        // Out of time, or this node is stopping.
        Ok(Err(_)) | Err(_) => unknown(site),
    }
}

fn key(ask: &Ask) -> Option<&str> {
    match ask {
        Ask::Read { key } => Some(key),
        Ask::Write(command) => command.key(),
    }
}

/// Every reply of the core, as HTTP.
fn answer(reply: Reply) -> HttpResponse {
    let with = |status, ReignId { generation, node }, mut body: Value| {
        body["generation"] = json!(generation);
        body["node"] = json!(node);
        (status, Json(body)).into_response()
    };
    match reply {
        Reply::Value { value, by } => with(StatusCode::OK, by, json!({ "value": value })),
        Reply::Written { index, reign } => with(StatusCode::OK, reign, json!({ "index": index })),
        Reply::Swapped { swapped, reign } => {
            with(StatusCode::OK, reign, json!({ "swapped": swapped }))
        }
        Reply::Granted { token, reign } => with(StatusCode::OK, reign, json!({ "token": token })),
        Reply::Refused { why, reign } => with(StatusCode::CONFLICT, reign, json!({ "error": why })),
        Reply::NotLeader { leader, generation } => {
            let body = json!({ "error": "not leader", "leader": leader, "generation": generation });
            (StatusCode::MISDIRECTED_REQUEST, Json(body)).into_response()
        }
        Reply::Unknown { generation } => ambiguous(generation),
    }
}

/// Refused before it reached the core: certainly nothing happened.
fn no_room() -> HttpResponse {
    let body = json!({ "error": "the disk is full" });
    (StatusCode::INSUFFICIENT_STORAGE, Json(body)).into_response()
}

fn unknown(site: &Site) -> HttpResponse {
    ambiguous(status_of(site).generation)
}

fn ambiguous(generation: u64) -> HttpResponse {
    let body = json!({ "error": "unknown", "generation": generation });
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}

/// Puts another node's request to the core. Strangers are not listened to.
async fn ask_as_peer(site: &Site, from: &NodeId, request: Request) -> HttpResponse {
    if !site.nodes.contains(from) {
        let error = format!("`{from}` is not of this cluster");
        return (StatusCode::FORBIDDEN, Json(json!({ "error": error }))).into_response();
    }
    let (waiter, response) = oneshot::channel();
    if site.inbox.try_send(Job::Peer(request, waiter)).is_err() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match response.await {
        Ok(Response::Vote(response)) => Json(response).into_response(),
        Ok(Response::Append(response)) => Json(response).into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn status_of(site: &Site) -> Status {
    site.status.lock().expect("no holder panics").clone()
}
