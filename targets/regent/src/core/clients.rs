//! What clients are told, and when. A reply is a promise: a write is acknowledged when it is
//! committed, a read is answered when a majority has confirmed, after the read arrived, that this
//! node still led.

use super::ports::Token;
use super::state::{Core, Read, Role};
use crate::bugs::Bug;
use crate::messages::{
    Answer, Ask, Command, Entry, Index, NodeId, Outcome, Query, Refusal, ReignId, Reply,
};
use crate::objects::{queues, registers};

/// How many clients may wait for a leader at a time.
const MAX_WAITING: usize = 4096;

impl Core {
    /// A client asks.
    pub(super) fn on_client(&mut self, token: Token, ask: Ask) {
        if let Role::Leader(reign) = &self.role
            && reign.reads.len() + self.waiting.len() >= MAX_WAITING
        {
            return self.reply(token, Reply::Unknown { generation: self.generation });
        }
        match ask {
            Ask::Read(query) => self.read(token, query),
            Ask::Write(command) => self.write(token, command),
        }
    }

    fn read(&mut self, token: Token, query: Query) {
        let leads = matches!(self.role, Role::Leader(_));
        if (leads && self.bug(Bug::LeaderReadsUnconfirmed))
            || (leads && self.bug(Bug::LeaderLeaseRead) && self.believes_to_lead())
            || (!leads && self.bug(Bug::FollowerServesReads))
        {
            return self.answer_read(token, &query);
        }
        let versioned = matches!(query, Query::Versioned { .. });
        if leads && versioned && self.bug(Bug::VersionReadBeforeCommit) {
            let answer = self.tip().0.look(&query);
            return self.answer_now(token, Ok(answer));
        }
        let Role::Leader(reign) = &mut self.role else { return self.refuse(token) };
        let round = reign.round + 1;
        reign.reads.push_back(Read { token, query, round });
    }

    fn write(&mut self, token: Token, command: Command) {
        if !matches!(self.role, Role::Leader(_)) {
            return self.refuse(token);
        }
        let command = match self.resolved(command) {
            Ok(command) => command,
            Err(refusal) => return self.answer_now(token, Err(refusal)),
        };
        if let Some(answer) = self.answers_from_memory(&command) {
            return self.answer_now(token, Ok(answer));
        }
        let request = self.await_outcome(token, command.clone());
        let early = self.answers_early(&command);
        self.push_for(request, command);
        if early {
            self.waiting.remove(&request.number);
            let outcome = self.tip().1;
            self.answer_now(token, outcome);
        }
    }

    fn refuse(&mut self, token: Token) {
        let (leader, generation) = (self.leader.clone(), self.generation);
        self.reply(token, Reply::NotLeader { leader, generation });
    }

    /// Answers in the name of this node, with its log as it is: a planted bug, unless it refuses.
    fn answer_now(&mut self, token: Token, outcome: Outcome) {
        let by = ReignId { generation: self.generation, node: self.config.id.clone() };
        self.reply(token, Reply::Done { outcome, at: self.log.last_index(), by });
    }

    /// Begins a round of confirmation for new reads, and answers those that a majority confirmed.
    ///
    /// The objects must also hold all that was ever acknowledged. A new leader has every such
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
            self.answer_read(read.token, &read.query);
        }
    }

    fn answer_read(&mut self, token: Token, query: &Query) {
        let outcome = Ok(self.look(query));
        // Who answers, whether it leads or not: a follower does not speak for its leader.
        let by = ReignId { generation: self.generation, node: self.config.id.clone() };
        self.reply(token, Reply::Done { outcome, at: self.objects.applied(), by });
    }

    /// What an object answers. [`Bug::TextCacheSurvivesReign`]: texts are taken from a cache, which
    /// the leader's own writes keep right, and nobody empties when another leads.
    fn look(&mut self, query: &Query) -> Answer {
        match query {
            Query::Text { key, .. } if self.bug(Bug::TextCacheSurvivesReign) => {
                let now = self.objects.look(query);
                self.shortcuts.texts.entry(key.clone()).or_insert(now).clone()
            }
            Query::Set { .. } if self.bug(Bug::SetAddsKeptInMemory) => self.look_at_tip(query),
            _ => self.objects.look(query),
        }
    }

    /// Applies what is committed, and tells those who wait for it.
    pub(super) fn apply(&mut self) {
        while self.objects.applied() < self.commit {
            let index = self.objects.applied() + 1;
            let entry = self.log.get(index).expect("committed entries are in the log").clone();
            let (command, request) = (&entry.command, entry.request.as_ref());
            let outcome = self.objects.apply(command, request, index <= self.found);
            if outcome != Err(Refusal::Repeated) && !self.waits_for_copy(&entry) {
                let outcome = self.with_token(index, outcome);
                self.settle(index, &entry, outcome);
            }
        }
    }

    /// [`Bug::SwapRetryAnswersItself`]: a swap that is handed on is answered by the copy in the log
    /// of the new leader, though the one of the old leader had its effect before.
    fn waits_for_copy(&self, entry: &Entry) -> bool {
        let swaps = match &entry.command {
            Command::Register { change, .. } => matches!(change, registers::Change::Swap { .. }),
            _ => false,
        };
        swaps && entry.generation < self.generation && self.bug(Bug::SwapRetryAnswersItself)
    }

    /// An entry has had its effect. The client that waits for it may have asked this node before
    /// another came to lead.
    fn settle(&mut self, index: Index, entry: &Entry, outcome: Outcome) {
        let mine = entry.request.filter(|request| request.session == self.session);
        let waiting = mine.and_then(|request| self.waiting.remove(&request.number));
        let leads = matches!(self.role, Role::Leader(_));
        if leads {
            self.remember(&entry.command, &outcome);
            self.put_back(entry, &outcome, waiting.is_some());
        }
        if let Some(waiting) = waiting {
            self.delivered(index, &entry.command);
            let by = if leads { self.reign() } else { self.latest.clone() };
            self.reply(waiting.token, Reply::Done { outcome, at: index, by });
        }
    }

    /// [`Bug::QueueReturnsUnclaimed`]: what a dequeue took that no client of this node waits for is
    /// put at the end of the queue, so that it is not lost.
    fn put_back(&mut self, entry: &Entry, outcome: &Outcome, claimed: bool) {
        if claimed || !self.bug(Bug::QueueReturnsUnclaimed) {
            return;
        }
        if let Command::Queue { key, change: queues::Change::Dequeue } = &entry.command
            && let Ok(Answer::Value { value: Some(value) }) = outcome
        {
            let change = queues::Change::Enqueue { value: *value };
            self.push(Command::Queue { key: key.clone(), change });
        }
    }

    /// What shows a grant is its place in the log, which no other grant has and no later one is
    /// below. A planted bug counts grants instead, and begins anew with every start.
    fn with_token(&mut self, index: Index, outcome: Outcome) -> Outcome {
        let Ok(Answer::Granted { .. }) = outcome else { return outcome };
        if index > self.found {
            self.grants += 1;
        }
        let token = if self.bug(Bug::TokenResetOnRestart) { self.grants } else { index };
        Ok(Answer::Granted { token })
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
