//! Judging `[ops]`: requests, and what their answers mean.

use std::collections::BTreeMap;

use fracas_checker::OpKind;
use fracas_checker::op::Tells;
use toml::Spanned;

use super::by_word::Ops;
use super::one_of_several::{OneOrMany, ValueKey};
use super::operation;
use super::places::{NodeKey, NumberKey, Text};
use super::requests::{Keys, missing, of_http};
use super::status::{node_at, number_at, regex, value_at};
use super::try_template::{Compiler, Scope};
use super::values::{pointer, status};
use crate::answer::{Answer, Condition, Means};
use crate::diagnostic::Problem;
use crate::form::Form;
use crate::outcome::{Places, ValueRule, tells_value, tells_version};
use crate::protocol::{Declared, Purpose, Speech};

/// Compiles all operations into the requests of this protocol, and what their answers mean.
pub(super) fn all(
    compiler: &mut Compiler<'_>,
    ops: &Spanned<Ops>,
    speech: &mut dyn Speech,
    headers: &BTreeMap<String, Text>,
) -> Result<BTreeMap<OpKind, Vec<Answer>>, Problem> {
    let mut compiled = BTreeMap::new();
    for (kind, operation) in &ops.get_ref().0 {
        let keys = Keys::of_op(operation);
        let declared = Declared { keys, scope: Scope::Op(*kind), headers: Some(headers) };
        speech.declare(Purpose::Op(*kind), compiler, &declared)?;
        let asked = Asked { kind: *kind, form: speech.form() };
        compiled.insert(*kind, asked.answers(&operation.get_ref().answers)?);
    }
    if compiled.is_empty() {
        let label = "expected at least one, such as `ops.read`, `ops.write` or `ops.acquire`";
        return Err(Problem::new(ops.span(), "the target serves no operation", label));
    }
    Ok(compiled)
}

/// An operation, and what its answers look like.
#[derive(Clone, Copy)]
struct Asked {
    kind: OpKind,
    form: Form,
}

impl Asked {
    fn answers(
        self,
        declared: &Spanned<Vec<Spanned<operation::Answer>>>,
    ) -> Result<Vec<Answer>, Problem> {
        let mut answers: Vec<Answer> = Vec::new();
        for spanned in declared.get_ref() {
            let answer = self.answer(spanned)?;
            self.reached(&answers, &answer, spanned)?;
            answers.push(answer);
        }
        if !answers.iter().any(|answer| answer.means == Means::Ok) {
            let title = format!("`{}` can never succeed", self.kind);
            let label = "expected at least one answer with `is = \"ok\"`";
            return Err(Problem::new(declared.span(), title, label));
        }
        Ok(answers)
    }

    /// Fails if an earlier answer takes all that this one would.
    fn reached(
        self,
        earlier: &[Answer],
        answer: &Answer,
        spanned: &Spanned<operation::Answer>,
    ) -> Result<(), Problem> {
        let mut unconditional = earlier.iter().filter(|rule| rule.conditions.is_empty());
        let taken = |code| unconditional.clone().any(|rule| rule.statuses.contains(code));
        let (hidden, all) = match self.form.has_status {
            true => (answer.statuses.iter().all(taken), "the same status"),
            false => (unconditional.next().is_some(), "all"),
        };
        if !hidden {
            return Ok(());
        }
        let label = format!("an earlier answer without conditions takes {all}");
        Err(Problem::new(spanned.span(), "an answer that is never reached", label))
    }

    /// Refuses what answers of this protocol do not have.
    fn speaks(self, spanned: &Spanned<operation::Answer>) -> Result<(), Problem> {
        let (answer, form) = (spanned.get_ref(), self.form);
        let value = answer.value.as_ref().filter(|it| matches!(it.get_ref(), ValueKey::Body));
        let of_body = answer.body.as_ref().map(Spanned::span).or(value.map(Spanned::span));
        let header = answer.headers.values().next().map(Spanned::span);
        match (of_body, header) {
            (Some(place), _) if !form.is_text => {
                Err(of_http(place, "body", (form, "expected `json` or `text`")))
            }
            (_, Some(place)) if !form.has_status => {
                Err(of_http(place, "headers", (form, "a reply has none")))
            }
            _ => Ok(()),
        }
    }

