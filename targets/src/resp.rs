//! One attempt at one command of RESP2, the protocol of Redis, and its reply as JSON.
//!
//! It deliberately has no retry, no pipeline, no subscription, no `AUTH` and no TLS. A connection
//! is kept for the next command, one per node; one that has ended meanwhile is noticed before a
//! byte is written to it, so that it costs no operation.
//!
//! Protocol: <https://redis.io/docs/latest/develop/reference/protocol-spec/>.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{self, IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::Url;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use crate::show::quoted;
use crate::template::RenderError;
use crate::wire::{Failure, MAX_ANSWER};

/// The beginning of an address that is spoken to in this protocol.
pub(crate) const SCHEME: &str = "redis";

/// The port of an address that names none.
const PORT: u16 = 6379;

/// Replies may be in replies, but no deeper than this.
const DEEPEST: usize = 8;

/// How many bytes are read at once.
const CHUNK: usize = 4096;

/// A command, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) address: SocketAddr,
    pub(crate) words: Vec<String>,
}

/// The socket that an address such as `redis://10.0.0.1:6379` means. Names are not looked up: a
/// node is known by its address.
pub(crate) fn address(base: &str) -> Result<SocketAddr, RenderError> {
    let refused =
        |reason: &str| RenderError::Url { url: base.to_owned(), reason: reason.to_owned() };
    let url = Url::parse(base).map_err(|error| refused(&error.to_string()))?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let ip: IpAddr = host.parse().map_err(|_| refused("expected the address of a host"))?;
    match (url.scheme(), url.path(), url.username(), url.query()) {
        (SCHEME, "" | "/", "", None) => Ok(SocketAddr::new(ip, url.port().unwrap_or(PORT))),
        _ => Err(refused("expected `redis://ADDRESS:PORT` and nothing else")),
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.words.iter().map(|word| quoted(word)).collect();
        write!(f, "{} at {SCHEME}://{}", words.join(" "), self.address)
    }
}

impl Command {
    /// As an array of bulk strings.
    fn encoded(&self) -> Vec<u8> {
        let mut bytes = format!("*{}\r\n", self.words.len()).into_bytes();
        for word in &self.words {
            bytes.extend(format!("${}\r\n{word}\r\n", word.len()).bytes());
        }
        bytes
    }
}

/// A client. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub(crate) struct Resp {
    connect: Duration,
    whole: Duration,
    /// Outside of the runtime, where asking for its state asks the kernel, and not what was heard
    /// of it last.
    idle: Arc<Mutex<BTreeMap<SocketAddr, net::TcpStream>>>,
}

impl Resp {
    /// `connect` is how long a connection may take, `whole` how long the exchange.
    pub(crate) fn new(connect: Duration, whole: Duration) -> Self {
        Self { connect, whole, idle: Arc::default() }
    }

    /// Sends the command and reads the whole reply.
    pub(crate) async fn exchange(&self, command: &Command) -> Result<Json, Failure> {
        let until = Instant::now() + self.whole;
        let mut stream = self.connection(command.address).await?;
        let bytes = command.encoded();
        // Of what the kernel has not taken a byte of, the node sees nothing.
        let begun = match timeout_at(until, stream.write(&bytes)).await {
            Ok(Ok(begun)) => begun,
            Ok(Err(error)) => return Err(Failure::NotSent(format!("write: {error}"))),
            Err(_) => return Err(Failure::Unknown("timed out".to_owned())),
        };
        match timeout_at(until, converse(&mut stream, &bytes[begun..])).await {
            Ok(Ok(reply)) => {
                if let Ok(stream) = stream.into_std() {
                    self.idle().insert(command.address, stream);
                }
                Ok(reply)
            }
            Ok(Err(error)) => Err(Failure::Unknown(error.to_string())),
            Err(_) => Err(Failure::Unknown("timed out".to_owned())),
        }
    }

    /// The connection that was kept, if it still is one; else a new one.
    async fn connection(&self, address: SocketAddr) -> Result<TcpStream, Failure> {
        let kept = self.idle().remove(&address).filter(is_quiet);
        if let Some(stream) = kept.and_then(|stream| TcpStream::from_std(stream).ok()) {
            return Ok(stream);
        }
        let refused = |why: String| Failure::NotSent(format!("connect: {why}"));
        match timeout(self.connect.min(self.whole), TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true).map_err(|error| refused(error.to_string()))?;
                Ok(stream)
            }
            Ok(Err(error)) => Err(refused(error.to_string())),
            Err(_) => Err(refused("timed out".to_owned())),
        }
    }

    fn idle(&self) -> MutexGuard<'_, BTreeMap<SocketAddr, net::TcpStream>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a connection has neither ended nor anything to say that nobody asked for.
