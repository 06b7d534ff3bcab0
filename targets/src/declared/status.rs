//! Judging `[status]`: how a node and its logs tell of role and generation.

use std::ops::Range;

use regex_lite::Regex;

use super::file::{File, RoleKey, Status, StatusLog, StatusTcp};
use super::one_of_several::GroupKey;
use super::places::{ContentKey, NodeKey, NumberKey, Text};
use super::requests::missing;
use super::try_template::{Compiler, Scope};
use super::values::{duration, pointer};
use crate::content::ValueAt;
use crate::diagnostic::Problem;
use crate::extract::{NodeAs, NodeAt, NumberAt, Place, Written};
use crate::logs::{LogRule, LogRules};
use crate::spec::{NodeLog, Serves};
use crate::status::{GroupRule, Means, RoleRule, StatusRule};
use fracas_checker::observation::Role;
use toml::Spanned;

/// The names that groups of a log pattern may have.
const GROUPS: [&str; 5] = ["generation", "node", "leader", "voted", "group"];

impl Compiler<'_> {
    /// Compiles the patterns of log lines; `logs` are those that a node has.
    pub(super) fn log_rules(
        &self,
        status: Option<&Status>,
        logs: &[NodeLog],
    ) -> Result<LogRules, Problem> {
        let rules = status.map_or(&[][..], |status| &status.log);
        rules.iter().map(|rule| log_rule(rule, logs)).collect::<Result<_, _>>().map(LogRules)
    }
}

/// What there is to ask a node by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ways {
    /// Whether the protocol of the target speaks commands, if nodes are asked in one.
    pub(super) speaks_commands: Option<bool>,
    pub(super) has_program: bool,
}

impl Ways {
    /// The keys that say how, the most usual first.
    fn keys(self) -> String {
        let own = match self.speaks_commands {
            Some(true) => &["command", "exec", "tcp"][..],
            Some(false) => &["path", "command", "tcp"],
            None => &["command", "tcp"],
        };
        let program = self.has_program.then_some("program");
        let keys: Vec<String> =
            own.iter().copied().chain(program).map(|key| format!("`{key}`")).collect();
        match keys.split_last() {
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => String::new(),
        }
    }
}

/// In which way a node is asked, where that is no request in the protocol of the target.
pub(super) fn aside(
    compiler: &mut Compiler<'_>,
    section: &Spanned<Status>,
    ways: Ways,
) -> Result<Option<Means>, Problem> {
    let status = section.get_ref();
    let program = status.program.as_ref().filter(|program| *program.get_ref());
    let asks = ways.speaks_commands == Some(true);
    // A path beside a command is refused where the command is compiled.
    let path = status.path.as_ref().filter(|_| !asks || status.command.is_none());
    let given = [
        path.map(|path| ("path", path.span())),
        status.command.as_ref().map(|words| (if asks { "path" } else { "exec" }, words.span())),
        status.exec.as_ref().map(|words| ("exec", words.span())),
        status.tcp.as_ref().map(|tcp| ("tcp", tcp.span())),
        program.map(|program| ("program", program.span())),
    ];
    let given: Vec<(&str, Range<usize>)> = given.into_iter().flatten().collect();
    let (way, place) = match &given[..] {
        [] => return Err(in_no_way(section, ways)),
        [(way, place)] => (*way, place.clone()),
        [_, (_, second), ..] => return Err(twice(second.clone(), ways)),
    };
    if way == "path" {
        return Ok(None);
    }
    let body = status.json.as_ref().map(Spanned::span);
    if let Some(stray) = body.or(status.method.as_ref().map(Spanned::span)) {
        return Err(twice(stray, ways));
    }
    match (&status.tcp, status.exec.as_ref().or(status.command.as_ref())) {
        (Some(tcp), _) => text(compiler, tcp.get_ref()).map(Some),
        (_, Some(words)) => run(compiler, words).map(Some),
        (None, None) if !ways.has_program => {
            let label = "needs `program = [\"…\"]` in `[client]`";
            Err(Problem::new(place, "no client program can be asked", label))
        }
        (None, None) => Ok(Some(Means::Program)),
    }
}

/// A program that is run where the node is.
fn run(compiler: &mut Compiler<'_>, words: &Spanned<Vec<Text>>) -> Result<Means, Problem> {
    if words.get_ref().is_empty() {
        let label = "expected a program and its arguments";
        return Err(Problem::new(words.span(), "the status names no program", label));
    }
    let words = words.get_ref().iter().map(|word| compiler.template(word, Scope::Node));
    words.collect::<Result<_, _>>().map(Means::Command)
}

fn in_no_way(section: &Spanned<Status>, ways: Ways) -> Problem {
    let label = format!("expected one of {}", ways.keys());
    Problem::new(section.span(), "nothing says how a node is asked for its status", label)
}

