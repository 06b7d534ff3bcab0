//! Locks and leases: `/lock/{key}`.

use axum::extract::{Path, State};
use axum::response::Response as HttpResponse;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;

use super::site::Site;
use crate::messages::{Command, Holder};
use crate::objects::locks::Change;

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/lock/{key}/acquire", post(acquire))
        .route("/lock/{key}/renew", post(renew))
        .route("/lock/{key}/release", post(release))
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

async fn acquire(
    State(site): State<Site>,
    Path(key): Path<String>,
    Json(body): Json<LeaseBody>,
) -> HttpResponse {
    let change = Change::Acquire { holder: body.holder, ttl_ms: body.ttl_ms() };
    site.write(Command::Lock { key, change }).await
}

async fn renew(
    State(site): State<Site>,
    Path(key): Path<String>,
    Json(body): Json<LeaseBody>,
) -> HttpResponse {
    let change = Change::Renew { holder: body.holder, ttl_ms: body.ttl_ms() };
    site.write(Command::Lock { key, change }).await
}

async fn release(
    State(site): State<Site>,
    Path(key): Path<String>,
    Json(ReleaseBody { holder }): Json<ReleaseBody>,
) -> HttpResponse {
    site.write(Command::Lock { key, change: Change::Release { holder } }).await
}
