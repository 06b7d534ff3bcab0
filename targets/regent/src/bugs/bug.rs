//! What a planted bug is. Which there are and where is in the table.

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
    /// A swap that is handed on twice is executed twice, and answers what it found the last time.
    SwapRetryAnswersItself,
    /// A new leader adds again what was added lately.
    SetRemovalsComeBack,
    /// Additions are collected in memory before they go to the log.
    SetAddsKeptInMemory,
    /// What was handed out and not confirmed in time is handed out again.
    QueueRedeliversAfterTimeout,
    /// A leader puts back what it takes for unclaimed.
    QueueReturnsUnclaimed,
    /// An addition to a counter that is handed on twice counts twice.
    CounterRetryCountedTwice,
    /// The leader computes the sum, and the sum goes to the log.
    CounterAddsAsTotal,
    /// How much of a block of ids was given is kept in memory.
    IdBlockForgottenAtRestart,
    /// Ids are given before the log has them.
    IdBeforeCommit,
    /// Ids are taken from the clock on the wall.
    TimestampFromClock,
    /// Mutexes are freed with the session of the leader they were taken from.
    MutexReleasedWithSession,
    /// Mutexes are granted before the log has the grant.
    MutexBeforeCommit,
    /// The leader compares the versions, the log does not.
    VersionComparedByLeader,
    /// Reads of versions show what is not committed.
    VersionReadBeforeCommit,
    /// A leader's cache of texts is not emptied when it loses the lead.
    TextCacheSurvivesReign,
    /// An append to a text that is handed on twice is appended twice.
    TextRetryAppendedTwice,
    /// The leader says at which place of a list an element goes.
    ListPlacesByLeader,
    /// A node that starts skips transactions that append.
    TransactionSkippedAtReplay,
    /// The leader runs a transaction, and only its writes go to the log.
    TransactionRunByLeader,
    /// Transactions that only read are answered before they are committed.
    TransactionReadBeforeCommit,
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
    /// The workload that shows it; `any` for what does not belong to one kind of object.
    pub workload: &'static str,
    /// The kinds of fault that expose it.
    pub faults: &'static [&'static str],
}
