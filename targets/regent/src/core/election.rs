//! How a node comes to lead: campaigns, votes, and whom to vote for. What a leader then does is in
//! `replication`.

use std::collections::BTreeSet;

use super::ports::{Millis, Token};
use super::state::{Call, Campaign, Core, Reign, Role};
use crate::bugs::Bug;
use crate::messages::{Command, NodeId, ReignId, Request, Response, VoteRequest, VoteResponse};
use crate::objects::{mutexes, sets};

/// With [`Bug::SetRemovalsComeBack`], how far back a new leader looks for additions.
const REPEATED: u64 = 512;

impl Campaign {
    /// When some node is to be asked again.
    pub(super) fn next_tick(&self) -> Millis {
        let idle = self.calls.values().filter(|call| call.rpc.is_none());
        idle.map(|call| call.due).min().unwrap_or(Millis::MAX)
    }

    /// Whom to ask now.
    fn to_ask(&self, now: Millis) -> Vec<NodeId> {
        let ripe = |call: &Call| call.rpc.is_none() && call.due <= now;
        self.calls.iter().filter(|(_, call)| ripe(call)).map(|(node, _)| node.clone()).collect()
    }
}

impl Core {
    /// Stands for the next generation.
    pub(super) fn campaign(&mut self) {
        let reused = self.bug(Bug::GenerationReused);
        let generation = if reused { self.generation.max(1) } else { self.generation + 1 };
        let id = self.config.id.clone();
        self.leader = None;
        self.set_ballot(generation, Some(id.clone()));
        self.line(format!("voted for={id} generation={generation} node={id}"));
        self.role = Role::Candidate(Campaign {
            votes: BTreeSet::from([id]),
            calls: self.others().map(|node| (node.clone(), Call::default())).collect(),
        });
        self.reset_deadline();
        self.count_votes();
    }

    /// Asks everyone who has not given a vote, again and again until the election is over: a node
    /// that was down or cut off may be back, and its vote may be the one that counts.
    pub(super) fn ask_votes(&mut self) {
        let Role::Candidate(campaign) = &self.role else { return };
        let request = VoteRequest {
            generation: self.generation,
            candidate: self.config.id.clone(),
            last_index: self.log.last_index(),
            last_generation: self.log.last_generation(),
        };
        for node in campaign.to_ask(self.timer()) {
            let rpc = self.send(node.clone(), Request::Vote(request.clone()));
            if let Role::Candidate(campaign) = &mut self.role {
                campaign.calls.insert(node, Call { rpc: Some(rpc), due: 0 });
            }
        }
    }

    /// A candidate asks for our vote.
    pub(super) fn on_vote(&mut self, token: Token, request: &VoteRequest) {
        self.observe(request.generation);
        self.forget_lapsed_vote();
        let covers = self.log.is_covered_by(request.last_generation, request.last_index)
            || self.bug(Bug::ElectionIgnoresLog);
        let free = self.vote.as_ref().is_none_or(|vote| *vote == request.candidate);
        let granted = request.generation == self.generation && free && covers;
        if granted {
            self.grant(&request.candidate);
        }
        let response = VoteResponse { generation: self.generation, granted };
        self.answer(token, Response::Vote(response));
    }

    fn grant(&mut self, candidate: &NodeId) {
        if self.vote.is_none() {
            let (generation, node) = (self.generation, &self.config.id);
            self.line(format!("voted for={candidate} generation={generation} node={node}"));
            self.set_ballot(generation, Some(candidate.clone()));
        }
        self.reset_deadline();
    }

    /// Part of [`Bug::GenerationReused`], without which no second election could ever succeed:
    /// when nothing was heard of the leader for long, and this node will soon campaign itself, the
    /// vote lapses.
    fn forget_lapsed_vote(&mut self) {
        let silent = self.timer() + self.config.election_ms / 2 >= self.deadline;
        if self.bug(Bug::GenerationReused) && silent && matches!(self.role, Role::Follower) {
            self.vote = None;
        }
    }

    /// A vote, a refusal, or no answer at all.
    pub(super) fn on_voted(&mut self, rpc: u64, from: &NodeId, response: Option<VoteResponse>) {
        if let Some(response) = &response {
            self.observe(response.generation);
        }
        let now = self.timer();
        let Role::Candidate(campaign) = &mut self.role else { return };
        let Some(call) = campaign.calls.get_mut(from) else { return };
        if call.rpc != Some(rpc) {
            return; // of an earlier election
        }
        if response.is_some_and(|response| response.granted) {
            campaign.calls.remove(from);
            campaign.votes.insert(from.clone());
            self.count_votes();
        } else {
            *call = Call { rpc: None, due: now + self.config.heartbeat_ms / 2 };
        }
    }

    fn count_votes(&mut self) {
        let Role::Candidate(campaign) = &self.role else { return };
        let votes = campaign.votes.len();
        if votes >= self.quorum() {
            self.become_leader(votes);
        }
    }

    /// Begins a reign with an entry of its own: only when that is committed does the leader know
    /// which of the older entries are.
    fn become_leader(&mut self, votes: usize) {
        let (generation, node) = (self.generation, self.config.id.clone());
        self.line(format!("won election generation={generation} node={node} votes={votes}"));
        let next = self.log.last_index() + 1;
        let reign = Reign::new(self.others(), next, (self.timer(), self.wall));
        self.role = Role::Leader(reign);
        self.latest = ReignId { generation, node: node.clone() };
        self.leader = Some(node);
        self.push(Command::Noop);
        self.take_over();
        self.repeat_additions();
        self.end_sessions();
    }

    /// [`Bug::SetRemovalsComeBack`]: whatever was added lately is added once more, in case that the
    /// old leader did not get to commit it. What was removed since is not looked at.
    fn repeat_additions(&mut self) {
        if !self.bug(Bug::SetRemovalsComeBack) {
            return;
        }
        let from = self.log.last_index().saturating_sub(REPEATED);
        let lately = self.log.tail(from, usize::MAX).iter().map(|entry| &entry.command);
        let is_addition =
            |c: &&Command| matches!(c, Command::Set { change: sets::Change::Add { .. }, .. });
        let additions: Vec<Command> = lately.filter(is_addition).cloned().collect();
        for command in additions {
            self.push(command);
        }
    }

    /// [`Bug::MutexReleasedWithSession`]: a new leader knows its own sessions only, and takes all
    /// others for ended, with the mutexes that were taken in them.
    fn end_sessions(&mut self) {
        if !self.bug(Bug::MutexReleasedWithSession) {
            return;
        }
        let ended = |(key, mutex): (&String, &mutexes::Mutex)| {
            let session = mutex.session().filter(|session| *session != self.session)?;
            let change = mutexes::Change::EndSession { session };
            Some(Command::Mutex { key: key.clone(), change })
        };
        let ended: Vec<Command> = self.objects.mutexes.iter().filter_map(ended).collect();
        for command in ended {
            self.push(command);
        }
    }
}
