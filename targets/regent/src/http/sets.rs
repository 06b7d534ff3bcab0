//! Sets: `/set/{key}`, and an element of one: `/set/{key}/{value}`.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response as HttpResponse;
use axum::routing::get;

use super::site::Site;
use crate::messages::{Command, Query};
use crate::objects::sets::{self, Change};

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/set/{key}", get(all))
        .route("/set/{key}/{value}", get(contains).put(add).delete(remove))
}

async fn all(State(site): State<Site>, Path(key): Path<String>) -> HttpResponse {
    site.read(Query::Set { key, query: sets::Query::All }).await
}

async fn contains(
    State(site): State<Site>,
    Path((key, value)): Path<(String, i64)>,
) -> HttpResponse {
    site.read(Query::Set { key, query: sets::Query::Contains { value } }).await
}

async fn add(State(site): State<Site>, Path((key, value)): Path<(String, i64)>) -> HttpResponse {
    site.write(Command::Set { key, change: Change::Add { value } }).await
}

async fn remove(State(site): State<Site>, Path((key, value)): Path<(String, i64)>) -> HttpResponse {
    site.write(Command::Set { key, change: Change::Remove { value } }).await
}
