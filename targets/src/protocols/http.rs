//! One attempt at one HTTP exchange, and what is known if it does not succeed.
//!
//! It deliberately has no retry, follows no redirect by itself, and has no proxy, no cookies and no TLS. The connection pool
//! below sends a request a second time only if not one byte of it had been written the first time.
//! All sessions share it: a request of HTTP carries whatever identity it has.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Method, Url, retry};

use crate::declared::operation;
use crate::declared::places::Text;
use crate::declared::requests::missing;
use crate::declared::try_template::{Compiler, Scope};
use crate::diagnostic::Problem;
use crate::form::Form;
use crate::protocol::{Around, Declared, Exchange, Times};
use crate::redirect::{Elsewhere, Place};
use crate::reply::{ClientError, Failure, Headers, MAX_ANSWER, Reply};
use crate::template::{RenderError, Template};

/// A request sent down a connection that died unnoticed with its server ends `info`. Connections
/// are kept only for a short time and one per node, so that few do.
const IDLE: Duration = Duration::from_secs(5);
const MAX_IDLE_PER_NODE: usize = 1;

/// The statuses that send a request elsewhere as it is, method and body included. A server that
/// answers so has not served it.
const REDIRECTS: [u16; 2] = [307, 308];

/// HTTP/1.1, in plain text.
pub(crate) struct Http;

impl Exchange for Http {
    const FORM: Form = Form { scheme: "http", has_status: true, is_text: true, redirects: true };
    const PORT: u16 = 80;
    type Rule = HttpRule;
    type Request = HttpRequest;
    type Wire = reqwest::Client;
    type Connection = reqwest::Client;

    fn is_address(base: &str) -> bool {
        join(base, "/").is_ok_and(|url| url.scheme() == Self::FORM.scheme)
    }

    fn compile(
        compiler: &mut Compiler<'_>,
        declared: &Declared<'_>,
    ) -> Result<Self::Rule, Problem> {
        compile(compiler, declared)
    }

    fn render(rule: &HttpRule, around: &Around<'_>) -> Result<HttpRequest, RenderError> {
        rule.render(around)
    }

    fn address(request: &HttpRequest) -> String {
        request.url.to_string()
    }

