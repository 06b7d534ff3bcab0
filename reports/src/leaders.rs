//! What every node took itself for, over time.
//!
//! It shows evidence and judges nothing: who led which generation is computed by the checker
//! ([`fracas_checker::leadership::reigns`]), and whether two leaders of one generation are an
//! anomaly is for its leadership check to say.

use std::collections::BTreeMap;

use fracas_checker::event::{EventKind, Nanos, NodeId};
use fracas_checker::history::History;
use fracas_checker::observation::{Observation, Role, Source};

use crate::lives::Down;

/// For how long after a poll its answer is taken to hold on, for drawing: longer gaps stay empty.
const CARRY: Nanos = 2_000_000_000;

/// A time during which a node was seen in one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RoleSpan {
    pub(crate) from: Nanos,
    pub(crate) to: Nanos,
    pub(crate) role: Role,
    pub(crate) generation: Option<u64>,
    /// Whether the node itself told so, in one answer.
    pub(crate) proven: bool,
}

/// What every node was seen to be, in order of time; times of silence are left out, and so are those
/// in which its server was gone or stopped.
pub(crate) fn roles(
    history: &History,
    downs: &BTreeMap<NodeId, Vec<Down>>,
) -> BTreeMap<NodeId, Vec<RoleSpan>> {
    let mut nodes: BTreeMap<NodeId, Lane> = BTreeMap::new();
    for event in history.events() {
        if let EventKind::Observe(seen) = &event.kind {
            nodes.entry(seen.node).or_default().see(seen, event.time);
        }
    }
    let end = history.end();
    let whole = |(node, lane): (NodeId, Lane)| {
        let spans = lane.finish(end);
        (node, downs.get(&node).into_iter().flatten().fold(spans, without))
    };
    nodes.into_iter().map(whole).collect()
}

/// One node's role spans while they are built.
#[derive(Default)]
struct Lane {
    spans: Vec<RoleSpan>,
    incarnation: u32,
    /// Whether the newest span holds on until something else is seen: a log speaks of changes only.
    lasting: bool,
}

impl Lane {
    fn see(&mut self, seen: &Observation, time: Nanos) {
        let Some(role) = seen.role else { return };
        let fresh = RoleSpan {
            from: time,
            to: time,
            role,
            generation: seen.generation,
            proven: seen.grade.proves(),
        };
        self.carry(seen.since);
        let same_life = self.incarnation == seen.incarnation;
        match self.spans.last_mut() {
            Some(last) if same_life && last.continues(&fresh, seen.since) => last.to = time,
            _ => self.spans.push(fresh),
        }
        self.incarnation = seen.incarnation;
        self.lasting = seen.source == Source::Log;
    }

    /// Lets the newest span last until `until`, or until its evidence is too old.
    fn carry(&mut self, until: Nanos) {
        let Some(last) = self.spans.last_mut() else { return };
        let reach = if self.lasting { Nanos::MAX } else { last.to.saturating_add(CARRY) };
        last.to = until.min(reach).max(last.to);
    }

    fn finish(mut self, end: Nanos) -> Vec<RoleSpan> {
        self.carry(end);
        self.spans
    }
}

/// The spans without a time in which the server was down.
fn without(spans: Vec<RoleSpan>, down: &Down) -> Vec<RoleSpan> {
    let cut = |span: RoleSpan| {
        down.cut((span.from, span.to)).into_iter().map(move |(from, to)| RoleSpan {
            from,
            to,
            ..span
        })
    };
    spans.into_iter().flat_map(cut).collect()
}

impl RoleSpan {
    /// Whether `next`, asked at `since`, tells the same and follows without a gap.
    fn continues(&self, next: &Self, since: Nanos) -> bool {
        let same =
            (self.role, self.generation, self.proven) == (next.role, next.generation, next.proven);
        same && self.to >= since.min(next.from)
    }
}

#[cfg(test)]
mod tests {
    use fracas_checker::observation::Grade;

    use super::*;
    use crate::lives::Why;

    const MS: Nanos = 1_000_000;

    /// What one node was seen to be at some milliseconds, with its incarnation.
    fn lane(source: Source, seen: &[(Nanos, Role, u64, u32)]) -> Vec<RoleSpan> {
        let mut lane = Lane::default();
        for (ms, role, generation, incarnation) in seen {
            let observation = Observation {
                node: NodeId(1),
                incarnation: *incarnation,
                group: None,
                source,
                grade: Grade::Claim,
                since: ms * MS - MS,
                role: Some(*role),
                generation: Some(*generation),
                leader: None,
                applied: None,
                voted: None,
                entry: None,
                text: String::new(),
            };
            lane.see(&observation, ms * MS);
        }
        lane.finish(60_000 * MS)
    }

    #[track_caller]
    fn spans(lane: &[RoleSpan], expect: &[(Nanos, Nanos, Role, u64)]) {
        let found: Vec<_> = lane
            .iter()
            .map(|span| (span.from / MS, span.to / MS, span.role, span.generation.unwrap_or(0)))
            .collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn polls_that_agree_are_one_span() {
        let seen = [(100, Role::Leader, 7, 1), (600, Role::Leader, 7, 1)];
        spans(&lane(Source::Poll, &seen), &[(100, 2_600, Role::Leader, 7)]);
    }

    #[test]
    fn a_change_ends_a_span_when_the_next_answer_was_asked_for() {
        let seen = [(100, Role::Leader, 7, 1), (600, Role::Follower, 8, 1)];
        let expect = [(100, 599, Role::Leader, 7), (600, 2_600, Role::Follower, 8)];
        spans(&lane(Source::Poll, &seen), &expect);
    }

    #[test]
    fn silence_stays_empty_for_polls_and_not_for_logs() {
        let seen = [(100, Role::Leader, 7, 1), (9_000, Role::Leader, 7, 1)];
        let expect = [(100, 2_100, Role::Leader, 7), (9_000, 11_000, Role::Leader, 7)];
        spans(&lane(Source::Poll, &seen), &expect);
        spans(&lane(Source::Log, &seen), &[(100, 60_000, Role::Leader, 7)]);
    }

    #[test]
    fn no_role_outlives_its_process() {
        let seen = [(100, Role::Leader, 7, 1), (3_000, Role::Leader, 7, 2)];
        let down =
            |why| Down { from: 700 * MS, to: Some(2_500 * MS), why, fault: None, proven: true };
        let (before, after) = ((100, 700, Role::Leader, 7), (3_000, 60_000, Role::Leader, 7));
        for why in [Why::Crashed("status 74".to_owned()), Why::Ended, Why::NoPower] {
            spans(&without(lane(Source::Log, &seen), &down(why)), &[before, after]);
        }
        // A server that was only stopped goes on as what it was.
        let went_on = (2_500, 2_999, Role::Leader, 7);
        let paused = without(lane(Source::Log, &seen), &down(Why::Paused));
        spans(&paused, &[before, went_on, after]);
    }
}
