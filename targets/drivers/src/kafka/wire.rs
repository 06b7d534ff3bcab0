//! The wire protocol of Kafka, by the crate `kafka-protocol`: one request is sent, once, and its
//! answer is read. Nothing is tried again here.

use std::fmt::Display;
use std::io::Cursor;

use kafka_protocol::messages::{ApiKey, RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, StrBytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long an answer may be, in bytes.
const ANSWER_MAX: usize = 64 << 20;

/// How a request is sent: its number in the protocol, and in which version.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub(super) key: ApiKey,
    pub(super) version: i16,
}

/// A connection to one broker.
#[derive(Debug)]
pub(super) struct Link {
    stream: TcpStream,
    /// How many requests were sent.
    sent: i32,
}

impl Link {
    pub(super) async fn open(address: &str) -> Result<Self, String> {
        let stream = TcpStream::connect(address).await.map_err(text)?;
        stream.set_nodelay(true).map_err(text)?;
        Ok(Self { stream, sent: 0 })
    }

    /// Sends a request and waits for its answer. After an error the connection is of no more use.
    pub(super) async fn ask<A: Decodable + HeaderVersion>(
        &mut self,
        request: Request,
        body: &(impl Encodable + HeaderVersion),
    ) -> Result<A, String> {
        self.sent = self.sent.wrapping_add(1);
        let frame = frame(request, self.sent, body)?;
        self.stream.write_all(&frame).await.map_err(text)?;
        let length = self.stream.read_i32().await.map_err(text)?;
        let length = usize::try_from(length).ok().filter(|length| *length <= ANSWER_MAX);
        let mut answer = vec![0; length.ok_or("the answer is too long")?];
        self.stream.read_exact(&mut answer).await.map_err(text)?;
        let mut answer = Cursor::new(answer);
        let head = ResponseHeader::decode(&mut answer, A::header_version(request.version));
        if head.map_err(text)?.correlation_id != self.sent {
            return Err("the answer is to another request".to_owned());
        }
        A::decode(&mut answer, request.version).map_err(text)
    }
}

/// A request as it is sent.
fn frame<B: Encodable + HeaderVersion>(
    request: Request,
    number: i32,
    body: &B,
) -> Result<Vec<u8>, String> {
    let head = RequestHeader::default()
        .with_request_api_key(request.key as i16)
        .with_request_api_version(request.version)
        .with_correlation_id(number)
        .with_client_id(Some(StrBytes::from_static_str("fracas")));
    let mut frame = vec![0; 4];
    head.encode(&mut frame, B::header_version(request.version)).map_err(text)?;
    body.encode(&mut frame, request.version).map_err(text)?;
    let length = i32::try_from(frame.len() - 4).map_err(text)?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Ok(frame)
}

/// An error, for people.
pub(super) fn text(error: impl Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::MetadataRequest;

    use super::*;

    #[test]
    fn a_frame_begins_with_its_length() {
        let request = Request { key: ApiKey::Metadata, version: 8 };
        let frame = frame(request, 7, &MetadataRequest::default()).unwrap();
        assert_eq!(frame[..4], u32::try_from(frame.len() - 4).unwrap().to_be_bytes());
        assert_eq!(frame[4..12], [0, 3, 0, 8, 0, 0, 0, 7]);
    }
}