    fn wire(times: Times) -> Result<reqwest::Client, ClientError> {
        reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .retry(retry::never())
            .referer(false)
            .connect_timeout(times.connect)
            .timeout(times.whole)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MAX_IDLE_PER_NODE)
            .build()
            .map_err(|error| ClientError(error.to_string()))
    }

    fn connection(wire: &reqwest::Client) -> reqwest::Client {
        wire.clone()
    }

    fn elsewhere(base: &str, reply: &Reply) -> Option<Elsewhere> {
        reply.status().filter(|status| REDIRECTS.contains(status))?;
        let whole = |text: &&str| text.starts_with('/') || Url::parse(text).is_ok();
        let location = reply.header("location").next().filter(whole)?;
        let url = Url::parse(base).ok()?.join(location).ok()?;
        let place =
            Place::of(url.as_str(), Self::PORT).filter(|_| url.scheme() == Self::FORM.scheme)?;
        let query = url.query().map_or(String::new(), |query| format!("?{query}"));
        Some(Elsewhere { place, detour: format!("{}{query}", url.path()) })
    }

    async fn exchange(
        client: &mut reqwest::Client,
        request: HttpRequest,
    ) -> Result<Reply, Failure> {
        let mut sent = client.request(request.method, request.url).headers(request.headers);
        if let Some(body) = request.body {
            sent = sent.body(body);
        }
        let mut response = sent.send().await.map_err(|error| failure(&error))?;
        let status = response.status().as_u16();
        let headers = heads(response.headers());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(Failure::Unknown(format!("answer longer than {MAX_ANSWER} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply::Http { status, headers, body })
    }
}

/// The headers of an answer. Names are in lower case.
fn heads(headers: &HeaderMap) -> Headers {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Headers(headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect())
}

/// Compiles a request.
fn compile(
    compiler: &mut Compiler<'_>,
    Declared { keys, scope, headers: of_all }: &Declared<'_>,
) -> Result<HttpRule, Problem> {
    let scope = *scope;
    if let Some(command) = keys.command {
        let label = "`client.base` starts with `http://`: expected `path` instead";
        return Err(Problem::new(command.span(), "`command` is no word of HTTP", label));
    }
    let lacks = |key| missing(keys.place.clone(), key, "…");
    let method = keys.method.ok_or_else(|| lacks("method"))?;
    let path = keys.path.ok_or_else(|| lacks("path"))?;
    let mut query = Vec::new();
    for (name, value) in keys.query.into_iter().flatten() {
        query.push((name.clone(), compiler.template(value, scope)?));
    }
    let mut all_headers = Vec::new();
    if let Some(of_all) = of_all {
        all_headers.extend(headers(compiler, of_all, Scope::Node)?);
    }
    if let Some(own) = keys.headers {
        all_headers.extend(headers(compiler, own, scope)?);
    }
    Ok(HttpRule {
        method: method.into(),
        path: path_of(compiler, path, scope)?,
        query,
        headers: all_headers,
        json: json_body(compiler, keys.json, scope)?,
    })
}

/// A path below the base address.
fn path_of(compiler: &mut Compiler<'_>, text: &Text, scope: Scope) -> Result<Template, Problem> {
    let tried = compiler.tried(text, scope)?;
    if tried.samples.iter().all(|path| path.starts_with('/')) {
        return Ok(tried.template);
    }
    Err(Problem::new(text.span(), "not a path", "must start with `/`"))
}

/// A body that is JSON once rendered.
fn json_body(
    compiler: &mut Compiler<'_>,
    text: Option<&Text>,
    scope: Scope,
) -> Result<Option<Template>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let tried = compiler.tried(text, scope)?;
    for sample in &tried.samples {
        if let Err(error) = serde_json::from_str::<serde_json::Value>(sample) {
            let label = format!("renders to `{sample}`: {error}");
            return Err(Problem::new(text.span(), "the body is not JSON", label)
                .help("quote values with the filter `tojson`"));
        }
    }
    Ok(Some(tried.template))
}

/// Headers, of every request or of one.
fn headers(
    compiler: &mut Compiler<'_>,
    headers: &BTreeMap<String, Text>,
    scope: Scope,
) -> Result<Vec<(String, Template)>, Problem> {
    let mut compiled = Vec::new();
    for (name, text) in headers {
        let tried = compiler.tried(text, scope)?;
        for sample in &tried.samples {
            header(name, sample)
                .map_err(|error| Problem::new(text.span(), "not a header", error.to_string()))?;
        }
        compiled.push((name.clone(), tried.template));
    }
    Ok(compiled)
}

impl From<operation::Method> for Method {
    fn from(method: operation::Method) -> Self {
        match method {
            operation::Method::Get => Self::GET,
            operation::Method::Put => Self::PUT,
            operation::Method::Post => Self::POST,
            operation::Method::Patch => Self::PATCH,
            operation::Method::Delete => Self::DELETE,
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
    fn url(&self, around: &Around<'_>) -> Result<Url, RenderError> {
        let Around { templates, base, variables, .. } = *around;
        let mut url = join(base, &templates.render(&self.path, variables)?)?;
        for (name, value) in &self.query {
            url.query_pairs_mut().append_pair(name, &templates.render(value, variables)?);
        }
        Ok(url)
    }

    fn render(&self, around: &Around<'_>) -> Result<HttpRequest, RenderError> {
        let Around { templates, base, variables, followed } = *around;
        let url = match followed {
            Some(redirect) => beside(base, &redirect.detour)?,
            None => self.url(around)?,
        };
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

/// The address of a path and its query beside a base: what a redirect says begins at the root of the
/// node. Whatever it says, the address is one of this node.
fn beside(base: &str, detour: &str) -> Result<Url, RenderError> {
    let mut url = join(base, "")?;
    let (path, query) = detour.split_once('?').map_or((detour, None), |(p, q)| (p, Some(q)));
    url.set_path(path);
    url.set_query(query);
    Ok(url)
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

/// A refused connection is certain. A time-out is so only while connecting: reqwest tells the two
/// apart by `is_connect`, which is false for the time-out of the whole exchange.
fn failure(error: &reqwest::Error) -> Failure {
    let text = explain(error);
    if error.is_connect() || error.is_builder() {
        Failure::NotSent(text)
    } else {
        Failure::Unknown(text)
    }
}

/// The innermost cause says the most: `Connection refused` rather than `error sending request`.
fn explain(error: &reqwest::Error) -> String {
    let causes =
        std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    let innermost = causes.last().map_or_else(String::new, ToString::to_string);
    match (error.is_timeout(), error.is_connect()) {
        (true, true) => "connect: timed out".to_owned(),
        (true, false) => "timed out".to_owned(),
        (false, true) => format!("connect: {innermost}"),
        (false, false) => innermost,
    }
}
