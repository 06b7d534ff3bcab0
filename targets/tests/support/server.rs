//! A server of HTTP that gives the same answer to everything, and knows what it was asked last.

use std::path::Path;

use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use fracas_checker::{Completion, NodeId, Op, ProcessId};
use fracas_targets::Target;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::support;

/// A server that gives one answer to everything, and what it was asked last.
pub(crate) struct Server {
    target: Target,
    answer: watch::Sender<(u16, String)>,
    asked: watch::Receiver<String>,
}

impl Server {
    /// Starts the server of a target; its file is `text`, with `port` for the one of the server.
    pub(crate) async fn start(text: &str, port: &str) -> Self {
        let (answer, to_give) = watch::channel((200, String::new()));
        let (heard, asked) = watch::channel(String::new());
        let app = Router::new().fallback(async move |method: Method, uri: Uri, body: String| {
            heard.send_replace(format!("{method} {uri} {body}").trim_end().to_owned());
            let (status, text) = to_give.borrow().clone();
            (StatusCode::from_u16(status).unwrap(), text)
        });
        let listener = TcpListener::bind((support::address(1), 0)).await.unwrap();
        let own = listener.local_addr().unwrap().port().to_string();
        tokio::spawn(async move { axum::serve(listener, app).await });
        let text = text.replace(port, &own);
        let target =
            Target::parse("sample.toml", &text, &support::FAULTS).unwrap_or_else(|e| panic!("{e}"));
        Self { target, answer, asked }
    }

    /// What was sent for the operation, and how it ended when this was the answer.
    pub(crate) async fn ask(&self, op: &Op, status: u16, body: &str) -> (String, Completion) {
        self.answer.send_replace((status, body.to_owned()));
        let cluster = support::loopback("server", 1, Path::new("/nodes"));
        let client = self.target.deploy(&cluster).unwrap().client().unwrap();
        let completion = client.invoke(NodeId(1), ProcessId(7), op).await;
        (self.asked.borrow().clone(), completion)
    }
}
