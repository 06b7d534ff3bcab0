//! Log lines that tell who leads: exact where polling can miss a short reign.
//!
//! It reads no file: lines are handed in, one at a time.

use fracas_checker::NodeId;
use fracas_checker::observation::{Grade, Role, Source};
use regex_lite::Regex;

use crate::sighting::Sighting;
use crate::text::bounded;

/// Longer lines are looked at up to here: no server tells of an election in a line this long.
const MAX_LINE: usize = 16 * 1024;

/// All patterns of a target.
#[derive(Debug, Default)]
pub struct LogRules(pub(crate) Vec<LogRule>);

/// One pattern, for the lines of one log.
#[derive(Debug)]
pub(crate) struct LogRule {
    /// Which of the node's logs, by its place in the list.
    pub(crate) log: usize,
    pub(crate) pattern: Regex,
    /// The role that such a line tells of, if any.
    pub(crate) role: Option<Role>,
    pub(crate) atomic: bool,
}

impl LogRules {
    /// Whether any line of this log can tell something; `log` is its place in
    /// [`NodePlan::logs`](crate::NodePlan::logs).
    #[must_use]
    pub fn concerns(&self, log: usize) -> bool {
        self.0.iter().any(|rule| rule.log == log)
    }

    /// What a line tells that `writer` wrote to its log number `log`.
    #[must_use]
    pub fn sight(&self, writer: NodeId, log: usize, line: &str) -> Option<Sighting> {
        let line = beginning(line);
        // Every sighting has a generation, a number. Most lines of most logs have none, or are empty.
        if !line.bytes().any(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let mut rules = self.0.iter().filter(|rule| rule.log == log);
        rules.find_map(|rule| rule.sight(writer, line))
    }
}

impl LogRule {
    fn sight(&self, writer: NodeId, line: &str) -> Option<Sighting> {
        let found = self.pattern.captures(line)?;
        let generation = found.name("generation")?.as_str().parse().ok()?;
        let named = |group| found.name(group).map(|name| name.as_str().parse::<NodeId>());
        let node = named("node").transpose().ok()?;
        let own = node.is_none_or(|node| node == writer);
        Some(Sighting {
            group: found.name("group").map(|group| bounded(group.as_str()).into()),
            grade: if self.atomic && own { Grade::Record } else { Grade::Hearsay },
            source: Source::Log,
            node,
            role: self.role,
            generation: Some(generation),
            leader: named("leader").transpose().ok()?,
            applied: None,
            voted: named("voted").transpose().ok()?,
            text: bounded(line),
        })
    }
}

/// The line up to [`MAX_LINE`] bytes.
fn beginning(line: &str) -> &str {
    let end = (0..=line.len().min(MAX_LINE)).rev().find(|at| line.is_char_boundary(*at));
    &line[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(atomic: bool) -> LogRules {
        let pattern = Regex::new(r"^won generation=(?<generation>\d+) node=(?<node>\S+)").unwrap();
        LogRules(vec![LogRule { log: 1, pattern, role: Some(Role::Leader), atomic }])
    }

    #[test]
    fn a_line_tells_a_vote() {
        let pattern =
            Regex::new(r"^voted for=(?<voted>\S+) generation=(?<generation>\d+)").unwrap();
        let rules = LogRules(vec![LogRule { log: 0, pattern, role: None, atomic: true }]);
        let sighting = rules.sight(NodeId(3), 0, "voted for=n1 generation=5").unwrap();
        assert_eq!((sighting.voted, sighting.role), (Some(NodeId(1)), None));
        assert_eq!((sighting.generation, sighting.grade), (Some(5), Grade::Record));
        assert_eq!(rules.sight(NodeId(3), 0, "voted for=nobody generation=5"), None);
    }

    #[track_caller]
    fn grade(rules: &LogRules, line: &str) -> Option<Grade> {
        rules.sight(NodeId(3), 1, line).map(|sighting| sighting.grade)
    }

    #[test]
    fn a_line_tells_role_and_generation() {
        let sighting = rules(true).sight(NodeId(3), 1, "won generation=5 node=n3\n").unwrap();
        assert_eq!(sighting.node, Some(NodeId(3)));
        assert_eq!(sighting.role, Some(Role::Leader));
        assert_eq!(sighting.generation, Some(5));
        assert_eq!(sighting.source, Source::Log);
        assert_eq!(sighting.text, "won generation=5 node=n3");
    }

    #[test]
    fn a_line_tells_of_a_group() {
        let pattern = Regex::new(r"^(?:(?<group>\w+): )?won (?<generation>\d+)").unwrap();
        let rule = LogRule { log: 0, pattern, role: Some(Role::Leader), atomic: true };
        let rules = LogRules(vec![rule]);
        let group = |line| rules.sight(NodeId(3), 0, line).unwrap().group;
        assert_eq!(group("orders: won 5"), Some("orders".into()));
        assert_eq!(group("won 5"), None);
    }

    #[test]
    fn only_atomic_lines_about_the_writer_itself_are_records() {
        let line = "won generation=5 node=n3";
        assert_eq!(grade(&rules(true), line), Some(Grade::Record));
        assert_eq!(grade(&rules(false), line), Some(Grade::Hearsay));
        assert_eq!(grade(&rules(true), "won generation=5 node=n4"), Some(Grade::Hearsay));
    }

    #[test]
    fn other_lines_tell_nothing() {
        for line in
            ["", "lost", "won generation=99999999999999999999 node=n3", "won generation=5 node=x"]
        {
            assert_eq!(grade(&rules(true), line), None, "{line}");
        }
        assert_eq!(rules(true).sight(NodeId(3), 0, "won generation=5 node=n3"), None);
        assert!(!rules(true).concerns(0) && rules(true).concerns(1));
        assert_eq!(beginning(&"ä".repeat(MAX_LINE)).len(), MAX_LINE);
    }
}
