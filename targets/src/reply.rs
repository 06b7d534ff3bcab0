//! What comes back from a node, in whichever protocol it was asked, or why nothing does.
//!
//! It deliberately does not say what an answer means for an operation.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::text::bounded;

/// The most bytes of an answer that are read; more is an error. A set of 50,000 numbers has room.
pub(crate) const MAX_ANSWER: usize = 1024 * 1024;

/// What speaks with nodes could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("set up a client: {0}")]
pub struct ClientError(pub(crate) String);

/// Why there is no whole answer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// No connection came about: the node has certainly not seen the request.
    #[error("{0}")]
    NotSent(String),
    /// The node may have seen the request, or a part of it.
    #[error("{0}")]
    Unknown(String),
}

/// The headers of an answer, in their order; one may be there several times.
#[derive(Debug, Default)]
pub(crate) struct Headers(pub(crate) Vec<(String, String)>);

impl Headers {
    /// The values of a header, whose name is in lower case.
    pub(crate) fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let all = self.0.iter().filter(move |(own, _)| own == name);
        all.map(|(_, value)| value.as_str())
    }
}

/// What came back over the wire, whole.
#[derive(Debug)]
pub(crate) enum Reply {
    /// Of a server that speaks HTTP.
    Http { status: u16, headers: Headers, body: Vec<u8> },
    /// Of a server that speaks RESP: `{"reply": …}`, or `{"error": …, "message": …}`.
    Resp(Json),
    /// A text, of a server that was sent one or of a program.
    Text(Vec<u8>),
}

impl Reply {
    /// The HTTP status, if it has one.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Http { status, .. } => Some(*status),
            Self::Resp(_) | Self::Text(_) => None,
        }
    }

    /// The values of a header; none in a protocol without any.
    pub(crate) fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let headers = match self {
            Self::Http { headers, .. } => Some(headers),
            Self::Resp(_) | Self::Text(_) => None,
        };
        headers.into_iter().flat_map(move |headers| headers.of(name))
    }

    /// What rules look into; none if it is not JSON.
    pub(crate) fn json(&self) -> Option<Cow<'_, Json>> {
        match self {
            Self::Http { body, .. } | Self::Text(body) => {
                serde_json::from_slice(body).ok().map(Cow::Owned)
            }
            Self::Resp(json) => Some(Cow::Borrowed(json)),
        }
    }

    /// What patterns and pointers of a status look into: its JSON, or its text as a JSON string.
    pub(crate) fn body(&self) -> Cow<'_, Json> {
        self.json().unwrap_or_else(|| Cow::Owned(Json::String(self.text().into_owned())))
    }

    /// Its text, whole.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Http { body, .. } | Self::Text(body) => String::from_utf8_lossy(body),
            Self::Resp(json) => Cow::Owned(json.to_string()),
        }
    }

    /// Whether it is an error by its protocol, whatever rules say.
    pub(crate) fn is_error(&self) -> bool {
        matches!(self, Self::Resp(json) if json.get("error").is_some())
    }

    /// Its beginning, for people.
    pub(crate) fn summary(&self) -> String {
        bounded(&match self {
            Self::Http { status, headers, body } => {
                let place = headers.of("location").next();
                let place = place.map_or(String::new(), |place| format!(" (location: {place})"));
                format!("HTTP {status}{place} {}", String::from_utf8_lossy(body))
            }
            Self::Text(text) => String::from_utf8_lossy(text).into_owned(),
            Self::Resp(json) => match json.get("message").and_then(Json::as_str) {
                Some(message) => message.to_owned(),
                None => json["reply"].to_string(),
            },
        })
    }
}
