//! [`Bug::QueueRedeliversAfterTimeout`], and nothing but: the leader confirms from time to time what
//! it handed out of queues, and what was not confirmed in time it hands out again. The confirmations
//! that have not reached the log are lost with the leader; then elements that clients were given
//! return.

use std::collections::BTreeMap;

use super::ports::Millis;
use super::state::{Core, Role};
use crate::bugs::Bug;
use crate::messages::{Command, Index};
use crate::objects::queues;

/// How often what was handed out is confirmed.
const CONFIRM_MS: Millis = 500;
/// After how long without confirmation it is handed out again.
const REDELIVER_MS: Millis = 1_000;

impl Core {
    /// A client is told what the command at `index` came to.
    pub(super) fn delivered(&mut self, index: Index, command: &Command) {
        if let Command::Queue { key, change: queues::Change::Dequeue } = command
            && self.bug(Bug::QueueRedeliversAfterTimeout)
        {
            self.shortcuts.confirmed.entry(key.clone()).or_default().push(index);
        }
    }

    /// Confirms and takes back what is due.
    pub(super) fn redeliver(&mut self) {
        if !self.bug(Bug::QueueRedeliversAfterTimeout) || !matches!(self.role, Role::Leader(_)) {
            self.shortcuts.deliveries.clear();
            self.shortcuts.confirmed.clear();
            return;
        }
        let now = self.now;
        if now >= self.shortcuts.confirmed_due {
            self.shortcuts.confirmed_due = now + CONFIRM_MS;
            for (key, taken) in std::mem::take(&mut self.shortcuts.confirmed) {
                self.push(Command::Queue { key, change: queues::Change::Confirm { taken } });
            }
        }
        let mut known = BTreeMap::new();
        for (key, queue) in &self.objects.queues {
            for index in queue.unconfirmed() {
                let place = (key.clone(), index);
                let since = self.shortcuts.deliveries.get(&place).copied().unwrap_or(now);
                known.insert(place, since);
            }
        }
        self.shortcuts.deliveries = known;
        self.take_back(now);
    }

    fn take_back(&mut self, now: Millis) {
        let late = |since: &Millis| now.saturating_sub(*since) >= REDELIVER_MS;
        let deliveries = self.shortcuts.deliveries.iter_mut().filter(|(_, since)| late(since));
        let mut returns = Vec::new();
        for ((key, taken), since) in deliveries {
            *since = Millis::MAX; // once is enough
            let change = queues::Change::Return { taken: *taken };
            returns.push(Command::Queue { key: key.clone(), change });
        }
        for command in returns {
            self.push(command);
        }
    }
}
