//! One node as a pure state machine: inputs go in with the time, outputs come out. No I/O, no
//! clock, no task; the only randomness is seeded.
//!
//! The contract with whoever drives it: inputs are handed to [`Core::step`], any number of them,
//! then [`Core::flush`] says what to do. The ballot and the splice must be *synced to disk, in
//! this order, before any effect is released*. Inside, the core may therefore act as if what it
//! decides were durable at once: nobody hears of it before it is. A node that dies in between has
//! told nobody.
//!
//! Election, replication, leases and clients have a file each, and so have the types of what goes
//! in and out; here is what they share.

mod clients;
mod deliveries;
mod election;
mod handing_on;
mod leases;
mod ports;
mod replication;
mod shortcuts;
mod state;

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::bugs::Bug;
use crate::log::Log;
use crate::messages::{
    Ballot, Command, Entry, Generation, Index, NodeId, ReignId, Reply, Request, RequestId,
    Response, Splice,
};
use crate::objects::Objects;

use state::{Role, Shortcuts};

pub use ports::{Clocks, Config, Effect, Input, Millis, Outputs, Saved, Status, Token};
pub use state::Core;

impl Core {
    /// A node that starts, or starts again, with what is on its disk.
    #[must_use]
    pub fn new(config: Config, saved: Saved, now: impl Into<Clocks>) -> Self {
        let Clocks { steady: now, wall } = now.into();
        let Saved { ballot: Ballot { generation, vote }, log } = saved;
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        let mut core = Self {
            session: rng.random(),
            rng,
            objects: Objects::new(config.bug),
            latest: ReignId { generation, node: config.id.clone() },
            config,
            now,
            wall,
            generation,
            vote,
            ballot_changed: false,
            role: Role::Follower,
            leader: None,
            deadline: 0,
            found: log.last_index(),
            grants: 0,
            log,
            log_changed: None,
            commit: 0,
            numbered: 0,
            waiting: BTreeMap::new(),
            hand_on_at: 0,
            shortcuts: Shortcuts::default(),
            next_rpc: 0,
            effects: Vec::new(),
        };
        core.reset_deadline();
        let last = core.log.last_index();
        core.line(format!("started generation={generation} node={} last={last}", core.config.id));
        core
    }

    /// Takes in what happened.
    pub fn step(&mut self, now: impl Into<Clocks>, input: Input) {
        let Clocks { steady: now, wall } = now.into();
        self.wall = wall;
        let deaf = now.saturating_sub(self.now) > self.config.election_ms;
        self.now = self.now.max(now);
        if deaf {
            self.wake_up();
        }
        match input {
            Input::Tick => {}
            Input::Asked { token, request: Request::Vote(request) } => {
                self.on_vote(token, &request);
            }
            Input::Asked { token, request: Request::Append(request) } => {
                self.on_append(token, request);
            }
            Input::Asked { token, request: Request::Submit(request) } => {
                self.on_submit(token, request);
            }
            Input::Answered { rpc, from, response } => self.on_answer(rpc, &from, response),
            Input::Client { token, ask } => self.on_client(token, ask),
        }
    }

    /// Says what must be done about all that was taken in since the last time.
    #[must_use]
    pub fn flush(&mut self) -> Outputs {
        self.check_time();
        self.end_leases();
        self.redeliver();
        self.write_additions();
        self.advance_commit();
        self.apply();
        self.serve_reads();
        self.hand_on();
        self.ask_votes();
        self.send_appends();
        Outputs {
            ballot: self.take_ballot(),
            splice: self.take_splice(),
            effects: std::mem::take(&mut self.effects),
        }
    }

    /// When [`Input::Tick`] is due if nothing else happens.
    #[must_use]
    pub fn next_tick(&self) -> Millis {
        let due = match &self.role {
            Role::Follower => self.deadline,
            Role::Candidate(campaign) => campaign.next_tick().min(self.deadline),
            Role::Leader(reign) => reign.next_tick(),
        };
        let wait = due.saturating_sub(self.timer()).min(self.next_hand_on());
        // Often enough to tell a pause of this process from a silence of the others.
        self.now + wait.clamp(1, self.config.election_ms / 4)
    }

