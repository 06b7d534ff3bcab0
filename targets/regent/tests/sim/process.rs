//! Simulated processes: start, run, sync, die. What the driver and the disk of a real node do.

use std::panic::{AssertUnwindSafe, catch_unwind};

use fracas_regent::core::{Clocks, Config, Core, Effect, Input, Millis, Outputs, Status};
use fracas_regent::messages::NodeId;
use fracas_regent::store::{Store, StoreError};
use rand::RngExt;

use super::disk::SimDisk;
use super::judge::Broken;
use super::{ELECTION_MS, Event, HEARTBEAT_MS, World, clients, nemesis};

/// What the clock on the wall shows when a run begins.
const EPOCH: Millis = 1_000_000_000;
/// How long a node that has no room waits before it tries again, as in the real driver.
const FULL_RETRY_MS: Millis = 100;
/// How long it takes until somebody starts a node again that ended by itself.
const RESTART_MS: Millis = 500;
/// A save makes fewer calls of the disk than this.
const MOST_CALLS: u32 = 9;

#[derive(Default)]
/// A process, its disk, and what its kernel keeps for it.
pub(super) struct Node {
    /// None while it is down.
    pub(super) core: Option<Core>,
    /// How often it was started.
    pub(super) life: u32,
    pub(super) paused: bool,
    pub(super) disk: SimDisk,
    /// There while the process is.
    pub(super) store: Option<Store<SimDisk>>,
    /// By how much the clock on the wall is off.
    pub(super) off: i64,
    pub(super) inbox: Vec<Input>,
    /// What waits for a sync under way.
    pub(super) syncing: Option<Outputs>,
    /// The sync is done, but the process is stopped.
    pub(super) synced: bool,
    /// What a poll would see.
    pub(super) status: Option<Status>,
}

/// How a save ended.
enum Saving {
    Done,
    Full,
    /// The node must not go on.
    Failed,
    Panicked,
}

impl Node {
    fn clocks(&self, now: Millis) -> Clocks {
        Clocks { steady: now, wall: (EPOCH + now).saturating_add_signed(self.off) }
    }

    fn save(&mut self, Outputs { ballot, splice, .. }: &Outputs) -> Saving {
        let Some(store) = &mut self.store else { return Saving::Failed };
        let save = AssertUnwindSafe(|| store.save(ballot.as_ref(), splice.as_ref()));
        match catch_unwind(save) {
            Ok(Ok(())) => Saving::Done,
            Ok(Err(error)) if error.is_full() => Saving::Full,
            Ok(Err(_)) => Saving::Failed,
            Err(_) => Saving::Panicked,
        }
    }
}

impl World {
    /// A node whose disk is full waits for room; one whose disk fails is started again.
    pub(super) fn start_node(&mut self, name: &NodeId) {
        let bug = self.plan.bug;
        let node = self.node(name);
        if node.core.is_some() {
            return;
        }
        let (store, saved) = match Store::open(node.disk.clone(), bug) {
            Ok(opened) => opened,
            Err(StoreError::Io { .. }) => {
                let again = Event::Nemesis(nemesis::Step::Start(name.clone()));
                return self.after(FULL_RETRY_MS, again);
            }
            Err(error) => return self.judge.broken(Broken::StaysUp, format!("{name}: {error}")),
        };
        let config = Config {
            id: name.clone(),
            nodes: self.nodes.keys().cloned().collect(),
            election_ms: ELECTION_MS,
            heartbeat_ms: HEARTBEAT_MS,
            bug,
            seed: self.rng.random_range(0..u64::MAX),
        };
        let now = self.now;
        self.judge.restarted(name);
        let node = self.node(name);
        node.life += 1;
        node.store = Some(store);
        node.core = Some(Core::new(config, saved, node.clocks(now)));
        self.wake(name);
    }

    /// The process is gone at once. Of a sync under way, nothing, a part or all reaches the disk.
    pub(super) fn kill_node(&mut self, name: &str) {
        let calls = self.rng.random_range(0..MOST_CALLS);
        let node = self.node(name);
        if let Some(outputs) = node.syncing.take()
            && !outputs.is_volatile()
        {
            node.disk.set_fuse(Some(calls));
            node.save(&outputs); // the killed process does not care how it went
            node.disk.set_fuse(None);
        }
        (node.core, node.store, node.status) = (None, None, None);
        (node.paused, node.synced) = (false, false);
        node.inbox.clear();
    }

    /// The machine is gone at once, and with it what was not safe.
    pub(super) fn lose_power(&mut self, name: &str) {
        self.kill_node(name);
        let disk = self.node(name).disk.clone();
        disk.lose_power(&mut self.rng);
    }

    /// The process ends by itself.
    fn die(&mut self, name: &str) {
        self.node(name).syncing = None;
        self.kill_node(name);
        self.after(RESTART_MS, Event::Nemesis(nemesis::Step::Start(name.to_owned())));
    }

    pub(super) fn resume_node(&mut self, name: &str) {
        let node = self.node(name);
        if std::mem::take(&mut node.paused) {
            self.judge.resumed(name);
        }
        if std::mem::take(&mut self.node(name).synced) {
            self.finish_sync(name);
        }
        self.wake(name);
    }

    /// What the driver's loop does: take in what is there, sync, and only then speak.
    pub(super) fn wake(&mut self, name: &str) {
        let (now, clients_first) = (self.now, self.chance(50));
        let node = self.node(name);
        let clocks = node.clocks(now);
        let Some(core) = &mut node.core else { return };
        let early = node.inbox.is_empty() && now < core.next_tick() && node.status.is_some();
        if node.paused || node.syncing.is_some() || early {
            return;
        }
        core.step(clocks, Input::Tick);
        if clients_first {
            // As the driver does it; but no order may matter.
            node.inbox.sort_by_key(|input| !matches!(input, Input::Client { .. }));
        }
        for input in std::mem::take(&mut node.inbox) {
            core.step(clocks, input);
        }
        let outputs = core.flush();
        let next = core.next_tick();
        self.after(next - now, Event::Wake(name.to_owned()));
        self.carry_out(name, outputs);
    }

    pub(super) fn carry_out(&mut self, name: &str, outputs: Outputs) {
        let durable = !outputs.is_volatile();
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
        let outputs = node.syncing.take().expect("a sync under way");
        let saving = if outputs.is_volatile() { Saving::Done } else { node.save(&outputs) };
        match saving {
            Saving::Done => {}
            Saving::Full => return self.wait_for_room(name, outputs),
            Saving::Failed => return self.die(name),
            Saving::Panicked => {
                self.judge.broken(Broken::StaysUp, format!("{name} panicked"));
                return self.die(name);
            }
        }
        let node = self.node(name);
        node.status = node.core.as_ref().map(Core::status);
        if let Some(core) = &self.nodes[name].core {
            self.judge.inspect(core);
        }
        for effect in outputs.effects {
            self.release(name, effect);
        }
    }

    fn wait_for_room(&mut self, name: &str, outputs: Outputs) {
        let node = self.node(name);
        node.syncing = Some(outputs);
        node.status.iter_mut().for_each(|status| status.full = true);
        let life = node.life;
        self.after(FULL_RETRY_MS, Event::Synced(name.to_owned(), life));
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
