//! Members: how the cluster is asked to remove a node and to add it again, by way of its other nodes,
//! and what it says of its members.
//!
//! A node that is asked may be cut off, paused or about to lose its lead, so each is asked in turn
//! until one agrees, within the time that the target gives for a change.

use std::future::Future;
use std::thread::sleep;
use std::time::{Duration, Instant};

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Measurement, RestartAs, Stage};
use fracas_targets::{Answer, Concern, MemberStep, Membership};
use tokio::runtime::Handle;

use super::{Cluster, State};
use crate::equipment::name;
use crate::powerless;
use crate::start_error::StartError;
use fracas_lab::LabError;
use fracas_lab::agent::Order;

/// How long after all nodes refused they are asked again.
const PAUSE: Duration = Duration::from_millis(200);

impl Cluster {
    /// Whether a node that is removed and joins again has forgotten everything.
    #[must_use]
    pub fn joins_empty(&self) -> bool {
        self.deployments.first.membership().is_some_and(|members| members.forgets())
    }

    /// Has the cluster remove a node.
    ///
    /// # Errors
    /// Why nobody did, for people.
    pub fn remove_member(&self, node: NodeId) -> Result<(), String> {
        let members = self.membership()?;
        self.by_others(node, &members, |via| {
            let member = self.named(&members, node, via)?;
            match member {
                // Whoever was asked before has done it, though nobody heard.
                None => Ok(()),
                Some(member) => {
                    let concern = Concern { node, via, member };
                    self.step(&members, (MemberStep::Remove, concern), |_, _| Ok(()))
                }
            }
        })
    }

    /// Has the cluster add a node, which must not be running.
    ///
    /// # Errors
    /// Why nobody did, for people.
    pub fn add_member(&self, node: NodeId) -> Result<(), String> {
        let members = self.membership()?;
        self.by_others(node, &members, |via| {
            if members.lists() && self.named(&members, node, via)?.is_some() {
                return Ok(());
            }
            let concern = Concern { node, via, member: String::new() };
            self.step(&members, (MemberStep::Add, concern), |_, _| Ok(()))
        })
    }

    /// Starts a node that joins the cluster, which was told of it before.
    ///
    /// # Errors
    /// When its directories cannot be emptied, or it cannot be started.
    pub fn join(&self, node: NodeId) -> Result<(), StartError> {
        let plan = &self.deployments.first.nodes[&node];
        if self.joins_empty() {
            for dir in &plan.data {
                self.ask::<()>(&Order::Empty(node, name(&self.facts, node, dir)))?;
            }
        }
        self.start_with(node, RestartAs::Same, &plan.join_args)?;
        match self.begin_rest(&[node]).pop() {
            Some(problem) => Err(LabError::Asked(problem).into()),
            None => Ok(()),
        }
    }

    /// Ends the server of a node that was removed, if it still runs, and keeps it down: as the member
    /// that it was it must not be started again.
    ///
    /// # Errors
    /// When a process is left.
    pub fn end_removed(&self, node: NodeId) -> Result<(), LabError> {
        if self.is_running(node) {
            return self.stop(node);
        }
        self.server(node).state = State::Killed;
        Ok(())
    }

    /// Measures whether a node is a member, as its other nodes say; without a list of members there is
    /// nothing to measure.
    ///
    /// # Errors
    /// Why nobody said, for people.
    pub fn measure_member(&self, node: NodeId, stage: Stage) -> Result<Vec<Measurement>, String> {
        let members = self.membership()?;
        if !members.lists() {
            return Ok(Vec::new());
        }
        let expected = stage == Stage::Healed;
        let (is, via) = self.by_others(node, &members, |via| {
            self.named(&members, node, via).map(|member| (member.is_some(), via))
        })?;
        let result = if is { "it is one" } else { "it is none" };
        Ok(vec![Measurement {
            what: format!("whether {node} is a member, says {via}"),
            result: result.to_owned(),
            holds: is == expected,
        }])
    }

    fn membership(&self) -> Result<Membership, String> {
        let members = self.deployments.first.membership();
        members.ok_or_else(|| "the target does not say how members change".to_owned())
    }

    /// Asks the nodes that run, but for this one, until one agrees.
    fn by_others<T>(
        &self,
        node: NodeId,
        members: &Membership,
        attempt: impl Fn(NodeId) -> Result<T, String>,
    ) -> Result<T, String> {
        let end = Instant::now() + members.within();
        let mut last = "no other node runs".to_owned();
        loop {
            for via in self.nodes().filter(|other| *other != node && self.is_running(*other)) {
                match attempt(via) {
                    Ok(done) => return Ok(done),
                    Err(why) => last = format!("{via}: {why}"),
                }
                if Instant::now() >= end {
                    return Err(last);
                }
            }
            if Instant::now() + PAUSE >= end {
                return Err(last);
            }
            sleep(PAUSE);
        }
    }

    /// What a node is called as a member; none if it is none. Without a list nobody knows, and it is
    /// taken for one without a name.
    fn named(
        &self,
        members: &Membership,
        node: NodeId,
        via: NodeId,
    ) -> Result<Option<String>, String> {
        if !members.lists() {
            return Ok(Some(String::new()));
        }
        let concern = Concern { node, via, member: String::new() };
        self.step(members, (MemberStep::List, concern), move |members, answer| {
            members.member(node, answer)
        })
    }

    /// Attempts one step once, and reads its answer: in a thread that can do nothing else.
    fn step<T: Send + 'static>(
        &self,
        members: &Membership,
        (step, concern): (MemberStep, Concern),
        read: impl FnOnce(&Membership, &Answer) -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let known = members.clone();
        let Some(argv) = members.program(step, &concern)? else {
            return waited_for(async move {
                let answer = known.ask(step, &concern).await?;
                read(&known, &answer)
            });
        };
        let order = Order::Run(concern.via, argv, members.attempt());
        let output = self.ask::<String>(&order).map_err(|error| error.to_string())?;
        let heard = powerless::apart("members", || read(&known, &known.said(step, &output)?));
        heard.map_err(|error| error.to_string())?
    }
}

/// Waits for something that a thread of the runtime does, in one that may wait.
fn waited_for<T: Send + 'static>(
    future: impl Future<Output = Result<T, String>> + Send + 'static,
) -> Result<T, String> {
    let runtime = Handle::current();
    let task = runtime.spawn(future);
    runtime.block_on(task).map_err(|error| error.to_string())?
}
