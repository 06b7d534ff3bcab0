//! Nodes that give the same answer to whatever they are asked, byte for byte.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::address;

/// Nodes `n1` … on one port of their addresses.
pub(crate) struct Scripted {
    pub(crate) port: u16,
    nodes: Arc<Mutex<BTreeMap<u8, Node>>>,
}

/// What a node answers, and what it was asked last.
#[derive(Default)]
struct Node {
    answer: String,
    heard: String,
}

/// An answer in HTTP; headers end with a line break each.
pub(crate) fn answer_of(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    let fixed = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n");
    format!("{fixed}{headers}\r\n{body}")
}

impl Scripted {
    pub(crate) async fn start(nodes: u8) -> Self {
        let first = TcpListener::bind((address(1), 0)).await.unwrap();
        let port = first.local_addr().unwrap().port();
        let all = Self { port, nodes: Arc::default() };
        tokio::spawn(serve(first, 1, Arc::clone(&all.nodes)));
        for node in 2..=nodes {
            let listener = TcpListener::bind((address(node), port)).await.unwrap();
            tokio::spawn(serve(listener, node, Arc::clone(&all.nodes)));
        }
        all
    }

    /// From now on this is the answer of a node.
    pub(crate) fn answers(&self, node: u8, answer: &str) {
        let told = Node { answer: answer.to_owned(), heard: String::new() };
        self.nodes.lock().unwrap().insert(node, told);
    }

    /// What a node was asked last; nothing if it was not asked.
    pub(crate) fn heard(&self, node: u8) -> String {
        self.nodes.lock().unwrap().get(&node).map_or_else(String::new, |node| node.heard.clone())
    }
}

async fn serve(listener: TcpListener, node: u8, nodes: Arc<Mutex<BTreeMap<u8, Node>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream, node, Arc::clone(&nodes)));
    }
}

/// Every request of the tests fits into one packet.
async fn answer(mut stream: TcpStream, node: u8, nodes: Arc<Mutex<BTreeMap<u8, Node>>>) {
    let mut request = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut request).await {
        let answer = {
            let mut nodes = nodes.lock().unwrap();
            let node = nodes.entry(node).or_default();
            node.heard = String::from_utf8_lossy(&request[..length]).into_owned();
            node.answer.clone()
        };
        stream.write_all(answer.as_bytes()).await.unwrap_or(());
    }
}
