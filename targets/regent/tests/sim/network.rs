//! The simulated network: late, lossy, repeating itself, and cut where the nemesis says so.

use fracas_regent::core::{Input, Millis};
use fracas_regent::messages::{NodeId, Request, Response};
use rand::RngExt;

use super::{Event, RPC_MS, World};

/// A request under way: who sent it, in which life, under which number, to whom.
pub(super) struct Call {
    pub(super) from: NodeId,
    pub(super) life: u32,
    pub(super) rpc: u64,
    pub(super) to: NodeId,
}

impl World {
    /// Mostly quick, sometimes late, and then overtaken by others.
    pub(super) fn delay(&mut self) -> Millis {
        let slowest = if self.chance(3) && self.plan.trouble { 600 } else { 5 };
        self.rng.random_range(1..=slowest)
    }

    pub(super) fn call(&mut self, from: &str, rpc: u64, to: &NodeId, request: &Request) {
        self.count += 1;
        let token = self.count;
        let life = self.node(from).life;
        self.calls.insert(token, Call { from: from.to_owned(), life, rpc, to: to.clone() });
        self.after(RPC_MS, Event::Expire { token });
        let copies = match self.rng.random_range(0..100) {
            0 if self.plan.trouble => 0,
            1 if self.plan.trouble => 2,
            _ => 1,
        };
        for _ in 0..copies {
            let (delay, from) = (self.delay(), from.to_owned());
            let (to, request) = (to.clone(), request.clone());
            self.after(delay, Event::Arrive { from, to, token, request });
        }
    }

    /// What arrives at a stopped process waits in its kernel; at a dead one it is lost.
    pub(super) fn deliver(&mut self, to: &str, input: Input) {
        let node = self.node(to);
        if node.core.is_some() {
            node.inbox.push(input);
            self.wake(to);
        }
    }

    pub(super) fn returned(&mut self, token: u64, by: &NodeId, response: Response) {
        let Some(call) = self.calls.get(&token) else { return };
        if !self.cut.contains(&(by.clone(), call.from.clone())) {
            self.finish_call(token, Some(response));
        }
    }

    pub(super) fn finish_call(&mut self, token: u64, response: Option<Response>) {
        let Some(Call { from, life, rpc, to }) = self.calls.remove(&token) else { return };
        if self.node(&from).life == life {
            self.deliver(&from, Input::Answered { rpc, from: to, response });
        }
    }
}
