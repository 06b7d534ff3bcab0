//! Judging `[client]` and `[ops]`: requests, and what their answers mean.

use std::collections::BTreeMap;

use fracas_checker::OpKind::{self, Dequeue, Read, ReadAll, ReadVersion};
use toml::Spanned;

use super::by_word::Ops;
use super::file::{self, Means, Operation};
use super::one_of_several::{OneOrMany, ValueKey};
use super::requests::{Keys, base, headers, missing, of_http};
use super::status::{node_at, number_at};
use super::try_template::{Compiler, Scope};
use super::values::{duration, pointer, status};
use crate::answer::{Answer, Condition};
use crate::content::ValueAt;
use crate::diagnostic::Problem;
use crate::outcome::{Places, ValueRule, tells_value, tells_version};
use crate::target::{ClientRule, OpRule, Route, Speech};

/// Compiles how a node is spoken to.
pub(super) fn client(
    compiler: &mut Compiler<'_>,
    client: &file::Client,
) -> Result<ClientRule, Problem> {
    if let Some(redirects) = client.redirects.as_ref().filter(|count| *count.get_ref() > 0) {
        let label = "expected 0: a redirect is an answer to be classified, not to be followed";
        return Err(Problem::new(redirects.span(), "redirects are never followed", label));
    }
    let (base, speech) = base(compiler, &client.base)?;
    if let (Speech::Resp, Some(header)) = (speech, client.headers.values().next()) {
        return Err(of_http(header.span(), "headers", "a command has none"));
    }
    Ok(ClientRule {
        base,
        speech,
        headers: headers(compiler, &client.headers, Scope::Node)?,
        connect_timeout: duration(&client.connect_timeout)?,
        timeout: duration(&client.timeout)?,
        route: client.route.as_ref().map_or(Route::Any, |route| *route.get_ref()),
    })
}

