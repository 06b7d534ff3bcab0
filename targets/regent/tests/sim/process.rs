//! Simulated processes: start, run, sync, die. What the driver and the disk of a real node do.

use fracas_regent::core::{Config, Core, Effect, Input, Outputs, Saved, Status};
use fracas_regent::messages::{NodeId, Splice};
use rand::RngExt;

use super::{ELECTION_MS, Event, HEARTBEAT_MS, World, clients};

#[derive(Default)]
/// A process, its disk, and what its kernel keeps for it.
pub(super) struct Node {
    /// None while it is down.
    pub(super) core: Option<Core>,
    /// How often it was started.
    pub(super) life: u32,
    pub(super) paused: bool,
    pub(super) disk: Saved,
    pub(super) inbox: Vec<Input>,
    /// What waits for a sync under way.
    pub(super) syncing: Option<Outputs>,
    /// The sync is done, but the process is stopped.
    pub(super) synced: bool,
    /// What a poll would see.
    pub(super) status: Option<Status>,
}

fn write(disk: &mut Saved, splice: Option<Splice>) {
    if let Some(splice) = splice {
        assert!(disk.log.splice(splice), "a gap in the log");
    }
}

impl World {
    pub(super) fn start_node(&mut self, name: &NodeId) {
        let config = Config {
            id: name.clone(),
            nodes: self.nodes.keys().cloned().collect(),
            election_ms: ELECTION_MS,
            heartbeat_ms: HEARTBEAT_MS,
            bug: self.plan.bug,
            seed: self.rng.random_range(0..u64::MAX),
        };
        let now = self.now;
        self.judge.restarted(name);
        let node = self.node(name);
        node.life += 1;
        node.core = Some(Core::new(config, node.disk.clone(), now));
        self.wake(name);
    }

    /// The process is gone at once. Of a sync under way, nothing, a part or all reaches the disk.
    pub(super) fn kill_node(&mut self, name: &str) {
        let kept = self.rng.random_range(0..3);
        let node = self.node(name);
        let Outputs { ballot, splice, .. } = node.syncing.take().unwrap_or_default();
        if kept > 0 {
            node.disk.ballot = ballot.unwrap_or_else(|| node.disk.ballot.clone());
        }
        if kept > 1 {
            write(&mut node.disk, splice);
        }
        (node.core, node.status) = (None, None);
        (node.paused, node.synced) = (false, false);
        node.inbox.clear();
    }

    pub(super) fn resume_node(&mut self, name: &str) {
        let node = self.node(name);
        node.paused = false;
        if std::mem::take(&mut node.synced) {
            self.finish_sync(name);
        }
        self.wake(name);
    }

    /// What the driver's loop does: take in what is there, sync, and only then speak.
    pub(super) fn wake(&mut self, name: &str) {
        let now = self.now;
        let node = self.node(name);
        let Some(core) = &mut node.core else { return };
        let early = node.inbox.is_empty() && now < core.next_tick() && node.status.is_some();
        if node.paused || node.syncing.is_some() || early {
            return;
        }
        core.step(now, Input::Tick);
        for input in std::mem::take(&mut node.inbox) {
            core.step(now, input);
        }
        let outputs = core.flush();
        let next = core.next_tick();
        self.after(next - now, Event::Wake(name.to_owned()));
        self.carry_out(name, outputs);
    }

    pub(super) fn carry_out(&mut self, name: &str, outputs: Outputs) {
        let durable = outputs.ballot.is_some() || outputs.splice.is_some();
        let node = self.node(name);
        let life = node.life;
        node.syncing = Some(outputs);
        if durable {
            let takes = self.rng.random_range(1..10);
            self.after(takes, Event::Synced(name.to_owned(), life));
        } else {
            self.finish_sync(name);
        }
    }

    pub(super) fn synced(&mut self, name: &str, life: u32) {
        let node = self.node(name);
        if node.life != life || node.syncing.is_none() {
            return;
        }
        if node.paused {
            node.synced = true;
            return;
        }
        self.finish_sync(name);
        self.wake(name);
    }

    pub(super) fn finish_sync(&mut self, name: &str) {
        let node = self.node(name);
        let Outputs { ballot, splice, effects } = node.syncing.take().expect("a sync under way");
        node.disk.ballot = ballot.unwrap_or_else(|| node.disk.ballot.clone());
        write(&mut node.disk, splice);
        node.status = node.core.as_ref().map(Core::status);
        if let Some(core) = &self.nodes[name].core {
            self.judge.inspect(core);
        }
        for effect in effects {
            self.release(name, effect);
        }
    }

    pub(super) fn release(&mut self, name: &str, effect: Effect) {
        match effect {
            Effect::Send { rpc, to, request } => self.call(name, rpc, &to, &request),
            Effect::Answer { token, response } => {
                let delay = self.delay();
                self.after(delay, Event::Return { token, by: name.to_owned(), response });
            }
            Effect::Reply { token, reply } => {
                let delay = self.delay();
                self.after(delay, Event::Client(clients::Step::Replied { token, reply }));
            }
            Effect::Line(line) => {
                self.judge.line(&line);
                self.nemesis_reads(name, &line);
            }
        }
    }
}
