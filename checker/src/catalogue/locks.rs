//! Locks, leases and fencing tokens.

use super::class::Class;

/// A lock had two holders at once.
pub(crate) const LOCK_HELD_TWICE: &str = "lock-held-twice";
/// A release succeeded that nobody can have been the holder of.
pub(crate) const RELEASE_NOT_HELD: &str = "release-not-held";
/// Two holders believed to hold a lease at once.
pub(crate) const LEASE_OVERLAP: &str = "lease-overlap";
/// A fencing token was granted twice.
pub(crate) const TOKEN_REUSED: &str = "token-reused";
/// A later grant has a lower fencing token.
pub(crate) const TOKEN_WENT_BACK: &str = "token-went-back";
/// The guarded resource took a write with a token lower than one it had taken before.
pub(crate) const STALE_TOKEN_ACCEPTED: &str = "stale-token-accepted";

/// The classes of this family.
pub(super) const LOCKS: &[Class] = &[
    Class {
        name: LOCK_HELD_TWICE,
        meaning: "A lock was granted while it was still held. Whatever it protects was open to two \
                  clients at once. Typical cause: two leaders that each grant it on their own, or \
                  a grant that was forgotten in a restart.",
        example: "holder 1 acquires l\nholder 2 acquires l\nholder 1 gives l back",
    },
    Class {
        name: RELEASE_NOT_HELD,
        meaning: "A release succeeded although nobody, or not this holder, can have held the lock. \
                  A lock that lets others give it back protects nothing: its true holder goes on \
                  and does not know. Typical cause: a request that was carried out twice.",
        example: "holder 1 acquires l\nholder 2 gives l back, and that succeeds",
    },
    Class {
        name: LEASE_OVERLAP,
        meaning: "Two holders both had reason to believe that they held a lease, for longer than \
                  the clocks may be wrong. A holder believes so from the answer to its request \
                  until the time to live has passed since it asked, or until it gives the lease \
                  back. Typical cause: a lease that is granted anew before it has expired \
                  everywhere, as after a failover that counts its time from the start.",
        example: "holder 1 acquires l for 50 ms\n30 ms later holder 2 acquires l",
    },
    Class {
        name: TOKEN_REUSED,
        meaning: "Two grants of a lock carry the same fencing token. The guard of a resource tells \
                  an old holder from a new one by nothing else. Typical cause: a counter that is \
                  kept in memory, or by each leader.",
        example: "holder 1 acquires l with token 7\nthe lock service restarts\nholder 2 acquires l \
                  with token 7",
    },
    Class {
        name: TOKEN_WENT_BACK,
        meaning: "A grant that was asked for after another had been answered carries a lower \
                  fencing token. The guard will refuse the new holder, or take the old one for it. \
                  Typical cause: a counter that was restored from an old copy.",
        example: "holder 1 acquires l with token 7\nholder 2 acquires l with token 6",
    },
    Class {
        name: STALE_TOKEN_ACCEPTED,
        meaning: "The guarded resource accepted a write with a token lower than one that it had \
                  accepted before. That is what fencing is to prevent: a holder that was paused \
                  until its lease was gone has overwritten its successor. Typical cause: a guard \
                  that does not remember the highest token, or each copy on its own.",
        example: "write l = 1 with token 8 is accepted\nwrite l = 2 with token 7 is accepted",
    },
];
