//! How a leader hands its log to the others, learns what a majority has, and learns whether it
//! still leads; and how a follower takes entries in.

use std::collections::VecDeque;

use super::ports::{Millis, Token};
use super::state::{Core, Leases, Peer, Reign, Role};
use crate::bugs::Bug;
use crate::messages::{
    AppendRequest, AppendResponse, Entry, Index, NodeId, ReignId, Request, Response,
};

/// How many entries one request carries at most.
const MAX_ENTRIES: usize = 512;

impl Reign {
    pub(super) fn new<'a>(
        others: impl Iterator<Item = &'a NodeId>,
        next: Index,
        (now, wall): (Millis, Millis),
    ) -> Self {
        let peers = others.map(|node| (node.clone(), Peer::new(next, now, wall))).collect();
        let reads = VecDeque::new();
        Self { peers, beat_at: now, round: 1, reads, leases: Leases::default() }
    }

    /// When something is due.
    pub(super) fn next_tick(&self) -> Millis {
        self.beat_at
    }

    /// If a heartbeat is due, makes it due for all.
    pub(super) fn beat(&mut self, now: Millis, every: Millis) {
        if now >= self.beat_at {
            self.beat_at = now + every;
            self.all_due();
        }
    }

    /// Begins a round of confirmation.
    pub(super) fn begin_round(&mut self) {
        self.round += 1;
        self.all_due();
    }

    /// Counts the silence of the others from now on, and asks them at once: whatever was under
    /// way has run out of time.
    pub(super) fn start_over(&mut self, now: Millis, wall: Millis) {
        for peer in self.peers.values_mut() {
            let Peer { matched, round, next, .. } = *peer;
            *peer = Peer { matched, round, ..Peer::new(next, now, wall) };
        }
        self.begin_round();
    }

    fn all_due(&mut self) {
        for peer in self.peers.values_mut() {
            peer.due = true;
        }
    }

    /// The highest value that a majority has reached; `own` is this node's.
    fn reached(&self, own: u64, quorum: usize, of: impl Fn(&Peer) -> u64) -> u64 {
        let mut values: Vec<u64> = self.peers.values().map(of).collect();
        values.push(own);
        values.sort_unstable_by(|a, b| b.cmp(a));
        values[quorum - 1]
    }

    /// The latest round in which a majority accepted this leader.
    pub(super) fn confirmed_round(&self, quorum: usize) -> u64 {
        self.reached(self.round, quorum, |peer| peer.round)
    }

    /// Since when, by the clock on the wall, a majority has not been heard of.
    pub(super) fn heard_by_wall(&self, wall: Millis, quorum: usize) -> Millis {
        self.reached(wall, quorum, |peer| peer.heard_by_wall)
    }
}

impl Peer {
    fn new(next: Index, now: Millis, wall: Millis) -> Self {
        Self {
            next,
            matched: 0,
            append: None,
            beat: None,
            due: true,
            rest_until: now,
            heard: now,
            heard_by_wall: wall,
            round: 0,
        }
    }

    /// Frees the place of a request. False if it is none of this reign's.
    fn release(&mut self, rpc: u64) -> bool {
        let place = [&mut self.append, &mut self.beat].into_iter().find(|p| **p == Some(rpc));
        place.is_some_and(|place| place.take().is_some())
    }

    /// Takes in an answer; `last` is where this node's own log ends.
    fn learn(&mut self, response: &AppendResponse, last: Index) {
        self.round = self.round.max(response.round);
        let agreed = response.last.min(last);
        if response.ok {
            self.matched = self.matched.max(agreed);
            self.next = self.next.max(self.matched + 1);
        } else {
            self.next = self.next.min(agreed + 1);
        }
    }
}

impl Core {
    /// Sends everyone what is due, one request with entries and one without at a time.
    pub(super) fn send_appends(&mut self) {
        let Role::Leader(reign) = &self.role else { return };
        let nodes: Vec<NodeId> = reign.peers.keys().cloned().collect();
        for node in &nodes {
            self.send_append(node);
        }
    }

    fn send_append(&mut self, node: &NodeId) {
        let (now, last) = (self.timer(), self.log.last_index());
        let Role::Leader(reign) = &self.role else { return };
        let Some(peer) = reign.peers.get(node) else { return };
        let carries = peer.append.is_none() && peer.next <= last && peer.rest_until <= now;
        let beats = peer.due && peer.beat.is_none();
        if !carries && !beats {
            return;
        }
        let most = if carries { MAX_ENTRIES } else { 0 };
        let request = self.append_request(peer.next, most, reign.round);
        let rpc = Some(self.send(node.clone(), Request::Append(request)));
        let Role::Leader(reign) = &mut self.role else { return };
        let Some(peer) = reign.peers.get_mut(node) else { return };
        peer.due = false;
        *(if carries { &mut peer.append } else { &mut peer.beat }) = rpc;
    }

    fn append_request(&self, next: Index, most: usize, round: u64) -> AppendRequest {
        let prev_index = next - 1;
        let prev = self.log.generation_at(prev_index);
        AppendRequest {
            generation: self.generation,
            leader: self.config.id.clone(),
            prev_index,
            prev_generation: prev.expect("`next` is at most one past the end of the log"),
            entries: self.log.tail(next, most).to_vec(),
            commit: self.commit,
            round,
        }
    }

