//! Judging `[status]`: how a node and its logs tell of role and generation.

use regex_lite::Regex;

use super::file::{RoleKey, Status, StatusLog};
use super::places::{NodeKey, NumberKey, Text};
use super::try_template::Compiler;
use super::values::{duration, pointer};
use crate::diagnostic::Problem;
use crate::extract::{NodeAt, NumberAt};
use crate::logs::{LogRule, LogRules};
use crate::status::{RoleRule, StatusRule};
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

/// Where an answer to the status request tells what.
pub(super) fn rule(status: &Status) -> Result<StatusRule, Problem> {
    Ok(StatusRule {
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
    match (&key.json, &key.map, &key.equals) {
        (Some(place), Some(words), None) => Ok(RoleRule::Word(pointer(place)?, words.clone())),
        (None, None, Some([leader, own])) => {
            Ok(RoleRule::Equals([pointer(leader)?, pointer(own)?]))
        }
        _ => Err(Problem::new(
            role.span(),
            "role is told in no way, or in two",
            "expected either `json` and `map`, or `equals`",
        )),
    }
}

/// Where a number is.
pub(super) fn number_at(key: &NumberKey) -> Result<NumberAt, Problem> {
    Ok(NumberAt { pointer: pointer(&key.json)?, written: key.written })
}

/// Where a node's name is.
pub(super) fn node_at(key: &NodeKey) -> Result<NodeAt, Problem> {
    Ok(NodeAt { pointer: pointer(&key.json)?, written: key.written })
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
    let pattern = Regex::new(text.get_ref()).map_err(|error| {
        Problem::new(text.span(), "not a regular expression", error.to_string())
    })?;
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
