//! A rehearsal: every operation that is served is asked once of a cluster without faults, and whoever
//! wants to know hears what is said. That is how a target file or a client program is debugged.
//!
//! Nothing of it is judged.

use std::sync::Arc;
use std::time::Duration;

use fracas_checker::event::{Completion, Key, NodeId, Op, OpKind, Outcome, Phase, ProcessId};
use fracas_targets::{Ear, Sighting};
use serde_json::{Value as Json, json};

use super::context::{GLANCE, RunContext};
use super::error::RunError;

/// How long an answer may still come that is late: as long as a client program has for it, and a little.
const LATE: Duration = Duration::from_millis(1200);

/// Something that happens in a rehearsal.
#[derive(Debug)]
pub enum Heard<'a> {
    /// The cluster is ready; until then it was asked again and again whether it is.
    Ready,
    /// An operation is asked for.
    Asked(&'a Op),
    /// What is said for it: a line, or a request.
    Said(&'a str),
    /// What is answered.
    Answered(&'a str),
    /// How the operation ended.
    Ended(&'a Completion),
    /// What a node said when it was asked who leads, and what that was taken for.
    Status(NodeId, &'a Result<(String, Vec<Sighting>), String>),
}

/// Who hears a rehearsal.
pub type Audience = Arc<dyn Fn(Heard<'_>) + Send + Sync>;

/// What hears what is said, for an audience.
pub(super) fn ear(audience: &Audience) -> Ear {
    let audience = Arc::clone(audience);
    Arc::new(move |said, text| {
        audience(if said { Heard::Said(text) } else { Heard::Answered(text) });
    })
}

/// What later operations need of earlier answers.
#[derive(Default)]
struct Learnt {
    token: u64,
    version: u64,
}

impl RunContext<'_> {
    /// Start, wait until the cluster is ready, and ask everything once.
    pub(super) async fn rehearse(&self, audience: &Audience) -> Result<(), RunError> {
        self.enter(Phase::Start);
        if !self.prepare().await? {
            return Ok(());
        }
        tokio::task::block_in_place(|| self.cluster.start_all())?;
        let observer = self.observe()?;
        self.ready().await?;
        audience(Heard::Ready);
        self.enter(Phase::Load);
        let node = self.cluster.nodes().next().unwrap_or(NodeId(1));
        if let Some(poller) = self.poller().filter(|poller| poller.command(node).is_none()) {
            audience(Heard::Status(node, &poller.told(node).await));
        }
        let (mut learnt, mut process) = (Learnt::default(), ProcessId(1));
        for kind in OpKind::asked().filter(|kind| self.plan.target.serves().contains(kind)) {
            let op = fitted(kind, &learnt);
            audience(Heard::Asked(&op));
            let completion = self.caller.call(process, node, &op).await;
            audience(Heard::Ended(&completion));
            learnt.note(&completion);
            if matches!(completion, Completion::Info { .. }) {
                process.0 += 1;
                // Its answer may come yet; it is heard, and does not count.
                tokio::time::sleep(if self.deployment.has_program() { LATE } else { GLANCE }).await;
            }
        }
        tokio::task::block_in_place(|| observer.stop().map_err(RunError::Bug))
    }
}

impl Learnt {
    fn note(&mut self, completion: &Completion) {
        let Completion::Ok { outcome, .. } = completion else { return };
        match outcome {
            Outcome::Acquire { token: Some(token) } => self.token = *token,
            Outcome::ReadVersion { generation, .. } => self.version = *generation,
            _ => {}
        }
    }
}

/// An operation of this kind, on an object of a workload that asks for it.
fn fitted(kind: OpKind, learnt: &Learnt) -> Op {
    let key = key(kind);
    let mut json = json!(kind.sample());
    let changes =
        [("key", json!(key)), ("token", json!(learnt.token)), ("expected", json!(learnt.version))];
    for (name, value) in changes {
        if kind.fields().contains(&name) {
            json[name] = value;
        }
    }
    for part in json.get_mut("ops").and_then(Json::as_array_mut).into_iter().flatten() {
        part["key"] = json!(key);
    }
    if kind == OpKind::Append {
        json["value"] = json!("a ");
    }
    serde_json::from_value(json).unwrap_or_else(|_| kind.sample())
}

/// The name of an object that operations of this kind are asked of.
fn key(kind: OpKind) -> Key {
    let asks = |workload: &&&dyn fracas_workloads::Workload| {
        workload.needs().contains(&kind) || workload.uses().contains(&kind)
    };
    let found = fracas_workloads::ALL.iter().find(asks);
    found.map_or_else(|| "sample".into(), |workload| format!("{}0", workload.prefix()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_fits_what_was_answered() {
        let learnt = Learnt { token: 33, version: 4 };
        for kind in OpKind::asked() {
            let op = fitted(kind, &learnt);
            assert_eq!(op.kind(), kind);
            assert_ne!(op.key().map(|key| &**key), Some("sample"), "{op}: no workload asks it");
        }
        let update = fitted(OpKind::Update, &learnt);
        assert!(matches!(update, Op::Update { expected: 4, .. }), "{update}");
        let write = fitted(OpKind::GuardedWrite, &learnt);
        assert!(matches!(write, Op::GuardedWrite { token: 33, .. }), "{write}");
    }
}
