//! Mutexes: `/mutex/{key}`.

use axum::extract::{Path, State};
use axum::response::Response as HttpResponse;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;

use super::site::Site;
use crate::messages::{Command, Holder};
use crate::objects::mutexes::Change;

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/mutex/{key}/acquire", post(acquire))
        .route("/mutex/{key}/release", post(release))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HolderBody {
    holder: Holder,
}

async fn acquire(
    State(site): State<Site>,
    Path(key): Path<String>,
    Json(HolderBody { holder }): Json<HolderBody>,
) -> HttpResponse {
    site.write(Command::Mutex { key, change: Change::Acquire { holder } }).await
}

async fn release(
    State(site): State<Site>,
    Path(key): Path<String>,
    Json(HolderBody { holder }): Json<HolderBody>,
) -> HttpResponse {
    site.write(Command::Mutex { key, change: Change::Release { holder } }).await
}
