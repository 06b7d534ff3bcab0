//! What is wrong with a schedule that somebody wrote, and in which line of its file. Reading it is
//! the job of [`Plan::read`].

use std::collections::BTreeSet;

use fracas_checker::event::NodeId;

use super::plan::Plan;
use super::planned::Planned;
use crate::faults::{DeclaredProcess, Kind, ProcessName, Victims};

impl Plan {
    /// The first act that can never mean anything in a cluster of these nodes, of which these
    /// processes may be hit alone: its number from 1, and why.
    #[must_use]
    pub fn mistake(
        &self,
        nodes: &[NodeId],
        processes: &[DeclaredProcess],
    ) -> Option<(usize, String)> {
        let unknown = (1..).zip(&self.planned).find_map(|(number, planned)| {
            let contradiction = || planned.act.contradiction().map(str::to_owned);
            let wrong = stranger(planned, nodes).or_else(|| not_alone(planned, processes));
            Some((number, wrong.or_else(contradiction)?))
        });
        let never = || {
            let (number, why) = self.impossible()?;
            Some((number, format!("it can never come: {why}")))
        };
        unknown.or_else(never)
    }
}

/// The node that an act names though the cluster does not have it.
fn stranger(planned: &Planned, nodes: &[NodeId]) -> Option<String> {
    let victim = match planned.act.whom {
        Victims::Node(node) => Some(node),
        _ => None,
    };
    let mut named: BTreeSet<NodeId> = victim.into_iter().collect();
    for fault in planned.pinned.iter() {
        named.extend(fault.on.named());
    }
    let node = named.into_iter().find(|node| !nodes.contains(node))?;
    let has: Vec<String> = nodes.iter().map(NodeId::to_string).collect();
    Some(format!("there is no node `{node}`: the cluster has {}", has.join(", ")))
}

/// The process that an act names though it may not be hit alone by that.
fn not_alone(planned: &Planned, processes: &[DeclaredProcess]) -> Option<String> {
    let acts = planned.pinned.iter().map(|fault| fault.does).chain([planned.act.does]);
    let may_be_hit = |name: &ProcessName, kind: Kind| {
        let declared = processes.iter().find(|process| process.name == *name);
        declared.is_some_and(|it| it.faults.iter().any(|fault| fault.word() == kind.word()))
    };
    let named = acts.filter_map(|does| Some((does.process()?, does.kind())));
    let (name, kind) = named.into_iter().find(|(name, kind)| !may_be_hit(name, *kind))?;
    let may = processes.iter().filter(|process| may_be_hit(&process.name, kind));
    let may: Vec<String> = may.map(|process| format!("`{}`", process.name)).collect();
    let expected = match may.as_slice() {
        [] => "it lets none be hit by it (`faults` of `[[node.process]]`)".to_owned(),
        some => format!("expected one of {}", some.join(", ")),
    };
    Some(format!("the target lets no process `{name}` be hit alone by a {kind}: {expected}"))
}

/// The line in which the act of this number, counted from 1, begins in the text of a schedule; none
/// if there is no such act. The text must be JSON.
#[must_use]
pub fn line_of(text: &str, act: usize) -> Option<usize> {
    let (mut depth, mut line, mut acts) = (0_usize, 1, 0);
    let (mut quoted, mut escaped) = (None, false);
    // The key that was read last at the top.
    let (mut key, mut within) = ("", false);
    for (at, byte) in text.bytes().enumerate() {
        match (quoted, byte) {
            (_, b'\n') => line += 1,
            (Some(_), _) if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(from), b'"') => {
                if depth == 1 {
                    key = &text[from..at];
                }
                quoted = None;
            }
            (Some(_), _) => {}
            (None, b'"') => quoted = Some(at + 1),
            (None, b'{' | b'[') => {
                within |= depth == 1 && key == "planned";
                depth += 1;
                if within && depth == 3 {
                    acts += 1;
                    if acts == act {
                        return Some(line);
                    }
                }
            }
            (None, b'}' | b']') => {
                depth = depth.saturating_sub(1);
                within &= depth > 1;
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use fracas_targets::Alone;

    use super::*;

    const TEXT: &str = r#"{
  "note": "{ \"planned\": [",
  "actual": [{"act": 1}],
  "schema": "fracas.schedule/2", "planned": [
    {"at_ms": 1, "lasts_ms": 9, "act": {"kind": "pause", "whom": {"node": "n2"}}},
    {"at_ms": 1, "lasts_ms": 9,
     "act": {"kind": "pause"}}, {
      "at_ms": 1, "lasts_ms": 9, "act": {"kind": "kill", "whom": "leader"}}]}"#;

    #[test]
    fn an_act_is_found_in_its_line() {
        let lines: Vec<Option<usize>> = (1..5).map(|act| line_of(TEXT, act)).collect();
        assert_eq!(lines, [Some(5), Some(6), Some(7), None]);
        assert_eq!(line_of("{", 1), None);
    }

    #[track_caller]
    fn mistake(act: &str, pinned: &str) -> Option<(usize, String)> {
        let text = format!(
            r#"{{"schema": "fracas.schedule/2", "planned": [
                {{"at_ms": 1, "lasts_ms": 9, "act": {{"kind": "kill"}}}},
                {{"at_ms": 1, "lasts_ms": 9, {pinned} "act": {act}}}]}}"#
        );
        let name = ProcessName::new("agent").unwrap();
        let agent = DeclaredProcess { name, faults: [Alone::Pause].into() };
        Plan::read(&text, false).unwrap().mistake(&[NodeId(1), NodeId(2), NodeId(3)], &[agent])
    }

    #[test]
    fn an_act_that_can_never_mean_anything_is_told() {
        let cut = |shape, victims| {
            mistake(
                &format!(r#"{{"kind": "partition", "shape": "{shape}", "whom": {victims}}}"#),
                "",
            )
        };
        let right = [
            cut("isolate-leader", r#"{"node": "n3"}"#),
            cut("isolate-leader", r#"{"hit-by": 1}"#),
            cut("isolate-leader", r#""leader""#),
            cut("isolate-one", r#""follower""#),
            cut("majority", r#""follower""#),
            mistake(r#"{"kind": "kill", "whom": {"node": "n2"}}"#, ""),
            mistake(r#"{"kind": "pause", "process": "agent"}"#, ""),
        ];
        assert_eq!(right, [const { None }; 7]);
        for (wrong, expected) in [
            (cut("isolate-leader", r#""follower""#), "takes `isolate-one`"),
            (cut("isolate-leader", r#"{"nth": 2}"#), "takes `isolate-one`"),
            (cut("isolate-one", r#""minority""#), "`whom` names one node"),
            (cut("isolate-one", r#"{"node": "n4"}"#), "no node `n4`: the cluster has n1, n2, n3"),
            (mistake(r#"{"kind": "kill", "whom": {"node": "n9"}}"#, ""), "no node `n9`"),
            (mistake(r#"{"kind": "kill", "whom": {"hit-by": 2}}"#, ""), "can never come"),
            (mistake(r#"{"kind": "pause", "process": "server"}"#, ""), "expected one of `agent`"),
            (mistake(r#"{"kind": "kill", "process": "agent"}"#, ""), "lets none be hit by it"),
            (
                mistake(
                    r#"{"kind": "kill"}"#,
                    r#""pinned": {"kind": "kill", "nodes": ["n1", "n5"]},"#,
                ),
                "no node `n5`",
            ),
        ] {
            let (number, why) = wrong.expect(expected);
            assert_eq!(number, 2, "{why}");
            assert!(why.contains(expected), "{why}");
        }
    }
}
