//! What leaders do instead of waiting for the log: look at the end of their own, decide before it is
//! committed, keep things in memory. Every one is a planted bug; without it nothing here does
//! anything. [`Shortcuts`](super::state::Shortcuts) is what they remember.

use std::collections::BTreeMap;

use super::ports::Millis;
use super::state::{Core, Role};
use crate::bugs::Bug;
use crate::messages::{Answer, Command, Entry, Outcome, Query, Refusal};
use crate::objects::transactions::{self, Part};
use crate::objects::{Objects, counters, ids, mutexes, sets, versioned};

/// With [`Bug::SetAddsKeptInMemory`], for how long additions are collected.
const COLLECT_MS: Millis = 500;

impl Core {
    /// All objects as of the end of the log, committed or not, and what the last entry came to.
    pub(super) fn tip(&self) -> (Objects, Outcome) {
        let mut tip = self.objects.clone();
        let mut last = Ok(Answer::Done {});
        for Entry { command, request, .. } in self.log.tail(tip.applied() + 1, usize::MAX) {
            last = tip.apply(command, request.as_ref(), false);
        }
        (tip, last)
    }

    /// All objects after one more command.
    fn after(&self, command: &Command) -> Outcome {
        self.tip().0.apply(command, None, false)
    }

    /// What goes to the log for a command: with some planted bugs, what the leader makes of it.
    pub(super) fn resolved(&self, command: Command) -> Result<Command, Refusal> {
        Ok(match (self.config.bug, command) {
            (Some(Bug::CounterAddsAsTotal), Command::Counter { key, change }) => {
                let add = Command::Counter { key: key.clone(), change };
                let mut tip = self.tip().0;
                tip.apply(&add, None, false)?;
                let value = tip.counters.get(&key).map_or(0, counters::Counter::value);
                Command::Counter { key, change: counters::Change::Total { value } }
            }
            (
                Some(Bug::VersionComparedByLeader),
                Command::Versioned { key, change: versioned::Change::Update { expected, value } },
            ) => {
                let now = self.tip().0.versioned.get(&key).map_or(0, versioned::Versioned::version);
                if now != expected {
                    return Err(versioned::ANOTHER_VERSION);
                }
                let change = versioned::Change::Put { version: expected + 1, value };
                Command::Versioned { key, change }
            }
            (Some(Bug::ListPlacesByLeader), Command::Transaction { key, change }) => {
                let parts = self.placed(&key, change.parts());
                Command::Transaction { key, change: transactions::Change::Commit { parts } }
            }
            (Some(Bug::TransactionRunByLeader), Command::Transaction { key, change }) => {
                let whole = Command::Transaction { key: key.clone(), change: change.clone() };
                let Answer::Results { results } = self.after(&whole)? else { return Ok(whole) };
                let parts = change.parts().iter().filter(|part| !part.reads()).cloned().collect();
                Command::Transaction {
                    key,
                    change: transactions::Change::Install { parts, results },
                }
            }
            (Some(Bug::IdBlockForgottenAtRestart), Command::Ids { key, .. })
                if !self.shortcuts.blocks.contains_key(&key) && self.own_block(&key).is_none() =>
            {
                let node = self.config.id.clone();
                Command::Ids { key, change: ids::Change::Reserve { node } }
            }
            (_, command) => command,
        })
    }

