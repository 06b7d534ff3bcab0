//! Asking a server that answers a text by a text, such as ZooKeeper's words of four letters.
//!
//! One connection per question. The answer ends where the server closes the connection, or where it
//! says nothing more for a while.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use crate::protocol::Times;
use crate::reply::{Failure, MAX_ANSWER};

/// How many bytes are read at once.
const CHUNK: usize = 4096;

/// A server that keeps the connection open has said all after so long a silence.
const SILENCE: Duration = Duration::from_millis(200);

/// Sends `text` to `address` and returns what comes back, which may be nothing.
pub(crate) async fn ask(address: &str, text: &str, times: Times) -> Result<Vec<u8>, Failure> {
    let until = Instant::now() + times.whole;
    let not_sent = |error: String| Failure::NotSent(format!("connect: {error}"));
    let mut stream = match timeout(times.connect, TcpStream::connect(address)).await {
        Ok(connected) => connected.map_err(|error| not_sent(error.to_string()))?,
        Err(_) => return Err(not_sent("timed out".to_owned())),
    };
    let unknown = |error: std::io::Error| Failure::Unknown(error.to_string());
    let late = |_| Failure::Unknown("timed out".to_owned());
    timeout_at(until, stream.write_all(text.as_bytes())).await.map_err(late)?.map_err(unknown)?;
    let (mut answer, mut chunk) = (Vec::new(), [0; CHUNK]);
    while answer.len() < MAX_ANSWER {
        let patience = if answer.is_empty() { until } else { until.min(Instant::now() + SILENCE) };
        match timeout_at(patience, stream.read(&mut chunk)).await {
            Ok(Ok(0)) => break,
            Ok(Ok(count)) => answer.extend_from_slice(&chunk[..count]),
            Ok(Err(error)) => return Err(unknown(error)),
            Err(_) if answer.is_empty() => return Err(Failure::Unknown("timed out".to_owned())),
            Err(_) => break,
        }
    }
    answer.truncate(MAX_ANSWER);
    Ok(answer)
}
