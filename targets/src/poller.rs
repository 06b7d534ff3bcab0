//! Asking a node for its role and generation.
//!
//! It deliberately does not say what an answer tells: the rules of the target do.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fracas_checker::NodeId;
use tokio::sync::Mutex;

use crate::endpoint::{Endpoint, Endpoints};
use crate::protocol::{Around, Line, Purpose, Wire};
use crate::reply::{ClientError, Failure, Reply};
use crate::sighting::Sighting;
use crate::spec::Spec;
use crate::status::StatusRule;

/// Asks nodes for their status. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Poller(Arc<Inner>);

struct Inner {
    spec: Arc<Spec>,
    endpoints: Arc<Endpoints>,
    wire: Box<dyn Wire>,
    /// What each node is asked through, one question at a time.
    lines: BTreeMap<NodeId, Mutex<Box<dyn Line>>>,
}

impl fmt::Debug for Poller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poller").finish_non_exhaustive()
    }
}

impl Poller {
    /// None for a target without a status request.
    pub(crate) fn new(
        spec: &Arc<Spec>,
        endpoints: &Arc<Endpoints>,
    ) -> Result<Option<Self>, ClientError> {
        let (Some(_), Some(asked)) = (&spec.status, &spec.client.asked) else { return Ok(None) };
        let wire = Arc::clone(&asked.speech).wire(spec.client.times())?;
        let lines = endpoints.keys().map(|node| (*node, Mutex::new(wire.line()))).collect();
        let (spec, endpoints) = (Arc::clone(spec), Arc::clone(endpoints));
        Ok(Some(Self(Arc::new(Inner { spec, endpoints, wire, lines }))))
    }

    /// How often the target wants to be asked.
    #[must_use]
    pub fn every(&self) -> Duration {
        self.rule().every
    }

    /// Asks once. None if the node did not answer, or its answer tells nothing.
    pub async fn ask(&self, node: NodeId) -> Option<Sighting> {
        let (line, endpoint) = (self.0.lines.get(&node)?, self.0.endpoints.get(&node)?);
        let asked = match line.try_lock() {
            Ok(mut line) => self.through(&mut **line, endpoint).await,
            // Somebody else still waits for an answer.
            Err(_) => self.through(&mut *self.0.wire.line(), endpoint).await,
        };
        match asked {
            Ok(reply) => self.rule().sight(&reply, |node| self.0.endpoints.contains_key(&node)),
            Err(failure) => {
                tracing::trace!(%node, %failure, "no status");
                None
            }
        }
    }

    async fn through(&self, line: &mut dyn Line, at: &Endpoint) -> Result<Reply, Failure> {
        let (templates, base, variables) = (&self.0.spec.templates, &at.base[..], &at.variables);
        line.ask(Purpose::Status, Around { templates, base, variables }).await
    }

    fn rule(&self) -> &StatusRule {
        let rule = self.0.spec.status.as_ref();
        rule.expect("a poller is made only for a target with a status request")
    }
}