fn twice(place: Range<usize>, ways: Ways) -> Problem {
    let label = format!("expected one of {}", ways.keys());
    Problem::new(place, "a node is asked for its status in two ways", label)
}

/// A client program tells of nodes only if it says that it does.
pub(super) fn told_by_program(
    rule: Option<&StatusRule>,
    file: &File,
    serves: Option<&Serves>,
) -> Result<(), Problem> {
    let by_program = rule.is_some_and(|rule| matches!(rule.means, Means::Program));
    let place = file.status.as_ref().and_then(|status| status.get_ref().program.as_ref());
    match (place, serves) {
        (Some(place), Some(serves)) if by_program && !serves.status => {
            let label = "needs `status`, which the client program does not serve";
            Err(Problem::new(place.span(), "the client program tells of no node", label))
        }
        _ => Ok(()),
    }
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
pub(super) fn rule(section: &Spanned<Status>, means: Means) -> Result<StatusRule, Problem> {
    let status = section.get_ref();
    let rule = StatusRule {
        group: status.group.as_ref().map(group).transpose()?,
        each: status.each.as_ref().map(pointer).transpose()?,
        every: duration(&status.every)?,
        atomic: status.atomic,
        role: match (&status.role, &means) {
            (Some(declared), _) => role(declared)?,
            (None, Means::Program) => words_of_program(),
            (None, _) => return Err(missing(section.span(), "role", "{ json = …, map = … }")),
        },
        generation: status.generation.as_ref().map(number_at).transpose()?,
        leader: status.leader.as_ref().map(node_at).transpose()?,
        applied: status.applied.as_ref().map(number_at).transpose()?,
        voted: status.voted.as_ref().map(node_at).transpose()?,
        means,
    };
    Ok(if matches!(rule.means, Means::Program) { completed(rule) } else { rule })
}

/// The words for roles in the protocol of client programs.
fn words_of_program() -> RoleRule {
    let words =
        [("leader", Role::Leader), ("follower", Role::Follower), ("candidate", Role::Candidate)];
    let words = words.map(|(word, role)| (word.to_owned(), role));
    RoleRule::Word(Place::At("/role".to_owned()), words.into())
}

/// A rule for what client programs answer: all that the file does not say is where their protocol
/// has it.
fn completed(rule: StatusRule) -> StatusRule {
    let at = |name: &str| Place::At(format!("/{name}"));
    let number = |name| NumberAt { place: at(name), written: Written::default() };
    let node = |name| NodeAt { place: at(name), written: NodeAs::default() };
    StatusRule {
        group: rule.group.or_else(|| Some(GroupRule::Perhaps(at("group")))),
        generation: rule.generation.or_else(|| Some(number("generation"))),
        leader: rule.leader.or_else(|| Some(node("leader"))),
        applied: rule.applied.or_else(|| Some(number("applied"))),
        voted: rule.voted.or_else(|| Some(node("voted"))),
        ..rule
    }
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

/// Where a value is; its key is at `at`.
pub(super) fn value_at(key: &ContentKey, at: Range<usize>) -> Result<ValueAt, Problem> {
    let place = place(key.json.as_ref(), key.regex.as_ref(), at)?;
    let written = if key.regex.is_some() { key.written.in_text() } else { key.written };
    Ok(ValueAt { place, written })
}

/// Where a node's name is.
pub(super) fn node_at(key: &NodeKey) -> Result<NodeAt, Problem> {
    let place = place(key.json.as_ref(), key.regex.as_ref(), key.span())?;
    Ok(NodeAt { place, written: key.written })
}

fn log_rule(rule: &StatusLog, logs: &[NodeLog]) -> Result<LogRule, Problem> {
    let pattern = pattern(&rule.regex)?;
    let votes = pattern.capture_names().flatten().any(|group| group == "voted");
    if rule.role.is_none() && !votes {
        let title = "the line tells neither a role nor a vote";
        return Err(Problem::new(rule.regex.span(), title, "expected a group named `voted`")
            .help("or say of which `role` such a line tells"));
    }
    Ok(LogRule { log: log_index(&rule.file, logs)?, pattern, role: rule.role, atomic: rule.atomic })
}

fn log_index(file: &Text, logs: &[NodeLog]) -> Result<usize, Problem> {
    let logs: Vec<&str> = logs.iter().map(|log| log.named.as_str()).collect();
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
        let label = "expected `generation`, `node`, `leader`, `voted` or `group`";
        return Err(Problem::new(text.span(), title, label).did_you_mean(unknown, GROUPS));
    }
    if !groups.contains(&"generation") {
        let title = "the pattern tells no generation";
        return Err(Problem::new(text.span(), title, "expected a group named `generation`")
            .help(r"write the number as `(?<generation>\d+)`"));
    }
    Ok(pattern)
}