    /// What the node would say of itself now.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            node: self.config.id.clone(),
            role: match self.role {
                Role::Follower => "follower",
                Role::Candidate(_) => "candidate",
                Role::Leader(_) => "leader",
            },
            generation: self.generation,
            leader: self.leader.clone(),
            commit: self.commit,
            applied: self.objects.applied(),
            last: self.log.last_index(),
            full: false,
        }
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The node did not run for longer than an election timeout: stopped, or starved. It heard
    /// nobody because it did not listen, so nobody's silence counts. A follower gives the leader
    /// the benefit of the doubt; a leader asks at once whether it still leads.
    ///
    /// Safe, because time never proves anything here: reads need a fresh majority, whatever the
    /// clock says.
    fn wake_up(&mut self) {
        self.reset_deadline();
        let (now, wall) = (self.timer(), self.wall);
        if let Role::Leader(reign) = &mut self.role {
            reign.start_over(now, wall);
            self.send_appends();
        }
    }

    /// Does what is due by now. After the inputs, so that a heartbeat that waited in the queue
    /// counts before its lateness does.
    fn check_time(&mut self) {
        let now = self.timer();
        if let Role::Leader(reign) = &mut self.role {
            reign.beat(now, self.config.heartbeat_ms);
            self.check_majority();
        } else if now >= self.deadline {
            self.campaign();
        }
    }

    /// Takes notice of a generation. A higher one ends whatever this node was about to do.
    fn observe(&mut self, generation: Generation) {
        if generation <= self.generation {
            return;
        }
        let leads = matches!(self.role, Role::Leader(_));
        if !(leads && self.bug(Bug::NoStepDown)) {
            self.become_follower("higher-generation");
        }
        self.set_ballot(generation, None);
    }

    /// Gives up leading or campaigning. What clients wanted to read is not answered; what they
    /// wanted to change is handed on to the next leader, if there soon is one.
    fn become_follower(&mut self, reason: &str) {
        self.leader = None;
        match std::mem::replace(&mut self.role, Role::Follower) {
            Role::Follower => {}
            Role::Candidate(_) => self.reset_deadline(),
            Role::Leader(reign) => {
                let (generation, node) = (self.generation, &self.config.id);
                self.line(format!(
                    "stepped down generation={generation} node={node} reason={reason}"
                ));
                self.reset_deadline();
                for read in reign.reads {
                    self.reply(read.token, Reply::Unknown { generation });
                }
                self.hurry();
            }
        }
    }

    /// What elections and heartbeats are timed by.
    fn timer(&self) -> Millis {
        if self.bug(Bug::TimeoutByWallClock) { self.wall } else { self.now }
    }

    /// How many nodes are a majority.
    fn quorum(&self) -> usize {
        let nodes = self.config.nodes.len();
        if self.bug(Bug::MinorityQuorum) { (nodes / 2).max(1) } else { nodes / 2 + 1 }
    }

    /// All nodes but this one.
    fn others(&self) -> impl Iterator<Item = &NodeId> {
        self.config.nodes.iter().filter(|node| **node != self.config.id)
    }

    /// Draws when to campaign, uniformly between one and two election timeouts from now.
    fn reset_deadline(&mut self) {
        let shortest = self.config.election_ms;
        self.deadline = self.timer() + self.rng.random_range(shortest..=2 * shortest);
    }

    fn set_ballot(&mut self, generation: Generation, vote: Option<NodeId>) {
        self.generation = generation;
        self.vote = vote;
        self.ballot_changed = true;
    }

    fn take_ballot(&mut self) -> Option<Ballot> {
        if !std::mem::take(&mut self.ballot_changed) || self.bug(Bug::GenerationNotPersisted) {
            return None;
        }
        let vote = if self.bug(Bug::VoteNotPersisted) { None } else { self.vote.clone() };
        Some(Ballot { generation: self.generation, vote })
    }

    /// Adds an entry of this generation to the log that no client asked for.
    fn push(&mut self, command: Command) -> Index {
        self.push_entry(Entry::own(self.generation, command))
    }

    /// Adds a client's entry of this generation to the log.
    fn push_for(&mut self, request: RequestId, command: Command) -> Index {
        self.push_entry(Entry { generation: self.generation, command, request: Some(request) })
    }

    fn push_entry(&mut self, entry: Entry) -> Index {
        let index = self.log.push(entry);
        self.mark_changed(index);
        index
    }

    /// Replaces the log from `from` on.
    ///
    /// Committed entries are never replaced: a majority has them, so every leader has them. Only a
    /// planted bug gets to the second half, and then forgets what the lost entries did, as a
    /// server would that keeps its objects with its log.
    fn replace(&mut self, from: Index, entries: Vec<Entry>) {
        assert!(from > self.commit || self.config.bug.is_some(), "a committed entry is replaced");
        self.mark_changed(from);
        assert!(self.log.splice(Splice { from, entries }), "a gap in the log");
        if from <= self.commit {
            self.commit = from - 1;
            self.objects = self.replayed();
        }
    }

    fn mark_changed(&mut self, from: Index) {
        self.log_changed = Some(self.log_changed.map_or(from, |changed| changed.min(from)));
    }

    fn take_splice(&mut self) -> Option<Splice> {
        let from = self.log_changed.take()?;
        Some(Splice { from, entries: self.log.tail(from, usize::MAX).to_vec() })
    }

    fn send(&mut self, to: NodeId, request: Request) -> u64 {
        self.next_rpc += 1;
        self.effects.push(Effect::Send { rpc: self.next_rpc, to, request });
        self.next_rpc
    }

    fn answer(&mut self, token: Token, response: Response) {
        self.effects.push(Effect::Answer { token, response });
    }

    fn reply(&mut self, token: Token, reply: Reply) {
        self.effects.push(Effect::Reply { token, reply });
    }

    fn line(&mut self, line: String) {
        self.effects.push(Effect::Line(line));
    }

    /// Whether `bug` is planted in this node.
    fn bug(&self, bug: Bug) -> bool {
        self.config.bug == Some(bug)
    }
}
