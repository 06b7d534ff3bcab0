//! Counters: `/counter/{key}`.

use axum::extract::{Path, State};
use axum::response::Response as HttpResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;

use super::site::Site;
use crate::messages::{Command, Query};
use crate::objects::counters::{self, Change};

pub(super) fn routes() -> Router<Site> {
    Router::new().route("/counter/{key}", get(read)).route("/counter/{key}/add", post(add))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddBody {
    by: i64,
}

async fn read(State(site): State<Site>, Path(key): Path<String>) -> HttpResponse {
    site.read(Query::Counter { key, query: counters::Query::Value }).await
}

async fn add(
    State(site): State<Site>,
    Path(key): Path<String>,
    Json(AddBody { by }): Json<AddBody>,
) -> HttpResponse {
    site.write(Command::Counter { key, change: Change::Add { by } }).await
}
