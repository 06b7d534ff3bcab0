//! A connection to a node that a session keeps for its next request, for protocols over plain TCP.
//!
//! It deliberately has no retry and no pipeline. A connection that has ended meanwhile, or that says
//! something unasked, is noticed before a byte is written to it, so that it costs no operation.

use std::io;
use std::net::{self, IpAddr, SocketAddr};

use reqwest::Url;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use crate::protocol::Times;
use crate::reply::{Failure, MAX_ANSWER};
use crate::template::RenderError;

/// How many bytes are read at once, at least.
const CHUNK: usize = 4096;

/// What a session has: its connection to a node, kept for the next request.
#[derive(Debug)]
pub(crate) struct Connection {
    times: Times,
    /// Outside of the runtime, where asking for its state asks the kernel, and not what was heard
    /// of it last.
    idle: Option<(SocketAddr, net::TcpStream)>,
}

impl Connection {
    /// None yet.
    pub(crate) fn new(times: Times) -> Self {
        Self { times, idle: None }
    }

    /// Whether one is kept.
    #[cfg(test)]
    pub(crate) fn is_kept(&self) -> bool {
        self.idle.is_some()
    }

    /// Sends a request once, and reads until `whole` finds the whole answer in the bytes that came.
    pub(crate) async fn exchange<A>(
        &mut self,
        address: SocketAddr,
        request: &[u8],
        whole: impl Fn(&[u8]) -> Result<Option<A>, String>,
    ) -> Result<A, Failure> {
        let until = Instant::now() + self.times.whole;
        let mut stream = self.stream(address).await?;
        // Of what the kernel has not taken a byte of, the node sees nothing.
        let begun = match timeout_at(until, stream.write(request)).await {
            Ok(Ok(begun)) => begun,
            Ok(Err(error)) => return Err(Failure::NotSent(format!("write: {error}"))),
            Err(_) => return Err(Failure::Unknown("timed out".to_owned())),
        };
        match timeout_at(until, converse(&mut stream, &request[begun..], whole)).await {
            Ok(Ok(answer)) => {
                self.idle = stream.into_std().ok().map(|stream| (address, stream));
                Ok(answer)
            }
            Ok(Err(error)) => Err(Failure::Unknown(error.to_string())),
            Err(_) => Err(Failure::Unknown("timed out".to_owned())),
        }
    }

    /// The connection that was kept, if it still is one; else a new one.
    async fn stream(&mut self, address: SocketAddr) -> Result<TcpStream, Failure> {
        let kept = self.idle.take().filter(|(kept, stream)| *kept == address && is_quiet(stream));
        if let Some(stream) = kept.and_then(|(_, stream)| TcpStream::from_std(stream).ok()) {
            return Ok(stream);
        }
        let refused = |why: String| Failure::NotSent(format!("connect: {why}"));
        let connect = self.times.connect.min(self.times.whole);
        match timeout(connect, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true).map_err(|error| refused(error.to_string()))?;
                Ok(stream)
            }
            Ok(Err(error)) => Err(refused(error.to_string())),
            Err(_) => Err(refused("timed out".to_owned())),
        }
    }
}

/// Whether a connection has neither ended nor anything to say that nobody asked for.
fn is_quiet(stream: &net::TcpStream) -> bool {
    let peeked = stream.peek(&mut [0]);
    peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

/// Sends the rest of a request, and reads until the answer is whole.
async fn converse<A>(
    stream: &mut TcpStream,
    rest: &[u8],
    whole: impl Fn(&[u8]) -> Result<Option<A>, String>,
) -> io::Result<A> {
    stream.write_all(rest).await?;
    let mut bytes = Vec::new();
    loop {
        // Twice as much every time, so that a long answer is not looked at too often.
        bytes.reserve(CHUNK.max(bytes.len()));
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::Error::other("the connection ended before the reply was whole"));
        }
        match whole(&bytes).map_err(io::Error::other)? {
            Some(answer) => return Ok(answer),
            None if bytes.len() > MAX_ANSWER => {
                return Err(io::Error::other(format!("answer longer than {MAX_ANSWER} bytes")));
            }
            None => {}
        }
    }
}

/// The socket that an address such as `redis://10.0.0.1:6379` means; `port` is the one of an address
/// that names none. Names are not looked up: a node is known by its address.
pub(crate) fn socket(base: &str, scheme: &str, port: u16) -> Result<SocketAddr, RenderError> {
    let refused =
        |reason: &str| RenderError::Url { url: base.to_owned(), reason: reason.to_owned() };
    let url = Url::parse(base).map_err(|error| refused(&error.to_string()))?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let ip: IpAddr = host.parse().map_err(|_| refused("expected the address of a host"))?;
    match (url.scheme() == scheme, url.path(), url.username(), url.query()) {
        (true, "" | "/", "", None) => Ok(SocketAddr::new(ip, url.port().unwrap_or(port))),
        _ => Err(refused(&format!("expected `{scheme}://ADDRESS:PORT` and nothing else"))),
    }
}
