//! The table of operations: every operation and its answers, declared once.
//!
//! Nothing else lists operations by hand. What an operation means for an object is said by the
//! models, and who asks for it by the workloads.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::effect::Effect;
use super::field::{Argument, Field};
use super::macros::operations;
use super::told::{Tells, Told};
use crate::identity::{Nanos, NodeId};
use crate::text::Key;
use crate::transaction::Micro;
use crate::value::Value;
use crate::words::{listed, or_nothing};

operations! {
    /// Read the register or counter `key`.
    Read "read" looks, on(key) {
        /// Which one.
        key: Key,
    }
    shows ("read {key}")
    answers {
        /// The value; `None` where it was never written.
        Read {
            /// What was read.
            value: Option<Value>,
        } sees(value) tells ("{}", or_nothing(value)),
    }

    /// Set the register `key` to `value`.
    Write "write" changes, on(key) sets(value) read_by(Read)
    {
        /// Which register.
        key: Key,
        /// Its new value.
        value: Value,
    }
    shows ("write {key} = {value}")
    answers {
        /// The value was written.
        Write,
    }

    /// Set the register `key` to `new` if it holds `old`, atomically.
    Cas "cas" changes, on(key) refused_if(differs) sets(new) read_by(Read)
    {
        /// Which register.
        key: Key,
        /// The value it must hold.
        old: Value,
        /// Its new value.
        new: Value,
    }
    shows ("cas {key} from {old} to {new}")
    answers {
        /// The register held the old value and now holds the new one.
        Cas found(old),
        /// The register held `value` and not the old one, so nothing was changed.
        CasFound {
            /// What it held; `None` where it was never written.
            value: Option<Value>,
        } changes nothing sees(value) tells ("no, {}", or_nothing(value)),
        /// The register did not hold the old value, so nothing was changed; what it held was not
        /// told.
        CasDiffers changes nothing tells ("no, another"),
    }

    /// Set the register `key` to `value`, and tell what it held, atomically.
    Swap "swap" changes, on(key) sets(value) read_by(Read)
    {
        /// Which register.
        key: Key,
        /// Its new value.
        value: Value,
    }
    shows ("swap {key} for {value}")
    answers {
        /// The register holds the new value, and this is the one it held before; `None` where it was
        /// never written.
        Swap {
            /// What it held.
            value: Option<Value>,
        } sees(value) tells ("{}", or_nothing(value)),
    }

    /// Append the text `value` to what `key` holds.
    Append "append" changes, on(key) adds(value) read_by(Read)
    {
        /// Which entry of the store.
        key: Key,
        /// What is put at its end.
        value: Value,
    }
    shows ("append {value} to {key}")
    answers {
        /// The text was appended.
        Append,
    }

    /// Put `value` into the set `key`.
    Add "add" changes, on(key) adds(value) read_by(Contains, ReadAll)
    {
        /// Which set.
        key: Key,
        /// The element.
        value: Value,
    }
    shows ("add {value} to {key}")
    answers {
        /// The element is in the set.
        Add,
    }

    /// Take `value` out of the set `key`.
    Remove "remove" changes, on(key) read_by(Contains, ReadAll)
    {
        /// Which set.
        key: Key,
        /// The element.
        value: Value,
    }
    shows ("remove {value} from {key}")
    answers {
        /// The element is not in the set.
        Remove,
    }

    /// Ask whether the set `key` contains `value`.
    Contains "contains" looks, on(key) {
        /// Which set.
        key: Key,
        /// The element.
        value: Value,
    }
    shows ("ask whether {key} contains {value}")
    answers {
        /// Whether the set contains the element.
        Contains {
            /// The answer.
            present: bool,
        } tells ("{}", if *present { "yes" } else { "no" }),
    }

    /// Read every element of the set `key` at once.
    ReadAll "read-all" looks, on(key) {
        /// Which set.
        key: Key,
    }
    shows ("read all of {key}")
    answers {
        /// Every element of the set, in any order.
        ReadAll {
            /// What was read.
            values: Arc<[Value]>,
        } tells ("{{{}}}", listed(values, " ")),
    }

    /// Put `value` at the end of the queue `key`.
    Enqueue "enqueue" changes, on(key) adds(value) read_by(Dequeue)
    {
        /// Which queue.
        key: Key,
        /// The element.
        value: Value,
    }
    shows ("enqueue {value} to {key}")
    answers {
        /// The element was put at the end.
        Enqueue,
    }

    /// Take one element out of the queue `key`.
    Dequeue "dequeue" changes, on(key) {
        /// Which queue.
        key: Key,
    }
    shows ("dequeue from {key}")
    answers {
        /// The element that was taken; `None` where the queue was empty.
        Dequeue {
            /// What was taken.
            value: Option<Value>,
        } sees(value) tells ("{}", or_nothing(value)),
    }

    /// Take the lock or lease `key`.
    Acquire "acquire" changes, on(key) refused_if(held) {
        /// Which lock.
        key: Key,
        /// Who asks: the client as the lock service knows it.
        holder: u64,
        /// For how long, where it is a lease: nanoseconds from when it is granted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ttl: Option<Nanos>,
    }
    shows ("acquire {key} for {holder}")
    answers {
        /// The lock was granted.
        Acquire {
            /// Its fencing token, where the lock has one.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            token: Option<u64>,
        } tells ("{}", token.map(|token| format!("token {token}")).unwrap_or_default()),
    }

    /// Extend the lease `key` by its time to live from now.
    Renew "renew" changes, on(key) refused_if(lost) {
        /// Which lease.
        key: Key,
        /// Who holds it.
        holder: u64,
        /// For how long: nanoseconds from when it is granted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ttl: Option<Nanos>,
    }
    shows ("renew {key} for {holder}")
    answers {
        /// The lease was extended.
        Renew,
    }

    /// Give the lock or lease `key` back.
    Release "release" changes, on(key) refused_if(lost) {
        /// Which lock.
        key: Key,
        /// Who held it.
        holder: u64,
    }
    shows ("release {key} by {holder}")
    answers {
        /// The lock was given back.
        Release,
    }

    /// Write `value` to the resource `key` that is guarded by the lock of the same name, showing
    /// the fencing token of the grant.
    GuardedWrite "guarded-write" changes, on(key) refused_if(stale) sets(value) read_by(Read)
    {
        /// Which resource.
        key: Key,
        /// The token of the grant.
        token: u64,
        /// Its new value.
        value: Value,
    }
    shows ("write {key} = {value} with token {token}")
    answers {
        /// The guard accepted the token, and the value was written.
        GuardedWrite,
    }

    /// Add `by` to the counter `key`; negative numbers count down.
    Increment "increment" changes, on(key) read_by(Read)
    {
        /// Which counter.
        key: Key,
        /// How much.
        by: i64,
    }
    shows ("increment {key} by {by}")
    answers {
        /// It was counted.
        Increment,
    }

    /// Ask the generator `key` for an id that nobody else ever gets.
    Generate "generate" changes, on(key) {
        /// Which generator.
        key: Key,
    }
    shows ("generate an id from {key}")
    answers {
        /// An id.
        Generate {
            /// The id.
            value: Value,
        } tells ("{value}"),
    }

    /// Read the configuration `key` with its generation.
    ReadVersion "read-version" looks, on(key) {
        /// Which configuration.
        key: Key,
    }
    shows ("read {key} with its generation")
    answers {
        /// The configuration and its generation.
        ReadVersion {
            /// The generation; 0 where it was never set.
            generation: u64,
            /// The content; `None` where it was never set.
            value: Option<Value>,
        } sees(value) tells ("{} of generation {generation}", or_nothing(value)),
    }

    /// Replace the configuration `key` if its generation is still `expected` (optimistic update).
    Update "update" changes, on(key) refused_if(newer) sets(value) read_by(ReadVersion)
    {
        /// Which configuration.
        key: Key,
        /// The generation it must have; 0 where it was never set.
        expected: u64,
        /// Its new content.
        value: Value,
    }
    shows ("update {key} = {value} from generation {expected}")
    answers {
        /// The configuration was replaced.
        Update {
            /// Its new generation.
            generation: u64,
        } tells ("generation {generation}"),
    }

    /// Run several reads and writes as one transaction.
    Txn "txn" changes, on() {
        /// What it does, in order. Reads are not answered yet.
        ops: Arc<[Micro]>,
    }
    shows ("transaction [{}]", listed(ops, ", "))
    answers {
        /// The transaction was committed.
        Txn {
            /// What it did, its reads answered.
            ops: Arc<[Micro]>,
        } tells ("{}", listed(ops, ", ")),
    }

    /// `node` claims to lead `generation`. No client asks this: the leadership check derives it
    /// from observations, so that the linearizability search can judge it as an operation.
    Claim "claim" derived, on() {
        /// The generation that is claimed.
        generation: u64,
        /// Who claims it.
        node: NodeId,
    }
    shows ("{node} claims generation {generation}")
    answers {
        /// The claim was seen.
        Claim,
    }
}
