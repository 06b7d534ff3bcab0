//! Performing operations on a node: one attempt each, and its outcome as data.
//!
//! It deliberately never retries, follows or asks another node: an operation that was quietly sent
//! twice makes a history a lie.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fracas_checker::event::Stamp;
use fracas_checker::{Completion, NodeId, Op, ProcessId};

use crate::answer::{Reply, judge, unknown};
use crate::deploy::Endpoints;
use crate::http::ClientError;
use crate::request::Request;
use crate::target::{Route, Spec};
use crate::template::variables_of_op;
use crate::text::bounded;
use crate::wire::{Failure, Wire};

/// Performs operations. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Client {
    spec: Arc<Spec>,
    endpoints: Arc<Endpoints>,
    wire: Wire,
    attempts: Arc<AtomicU64>,
}

impl Client {
    pub(crate) fn new(spec: Arc<Spec>, endpoints: Arc<Endpoints>) -> Result<Self, ClientError> {
        let wire = Wire::new(spec.client.connect_timeout, spec.client.timeout)?;
        Ok(Self { spec, endpoints, wire, attempts: Arc::default() })
    }

    /// How long an operation may take before its outcome is unknown.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.spec.client.timeout
    }

    /// Whether a client asks the node last seen leading, and not its own; `seeks_leader` is what the
    /// workload wants of it, where the target leaves that open.
    #[must_use]
    pub fn follows_leader(&self, seeks_leader: bool) -> bool {
        match self.spec.client.route {
            Route::Any => false,
            Route::Leader => true,
            Route::Mixed => seeks_leader,
        }
    }

    /// Performs one operation on one node. Whatever goes wrong is in the completion.
    pub async fn invoke(&self, node: NodeId, process: ProcessId, op: &Op) -> Completion {
        let request = match self.request(node, process, op) {
            Ok(request) => request,
            Err(error) => return Completion::Fail { error: bounded(&error) },
        };
        match self.wire.exchange(request).await {
            Ok(reply) => self.judge(op, &reply),
            Err(Failure::NotSent(error)) => Completion::Fail { error: bounded(&error) },
            Err(Failure::Unknown(error)) => unknown(op, &error),
        }
    }

    /// What a reply means. A stamp that names a node outside of the cluster tells nothing.
    fn judge(&self, op: &Op, reply: &Reply) -> Completion {
        let answers = self.spec.ops.get(&op.kind()).map_or(&[][..], |rule| &rule.answers);
        let mut completion = judge(answers, op, reply);
        if let Completion::Ok { stamp, .. } = &mut completion {
            let known = stamp.node().filter(|node| self.endpoints.contains_key(node));
            *stamp = Stamp::new(known, stamp.generation());
        }
        completion
    }

    /// The request for an operation; an error means that nothing was sent.
    fn request(&self, node: NodeId, process: ProcessId, op: &Op) -> Result<Request, String> {
        let kind = op.kind();
        let rule = self.spec.ops.get(&kind);
        let rule = rule.ok_or_else(|| format!("the target serves no `{kind}`"))?;
        let endpoint = self.endpoints.get(&node);
        let endpoint = endpoint.ok_or_else(|| format!("the cluster has no node `{node}`"))?;
        let attempt = self.attempts.fetch_add(1, Ordering::Relaxed);
        let variables =
            variables_of_op(&endpoint.variables, process, format!("{process}-{attempt}"), op);
        let request = rule.request.render(&self.spec.templates, &endpoint.base, &variables);
        request.map_err(|error| error.to_string())
    }
}
