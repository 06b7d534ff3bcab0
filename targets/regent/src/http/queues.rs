//! Queues: `/queue/{key}`.

use axum::extract::{Path, State};
use axum::response::Response as HttpResponse;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;

use super::site::Site;
use crate::messages::Command;
use crate::objects::queues::Change;

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/queue/{key}/enqueue", post(enqueue))
        .route("/queue/{key}/dequeue", post(dequeue))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnqueueBody {
    value: i64,
}

async fn enqueue(
    State(site): State<Site>,
    Path(key): Path<String>,
    Json(EnqueueBody { value }): Json<EnqueueBody>,
) -> HttpResponse {
    site.write(Command::Queue { key, change: Change::Enqueue { value } }).await
}

async fn dequeue(State(site): State<Site>, Path(key): Path<String>) -> HttpResponse {
    site.write(Command::Queue { key, change: Change::Dequeue }).await
}
