//! Transactions: `/txn`. There is one space of numbers and lists, apart from all other objects.

use axum::extract::State;
use axum::response::Response as HttpResponse;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;

use super::site::{Site, invalid, too_long};
use crate::messages::Command;
use crate::objects::transactions::{Change, Part};

/// The most parts of one transaction.
const MAX_PARTS: usize = 16;
/// The name of the space.
const SPACE: &str = "txn";

pub(super) fn routes() -> Router<Site> {
    Router::new().route("/txn", post(commit))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TxnBody {
    ops: Vec<PartBody>,
}

/// A part of a transaction, as clients write it; a read has no value.
#[derive(Deserialize)]
#[serde(tag = "f", rename_all = "kebab-case", deny_unknown_fields)]
enum PartBody {
    Read { key: String },
    Write { key: String, value: i64 },
    Append { key: String, value: i64 },
}

impl From<PartBody> for Part {
    fn from(body: PartBody) -> Self {
        match body {
            PartBody::Read { key } => Self::Read { key },
            PartBody::Write { key, value } => Self::Write { key, value },
            PartBody::Append { key, value } => Self::Append { key, value },
        }
    }
}

async fn commit(State(site): State<Site>, Json(TxnBody { ops }): Json<TxnBody>) -> HttpResponse {
    if ops.is_empty() || ops.len() > MAX_PARTS {
        let found = ops.len();
        return invalid(&format!("a transaction of {found} parts, expected 1 to {MAX_PARTS}"));
    }
    let parts: Vec<Part> = ops.into_iter().map(Part::from).collect();
    if let Some(refused) = parts.iter().find_map(|part| too_long(part.key())) {
        return refused;
    }
    site.write(Command::Transaction { key: SPACE.to_owned(), change: Change::Commit { parts } })
        .await
}
