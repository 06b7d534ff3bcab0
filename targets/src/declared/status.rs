//! Judging `[status]`: how a node and its logs tell of role and generation.

use std::ops::Range;

use regex_lite::Regex;

use super::file::{RoleKey, Status, StatusLog, StatusTcp};
use super::one_of_several::GroupKey;
use super::places::{NodeKey, NumberKey, Text};
use super::try_template::{Compiler, Scope};
use super::values::{duration, pointer};
use crate::diagnostic::Problem;
use crate::extract::{NodeAt, NumberAt, Place};
use crate::logs::{LogRule, LogRules};
use crate::protocol::Speech;
use crate::status::{GroupRule, Means, RoleRule, StatusRule};
use crate::template::Template;
use toml::Spanned;

/// The names that groups of a log pattern may have.
const GROUPS: [&str; 4] = ["generation", "node", "leader", "voted"];

impl Compiler<'_> {
    /// Compiles the patterns of log lines; `logs` are those that a node has.
    pub(super) fn log_rules(
        &self,
        status: Option<&Status>,
        logs: &[Text],
    ) -> Result<LogRules, Problem> {
        let rules = status.map_or(&[][..], |status| &status.log);
        rules.iter().map(|rule| log_rule(rule, logs)).collect::<Result<_, _>>().map(LogRules)
    }
}

/// In which way a node is asked, where that is no request in the protocol of the target; `asked` is
/// that protocol, if there is one.
pub(super) fn aside(
    compiler: &mut Compiler<'_>,
    section: &Spanned<Status>,
    asked: Option<&(Template, Box<dyn Speech>)>,
) -> Result<Option<Means>, Problem> {
    let status = section.get_ref();
    let speaks_commands = asked.is_some_and(|(_, speech)| !speech.has_status());
    let program = status.command.as_ref().filter(|_| !speaks_commands);
    let means = match (&status.tcp, program) {
        (None, None) => return Ok(None),
        (Some(tcp), None) => text(compiler, tcp.get_ref())?,
        (None, Some(words)) => {
            let words = words.get_ref().iter().map(|word| compiler.template(word, Scope::Node));
            Means::Command(words.collect::<Result<_, _>>()?)
        }
        (Some(tcp), Some(_)) => return Err(twice(tcp.span())),
    };
    let keys = [&status.path, &status.json].into_iter().flatten().map(Spanned::span);
    let other = keys.chain(status.method.as_ref().map(Spanned::span)).next();
    let command = status.command.as_ref().filter(|_| status.tcp.is_some()).map(Spanned::span);
    match (other.or(command), &means) {
        (Some(place), _) => Err(twice(place)),
        (None, Means::Command(words)) if words.is_empty() => {
            let label = "expected a program and its arguments";
            Err(Problem::new(section.span(), "`status.command` names no program", label))
        }
        (None, _) => Ok(Some(means)),
    }
}

fn twice(place: Range<usize>) -> Problem {
    let label = "expected one of `path`, `command` and `tcp`";
    Problem::new(place, "a node is asked for its status in two ways", label)
}

/// A text that is sent to a port of the node.
fn text(compiler: &mut Compiler<'_>, tcp: &StatusTcp) -> Result<Means, Problem> {
    let port = compiler.tried(&tcp.port, Scope::Node)?;
    if let Some(wrong) = port.samples.iter().find(|port| port.parse::<u16>().is_err()) {
        let title = format!("`{wrong}` is not a port");
        return Err(Problem::new(tcp.port.span(), title, "expected a number from 1 to 65535")
            .help("write it like `{{ port.client }}`"));
    }
    let address = format!("{{{{ node.ip }}}}:{}", tcp.port.get_ref());
    let address = compiler.template(&Spanned::new(tcp.port.span(), address), Scope::Node)?;
    Ok(Means::Text(address, tcp.send.get_ref().clone()))
}

/// In which way a node is asked and where its answer tells what.
pub(super) fn rule(status: &Status, means: Means) -> Result<StatusRule, Problem> {
    Ok(StatusRule {
        means,
        group: status.group.as_ref().map(group).transpose()?,
        each: status.each.as_ref().map(pointer).transpose()?,
        every: duration(&status.every)?,
        atomic: status.atomic,
        role: role(&status.role)?,
        generation: status.generation.as_ref().map(number_at).transpose()?,
        leader: status.leader.as_ref().map(node_at).transpose()?,
        applied: status.applied.as_ref().map(number_at).transpose()?,
        voted: status.voted.as_ref().map(node_at).transpose()?,
    })
}