fn is_quiet(stream: &net::TcpStream) -> bool {
    let peeked = stream.peek(&mut [0]);
    peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

/// Sends the rest of a command, and reads until its reply is whole.
async fn converse(stream: &mut TcpStream, rest: &[u8]) -> io::Result<Json> {
    stream.write_all(rest).await?;
    let (mut bytes, mut chunk) = (Vec::new(), [0; CHUNK]);
    loop {
        let count = stream.read(&mut chunk).await?;
        if count == 0 {
            return Err(io::Error::other("the connection ended before the reply was whole"));
        }
        bytes.extend_from_slice(&chunk[..count]);
        match parse(&bytes).map_err(io::Error::other)? {
            Some((reply, [])) => return Ok(top(reply)),
            Some(_) => return Err(io::Error::other("more than one reply to one command")),
            None if bytes.len() > MAX_ANSWER => {
                return Err(io::Error::other(format!("answer longer than {MAX_ANSWER} bytes")));
            }
            None => {}
        }
    }
}

/// A whole reply as rules see it: an error as it is, anything else as `{"reply": …}`.
fn top(reply: Parsed) -> Json {
    match reply {
        Parsed::Error(error) => error,
        Parsed::Plain(reply) => json!({ "reply": reply }),
    }
}

/// A reply as JSON.
#[derive(Debug, PartialEq)]
enum Parsed {
    /// `{"error": "LOADING", "message": "LOADING Redis is loading …"}`.
    Error(Json),
    /// A string, an integer, `null` or an array.
    Plain(Json),
}

impl Parsed {
    fn json(self) -> Json {
        match self {
            Self::Error(json) | Self::Plain(json) => json,
        }
    }
}

/// A reply and what follows it; none while it is not whole. An error says what is no RESP2 in it.
fn parse(bytes: &[u8]) -> Result<Option<(Parsed, &[u8])>, String> {
    parse_at(bytes, 0)
}

fn parse_at(bytes: &[u8], depth: usize) -> Result<Option<(Parsed, &[u8])>, String> {
    if depth > DEEPEST {
        return Err(format!("a reply deeper than {DEEPEST} arrays"));
    }
    let Some((line, rest)) = first_line(bytes) else { return Ok(None) };
    let Some((kind, text)) = line.split_first() else {
        return Err("an empty line is no reply".to_owned());
    };
    let told = String::from_utf8_lossy(text);
    let plain = |json: Json| Ok(Some((Parsed::Plain(json), rest)));
    match kind {
        b'+' => plain(told.into()),
        b':' => plain(number(&told)?.into()),
        b'-' => {
            let word = told.split(' ').next().unwrap_or_default();
            Ok(Some((Parsed::Error(json!({ "error": word, "message": told })), rest)))
        }
        b'$' => match length(&told)? {
            None => plain(Json::Null),
            Some(length) => bulk(rest, length),
        },
        b'*' => match length(&told)? {
            None => plain(Json::Null),
            Some(count) => array(rest, count, depth),
        },
        _ => Err(format!("`{}` is no reply", String::from_utf8_lossy(line))),
    }
}

/// The bytes before the first `\r\n`, and those after it.
fn first_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    Some((&bytes[..end], &bytes[end + 2..]))
}

fn number(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| format!("`{text}` is not an integer"))
}

/// A length; none is `-1`, which stands for nothing at all.
fn length(text: &str) -> Result<Option<usize>, String> {
    match number(text)? {
        -1 => Ok(None),
        length => match usize::try_from(length) {
            Ok(length) if length <= MAX_ANSWER => Ok(Some(length)),
            _ => Err(format!("a reply of length {length}, expected at most {MAX_ANSWER}")),
        },
    }
}

fn bulk(bytes: &[u8], length: usize) -> Result<Option<(Parsed, &[u8])>, String> {
    let Some((text, rest)) = bytes.split_at_checked(length) else { return Ok(None) };
    let Some((end, rest)) = rest.split_at_checked(2) else { return Ok(None) };
    if end != b"\r\n" {
        return Err("a string that is longer than it says".to_owned());
    }
    Ok(Some((Parsed::Plain(String::from_utf8_lossy(text).into()), rest)))
}

fn array(bytes: &[u8], count: usize, depth: usize) -> Result<Option<(Parsed, &[u8])>, String> {
    let (mut items, mut rest) = (Vec::new(), bytes);
    for _ in 0..count {
        let Some((item, after)) = parse_at(rest, depth + 1)? else { return Ok(None) };
        items.push(item.json());
        rest = after;
    }
    Ok(Some((Parsed::Plain(items.into()), rest)))
}

#[cfg(test)]
mod tests;
