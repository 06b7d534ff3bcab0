//! Registers: `/kv/{key}`.

use axum::extract::{Path, State};
use axum::response::Response as HttpResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;

use super::site::Site;
use crate::messages::{Command, FencingToken, Query};
use crate::objects::registers::{self, Change};

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/kv/{key}", get(read).put(write))
        .route("/kv/{key}/cas", post(cas))
        .route("/kv/{key}/swap", post(swap))
        .route("/kv/{key}/guarded", post(guarded_write))
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
struct GuardedBody {
    token: FencingToken,
    value: i64,
}

async fn read(State(site): State<Site>, Path(key): Path<String>) -> HttpResponse {
    site.read(Query::Register { key, query: registers::Query::Value }).await
}

async fn write(
    State(site): State<Site>,
    Path(key): Path<String>,
    Json(PutBody { value }): Json<PutBody>,
) -> HttpResponse {
    site.write(Command::Register { key, change: Change::Put { value } }).await
}

async fn cas(
    State(site): State<Site>,
    Path(key): Path<String>,
    Json(CasBody { old, new }): Json<CasBody>,
) -> HttpResponse {
    site.write(Command::Register { key, change: Change::Cas { old, new } }).await
}

async fn swap(
    State(site): State<Site>,
    Path(key): Path<String>,
    Json(PutBody { value }): Json<PutBody>,
) -> HttpResponse {
    site.write(Command::Register { key, change: Change::Swap { value } }).await
}

async fn guarded_write(
    State(site): State<Site>,
    Path(key): Path<String>,
    Json(GuardedBody { token, value }): Json<GuardedBody>,
) -> HttpResponse {
    site.write(Command::Register { key, change: Change::GuardedPut { token, value } }).await
}
