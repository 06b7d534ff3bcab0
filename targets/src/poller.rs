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
use crate::session::AsksStatus;
use crate::sighting::Sighting;
use crate::spec::Spec;
use crate::status::{Means, StatusRule};
use crate::told;

/// Asks nodes for their status. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Poller(Arc<Inner>);

struct Inner {
    spec: Arc<Spec>,
    endpoints: Arc<Endpoints>,
    way: Way,
}

/// In which way nodes are asked.
enum Way {
    /// By requests in the protocol of the target.
    Request {
        wire: Box<dyn Wire>,
        /// What each node is asked through, one question at a time.
        lines: BTreeMap<NodeId, Mutex<Box<dyn Line>>>,
    },
    /// By a text.
    Text,
    /// By a program that somebody else runs where the node is.
    Command,
    /// Through client programs.
    Program(Arc<dyn AsksStatus>),
}

impl fmt::Debug for Poller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poller").finish_non_exhaustive()
    }
}

impl Poller {
    /// None for a target without a status request, and for one whose client program is asked.
    pub(crate) fn new(
        spec: &Arc<Spec>,
        endpoints: &Arc<Endpoints>,
    ) -> Result<Option<Self>, ClientError> {
        let Some(status) = &spec.status else { return Ok(None) };
        let way = match (&status.means, &spec.client.asked) {
            (Means::Text(..), _) => Way::Text,
            (Means::Command(_), _) => Way::Command,
            (Means::Request, None) | (Means::Program, _) => return Ok(None),
            (Means::Request, Some(asked)) => {
                let wire = Arc::clone(&asked.speech).wire(spec.client.times())?;
                let lines = endpoints.keys().map(|node| (*node, Mutex::new(wire.line())));
                Way::Request { lines: lines.collect(), wire }
            }
        };
        let (spec, endpoints) = (Arc::clone(spec), Arc::clone(endpoints));
        Ok(Some(Self(Arc::new(Inner { spec, endpoints, way }))))
    }

    /// One that asks through client programs.
    pub(crate) fn through_programs(
        spec: &Arc<Spec>,
        endpoints: &Arc<Endpoints>,
        programs: Arc<dyn AsksStatus>,
    ) -> Self {
        let (spec, endpoints) = (Arc::clone(spec), Arc::clone(endpoints));
        Self(Arc::new(Inner { spec, endpoints, way: Way::Program(programs) }))
    }

    /// How often the target wants to be asked.
    #[must_use]
    pub fn every(&self) -> Duration {
        self.rule().every
    }

    /// The program to run where a node is, with its arguments, where that is the way to ask it. What
    /// it answers is for [`Self::heard`].
    #[must_use]
    pub fn command(&self, node: NodeId) -> Option<Vec<String>> {
        let Means::Command(words) = &self.rule().means else { return None };
        let variables = &self.0.endpoints.get(&node)?.variables;
        let words = words.iter().map(|word| self.0.spec.templates.render(word, variables).ok());
        words.collect()
    }

    /// What the output of that program tells.
    #[must_use]
    pub fn heard(&self, output: &str) -> Vec<Sighting> {
        self.sight(&Reply::Text(output.as_bytes().to_vec()))
    }

    /// How long an answer may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.0.spec.client.timeout
    }

    /// Asks once. Nothing if the node did not answer, or its answer tells nothing.
    pub async fn ask(&self, node: NodeId) -> Vec<Sighting> {
        match self.answer(node).await {
            Ok(reply) => self.sight(&reply),
            Err(failure) => {
                tracing::trace!(%node, %failure, "no status");
                Vec::new()
            }
        }
    }

    /// Asks once: the beginning of the answer, and what it tells.
    ///
    /// # Errors
    /// Why there is no answer, for people.
    pub async fn told(&self, node: NodeId) -> Result<(String, Vec<Sighting>), String> {
        let reply = self.answer(node).await.map_err(|failure| failure.to_string())?;
        Ok((reply.summary(), self.sight(&reply)))
    }

    async fn answer(&self, node: NodeId) -> Result<Reply, Failure> {
        let Some(endpoint) = self.0.endpoints.get(&node) else {
            return Err(Failure::NotSent(format!("the cluster has no node `{node}`")));
        };
        match &self.0.way {
            Way::Request { wire, lines } => match lines.get(&node).map(Mutex::try_lock) {
                Some(Ok(mut line)) => self.through(&mut **line, endpoint).await,
                // Somebody else still waits for an answer.
                _ => self.through(&mut *wire.line(), endpoint).await,
            },
            Way::Text => self.by_text(endpoint).await,
            Way::Program(programs) => programs.ask(node).await,
            Way::Command => Err(Failure::NotSent("a program is run where the node is".to_owned())),
        }
    }

    fn sight(&self, reply: &Reply) -> Vec<Sighting> {
        self.rule().sight(reply, |node| self.0.endpoints.contains_key(&node))
    }

    async fn by_text(&self, at: &Endpoint) -> Result<Reply, Failure> {
        let Means::Text(address, text) = &self.rule().means else {
            return Err(Failure::NotSent("no text is declared".to_owned()));
        };
        let address = self.0.spec.templates.render(address, &at.variables);
        let address = address.map_err(|error| Failure::NotSent(error.to_string()))?;
        told::ask(&address, text, self.0.spec.client.times()).await.map(Reply::Text)
    }

    async fn through(&self, line: &mut dyn Line, at: &Endpoint) -> Result<Reply, Failure> {
        let (templates, base, variables) = (&self.0.spec.templates, &at.base[..], &at.variables);
        let around = Around { templates, base, variables, followed: None };
        line.ask(Purpose::Status, around).await
    }

    fn rule(&self) -> &StatusRule {
        let rule = self.0.spec.status.as_ref();
        rule.expect("a poller is made only for a target with a status request")
    }
}
