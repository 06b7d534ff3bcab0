//! Texts: `/text/{key}`.

use axum::extract::{Path, State};
use axum::response::Response as HttpResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;

use super::site::{Site, invalid};
use crate::messages::{Command, Query};
use crate::objects::texts::{self, Change};

/// The longest text that is written or appended at once.
const MAX_TEXT: usize = 1024;

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/text/{key}", get(read).put(write))
        .route("/text/{key}/append", post(append))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TextBody {
    value: String,
}

async fn read(State(site): State<Site>, Path(key): Path<String>) -> HttpResponse {
    site.read(Query::Text { key, query: texts::Query::Value }).await
}

async fn write(
    State(site): State<Site>,
    Path(key): Path<String>,
    Json(TextBody { value }): Json<TextBody>,
) -> HttpResponse {
    change(&site, key, value.len(), Change::Put { value }).await
}

async fn append(
    State(site): State<Site>,
    Path(key): Path<String>,
    Json(TextBody { value }): Json<TextBody>,
) -> HttpResponse {
    change(&site, key, value.len(), Change::Append { value }).await
}

async fn change(site: &Site, key: String, length: usize, change: Change) -> HttpResponse {
    if length > MAX_TEXT {
        return invalid(&format!("the text is too long, expected at most {MAX_TEXT} bytes"));
    }
    site.write(Command::Text { key, change }).await
}
