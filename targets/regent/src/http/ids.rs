//! Generators of ids: `/ids/{key}`.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response as HttpResponse;
use axum::routing::post;

use super::site::Site;
use crate::messages::Command;
use crate::objects::ids::Change;

pub(super) fn routes() -> Router<Site> {
    Router::new().route("/ids/{key}/next", post(next))
}

async fn next(State(site): State<Site>, Path(key): Path<String>) -> HttpResponse {
    site.write(Command::Ids { key, change: Change::Next }).await
}
