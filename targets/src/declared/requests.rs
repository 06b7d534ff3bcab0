//! The keys of a request, wherever it is declared: `method`, `path` and their like for a server that
//! speaks HTTP, `command` for one that does not.
//!
//! What they mean is said by the protocol, and which protocol it is by `client.base`.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;

use super::file::{Member, NodeReady, ProcessReady, Status};
use super::operation::{Method, Operation};
use super::places::Text;
use crate::diagnostic::Problem;
use crate::form::Form;

/// The keys of a request, and where they are.
pub(crate) struct Keys<'a> {
    pub(crate) place: Range<usize>,
    /// None if it must be there and is not.
    pub(crate) method: Option<Method>,
    /// Where a key of HTTP alone is, and what it is called.
    pub(crate) http: Vec<(&'static str, Range<usize>)>,
    pub(crate) path: Option<&'a Text>,
    pub(crate) query: Option<&'a BTreeMap<String, Text>>,
    pub(crate) headers: Option<&'a BTreeMap<String, Text>>,
    pub(crate) json: Option<&'a Text>,
    pub(crate) command: Option<&'a Spanned<Vec<Text>>>,
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

    /// Those of a request about the members of the cluster.
    pub(super) fn of_member(member: &'a Spanned<Member>) -> Self {
        let Member { path, method, json, command, .. } = member.get_ref();
        let http = [
            method.as_ref().map(|method| ("method", method.span())),
            path.as_ref().map(|path| ("path", path.span())),
            json.as_ref().map(|json| ("json", json.span())),
        ];
        Self {
            place: member.span(),
            method: Some(method.as_ref().map_or(Method::Get, |method| *method.get_ref())),
            http: http.into_iter().flatten().collect(),
            path: path.as_ref(),
            query: None,
            headers: None,
            json: json.as_ref(),
            command: command.as_ref(),
        }
    }

    /// Those of the request that a process answers once it is up.
    pub(super) fn of_process(ready: &'a Spanned<ProcessReady>) -> Self {
        let ProcessReady { path, status, command, .. } = ready.get_ref();
        let status = status.as_ref().map(|status| ("status", status.span()));
        Self::of_question(ready.span(), path.as_ref(), status, command.as_ref())
    }

    /// Those of the request that a node answers once it is up.
    pub(super) fn of_ready(node: &'a Spanned<NodeReady>) -> Self {
        let NodeReady { path, status, command, .. } = node.get_ref();
        let status = status.as_ref().map(|status| ("status", status.span()));
        Self::of_question(node.span(), path.as_ref(), status, command.as_ref())
    }

    /// Those of a request that only asks: a GET, or a command.
    fn of_question(
        place: Range<usize>,
        path: Option<&'a Text>,
        status: Option<(&'static str, Range<usize>)>,
        command: Option<&'a Spanned<Vec<Text>>>,
    ) -> Self {
        let path_key = path.map(|path| ("path", path.span()));
        Self {
            place,
            method: Some(Method::Get),
            http: [path_key, status].into_iter().flatten().collect(),
            path,
            query: None,
            headers: None,
            json: None,
            command,
        }
    }
}

/// A key that must be there and is not.
pub(crate) fn missing(place: Range<usize>, key: &str, example: &str) -> Problem {
    Problem::new(place, "missing key", format!("missing field `{key}`"))
        .help(format!("add `{key} = {example}`"))
}

/// A key that means something in HTTP only, for a target that speaks something else; and what is
/// expected instead.
pub(crate) fn of_http(place: Range<usize>, key: &str, (form, instead): (Form, &str)) -> Problem {
    let label = format!("`client.base` starts with `{}://`: {instead}", form.scheme);
    Problem::new(place, format!("`{key}` is a word of HTTP"), label)
}