    /// [`Bug::ListPlacesByLeader`]: what is appended is given a place, which is the end of the list
    /// as this leader knows it.
    fn placed<'a>(&self, space: &str, parts: &'a [Part]) -> Vec<Part> {
        let tip = self.tip().0;
        let cells = tip.spaces.get(space);
        let mut lengths: BTreeMap<&str, usize> = BTreeMap::new();
        let place = |part: &'a Part| {
            let Part::Append { key, value } = part else { return part.clone() };
            let length = || cells.map_or(0, |cells| cells.length(key));
            let at = lengths.entry(key).or_insert_with(length);
            *at += 1;
            Part::Place { key: key.clone(), value: *value, at: *at - 1 }
        };
        parts.iter().map(place).collect()
    }

    /// Whether a client is answered when its command is in the leader's own log only.
    pub(super) fn answers_early(&self, command: &Command) -> bool {
        match command {
            Command::Ids { .. } => self.bug(Bug::IdBeforeCommit),
            Command::Mutex { change: mutexes::Change::Acquire { .. }, .. } => {
                self.bug(Bug::MutexBeforeCommit)
            }
            Command::Transaction { change, .. } => {
                self.bug(Bug::TransactionReadBeforeCommit) && change.parts().iter().all(Part::reads)
            }
            _ => false,
        }
    }

    /// What a client is answered without the log.
    pub(super) fn answers_from_memory(&mut self, command: &Command) -> Option<Answer> {
        match command {
            Command::Set { change, .. } if self.bug(Bug::SetAddsKeptInMemory) => {
                self.collect_addition(command, change)
            }
            Command::Ids { key, change: ids::Change::Next }
                if self.bug(Bug::IdBlockForgottenAtRestart) =>
            {
                self.id_of_block(key)
            }
            Command::Ids { change: ids::Change::Next, .. } if self.bug(Bug::TimestampFromClock) => {
                Some(self.timestamp_of_clock())
            }
            _ => None,
        }
    }

    /// [`Bug::SetAddsKeptInMemory`]: additions go to the log all at once, after a while or when
    /// something is removed.
    fn collect_addition(&mut self, command: &Command, change: &sets::Change) -> Option<Answer> {
        if matches!(change, sets::Change::Remove { .. }) {
            self.shortcuts.additions_due = self.now;
            self.write_additions();
            return None;
        }
        if self.shortcuts.additions.is_empty() {
            self.shortcuts.additions_due = self.now + COLLECT_MS;
        }
        self.shortcuts.additions.push(command.clone());
        Some(Answer::Done {})
    }

    /// Writes the collected additions to the log, if it is time. Who does not lead has lost them.
    pub(super) fn write_additions(&mut self) {
        if !matches!(self.role, Role::Leader(_)) {
            self.shortcuts.additions.clear();
        }
        if self.now >= self.shortcuts.additions_due {
            for command in std::mem::take(&mut self.shortcuts.additions) {
                self.push(command);
            }
        }
    }

    /// What an object answers as of the end of the log, with the additions that are not there yet.
    pub(super) fn look_at_tip(&self, query: &Query) -> Answer {
        let mut tip = self.tip().0;
        for command in &self.shortcuts.additions {
            // An addition is never refused.
            let _ = tip.apply(command, None, false);
        }
        tip.look(query)
    }

    /// [`Bug::IdBlockForgottenAtRestart`]: the next id of this node's block. The log knows where the
    /// block begins; how much of it was given is known to the memory.
    fn id_of_block(&mut self, key: &str) -> Option<Answer> {
        if !self.shortcuts.blocks.contains_key(key) {
            let first = self.own_block(key)?;
            self.shortcuts.blocks.insert(key.to_owned(), first..first + ids::BLOCK);
        }
        let value = self.shortcuts.blocks.get_mut(key)?.next();
        Some(Answer::Value { value })
    }

    /// [`Bug::TimestampFromClock`]: what the clock on the wall shows, or more if that was given.
    fn timestamp_of_clock(&mut self) -> Answer {
        const MICROS: i64 = 1_000;
        let clock = i64::try_from(self.wall).unwrap_or(i64::MAX / MICROS) * MICROS;
        self.shortcuts.timestamp = clock.max(self.shortcuts.timestamp + 1);
        Answer::Value { value: Some(self.shortcuts.timestamp) }
    }

    fn own_block(&self, key: &str) -> Option<i64> {
        self.objects.ids.get(key)?.block(&self.config.id)
    }

    /// What a leader keeps in mind of what it has applied.
    pub(super) fn remember(&mut self, command: &Command, outcome: &Outcome) {
        match (command, outcome) {
            (Command::Text { key, .. }, _) => {
                self.shortcuts.texts.remove(key);
            }
            (
                Command::Ids { key, change: ids::Change::Reserve { node } },
                Ok(Answer::Value { value: Some(first) }),
            ) if *node == self.config.id => {
                self.shortcuts.blocks.insert(key.clone(), first + 1..first + ids::BLOCK);
            }
            _ => {}
        }
    }

    /// All objects as of `commit`, from the log alone.
    pub(super) fn replayed(&self) -> Objects {
        let mut objects = Objects::new(self.config.bug);
        let most = usize::try_from(self.commit).unwrap_or(usize::MAX);
        for Entry { command, request, .. } in self.log.tail(1, most) {
            // What it came to was told when it was first applied.
            let _ = objects.apply(command, request.as_ref(), false);
        }
        objects
    }
}