fn role(role: &Spanned<RoleKey>) -> Result<RoleRule, Problem> {
    let key = role.get_ref();
    match (key.json.as_ref().or(key.regex.as_ref()), &key.map, &key.equals) {
        (Some(_), Some(words), None) => {
            let place = place(key.json.as_ref(), key.regex.as_ref(), role.span())?;
            Ok(RoleRule::Word(place, words.clone()))
        }
        (None, None, Some([leader, own])) => {
            Ok(RoleRule::Equals([pointer(leader)?, pointer(own)?]))
        }
        _ => Err(Problem::new(
            role.span(),
            "role is told in no way, or in two",
            "expected either `json` or `regex` with `map`, or `equals`",
        )),
    }
}

fn group(group: &Spanned<GroupKey>) -> Result<GroupRule, Problem> {
    match group.get_ref() {
        GroupKey::Named(name) => Ok(GroupRule::Named(name.as_str().into())),
        GroupKey::In(at) => {
            place(at.json.as_ref(), at.regex.as_ref(), group.span()).map(GroupRule::In)
        }
    }
}

/// Where something is in an answer: one of two keys says it.
fn place(json: Option<&Text>, regex: Option<&Text>, at: Range<usize>) -> Result<Place, Problem> {
    match (json, regex) {
        (Some(json), None) => pointer(json).map(Place::At),
        (None, Some(regex)) => capturing(regex).map(Place::In),
        (None, None) => {
            let title = "nothing says where it is in the answer";
            Err(Problem::new(at, title, "expected `json` or `regex`"))
        }
        (Some(_), Some(regex)) => {
            let title = "two keys say where it is in the answer";
            Err(Problem::new(regex.span(), title, "expected either `json` or `regex`"))
        }
    }
}

/// A pattern with a group that captures something.
fn capturing(text: &Text) -> Result<Regex, Problem> {
    let pattern = regex(text)?;
    if pattern.captures_len() != 2 {
        let title = format!("the pattern has {} groups", pattern.captures_len() - 1);
        return Err(Problem::new(text.span(), title, "expected one: it captures what is told"));
    }
    Ok(pattern)
}

/// A pattern.
pub(super) fn regex(text: &Text) -> Result<Regex, Problem> {
    Regex::new(text.get_ref())
        .map_err(|error| Problem::new(text.span(), "not a regular expression", error.to_string()))
}

/// Where a number is.
pub(super) fn number_at(key: &NumberKey) -> Result<NumberAt, Problem> {
    let place = place(key.json.as_ref(), key.regex.as_ref(), key.span())?;
    let written = if key.regex.is_some() { key.written.in_text() } else { key.written };
    Ok(NumberAt { place, written })
}

/// Where a node's name is.
pub(super) fn node_at(key: &NodeKey) -> Result<NodeAt, Problem> {
    let place = place(key.json.as_ref(), key.regex.as_ref(), key.span())?;
    Ok(NodeAt { place, written: key.written })
}

fn log_rule(rule: &StatusLog, logs: &[Text]) -> Result<LogRule, Problem> {
    let pattern = pattern(&rule.regex)?;
    let votes = pattern.capture_names().flatten().any(|group| group == "voted");
    if rule.role.is_none() && !votes {
        let title = "the line tells neither a role nor a vote";
        return Err(Problem::new(rule.regex.span(), title, "expected a group named `voted`")
            .help("or say of which `role` such a line tells"));
    }
    Ok(LogRule { log: log_index(&rule.file, logs)?, pattern, role: rule.role, atomic: rule.atomic })
}

fn log_index(file: &Text, logs: &[Text]) -> Result<usize, Problem> {
    let logs: Vec<&str> = logs.iter().map(|log| log.get_ref().as_str()).collect();
    logs.iter().position(|log| log == file.get_ref()).ok_or_else(|| {
        let title = format!("a node has no log `{}`", file.get_ref());
        let listed: Vec<String> = logs.iter().map(|log| format!("`{log}`")).collect();
        let label = format!("expected one of `node.logs`: {}", listed.join(", "));
        Problem::new(file.span(), title, label).did_you_mean(file.get_ref(), logs)
    })
}

fn pattern(text: &Text) -> Result<Regex, Problem> {
    let pattern = regex(text)?;
    let groups: Vec<&str> = pattern.capture_names().flatten().collect();
    if let Some(unknown) = groups.iter().find(|group| !GROUPS.contains(group)) {
        let title = format!("unknown group `{unknown}`");
        let label = "expected `generation`, `node`, `leader` or `voted`";
        return Err(Problem::new(text.span(), title, label).did_you_mean(unknown, GROUPS));
    }
    if !groups.contains(&"generation") {
        let title = "the pattern tells no generation";
        return Err(Problem::new(text.span(), title, "expected a group named `generation`")
            .help(r"write the number as `(?<generation>\d+)`"));
    }
    Ok(pattern)
}
