//! The routes for the other nodes. Strangers are not listened to.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response as HttpResponse};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::json;
use tokio::sync::oneshot;

use super::site::Site;
use crate::job::Job;
use crate::messages::{AppendRequest, NodeId, Request, Response, SubmitRequest, VoteRequest};

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/peer/vote", post(vote))
        .route("/peer/append", post(append))
        .route("/peer/submit", post(submit))
}

async fn vote(State(site): State<Site>, Json(request): Json<VoteRequest>) -> HttpResponse {
    let from = request.candidate.clone();
    ask(&site, &from, Request::Vote(request)).await
}

async fn append(State(site): State<Site>, Json(request): Json<AppendRequest>) -> HttpResponse {
    let from = request.leader.clone();
    ask(&site, &from, Request::Append(request)).await
}

async fn submit(State(site): State<Site>, Json(request): Json<SubmitRequest>) -> HttpResponse {
    let from = request.from.clone();
    ask(&site, &from, Request::Submit(request)).await
}

/// Puts another node's request to the core.
async fn ask(site: &Site, from: &NodeId, request: Request) -> HttpResponse {
    if !site.nodes.contains(from) {
        let error = format!("`{from}` is not of this cluster");
        return (StatusCode::FORBIDDEN, Json(json!({ "error": error }))).into_response();
    }
    let (waiter, response) = oneshot::channel();
    if site.inbox.try_send(Job::Peer(request, waiter)).is_err() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match response.await {
        Ok(Response::Vote(response)) => Json(response).into_response(),
        Ok(Response::Append(response)) => Json(response).into_response(),
        Ok(Response::Submit(response)) => Json(response).into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
