//! The inequalities that session guarantees ask of the version order, and whether they contradict
//! each other.
//!
//! As many inequalities as there are pairs of operations would be too many. Instead each session has
//! two *marks* that everything seen or written so far is at or below: one for what later reads must
//! not be below of, one for what later writes must not. A mark is a new node after every deed, above
//! the one before, so there are as many nodes and edges as deeds, times a small constant.

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::guarantee::SESSION;
use super::sessions::{Deed, Sessions, Version};

/// A set of session guarantees, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rules(u8);

impl Rules {
    pub(super) const READ_YOUR_WRITES: Self = Self(1);
    pub(super) const MONOTONIC_READS: Self = Self(2);
    pub(super) const MONOTONIC_WRITES: Self = Self(4);
    pub(super) const WRITES_FOLLOW_READS: Self = Self(8);

    /// One by one, in the order of [`SESSION`].
    pub(super) const ALL: [Self; 4] = [
        Self::READ_YOUR_WRITES,
        Self::MONOTONIC_READS,
        Self::MONOTONIC_WRITES,
        Self::WRITES_FOLLOW_READS,
    ];

    /// All of them together.
    pub(super) const EVERY: Self = Self(15);

    /// Every set of at least one, smaller ones first.
    pub(super) fn sets() -> impl Iterator<Item = Self> {
        let mut sets: Vec<Self> = (1..=Self::EVERY.0).map(Self).collect();
        sets.sort_by_key(|rules| (rules.count(), rules.0));
        sets.into_iter()
    }

    pub(super) fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether all of these are among `others`.
    pub(super) fn within(self, others: Self) -> bool {
        self.0 & others.0 == self.0
    }

    /// Their names with ` + ` between them.
    pub(super) fn name(self) -> String {
        let names = Self::ALL.into_iter().zip(SESSION).filter(|(rule, _)| rule.within(self));
        names.map(|(_, name)| name).collect::<Vec<_>>().join(" + ")
    }
}

/// Inequalities between versions. The first nodes are the versions; the others are marks.
pub(super) struct Inequalities {
    graph: DiGraph<(), (), u32>,
    versions: usize,
    /// Whether a version would have to come before itself.
    absurd: bool,
}

/// What a session has done so far, as nodes that later deeds must not be below of.
#[derive(Default)]
struct Marks {
    for_reads: Option<NodeIndex<u32>>,
    for_writes: Option<NodeIndex<u32>>,
}

impl Inequalities {
    /// What `rules` ask of the versions that `sessions` tell of.
    pub(super) fn of(sessions: &Sessions<'_>, rules: Rules) -> Self {
        let deeds: usize = sessions.deeds.iter().map(Vec::len).sum();
        let nodes = sessions.versions + 2 * deeds;
        let mut all = Self {
            graph: DiGraph::with_capacity(nodes, 3 * nodes),
            versions: sessions.versions,
            absurd: false,
        };
        for _ in 0..sessions.versions {
            all.graph.add_node(());
        }
        (1..sessions.versions).for_each(|version| all.at_most(0, version));
        sessions.replaced.iter().for_each(|(old, new)| all.at_most(*old, *new));
        for session in &sessions.deeds {
            all.session(session, rules);
        }
        all.absurd |= rules.is_absurd(sessions);
        all
    }

    fn at_most(&mut self, low: Version, high: Version) {
        self.graph.add_edge(NodeIndex::new(low), NodeIndex::new(high), ());
    }

    fn session(&mut self, deeds: &[Deed], rules: Rules) {
        let has = |rule: Rules| rule.within(rules);
        let mut marks = Marks::default();
        for deed in deeds {
            match deed {
                Deed::Saw(version) => {
                    self.above(*version, marks.for_reads);
                    if has(Rules::MONOTONIC_READS) {
                        self.raise(&mut marks.for_reads, *version);
                    }
                    if has(Rules::WRITES_FOLLOW_READS) {
                        self.raise(&mut marks.for_writes, *version);
                    }
                }
                Deed::Wrote(version) => {
                    self.above(*version, marks.for_writes);
                    if has(Rules::READ_YOUR_WRITES) {
                        self.raise(&mut marks.for_reads, *version);
                    }
                    if has(Rules::MONOTONIC_WRITES) {
                        self.raise(&mut marks.for_writes, *version);
                    }
                }
                Deed::MayHaveWritten(version) => self.above(*version, marks.for_writes),
            }
        }
    }

    /// `version` must not be below `mark`.
    fn above(&mut self, version: Version, mark: Option<NodeIndex<u32>>) {
        if let Some(mark) = mark {
            self.graph.add_edge(mark, NodeIndex::new(version), ());
        }
    }

    /// A new mark, neither below the old one nor below `version`.
    fn raise(&mut self, mark: &mut Option<NodeIndex<u32>>, version: Version) {
        let raised = self.graph.add_node(());
        for below in mark.iter().copied().chain([NodeIndex::new(version)]) {
            self.graph.add_edge(below, raised, ());
        }
        *mark = Some(raised);
    }

    /// Whether no order satisfies them all: some version would be at most another one, and the
    /// other way round. Marks between them do not matter, and a circle through one version and
    /// its marks only says that it is at most itself.
    pub(super) fn contradict(&self) -> bool {
        self.absurd || !self.circling().is_empty()
    }

    /// The versions that would be at most another one, and the other way round.
    pub(super) fn circling(&self) -> Vec<Version> {
        let mut found = Vec::new();
        for circle in kosaraju_scc(&self.graph) {
            let before = found.len();
            found.extend(
                circle.iter().map(|node| node.index()).filter(|index| *index < self.versions),
            );
            if found.len() < before + 2 {
                found.truncate(before);
            }
        }
        found.sort_unstable();
        found
    }
}

impl Rules {
    /// Whether a session saw a version before it asked to write it: the one inequality that a
    /// version and itself cannot satisfy.
    pub(super) fn is_absurd(self, sessions: &Sessions<'_>) -> bool {
        Self::WRITES_FOLLOW_READS.within(self) && saw_the_future(sessions)
    }
}

/// Whether a session saw a version that only it wrote, and later.
pub(super) fn saw_the_future(sessions: &Sessions<'_>) -> bool {
    let mut seen_by = vec![usize::MAX; sessions.versions];
    let mut future = false;
    for (session, deeds) in sessions.deeds.iter().enumerate() {
        for deed in deeds {
            match deed {
                Deed::Saw(version) => seen_by[*version] = session,
                Deed::Wrote(version) | Deed::MayHaveWritten(version) => {
                    future |= seen_by[*version] == session;
                }
            }
        }
    }
    future
}
