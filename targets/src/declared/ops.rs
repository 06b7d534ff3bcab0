//! Judging `[client]` and `[ops]`: requests, and what their answers mean.

use std::collections::BTreeMap;

use fracas_checker::OpKind;
use toml::Spanned;

use super::file::{self, Means, Method, Operation, Ops, Text};
use super::one_of_several::ValueKey;
use super::status::{node_at, number_at};
use super::try_template::{Compiler, Scope};
use super::values::{duration, pointer, status};
use crate::answer::{Answer, Condition, ValueRule};
use crate::diagnostic::Problem;
use crate::request::{RequestRule, header, join};
use crate::target::{ClientRule, OpRule};
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

/// Compiles how a node is spoken to.
pub(super) fn client(
    compiler: &mut Compiler<'_>,
    client: &file::Client,
) -> Result<ClientRule, Problem> {
    if let Some(redirects) = client.redirects.as_ref().filter(|count| *count.get_ref() > 0) {
        let label = "expected 0: a redirect is an answer to be classified, not to be followed";
        return Err(Problem::new(redirects.span(), "redirects are never followed", label));
    }
    Ok(ClientRule {
        base: base(compiler, &client.base)?,
        headers: headers(compiler, &client.headers, Scope::Node)?,
        connect_timeout: duration(&client.connect_timeout)?,
        timeout: duration(&client.timeout)?,
        route: client.route,
    })
}

fn base(compiler: &mut Compiler<'_>, text: &Text) -> Result<Template, Problem> {
    let tried = compiler.tried(text, Scope::Node)?;
    let plain = |base: &String| join(base, "/").is_ok_and(|url| url.scheme() == "http");
    if tried.samples.iter().all(plain) {
        return Ok(tried.template);
    }
    Err(Problem::new(text.span(), "not an address", "expected a URL that starts with `http://`")
        .help("write it like `http://{{ node.ip }}:{{ port.client }}`"))
}

/// A path below the base address.
pub(super) fn path(
    compiler: &mut Compiler<'_>,
    text: &Text,
    scope: Scope,
) -> Result<Template, Problem> {
    let tried = compiler.tried(text, scope)?;
    if tried.samples.iter().all(|path| path.starts_with('/')) {
        return Ok(tried.template);
    }
    Err(Problem::new(text.span(), "not a path", "must start with `/`"))
}