    /// Somebody who takes itself for the leader hands over entries.
    pub(super) fn on_append(&mut self, token: Token, request: AppendRequest) {
        self.observe(request.generation);
        let stale = request.generation < self.generation;
        // Two leaders of one generation exist by a planted bug only; neither yields.
        let rival = request.generation == self.generation && matches!(self.role, Role::Leader(_));
        let response = if (stale && !self.bug(Bug::AcceptsStaleLeader)) || rival {
            self.refusal(self.generation, self.commit, request.round)
        } else {
            self.follow(request.leader.clone());
            self.take_entries(request)
        };
        self.answer(token, Response::Append(response));
    }

    fn refusal(&self, generation: u64, last: Index, round: u64) -> AppendResponse {
        AppendResponse { generation, ok: false, last, round }
    }

    fn follow(&mut self, leader: NodeId) {
        self.become_follower("another-leader");
        self.latest = ReignId { generation: self.generation, node: leader.clone() };
        self.leader = Some(leader);
        self.reset_deadline();
    }

    fn take_entries(&mut self, request: AppendRequest) -> AppendResponse {
        let AppendRequest {
            generation, prev_index, prev_generation, entries, commit, round, ..
        } = request;
        if self.log.generation_at(prev_index) != Some(prev_generation) {
            return self.refusal(generation, self.may_agree_at(prev_index), round);
        }
        let count = entries.len() as Index;
        self.merge(prev_index + 1, entries);
        let by_length = self.bug(Bug::ReordersOnDuplicate);
        let last = if by_length { self.log.last_index() } else { prev_index + count };
        self.commit = self.commit.max(commit.min(last));
        AppendResponse { generation, ok: true, last, round }
    }

    /// Where the log may agree with a leader's, given that it does not at `index`: at its end, or
    /// else before the whole run of entries of the generation that stands there.
    fn may_agree_at(&self, index: Index) -> Index {
        if index > self.log.last_index() {
            return self.log.last_index();
        }
        self.log.run_start(index) - 1
    }

    /// Takes over the entries that are missing or differ. What agrees is left alone, and so is
    /// what follows it: a request may be older than the log, and cutting the log at its end would
    /// take back entries that were acknowledged since.
    fn merge(&mut self, first: Index, mut entries: Vec<Entry>) {
        let agrees = |(index, entry): (Index, &Entry)| {
            self.log.generation_at(index) == Some(entry.generation)
        };
        let same = (first..).zip(&entries).take_while(|&pair| agrees(pair)).count();
        if same > 0 && self.bug(Bug::ReordersOnDuplicate) {
            return self.append_again(entries);
        }
        if same < entries.len() {
            self.replace(first + same as Index, entries.split_off(same));
        }
    }

    /// [`Bug::ReordersOnDuplicate`]: whatever a request brings is put at the end, though some of it
    /// was sent before, and only the answer was late. What is acknowledged is the length of the log.
    fn append_again(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            let index = self.log.push(entry);
            self.mark_changed(index);
        }
    }

    /// An answer to a request of ours, or none.
    pub(super) fn on_answer(&mut self, rpc: u64, from: &NodeId, response: Option<Response>) {
        match response {
            Some(Response::Vote(response)) => self.on_voted(rpc, from, Some(response)),
            Some(Response::Append(response)) => self.on_appended(rpc, from, Some(&response)),
            Some(Response::Submit(response)) => self.observe(response.generation),
            None => {
                self.on_voted(rpc, from, None);
                self.on_appended(rpc, from, None);
            }
        }
    }

    fn on_appended(&mut self, rpc: u64, from: &NodeId, response: Option<&AppendResponse>) {
        if let Some(response) = response {
            self.observe(response.generation);
        }
        let (now, wall, generation) = (self.timer(), self.wall, self.generation);
        let Role::Leader(reign) = &mut self.role else { return };
        let Some(peer) = reign.peers.get_mut(from) else { return };
        if !peer.release(rpc) {
            return;
        }
        match response {
            Some(response) if response.generation == generation => {
                (peer.heard, peer.heard_by_wall) = (now, wall);
                peer.learn(response, self.log.last_index());
            }
            Some(_) => {}
            None => peer.rest_until = now + self.config.heartbeat_ms,
        }
    }

    /// Commits what a majority has. Only an entry of the leader's own generation counts: an older
    /// one may be on a majority and yet be overwritten by a leader who never saw it (the Raft
    /// paper's figure 8).
    pub(super) fn advance_commit(&mut self) {
        let Role::Leader(reign) = &self.role else { return };
        let own = self.log.last_index();
        let early = self.bug(Bug::AckBeforeQuorum);
        let held = if early { own } else { reign.reached(own, self.quorum(), |p| p.matched) };
        if held > self.commit && self.log.generation_at(held) == Some(self.generation) {
            self.commit = held;
        }
    }

    /// Steps down when a majority has been silent for the longest election timeout: by then
    /// somebody else stands for election.
    pub(super) fn check_majority(&mut self) {
        let Role::Leader(reign) = &self.role else { return };
        let now = self.timer();
        let heard = reign.reached(now, self.quorum(), |peer| peer.heard);
        if now.saturating_sub(heard) > 2 * self.config.election_ms {
            self.become_follower("no-majority");
        }
    }
}
