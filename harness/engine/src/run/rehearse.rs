//! A rehearsal: every operation that is served is asked once of a cluster without faults, and whoever
//! wants to know hears what is said. That is how a target file or a client program is debugged.
//!
//! Nothing of it is judged.

use std::sync::Arc;

use fracas_checker::event::{Completion, Key, NodeId, Op, OpKind, Outcome, Phase, ProcessId};
use fracas_targets::Ear;
use serde_json::{Value as Json, json};

use super::context::RunContext;
use super::error::RunError;
use crate::observer::Observer;

/// Something that happens in a rehearsal.
#[derive(Debug)]
pub enum Heard<'a> {
    /// An operation is asked for.
    Asked(&'a Op),
    /// What is said for it: a line, or a request.
    Said(&'a str),
    /// What is answered.
    Answered(&'a str),
    /// How the operation ended.
    Ended(&'a Completion),
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
        tokio::task::block_in_place(|| self.cluster.start_all())?;
        let observer = Observer::start(&self.cluster, &self.deployment, &self.recorder, &self.view)
            .map_err(RunError::Runtime)?;
        self.ready().await?;
        self.enter(Phase::Load);
        let node = self.cluster.nodes().next().unwrap_or(NodeId(1));
        let (mut learnt, mut process) = (Learnt::default(), ProcessId(1));
        for kind in OpKind::asked().filter(|kind| self.plan.target.serves().contains(kind)) {
            let op = fitted(kind, &learnt);
            audience(Heard::Asked(&op));
            let completion = self.caller.call(process, node, &op).await;
            audience(Heard::Ended(&completion));
            learnt.note(&completion);
            process.0 += u64::from(matches!(completion, Completion::Info { .. }));
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