/// A body that is JSON once rendered.
pub(super) fn json_body(
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

/// Compiles all operations; `common` are the headers of every request.
pub(super) fn all(
    compiler: &mut Compiler<'_>,
    ops: &Spanned<Ops>,
    common: &[(String, Template)],
) -> Result<BTreeMap<OpKind, OpRule>, Problem> {
    let Ops { read, write, cas, acquire, renew, release, guarded_write } = ops.get_ref();
    let declared = [
        (OpKind::Read, read),
        (OpKind::Write, write),
        (OpKind::Cas, cas),
        (OpKind::Acquire, acquire),
        (OpKind::Renew, renew),
        (OpKind::Release, release),
        (OpKind::GuardedWrite, guarded_write),
    ];
    let mut compiled = BTreeMap::new();
    for (kind, operation) in declared {
        if let Some(operation) = operation {
            compiled.insert(kind, rule(compiler, kind, operation, common)?);
        }
    }
    if compiled.is_empty() {
        let label = "expected at least one, such as `ops.read`, `ops.write` or `ops.acquire`";
        return Err(Problem::new(ops.span(), "the target serves no operation", label));
    }
    Ok(compiled)
}

fn rule(
    compiler: &mut Compiler<'_>,
    kind: OpKind,
    operation: &Operation,
    common: &[(String, Template)],
) -> Result<OpRule, Problem> {
    let scope = Scope::Op(kind);
    let mut query = Vec::new();
    for (name, value) in &operation.query {
        query.push((name.clone(), compiler.template(value, scope)?));
    }
    let mut all_headers = common.to_vec();
    all_headers.extend(headers(compiler, &operation.headers, scope)?);
    let request = RequestRule {
        method: operation.method.into(),
        path: path(compiler, &operation.path, scope)?,
        query,
        headers: all_headers,
        json: json_body(compiler, operation.json.as_ref(), scope)?,
    };
    Ok(OpRule { request, answers: answers(kind, &operation.answers)? })
}

fn answers(
    kind: OpKind,
    declared: &Spanned<Vec<Spanned<file::Answer>>>,
) -> Result<Vec<Answer>, Problem> {
    let mut answers: Vec<Answer> = Vec::new();
    for spanned in declared.get_ref() {
        let answer = answer(kind, spanned)?;
        let taken = |code| {
            answers.iter().any(|rule| rule.conditions.is_empty() && rule.statuses.contains(code))
        };
        if answer.statuses.iter().all(taken) {
            let label = "an earlier answer without conditions takes the same status";
            return Err(Problem::new(spanned.span(), "an answer that is never reached", label));
        }
        answers.push(answer);
    }
    if !answers.iter().any(|answer| answer.means == Means::Ok) {
        let title = format!("`{kind}` can never succeed");
        let label = "expected at least one answer with `is = \"ok\"`";
        return Err(Problem::new(declared.span(), title, label));
    }
    Ok(answers)
}

fn answer(kind: OpKind, spanned: &Spanned<file::Answer>) -> Result<Answer, Problem> {
    let answer = spanned.get_ref();
    fits(kind, spanned)?;
    let codes = &answer.status.0;
    if codes.get_ref().is_empty() {
        return Err(Problem::new(codes.span(), "no status", "expected at least one HTTP status"));
    }
    Ok(Answer {
        statuses: codes
            .get_ref()
            .iter()
            .map(|code| status(*code, codes))
            .collect::<Result<_, _>>()?,
        conditions: conditions(spanned)?,
        means: answer.means,
        value: answer.value.as_ref().map(value).transpose()?,
        token: answer.token.as_ref().map(number_at).transpose()?,
        node: answer.node.as_ref().map(node_at).transpose()?,
        generation: answer.generation.as_ref().map(number_at).transpose()?,
        why: answer.why.as_ref().map(|why| why.get_ref().clone()),
    })
}

/// Refuses keys that would do nothing in an answer of this meaning, and demands those that must be.
fn fits(kind: OpKind, spanned: &Spanned<file::Answer>) -> Result<(), Problem> {
    let answer = spanned.get_ref();
    let ok = answer.means == Means::Ok;
    let reads = ok && kind == OpKind::Read;
    match &answer.value {
        None if reads => {
            let label = "expected `value = { json = … }` or `value = \"absent\"`";
            return Err(Problem::new(spanned.span(), "a read without a value", label));
        }
        Some(value) if !reads => {
            let label = "only an answer of `ops.read` with `is = \"ok\"` has a value";
            return Err(Problem::new(value.span(), "a value that nobody reads", label));
        }
        _ => {}
    }
    if let Some(token) = answer.token.as_ref().filter(|_| !ok || kind != OpKind::Acquire) {
        let label = "only an answer of `ops.acquire` with `is = \"ok\"` has a token";
        return Err(Problem::new(token.json.span(), "a token that nobody is granted", label));
    }
    let stamp = answer.node.as_ref().map(|node| &node.json);
    let stamp = stamp.or(answer.generation.as_ref().map(|generation| &generation.json));
    match (stamp, &answer.why) {
        (Some(place), _) if !ok => {
            let label = "only an answer with `is = \"ok\"` has a node and a generation";
            Err(Problem::new(place.span(), "a stamp on nothing", label))
        }
        (_, Some(why)) if ok => {
            let label = "only an answer with `is = \"fail\"` or `\"info\"` has a reason";
            Err(Problem::new(why.span(), "a reason for a success", label))
        }
        _ => Ok(()),
    }
}

fn conditions(spanned: &Spanned<file::Answer>) -> Result<Vec<Condition>, Problem> {
    let answer = spanned.get_ref();
    let mut conditions = Vec::new();
    match (&answer.json, &answer.equals) {
        (Some(place), Some(value)) => {
            conditions.push(Condition::Equals(pointer(place)?, value.get_ref().0.clone()));
        }
        (None, None) => {}
        (Some(place), None) => return Err(half(place.span(), "json", "equals")),
        (None, Some(value)) => return Err(half(value.span(), "equals", "json")),
    }
    if let Some(place) = &answer.present {
        conditions.push(Condition::Present(pointer(place)?));
    }
    if let Some(place) = &answer.missing {
        conditions.push(Condition::Missing(pointer(place)?));
    }
    Ok(conditions)
}

fn half(span: std::ops::Range<usize>, given: &str, lacking: &str) -> Problem {
    let title = format!("`{given}` without `{lacking}`");
    Problem::new(span, title, format!("expected `{lacking}` beside it"))
}

fn value(key: &Spanned<ValueKey>) -> Result<ValueRule, Problem> {
    match key.get_ref() {
        ValueKey::Absent => Ok(ValueRule::Absent),
        ValueKey::In(place) => number_at(place).map(ValueRule::At),
    }
}
