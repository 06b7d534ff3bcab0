//! Judging a request, wherever it is declared: `method`, `path` and their like for a server that
//! speaks HTTP, `command` for one that speaks RESP. Which of them it is, `client.base` says.
//!
//! It deliberately does not look at answers.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;

use super::file::{Method, NodeReady, Operation, Status, Text};
use super::try_template::{Compiler, Scope};
use crate::diagnostic::Problem;
use crate::request::{HttpRule, RequestRule, header, join};
use crate::resp;
use crate::target::{ClientRule, Speech};
use crate::template::Template;

impl From<Method> for reqwest::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::GET,
            Method::Put => Self::PUT,
            Method::Post => Self::POST,
            Method::Patch => Self::PATCH,
            Method::Delete => Self::DELETE,
        }
    }
}

/// Where a node is spoken to, and in which protocol.
pub(super) fn base(
    compiler: &mut Compiler<'_>,
    text: &Text,
) -> Result<(Template, Speech), Problem> {
    let tried = compiler.tried(text, Scope::Node)?;
    let http = |base: &String| join(base, "/").is_ok_and(|url| url.scheme() == "http");
    let redis = |base: &String| resp::address(base).is_ok();
    let speech = match &tried.samples {
        samples if samples.iter().all(http) => Speech::Http,
        samples if samples.iter().all(redis) => Speech::Resp,
        _ => {
            let label = "expected a URL that starts with `http://` or `redis://`";
            return Err(Problem::new(text.span(), "not an address", label).help(
                "write it like `http://{{ node.ip }}:{{ port.client }}`, or with `redis://`",
            ));
        }
    };
    Ok((tried.template, speech))
}

/// The keys of a request, and where they are.
pub(super) struct Keys<'a> {
    place: Range<usize>,
    /// None if it must be there and is not.
    method: Option<Method>,
    /// Where a key of HTTP alone is, and what it is called.
    http: Vec<(&'static str, Range<usize>)>,
    path: Option<&'a Text>,
    query: Option<&'a BTreeMap<String, Text>>,
    headers: Option<&'a BTreeMap<String, Text>>,
    json: Option<&'a Text>,
    command: Option<&'a Spanned<Vec<Text>>>,
}

impl<'a> Keys<'a> {
    /// Those of an operation.
    pub(super) fn of_op(operation: &'a Spanned<Operation>) -> Self {
        let Operation { method, path, query, headers, json, command, .. } = operation.get_ref();
        let texts = |name, texts: &BTreeMap<_, Text>| Some((name, texts.values().next()?.span()));
        let http = [
            method.as_ref().map(|method| ("method", method.span())),
            path.as_ref().map(|path| ("path", path.span())),
            texts("query", query),
            texts("headers", headers),
            json.as_ref().map(|json| ("json", json.span())),
        ];
        Self {
            place: operation.span(),
            method: method.as_ref().map(|method| *method.get_ref()),
            http: http.into_iter().flatten().collect(),
            path: path.as_ref(),
            query: Some(query),
            headers: Some(headers),
            json: json.as_ref(),
            command: command.as_ref(),
        }
    }

    /// Those of the status request.
    pub(super) fn of_status(section: &'a Spanned<Status>) -> Self {
        let Status { path, method, json, command, .. } = section.get_ref();
        let http = [
            method.as_ref().map(|method| ("method", method.span())),
            path.as_ref().map(|path| ("path", path.span())),
            json.as_ref().map(|json| ("json", json.span())),
        ];
        Self {
            place: section.span(),
            method: Some(method.as_ref().map_or(Method::Get, |method| *method.get_ref())),
            http: http.into_iter().flatten().collect(),
            path: path.as_ref(),
            query: None,
            headers: None,
            json: json.as_ref(),
            command: command.as_ref(),
        }
    }

    /// Those of the request that a node answers once it is up.
    pub(super) fn of_ready(node: &'a Spanned<NodeReady>) -> Self {
        let NodeReady { path, status, command, .. } = node.get_ref();
        let http = [
            path.as_ref().map(|path| ("path", path.span())),
            status.as_ref().map(|status| ("status", status.span())),
        ];
        Self {
            place: node.span(),
            method: Some(Method::Get),
            http: http.into_iter().flatten().collect(),
            path: path.as_ref(),
            query: None,
            headers: None,
            json: None,
            command: command.as_ref(),
        }
    }
}

