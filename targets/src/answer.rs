//! What an answer of the target means for the operation that was asked: ok, fail or info.
//!
//! Pure: bytes in, completion out. It deliberately calls nothing a failure that might have taken
//! effect: whatever no rule matches is `info`.

use fracas_checker::event::Stamp;
use fracas_checker::{Completion, Op};
use regex_lite::Regex;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::extract::{Body, NodeAt, NumberAt};
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

/// Something that must hold of the answer. What is said of its JSON does not hold of any other one.
#[derive(Debug)]
pub(crate) enum Condition {
    /// The place holds this value.
    Equals(String, Json),
    /// The place is there, and not `null`.
    Present(String),
    /// The place is not there, or `null`.
    Missing(String),
    /// The text of the answer matches this pattern somewhere.
    Text(Regex),
    /// The text of the answer is this, but for white space at its ends.
    Body(String),
    /// One of the values of this header matches this pattern somewhere.
    Header(String, Regex),
}

/// Judges a reply by the first rule that matches it.
pub(crate) fn judge(answers: &[Answer], op: &Op, reply: &Reply) -> Completion {
    let body = reply.json();
    let body = body.as_deref();
    let rule = answers.iter().find(|rule| rule.matches(reply, body));
    let Some(rule) = rule else {
        return unknown(op, &format!("no rule for the answer {}", reply.summary()));
    };
    let text = reply.text();
    let body = Body { json: body, text: &text };
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
    fn matches(&self, reply: &Reply, body: Option<&Json>) -> bool {
        reply.status().is_none_or(|status| self.statuses.contains(&status))
            && self.conditions.iter().all(|condition| condition.holds(reply, body))
    }

    /// A stamp is an extra: what cannot be read is left out, and the outcome stands.
    fn stamp(&self, body: Body<'_>) -> Stamp {
        Stamp::new(
            self.node.as_ref().and_then(|place| place.told(body)),
            self.generation.as_ref().and_then(|place| place.told(body).ok().flatten()),
        )
    }

    fn reason(&self, reply: &Reply) -> String {
        self.why.clone().unwrap_or_else(|| reply.summary())
    }
}

impl Condition {
    fn holds(&self, reply: &Reply, body: Option<&Json>) -> bool {
        match (self, body) {
            (Self::Text(pattern), _) => pattern.is_match(&reply.text()),
            (Self::Body(whole), _) => reply.text().trim() == whole,
            (Self::Header(name, pattern), _) => {
                reply.header(name).any(|value| pattern.is_match(value))
            }
            (_, None) => false,
            (Self::Equals(pointer, expected), Some(body)) => {
                body.pointer(pointer) == Some(expected)
            }
            (Self::Present(pointer), Some(body)) => {
                body.pointer(pointer).is_some_and(|found| !found.is_null())
            }
            (Self::Missing(pointer), Some(body)) => {
                body.is_object() && body.pointer(pointer).is_none_or(Json::is_null)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::Headers;

    /// A header may be there several times; a body is compared without white space at its ends.
    #[test]
    fn an_answer_is_told_by_its_headers_or_by_its_whole_body() {
        let leads = Condition::Header("x-role".to_owned(), Regex::new("^leader$").unwrap());
        let any = Condition::Header("x-role".to_owned(), Regex::new("").unwrap());
        let done = Condition::Body("done".to_owned());
        for (roles, body, expected) in [
            (&["leader"][..], "done\n", [true, true, true]),
            (&["follower", "leader"], "done so", [true, true, false]),
            (&["follower"], "{\"done\": 1}", [false, true, false]),
            (&[], "DONE", [false, false, false]),
        ] {
            let roles = roles.iter().map(|role| ("x-role".to_owned(), (*role).to_owned()));
            let headers = Headers(roles.collect());
            let reply = Reply::Http { status: 200, headers, body: body.as_bytes().to_vec() };
            let json = reply.json();
            let held = [&leads, &any, &done].map(|it| it.holds(&reply, json.as_deref()));
            assert_eq!(held, expected, "{body}");
        }
    }

    /// The same text is looked at whether it is JSON or not; what is said of JSON needs JSON.
    #[test]
    fn an_answer_is_told_by_its_text_or_by_its_places() {
        let text = Condition::Text(Regex::new("^(OK|\\{\"done\")").unwrap());
        let (error, code) =
            (Condition::Missing("/error".to_owned()), Condition::Missing("/code".to_owned()));
        for (body, by_text, by_places) in [
            ("OK 17", true, false),
            ("not OK", false, false),
            ("{\"done\": 1}", true, true),
            ("{\"error\": \"x\"}", false, false),
            ("{\"code\": null}", false, true),
        ] {
            let body_of = body.as_bytes().to_vec();
            let reply = Reply::Http { status: 200, headers: Headers::default(), body: body_of };
            let json = reply.json();
            let holds = |condition: &Condition| condition.holds(&reply, json.as_deref());
            assert_eq!(holds(&text), by_text, "{body}");
            assert_eq!(holds(&error) && holds(&code), by_places, "{body}");
        }
    }
}
