//! The planted bugs: mistakes that engineers make when they build a generation clock, locks and
//! leases, or trust a disk. One table describes all of them; each is planted where the mistake would
//! be made, as `self.bug(Bug::…)`.
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
    /// Half of the nodes count as a majority.
    MinorityQuorum,
    /// Leases end by the clock on the wall.
    LeaseByWallClock,
    /// Elections and heartbeats are timed by the clock on the wall.
    TimeoutByWallClock,
    /// The leader answers reads until its lease ends, measured by the wall clock.
    LeaderLeaseRead,
    /// The log is synced now and then only.
    AckBeforeFsync,
    /// The directory is not synced after the ballot was replaced.
    RenameWithoutDirectoryFsync,
    /// A failed fsync is treated as a success.
    IgnoresFsyncError,
    /// A full disk is assumed to be impossible.
    PanicsOnFullDisk,
    /// Fencing tokens are counted in memory.
    TokenResetOnRestart,
    /// Fencing tokens are granted, and the register does not check them.
    LockWithoutFencing,
    /// Entries that come a second time are put into the log a second time.
    ReordersOnDuplicate,
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
pub const BUGS: [BugInfo; 20] = [
    BugInfo {
        bug: Bug::GenerationNotPersisted,
        name: "generation-not-persisted",
        pitfall: "the generation is kept in memory only: a restarted node begins with an old one",
        place: "core.rs: Core::take_ballot",
        faults: &["kill"],
    },
    BugInfo {
        bug: Bug::VoteNotPersisted,
        name: "vote-not-persisted",
        pitfall: "the generation is durable but the vote is not: a restarted voter can vote a second time",
        place: "core.rs: Core::take_ballot",
        faults: &["partition", "kill"],
    },
    BugInfo {
        bug: Bug::GenerationReused,
        name: "generation-reused",
        pitfall: "a candidate does not raise the generation, and votes are forgotten when the leader is lost",
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
        pitfall: "the generation of an append request is not checked: a deposed leader overwrites entries",
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
        pitfall: "voters do not compare logs: a node that missed writes becomes leader, and they are lost",
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
    BugInfo {
        bug: Bug::LeaseByWallClock,
        name: "lease-by-wall-clock",
        pitfall: "leases end by the wall clock: if it is set forward, a lease ends while it is held",
        place: "core/leases.rs: Core::end_leases",
        faults: &["clock"],
    },
    BugInfo {
        bug: Bug::TimeoutByWallClock,
        name: "timeout-by-wall-clock",
        pitfall: "time-outs go by the wall clock: if it is set back, a leader without a majority goes on",
        place: "core.rs: Core::timer",
        faults: &["clock", "partition"],
    },
    BugInfo {
        bug: Bug::LeaderLeaseRead,
        name: "leader-lease-read",
        pitfall: "the leader answers reads until its lease ends by the wall clock, with no margin for error",
        place: "core/clients.rs: Core::believes_to_lead",
        faults: &["pause", "clock", "partition"],
    },
    BugInfo {
        bug: Bug::AckBeforeFsync,
        name: "ack-before-fsync",
        pitfall: "the log is written at once but seldom synced: a power failure loses acknowledged writes",
        place: "store.rs: Store::save_splice",
        faults: &["power"],
    },
    BugInfo {
        bug: Bug::RenameWithoutDirectoryFsync,
        name: "rename-without-directory-fsync",
        pitfall: "the file of generation and vote is renamed, its directory not synced: the old file may return",
        place: "store.rs: Store::replace",
        faults: &["power"],
    },
    BugInfo {
        bug: Bug::IgnoresFsyncError,
        name: "ignores-fsync-error",
        pitfall: "a failed fsync is only logged, and the server goes on although the data may be lost",
        place: "store.rs: Store::sync",
        faults: &["disk", "power"],
    },
    BugInfo {
        bug: Bug::PanicsOnFullDisk,
        name: "panics-on-full-disk",
        pitfall: "the server assumes that writes to the log succeed: a full disk ends the process",
        place: "store.rs: Store::save_splice",
        faults: &["disk"],
    },
    BugInfo {
        bug: Bug::TokenResetOnRestart,
        name: "token-reset-on-restart",
        pitfall: "the fencing token is a counter in memory: after a restart old tokens are granted again",
        place: "core/clients.rs: Core::token_of",
        faults: &["kill"],
    },
    BugInfo {
        bug: Bug::LockWithoutFencing,
        name: "lock-without-fencing",
        pitfall: "the register does not check fencing tokens: a late write of an old holder is accepted",
        place: "registers.rs: Registers::apply",
        faults: &["pause"],
    },
    BugInfo {
        bug: Bug::ReordersOnDuplicate,
        name: "reorders-on-duplicate",
        pitfall: "an append request that is repeated after a time-out is appended a second time",
        place: "core/replication.rs: Core::append_again",
        faults: &["slow", "loss", "pause", "partition"],
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

    const FAULTS: [&str; 8] =
        ["partition", "pause", "kill", "power", "clock", "slow", "loss", "disk"];

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
                assert!(FAULTS.contains(fault), "{}: {fault}", row.name);
            }
        }
    }
}
