//! A request as declared, and the same request rendered, in either protocol.
//!
//! It deliberately sends nothing.

use std::fmt;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use crate::resp::{self, Command};
use crate::template::{RenderError, Template, Templates, Variables};

/// A request with variables in it.
#[derive(Debug)]
pub(crate) enum RequestRule {
    /// For a server that speaks HTTP.
    Http(HttpRule),
    /// The words of a command, for a server that speaks RESP.
    Resp(Vec<Template>),
}

/// A request, ready to be sent.
#[derive(Debug, Clone)]
pub(crate) enum Request {
    Http(HttpRequest),
    Resp(Command),
}

impl RequestRule {
    /// Fills in the variables; `base` is the address of the node.
    pub(crate) fn render(
        &self,
        templates: &Templates,
        base: &str,
        variables: &Variables,
    ) -> Result<Request, RenderError> {
        match self {
            Self::Http(rule) => rule.render(templates, base, variables).map(Request::Http),
            Self::Resp(words) => {
                let words = words.iter().map(|word| templates.render(word, variables));
                let words = words.collect::<Result<_, _>>()?;
                Ok(Request::Resp(Command { address: resp::address(base)?, words }))
            }
        }
    }
}

/// An HTTP request with variables in it.
#[derive(Debug)]
pub(crate) struct HttpRule {
    pub(crate) method: Method,
    pub(crate) path: Template,
    pub(crate) query: Vec<(String, Template)>,
    pub(crate) headers: Vec<(String, Template)>,
    pub(crate) json: Option<Template>,
}

/// An HTTP request, ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct HttpRequest {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<String>,
}

impl HttpRule {
    fn render(
        &self,
        templates: &Templates,
        base: &str,
        variables: &Variables,
    ) -> Result<HttpRequest, RenderError> {
        let mut url = join(base, &templates.render(&self.path, variables)?)?;
        for (name, value) in &self.query {
            url.query_pairs_mut().append_pair(name, &templates.render(value, variables)?);
        }
        let body = self.json.as_ref().map(|json| templates.render(json, variables)).transpose()?;
        let mut headers = HeaderMap::new();
        if body.is_some() {
            headers.insert("content-type", HeaderValue::from_static("application/json"));
        }
        for (name, value) in &self.headers {
            let (name, value) = header(name, &templates.render(value, variables)?)?;
            headers.insert(name, value);
        }
        Ok(HttpRequest { method: self.method.clone(), url, headers, body })
    }
}

/// The address of a path below a base such as `http://10.0.0.1:7000`.
pub(crate) fn join(base: &str, path: &str) -> Result<Url, RenderError> {
    let url = format!("{}{path}", base.trim_end_matches('/'));
    Url::parse(&url).map_err(|error| RenderError::Url { url, reason: error.to_string() })
}

/// A header, if name and value can be one.
pub(crate) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), RenderError> {
    match (name.parse(), value.parse()) {
        (Ok(name), Ok(value)) => Ok((name, value)),
        _ => Err(RenderError::Header { name: name.to_owned(), value: value.to_owned() }),
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(request) => request.fmt(f),
            Self::Resp(command) => command.fmt(f),
        }
    }
}

impl fmt::Display for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)?;
        for (name, value) in &self.headers {
            write!(f, "\n  {name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
        }
        match &self.body {
            Some(body) => write!(f, "\n  {body}"),
            None => Ok(()),
        }
    }
}
