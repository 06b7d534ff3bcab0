//! Pages that servers show of themselves: one is asked for by HTTP, and read as JSON.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::answer::{Answer, Wrong};

/// How long a page may be, in bytes.
const PAGE_MAX: u64 = 1 << 20;

/// What the page at `path` says. `headers` are lines, each with its end.
pub(crate) async fn page(address: &str, path: &str, headers: &str) -> Answer {
    let page = read(address, path, headers).await;
    let page = page.map_err(|error| Wrong::Info(error.to_string()))?;
    told(&page)
}

/// The answer with its head: the server ends it by closing the connection.
async fn read(address: &str, path: &str, headers: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\n{headers}\r\n").as_bytes()).await?;
    let mut page = String::new();
    stream.take(PAGE_MAX).read_to_string(&mut page).await?;
    Ok(page)
}

fn told(page: &str) -> Result<Value, Wrong> {
    let (_, body) = page.split_once("\r\n\r\n").unwrap_or_default();
    serde_json::from_str(body).map_err(|error| Wrong::Info(format!("no page: {error}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_follows_its_head() {
        assert_eq!(told("HTTP/1.0 200 OK\r\na: b\r\n\r\n{\"c\":1}"), Ok(json!({"c": 1})));
        for broken in ["", "HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.0 401\r\n\r\nno"] {
            assert!(matches!(told(broken), Err(Wrong::Info(_))), "{broken}");
        }
    }
}