/// Compiles all operations, as this client asks for them.
pub(super) fn all(
    compiler: &mut Compiler<'_>,
    ops: &Spanned<Ops>,
    client: &ClientRule,
) -> Result<BTreeMap<OpKind, OpRule>, Problem> {
    let mut compiled = BTreeMap::new();
    for (kind, operation) in &ops.get_ref().0 {
        compiled.insert(*kind, rule(compiler, *kind, operation, client)?);
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
    operation: &Spanned<Operation>,
    client: &ClientRule,
) -> Result<OpRule, Problem> {
    let request = compiler.request(&Keys::of_op(operation), Scope::Op(kind), client)?;
    let declared = &operation.get_ref().answers;
    Ok(OpRule { request, answers: answers((kind, client.speech), declared)? })
}

fn answers(
    (kind, speech): (OpKind, Speech),
    declared: &Spanned<Vec<Spanned<file::Answer>>>,
) -> Result<Vec<Answer>, Problem> {
    let mut answers: Vec<Answer> = Vec::new();
    for spanned in declared.get_ref() {
        let answer = answer((kind, speech), spanned)?;
        let mut unconditional = answers.iter().filter(|rule| rule.conditions.is_empty());
        let taken = |code| unconditional.clone().any(|rule| rule.statuses.contains(code));
        let hidden = match speech {
            Speech::Http => answer.statuses.iter().all(taken),
            Speech::Resp => unconditional.next().is_some(),
        };
        if hidden {
            let label = match speech {
                Speech::Http => "an earlier answer without conditions takes the same status",
                Speech::Resp => "an earlier answer without conditions takes all",
            };
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

fn answer(
    (kind, speech): (OpKind, Speech),
    spanned: &Spanned<file::Answer>,
) -> Result<Answer, Problem> {
    let answer = spanned.get_ref();
    fits(kind, spanned)?;
    let (statuses, conditions) = (statuses(speech, spanned)?, conditions(spanned)?);
    if speech == Speech::Resp && answer.means == Means::Ok && conditions.is_empty() {
        let label = "an error would be a success too: expected a condition";
        return Err(Problem::new(spanned.span(), "any reply would be `ok`", label)
            .help("write `missing = \"/error\"` for all replies but errors"));
    }
    Ok(Answer {
        statuses,
        conditions,
        means: answer.means,
        places: Places {
            value: answer.value.as_ref().map(value).transpose()?,
            version: answer.version.as_ref().map(number_at).transpose()?,
            token: answer.token.as_ref().map(number_at).transpose()?,
        },
        node: answer.node.as_ref().map(node_at).transpose()?,
        generation: answer.generation.as_ref().map(number_at).transpose()?,
        why: answer.why.as_ref().map(|why| why.get_ref().clone()),
    })
}

/// The statuses of an answer: at least one in HTTP, none in RESP.
fn statuses(speech: Speech, spanned: &Spanned<file::Answer>) -> Result<Vec<u16>, Problem> {
    match (speech, &spanned.get_ref().status) {
        (Speech::Http, None) => Err(missing(spanned.span(), "status", "…")),
        (Speech::Http, Some(OneOrMany(codes))) if codes.get_ref().is_empty() => {
            Err(Problem::new(codes.span(), "no status", "expected at least one HTTP status"))
        }
        (Speech::Http, Some(OneOrMany(codes))) => {
            codes.get_ref().iter().map(|code| status(*code, codes)).collect()
        }
        (Speech::Resp, None) => Ok(Vec::new()),
        (Speech::Resp, Some(OneOrMany(codes))) => {
            let instead = "expected a condition such as `missing = \"/error\"`";
            Err(of_http(codes.span(), "status", instead))
        }
    }
}

/// Refuses keys that would do nothing in an answer of this meaning, and demands those that must be.
fn fits(kind: OpKind, spanned: &Spanned<file::Answer>) -> Result<(), Problem> {
    let answer = spanned.get_ref();
    let ok = answer.means == Means::Ok;
    fits_value(kind, spanned)?;
    fits_version(kind, spanned)?;
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

/// A value must be where one is asked for, and of the form that is asked for.
fn fits_value(kind: OpKind, spanned: &Spanned<file::Answer>) -> Result<(), Problem> {
    let answer = spanned.get_ref();
    let tells = answer.means == Means::Ok && tells_value(kind);
    match &answer.value {
        None if tells => {
            let title = format!("a `{kind}` without a value");
            Err(Problem::new(spanned.span(), title, form(kind)))
        }
        Some(value) if !tells => {
            let kinds = OpKind::asked().filter(|kind| tells_value(*kind));
            let label = format!("only with `is = \"ok\"` an answer has a value, of {}", ops(kinds));
            Err(Problem::new(value.span(), "a value that nobody reads", label))
        }
        Some(value) => match (value.get_ref(), kind) {
            (ValueKey::Flag(_), OpKind::Contains) | (ValueKey::In(_), _) => Ok(()),
            (ValueKey::Absent, Read | ReadAll | Dequeue | ReadVersion) => Ok(()),
            _ => {
                let title = format!("a `{kind}` has no such value");
                Err(Problem::new(value.span(), title, form(kind)))
            }
        },
        None => Ok(()),
    }
}

/// What the value of such an operation may look like.
fn form(kind: OpKind) -> &'static str {
    match kind {
        OpKind::Contains => "expected `value = { json = … }`, `true` or `false`",
        OpKind::Generate | OpKind::Txn => "expected `value = { json = … }`",
        _ => "expected `value = { json = … }` or `value = \"absent\"`",
    }
}

/// A version must be where one is asked for; what was never set needs none.
fn fits_version(kind: OpKind, spanned: &Spanned<file::Answer>) -> Result<(), Problem> {
    let answer = spanned.get_ref();
    let tells = answer.means == Means::Ok && tells_version(kind);
    let absent =
        answer.value.as_ref().is_some_and(|value| matches!(value.get_ref(), ValueKey::Absent));
    match &answer.version {
        None if tells && !absent => {
            let title = format!("an answer of `{kind}` without a version");
            Err(Problem::new(spanned.span(), title, "expected `version = { json = … }`"))
        }
        Some(version) if !tells => {
            let kinds = OpKind::asked().filter(|kind| tells_version(*kind));
            let label =
                format!("only with `is = \"ok\"` an answer has a version, of {}", ops(kinds));
            Err(Problem::new(version.json.span(), "a version that nobody reads", label))
        }
        _ => Ok(()),
    }
}

/// Operations as a file names them, in words.
fn ops(kinds: impl Iterator<Item = OpKind>) -> String {
    kinds.map(|kind| format!("`ops.{kind}`")).collect::<Vec<_>>().join(", ")
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
        ValueKey::Flag(flag) => Ok(ValueRule::Flag(*flag)),
        ValueKey::In(place) => {
            let (pointer, written) = (pointer(&place.json)?, place.written);
            Ok(ValueRule::At(ValueAt { pointer, written }))
        }
    }
}
