//! The planted bugs: mistakes that engineers make when they build a generation clock. One table
//! tells of all of them; each is planted where the mistake would be made, as `self.bug(Bug::…)`.
//!
//! Without `--bug` none of them is in effect.

use std::fmt;

/// A planted bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bug {
    /// The generation and the vote are kept in memory only.
    GenerationNotPersisted,
    /// The generation is kept on disk, the vote is not.
    VoteNotPersisted,
    /// A candidate campaigns in the present generation.
    GenerationReused,
    /// A leader adopts a higher generation and goes on leading.
    NoStepDown,
    /// Append requests of an older generation are accepted.
    AcceptsStaleLeader,
    /// A write is acknowledged once the leader has it.
    AckBeforeQuorum,
    /// Any node answers reads.
    FollowerServesReads,
    /// The leader answers reads without asking whether it still leads.
    LeaderReadsUnconfirmed,
    /// Votes go to candidates whose log lacks entries.
    ElectionIgnoresLog,
    /// Half of the nodes are taken for a majority.
    MinorityQuorum,
}

/// One row of the table of planted bugs.
#[derive(Debug, Clone, Copy)]
pub struct BugInfo {
    /// The bug.
    pub bug: Bug,
    /// Its name on the command line.
    pub name: &'static str,
    /// The pitfall it stands for.
    pub pitfall: &'static str,
    /// Where it is planted.
    pub place: &'static str,
    /// The kinds of fault that expose it.
    pub faults: &'static [&'static str],
}

/// Every planted bug.
pub const BUGS: [BugInfo; 10] = [
    BugInfo {
        bug: Bug::GenerationNotPersisted,
        name: "generation-not-persisted",
        pitfall: "the generation lives in memory only, so a restarted node goes back in time",
        place: "core.rs: Core::take_ballot",
        faults: &["kill"],
    },
    BugInfo {
        bug: Bug::VoteNotPersisted,
        name: "vote-not-persisted",
        pitfall: "the generation is durable but the vote is not: a restarted voter votes again",
        place: "core.rs: Core::take_ballot",
        faults: &["partition", "kill"],
    },
    BugInfo {
        bug: Bug::GenerationReused,
        name: "generation-reused",
        pitfall: "a candidate campaigns in the present generation, and votes lapse with the leader",
        place: "core/election.rs: Core::campaign, Core::on_vote",
        faults: &["partition", "pause", "kill"],
    },
    BugInfo {
        bug: Bug::NoStepDown,
        name: "no-step-down",
        pitfall: "a leader that learns of a higher generation adopts the number and goes on leading",
        place: "core.rs: Core::observe",
        faults: &["partition", "pause"],
    },
    BugInfo {
        bug: Bug::AcceptsStaleLeader,
        name: "accepts-stale-leader",
        pitfall: "the generation of an append request is not checked: a leader of the past overwrites",
        place: "core/replication.rs: Core::on_append",
        faults: &["pause"],
    },
    BugInfo {
        bug: Bug::AckBeforeQuorum,
        name: "ack-before-quorum",
        pitfall: "a write is acknowledged after the local append, before a majority has it",
        place: "core/replication.rs: Core::advance_commit",
        faults: &["partition", "pause", "kill"],
    },
    BugInfo {
        bug: Bug::FollowerServesReads,
        name: "follower-serves-reads",
        pitfall: "a follower answers reads from its own state, however old",
        place: "core/clients.rs: Core::read",
        faults: &["partition", "pause"],
    },
    BugInfo {
        bug: Bug::LeaderReadsUnconfirmed,
        name: "leader-reads-unconfirmed",
        pitfall: "the leader answers reads without asking a majority whether it still leads",
        place: "core/clients.rs: Core::read",
        faults: &["partition", "pause"],
    },
    BugInfo {
        bug: Bug::ElectionIgnoresLog,
        name: "election-ignores-log",
        pitfall: "voters do not compare logs: a node that missed writes leads, and they are lost",
        place: "core/election.rs: Core::on_vote",
        faults: &["partition", "pause", "kill"],
    },
    BugInfo {
        bug: Bug::MinorityQuorum,
        name: "minority-quorum",
        pitfall: "the quorum is n/2 instead of n/2+1: two disjoint quorums exist",
        place: "core.rs: Core::quorum",
        faults: &["partition", "pause", "kill"],
    },
];

impl Bug {
    /// The bug called `name` on the command line.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        BUGS.iter().find(|row| row.name == name).map(|row| row.bug)
    }
}

/// The table as text, for `--list-bugs`.
#[must_use]
pub fn table() -> String {
    BUGS.iter().map(|row| format!("{row}\n")).collect()
}

impl fmt::Display for BugInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.name)?;
        writeln!(f, "    pitfall  {}", self.pitfall)?;
        writeln!(f, "    planted  {}", self.place)?;
        write!(f, "    exposed  {}", self.faults.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_row() {
        for row in BUGS {
            assert_eq!(Bug::named(row.name), Some(row.bug));
        }
        assert_eq!(Bug::named("none"), None);
    }

    #[test]
    fn every_row_names_known_faults() {
        for row in BUGS {
            assert!(!row.faults.is_empty(), "{}", row.name);
            for fault in row.faults {
                assert!(["partition", "pause", "kill"].contains(fault), "{}: {fault}", row.name);
            }
        }
    }
}
