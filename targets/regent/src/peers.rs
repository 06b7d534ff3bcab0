//! Asking the other nodes over HTTP. One try each, bounded in time: whether and when to try again
//! is decided by the core.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Client, redirect, retry};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use crate::job::{Job, Settings};
use crate::messages::{NodeId, Request, Response};

/// A way to every other node.
pub(crate) struct Peers {
    client: Client,
    bases: BTreeMap<NodeId, String>,
    inbox: mpsc::Sender<Job>,
}

impl Peers {
    /// A request takes half an election timeout at most. One that runs out of time takes its
    /// connection along: packets were lost on it, so TCP would be silent for seconds even after
    /// the network is whole again.
    pub(crate) fn new(settings: &Settings, inbox: mpsc::Sender<Job>) -> reqwest::Result<Self> {
        let election = Duration::from_millis(settings.election_ms);
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .connect_timeout(election / 4)
            .timeout(election / 2)
            .pool_max_idle_per_host(2)
            .build()?;
        let bases = settings.nodes.iter();
        let bases = bases.map(|(node, at)| (node.clone(), format!("http://{at}/peer"))).collect();
        Ok(Self { client, bases, inbox })
    }

    /// Asks, and hands the answer to the driver when it is there, or that there is none.
    pub(crate) fn send(&self, rpc: u64, to: NodeId, request: Request) {
        let client = self.client.clone();
        let base = self.bases.get(&to).cloned().expect("the core asks nodes of its cluster only");
        let inbox = self.inbox.clone();
        tokio::spawn(async move {
            // Why there is no answer makes no difference: the request may have arrived or not.
            let response = ask(&client, &base, &request).await.ok();
            // If the driver is gone, this node is stopping.
            let _ = inbox.send(Job::Done { rpc, from: to, response }).await;
        });
    }
}

async fn ask(client: &Client, base: &str, request: &Request) -> reqwest::Result<Response> {
    match request {
        Request::Vote(body) => post(client, format!("{base}/vote"), body).await.map(Response::Vote),
        Request::Append(body) => {
            post(client, format!("{base}/append"), body).await.map(Response::Append)
        }
        Request::Submit(body) => {
            post(client, format!("{base}/submit"), body).await.map(Response::Submit)
        }
    }
}

async fn post<T: DeserializeOwned>(
    client: &Client,
    url: String,
    body: &impl Serialize,
) -> reqwest::Result<T> {
    client.post(url).json(body).send().await?.error_for_status()?.json().await
}