/// A key that must be there and is not.
pub(super) fn missing(place: Range<usize>, key: &str, example: &str) -> Problem {
    Problem::new(place, "missing key", format!("missing field `{key}`"))
        .help(format!("add `{key} = {example}`"))
}

/// A key that means something in HTTP only, for a target that speaks RESP.
pub(super) fn of_http(place: Range<usize>, key: &str, instead: &str) -> Problem {
    let label = format!("`client.base` starts with `redis://`: {instead}");
    Problem::new(place, format!("`{key}` is a word of HTTP"), label)
}

impl Compiler<'_> {
    /// Compiles a request in the protocol of the target's clients.
    pub(super) fn request(
        &mut self,
        keys: &Keys<'_>,
        scope: Scope,
        client: &ClientRule,
    ) -> Result<RequestRule, Problem> {
        match client.speech {
            Speech::Http => self.http(keys, scope, client).map(RequestRule::Http),
            Speech::Resp => self.command(keys, scope).map(RequestRule::Resp),
        }
    }

    fn http(
        &mut self,
        keys: &Keys<'_>,
        scope: Scope,
        client: &ClientRule,
    ) -> Result<HttpRule, Problem> {
        if let Some(command) = keys.command {
            let label = "`client.base` starts with `http://`: expected `path` instead";
            return Err(Problem::new(command.span(), "`command` is a word of Redis", label));
        }
        let lacks = |key| missing(keys.place.clone(), key, "…");
        let method = keys.method.ok_or_else(|| lacks("method"))?;
        let path = keys.path.ok_or_else(|| lacks("path"))?;
        let mut query = Vec::new();
        for (name, value) in keys.query.into_iter().flatten() {
            query.push((name.clone(), self.template(value, scope)?));
        }
        let mut all_headers = client.headers.clone();
        if let Some(own) = keys.headers {
            all_headers.extend(headers(self, own, scope)?);
        }
        Ok(HttpRule {
            method: method.into(),
            path: self.path(path, scope)?,
            query,
            headers: all_headers,
            json: self.json_body(keys.json, scope)?,
        })
    }

    fn command(&mut self, keys: &Keys<'_>, scope: Scope) -> Result<Vec<Template>, Problem> {
        if let Some((key, place)) = keys.http.first() {
            return Err(of_http(place.clone(), key, "expected `command` instead"));
        }
        let example = r#"["GET", "{{ key }}"]"#;
        let command =
            keys.command.ok_or_else(|| missing(keys.place.clone(), "command", example))?;
        if command.get_ref().is_empty() {
            let label = format!("expected its words, such as `{example}`");
            return Err(Problem::new(command.span(), "the command is empty", label));
        }
        command.get_ref().iter().map(|word| self.template(word, scope)).collect()
    }

    /// A path below the base address.
    fn path(&mut self, text: &Text, scope: Scope) -> Result<Template, Problem> {
        let tried = self.tried(text, scope)?;
        if tried.samples.iter().all(|path| path.starts_with('/')) {
            return Ok(tried.template);
        }
        Err(Problem::new(text.span(), "not a path", "must start with `/`"))
    }

    /// A body that is JSON once rendered.
    fn json_body(
        &mut self,
        text: Option<&Text>,
        scope: Scope,
    ) -> Result<Option<Template>, Problem> {
        let Some(text) = text else { return Ok(None) };
        let tried = self.tried(text, scope)?;
        for sample in &tried.samples {
            if let Err(error) = serde_json::from_str::<serde_json::Value>(sample) {
                let label = format!("renders to `{sample}`: {error}");
                return Err(Problem::new(text.span(), "the body is not JSON", label)
                    .help("quote values with the filter `tojson`"));
            }
        }
        Ok(Some(tried.template))
    }
}

/// Headers, of every request or of one.
pub(super) fn headers(
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
