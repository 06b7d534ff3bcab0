//! What clients are told, and when. A reply is a promise: a write is acknowledged when it is
//! committed, a read is answered when a majority has confirmed, after the read arrived, that this
//! node still led.

use super::ports::Token;
use super::state::{Core, Read, Role};
use crate::bugs::Bug;
use crate::messages::{Ask, Command, FencingToken, Index, NodeId, ReignId, Reply};
use crate::registers::Applied;

/// How many clients may wait for a leader at a time.
const MAX_WAITING: usize = 4096;

impl Core {
    /// A client asks.
    pub(super) fn on_client(&mut self, token: Token, ask: Ask) {
        if let Role::Leader(reign) = &self.role
            && reign.reads.len() + reign.writes.len() >= MAX_WAITING
        {
            return self.reply(token, Reply::Unknown { generation: self.generation });
        }
        match ask {
            Ask::Read { key } => self.read(token, key),
            Ask::Write(command) => self.write(token, command),
        }
    }

    fn read(&mut self, token: Token, key: String) {
        let leads = matches!(self.role, Role::Leader(_));
        if (leads && self.bug(Bug::LeaderReadsUnconfirmed))
            || (leads && self.bug(Bug::LeaderLeaseRead) && self.believes_to_lead())
            || (!leads && self.bug(Bug::FollowerServesReads))
        {
            return self.answer_read(token, &key);
        }
        let Role::Leader(reign) = &mut self.role else { return self.refuse(token) };
        let round = reign.round + 1;
        reign.reads.push_back(Read { token, key, round });
    }

    fn write(&mut self, token: Token, command: Command) {
        if !matches!(self.role, Role::Leader(_)) {
            return self.refuse(token);
        }
        let index = self.push(command);
        if let Role::Leader(reign) = &mut self.role {
            reign.writes.insert(index, token);
        }
    }

    fn refuse(&mut self, token: Token) {
        let (leader, generation) = (self.leader.clone(), self.generation);
        self.reply(token, Reply::NotLeader { leader, generation });
    }

    /// Begins a round of confirmation for new reads, and answers those that a majority confirmed.
    ///
    /// The registers must also hold all that was ever acknowledged. A new leader has every such
    /// entry in its log, but learns which of them are committed only with its own first entry.
    /// Counterexample: an old leader acknowledges a write and dies before anyone hears of the
    /// commit; without this check the new leader answers with the value from before.
    pub(super) fn serve_reads(&mut self) {
        let quorum = self.quorum();
        let settled = self.log.generation_at(self.commit) == Some(self.generation);
        let Role::Leader(reign) = &mut self.role else { return };
        if reign.reads.back().is_some_and(|read| read.round > reign.round) {
            reign.begin_round();
        }
        let confirmed = if settled { reign.confirmed_round(quorum) } else { 0 };
        let count = reign.reads.iter().take_while(|read| read.round <= confirmed).count();
        let ready: Vec<Read> = reign.reads.drain(..count).collect();
        for read in ready {
            self.answer_read(read.token, &read.key);
        }
    }

    fn answer_read(&mut self, token: Token, key: &str) {
        let value = self.registers.get(key);
        // Who answers, whether it leads or not: a follower does not speak for its leader.
        let by = ReignId { generation: self.generation, node: self.config.id.clone() };
        self.reply(token, Reply::Value { value, by });
    }

    /// Applies what is committed, and tells those who wait for it.
    pub(super) fn apply(&mut self) {
        while self.registers.applied() < self.commit {
            let index = self.registers.applied() + 1;
            let entry = self.log.get(index).expect("committed entries are in the log");
            let applied = self.registers.apply(&entry.command);
            let granted = self.token_of(index, applied);
            let Role::Leader(reign) = &mut self.role else { continue };
            let Some(token) = reign.writes.remove(&index) else { continue };
            let reign = self.reign();
            self.reply(
                token,
                match applied {
                    Applied::Swapped(swapped) => Reply::Swapped { swapped, reign },
                    Applied::Written | Applied::Nothing => Reply::Written { index, reign },
                    Applied::Granted => Reply::Granted { token: granted, reign },
                    Applied::Refused(why) => Reply::Refused { why, reign },
                },
            );
        }
    }

    /// What shows a grant: its place in the log, which no other grant has and no later one is
    /// below. A planted bug counts grants instead, and begins anew with every start.
    fn token_of(&mut self, index: Index, applied: Applied) -> FencingToken {
        if applied == Applied::Granted && index > self.found {
            self.grants += 1;
        }
        if self.bug(Bug::TokenResetOnRestart) { self.grants } else { index }
    }

    /// Whether a majority was heard of within an election timeout, by the clock on the wall: then
    /// nobody else can have been elected, or so a planted bug believes. But the clock may have been
    /// set back, the majority may have answered long before it was heard, and this node may have
    /// been stopped since.
    fn believes_to_lead(&self) -> bool {
        let settled = self.log.generation_at(self.commit) == Some(self.generation);
        let Role::Leader(reign) = &self.role else { return false };
        let heard = reign.heard_by_wall(self.wall, self.quorum());
        settled && self.wall < heard + self.config.election_ms
    }

    /// The reign as this node knows it: its own generation, and its leader.
    fn reign(&self) -> ReignId {
        let node: NodeId = self.leader.clone().unwrap_or_else(|| self.config.id.clone());
        ReignId { generation: self.generation, node }
    }
}
