//! What an answer of the target means for the operation that was asked: ok, fail or info.
//!
//! Pure: bytes in, completion out. It deliberately calls nothing a failure that might have taken
//! effect: whatever no rule matches is `info`.

use fracas_checker::event::Stamp;
use fracas_checker::{Completion, Op};
use serde::Deserialize;
use serde_json::Value as Json;

use crate::extract::{NodeAt, NumberAt};
use crate::outcome::{Places, outcome};
use crate::reply::Reply;
use crate::text::bounded;

/// What an answer means for the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Means {
    /// It took effect.
    Ok,
    /// It certainly did not, and never will.
    Fail,
    /// Unknown.
    Info,
}

/// One rule: if all conditions hold, the answer means this.
#[derive(Debug)]
pub(crate) struct Answer {
    /// HTTP statuses; none in a protocol without any.
    pub(crate) statuses: Vec<u16>,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) means: Means,
    pub(crate) places: Places,
    pub(crate) node: Option<NodeAt>,
    pub(crate) generation: Option<NumberAt>,
    pub(crate) why: Option<String>,
}

/// Something that must hold of the answer's JSON; of any other answer none holds.
#[derive(Debug)]
pub(crate) enum Condition {
    /// The place holds this value.
    Equals(String, Json),
    /// The place is there, and not `null`.
    Present(String),
    /// The place is not there, or `null`.
    Missing(String),
}

/// Judges a reply by the first rule that matches it.
pub(crate) fn judge(answers: &[Answer], op: &Op, reply: &Reply) -> Completion {
    let body = reply.json();
    let body = body.as_deref();
    let rule = answers.iter().find(|rule| rule.matches(reply.status(), body));
    let Some(rule) = rule else {
        return unknown(op, &format!("no rule for the answer {}", reply.summary()));
    };
    match rule.means {
        Means::Ok => match outcome(op, &rule.places, body) {
            Ok(outcome) => Completion::Ok { outcome, stamp: rule.stamp(body) },
            Err(error) => unknown(op, &error),
        },
        Means::Fail => Completion::Fail { error: rule.reason(reply) },
        Means::Info => unknown(op, &rule.reason(reply)),
    }
}

/// How an operation of unknown effect ends: one that only looks has none, so it has certainly failed.
pub(crate) fn unknown(op: &Op, error: &str) -> Completion {
    let error = bounded(error);
    if op.kind().only_looks() { Completion::Fail { error } } else { Completion::Info { error } }
}

impl Answer {
    fn matches(&self, status: Option<u16>, body: Option<&Json>) -> bool {
        status.is_none_or(|status| self.statuses.contains(&status))
            && self
                .conditions
                .iter()
                .all(|condition| body.is_some_and(|body| condition.holds(body)))
    }

    /// A stamp is an extra: what cannot be read is left out, and the outcome stands.
    fn stamp(&self, body: Option<&Json>) -> Stamp {
        let Some(body) = body else { return Stamp::default() };
        Stamp::new(
            self.node.as_ref().and_then(|place| place.read(body)),
            self.generation.as_ref().and_then(|place| place.read(body).ok().flatten()),
        )
    }

    fn reason(&self, reply: &Reply) -> String {
        self.why.clone().unwrap_or_else(|| reply.summary())
    }
}

impl Condition {
    fn holds(&self, body: &Json) -> bool {
        match self {
            Self::Equals(pointer, expected) => body.pointer(pointer) == Some(expected),
            Self::Present(pointer) => body.pointer(pointer).is_some_and(|found| !found.is_null()),
            Self::Missing(pointer) => {
                body.is_object() && body.pointer(pointer).is_none_or(Json::is_null)
            }
        }
    }
}
