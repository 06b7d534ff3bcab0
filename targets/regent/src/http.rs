//! The HTTP face of a node, for clients and for the other nodes. It translates; it decides nothing.
//! The routes of every kind of object are in a file of their own, and a line of [`objects`].

mod counters;
mod ids;
mod locks;
mod mutexes;
mod peers;
mod queues;
mod registers;
mod sets;
mod site;
mod texts;
mod transactions;
mod versioned;

use std::io;

use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response as HttpResponse};
use axum::routing::get;
use axum::serve::ListenerExt;
use axum::{Json, Router};
use tokio::net::TcpListener;

pub(crate) use site::Site;

/// The largest body from another node: more than 512 entries of the largest command.
const MAX_BODY: usize = 16 << 20;

/// The routes of all kinds of objects.
fn objects() -> Router<Site> {
    Router::new()
        .merge(registers::routes())
        .merge(locks::routes())
        .merge(sets::routes())
        .merge(queues::routes())
        .merge(counters::routes())
        .merge(ids::routes())
        .merge(mutexes::routes())
        .merge(versioned::routes())
        .merge(texts::routes())
        .merge(transactions::routes())
}

/// Serves until the listener fails.
pub(crate) async fn serve(listener: TcpListener, site: Site) -> io::Result<()> {
    let router = objects()
        .route("/status", get(status))
        .merge(peers::routes())
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(site);
    // Without delay: a heartbeat that waits for company is late. If the option is refused, the
    // connection is already gone, and its first read says so.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await
}

/// A node whose disk is full says nothing of itself: it acts on nothing that it is.
async fn status(State(site): State<Site>) -> HttpResponse {
    let status = site.status();
    if status.full { site::no_room() } else { Json(status).into_response() }
}