    fn answer(self, spanned: &Spanned<operation::Answer>) -> Result<Answer, Problem> {
        let answer = spanned.get_ref();
        fits(self.kind, spanned)?;
        self.speaks(spanned)?;
        let (statuses, conditions) = (statuses(self.form, spanned)?, conditions(spanned)?);
        if !self.form.has_status && answer.means == Means::Ok && conditions.is_empty() {
            let label = "an error would be a success too: expected a condition";
            return Err(Problem::new(spanned.span(), "any reply would be `ok`", label)
                .help(format!("write {} for all replies but errors", condition(self.form))));
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
}

/// The statuses of an answer: at least one where answers have one.
fn statuses(form: Form, spanned: &Spanned<operation::Answer>) -> Result<Vec<u16>, Problem> {
    match (form.has_status, &spanned.get_ref().status) {
        (true, None) => Err(missing(spanned.span(), "status", "…")),
        (true, Some(OneOrMany(codes))) if codes.get_ref().is_empty() => {
            Err(Problem::new(codes.span(), "no status", "expected at least one HTTP status"))
        }
        (true, Some(OneOrMany(codes))) => {
            codes.get_ref().iter().map(|code| status(*code, codes)).collect()
        }
        (false, None) => Ok(Vec::new()),
        (false, Some(OneOrMany(codes))) => {
            let instead = format!("expected a condition such as {}", condition(form));
            Err(of_http(codes.span(), "status", (form, &instead)))
        }
    }
}

/// A condition by which a success may be told from an error, in words.
fn condition(form: Form) -> &'static str {
    match form.is_text {
        true => "`text = '^OK'`",
        false => "`missing = \"/error\"`",
    }
}

/// Refuses keys that would do nothing in an answer of this meaning, and demands those that must be.
fn fits(kind: OpKind, spanned: &Spanned<operation::Answer>) -> Result<(), Problem> {
    let answer = spanned.get_ref();
    let ok = answer.means == Means::Ok;
    fits_value(kind, spanned)?;
    fits_version(kind, spanned)?;
    if let Some(token) = answer.token.as_ref().filter(|_| !ok || kind != OpKind::Acquire) {
        let label = "only an answer of `ops.acquire` with `is = \"ok\"` has a token";
        return Err(Problem::new(token.span(), "a token that nobody is granted", label));
    }
    let stamp = answer.node.as_ref().map(NodeKey::span);
    let stamp = stamp.or(answer.generation.as_ref().map(NumberKey::span));
    match (stamp, &answer.why) {
        (Some(place), _) if !ok => {
            let label = "only an answer with `is = \"ok\"` has a node and a generation";
            Err(Problem::new(place, "a stamp on nothing", label))
        }
        (_, Some(why)) if ok => {
            let label = "only an answer with `is = \"fail\"` or `\"info\"` has a reason";
            Err(Problem::new(why.span(), "a reason for a success", label))
        }
        _ => Ok(()),
    }
}

/// A value must be where one is asked for, and of the form that is asked for.
fn fits_value(kind: OpKind, spanned: &Spanned<operation::Answer>) -> Result<(), Problem> {
    let answer = spanned.get_ref();
    let tells = tells_value(kind).filter(|_| answer.means == Means::Ok);
    match (&answer.value, tells) {
        (None, None) => Ok(()),
        (None, Some(tells)) => {
            let title = format!("a `{kind}` without a value");
            Err(Problem::new(spanned.span(), title, form(kind, tells)))
        }
        (Some(value), None) => {
            let kinds = OpKind::asked().filter(|kind| tells_value(*kind).is_some());
            let label = format!("only with `is = \"ok\"` an answer has a value, of {}", ops(kinds));
            Err(Problem::new(value.span(), "a value that nobody reads", label))
        }
        (Some(value), Some(tells)) => match (value.get_ref(), tells) {
            (ValueKey::In(key), Tells::Parts) if key.regex.is_some() => {
                let title = "a `txn` is answered by a list, which no pattern captures";
                Err(Problem::new(value.span(), title, form(kind, tells)))
            }
            (ValueKey::Flag(_), Tells::Flag) | (ValueKey::In(_), _) => Ok(()),
            (ValueKey::Absent, Tells::Maybe | Tells::Values) => Ok(()),
            (ValueKey::Body, Tells::Maybe | Tells::Value) if !tells_version(kind) => Ok(()),
            _ => {
                let title = format!("a `{kind}` has no such value");
                Err(Problem::new(value.span(), title, form(kind, tells)))
            }
        },
    }
}

/// What the value of such an operation, which tells this, may look like.
fn form(kind: OpKind, tells: Tells) -> &'static str {
    match tells {
        Tells::Flag => "expected `value = { json = … }`, `true` or `false`",
        Tells::Parts => "expected `value = { json = … }`",
        Tells::Value => "expected `value = { json = … }` or `value = \"body\"`",
        Tells::Maybe if !tells_version(kind) => {
            "expected `value = { json = … }`, `value = \"body\"` or `value = \"absent\"`"
        }
        _ => "expected `value = { json = … }` or `value = \"absent\"`",
    }
}

/// A version must be where one is asked for; what was never set needs none.
fn fits_version(kind: OpKind, spanned: &Spanned<operation::Answer>) -> Result<(), Problem> {
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
            Err(Problem::new(version.span(), "a version that nobody reads", label))
        }
        _ => Ok(()),
    }
}

/// Operations as a file names them, in words.
fn ops(kinds: impl Iterator<Item = OpKind>) -> String {
    kinds.map(|kind| format!("`ops.{kind}`")).collect::<Vec<_>>().join(", ")
}

fn conditions(spanned: &Spanned<operation::Answer>) -> Result<Vec<Condition>, Problem> {
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
    for place in &answer.present.0 {
        conditions.push(Condition::Present(pointer(place)?));
    }
    for place in &answer.missing.0 {
        conditions.push(Condition::Missing(pointer(place)?));
    }
    if let Some(pattern) = &answer.text {
        conditions.push(Condition::Text(regex(pattern)?));
    }
    if let Some(body) = &answer.body {
        conditions.push(Condition::Body(body.get_ref().trim().to_owned()));
    }
    for (name, pattern) in &answer.headers {
        let known = name.parse::<reqwest::header::HeaderName>();
        let known = known.map_err(|error| {
            Problem::new(pattern.span(), format!("`{name}` is no header"), error.to_string())
        })?;
        conditions.push(Condition::Header(known.as_str().to_owned(), regex(pattern)?));
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
        ValueKey::Body => Ok(ValueRule::Body),
        ValueKey::Flag(flag) => Ok(ValueRule::Flag(*flag)),
        ValueKey::In(place) => value_at(place, key.span()).map(ValueRule::At),
    }
}
