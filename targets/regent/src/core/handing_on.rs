//! What becomes of clients' changes when the leader changes. The node that they were asked of
//! still has them, and its clients still wait. It hands them on to the new leader, again and again,
//! until they come back to it in its log, or it is too late.
//!
//! So a change may be in the log more than once: the old leader had copied it to the new one, or
//! the new leader was told twice. Every copy has the same number, and only the first counts (see
//! `objects::requests`). Counterexample to doing without: an old leader copies an increment to a
//! majority and is deposed before it knows; it hands the increment on, and the counter is two higher.

use super::ports::{Millis, Token};
use super::state::{Core, Role, Waiting};
use crate::messages::{
    Command, Reply, Request, RequestId, Response, SubmitRequest, SubmitResponse,
};

/// How long a client waits for a change at most.
const PATIENCE_MS: Millis = 2_000;
/// How many changes are handed on at a time.
const MAX_COMMANDS: usize = 512;

impl Core {
    /// Numbers a client's change, and remembers that the client waits.
    pub(super) fn await_outcome(&mut self, token: Token, command: Command) -> RequestId {
        self.numbered += 1;
        let due = self.now + PATIENCE_MS;
        self.waiting.insert(self.numbered, Waiting { token, command, due });
        self.request(self.numbered)
    }

    fn request(&self, number: u64) -> RequestId {
        let floor = self.waiting.keys().next().copied().unwrap_or(number);
        RequestId { session: self.session, number, floor }
    }

    /// The lead is lost: clients do not wait for longer than it takes to elect another leader.
    pub(super) fn hurry(&mut self) {
        let soon = self.now + 2 * self.config.election_ms;
        for waiting in self.waiting.values_mut() {
            waiting.due = waiting.due.min(soon);
        }
    }

    /// How long until something is due here.
    pub(super) fn next_hand_on(&self) -> Millis {
        let due = self.waiting.values().map(|waiting| waiting.due).min();
        let hands_on = !matches!(self.role, Role::Leader(_)) && self.leader.is_some();
        let next = due.map(|due| if hands_on { due.min(self.hand_on_at) } else { due });
        next.map_or(Millis::MAX, |next| next.saturating_sub(self.now))
    }

    /// Gives up what took too long, and hands the rest on if another node leads.
    pub(super) fn hand_on(&mut self) {
        let late = |waiting: &Waiting| waiting.due <= self.now;
        let late: Vec<u64> =
            self.waiting.iter().filter(|(_, w)| late(w)).map(|(number, _)| *number).collect();
        for number in late {
            if let Some(Waiting { token, .. }) = self.waiting.remove(&number) {
                self.reply(token, Reply::Unknown { generation: self.generation });
            }
        }
        let Some(leader) = self.leader.clone().filter(|leader| *leader != self.config.id) else {
            return;
        };
        if self.waiting.is_empty() || self.now < self.hand_on_at {
            return;
        }
        self.hand_on_at = self.now + self.config.heartbeat_ms / 2;
        let commands = self.waited_for(MAX_COMMANDS);
        let (generation, from) = (self.generation, self.config.id.clone());
        self.send(leader, Request::Submit(SubmitRequest { generation, from, commands }));
    }

    /// What clients of this node wait for, the oldest first.
    fn waited_for(&self, most: usize) -> Vec<(RequestId, Command)> {
        let waiting = self.waiting.iter().take(most);
        waiting.map(|(number, waiting)| (self.request(*number), waiting.command.clone())).collect()
    }

    /// This node has come to lead: what its clients still wait for goes into its own log.
    pub(super) fn take_over(&mut self) {
        for (request, command) in self.waited_for(usize::MAX) {
            self.push_for(request, command);
        }
    }

    /// Another node hands on what its clients wait for.
    pub(super) fn on_submit(&mut self, token: Token, request: SubmitRequest) {
        let leads = matches!(self.role, Role::Leader(_));
        let taken = leads && request.generation == self.generation;
        if taken {
            for (request, command) in request.commands {
                self.push_for(request, command);
            }
        }
        let response = SubmitResponse { generation: self.generation, taken };
        self.answer(token, Response::Submit(response));
    }
}
