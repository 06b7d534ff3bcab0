//! Numbers with a version: `/versioned/{key}`.

use axum::extract::{Path, State};
use axum::response::Response as HttpResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;

use super::site::Site;
use crate::messages::{Command, Query};
use crate::objects::versioned::{self, Change};

pub(super) fn routes() -> Router<Site> {
    Router::new().route("/versioned/{key}", get(read).put(update))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UpdateBody {
    expected: u64,
    value: i64,
}

async fn read(State(site): State<Site>, Path(key): Path<String>) -> HttpResponse {
    site.read(Query::Versioned { key, query: versioned::Query::Both }).await
}

async fn update(
    State(site): State<Site>,
    Path(key): Path<String>,
    Json(UpdateBody { expected, value }): Json<UpdateBody>,
) -> HttpResponse {
    site.write(Command::Versioned { key, change: Change::Update { expected, value } }).await
}
