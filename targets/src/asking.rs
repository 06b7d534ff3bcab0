//! Sessions in which an operation is one request and one answer.
//!
//! It deliberately decides nothing about an answer: its rules do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fracas_checker::event::Stamp;
use fracas_checker::{Completion, NodeId, Op, ProcessId};

use crate::answer::{judge, unknown};
use crate::endpoint::{Endpoint, Endpoints};
use crate::protocol::{Around, Line, Purpose, Speech, Wire};
use crate::redirect::{Attempt, Redirect};
use crate::reply::{ClientError, Failure, Reply};
use crate::session::{Later, Opener, Refused, Session};
use crate::spec::{Asked, Spec};
use crate::template::variables_of_op;
use crate::text::bounded;

/// A slow server keeps so many sessions of a reader waiting at most.
const BESIDE: u32 = 16;

/// Opens sessions by which nodes are asked as the target file says.
pub(crate) struct Asking {
    spec: Arc<Spec>,
    endpoints: Arc<Endpoints>,
    wire: Box<dyn Wire>,
    /// What knows an answer that leads elsewhere, where those are followed.
    guide: Option<Arc<dyn Speech>>,
    attempts: Arc<AtomicU64>,
    ear: Option<Ear>,
}

/// Hears requests and answers, in words for people; whether we said it comes first.
pub type Ear = Arc<dyn Fn(bool, &str) + Send + Sync>;

impl Asking {
    pub(crate) fn new(
        spec: Arc<Spec>,
        endpoints: Arc<Endpoints>,
        asked: &Asked,
    ) -> Result<Self, ClientError> {
        let wire = Arc::clone(&asked.speech).wire(spec.client.times())?;
        let guide = spec.client.follows.then(|| Arc::clone(&asked.speech));
        Ok(Self { spec, endpoints, wire, guide, attempts: Arc::default(), ear: None })
    }

    /// Lets somebody hear every request and answer.
    pub(crate) fn heard_by(mut self, ear: Option<Ear>) -> Self {
        self.ear = ear;
        self
    }
}

impl Opener for Asking {
    fn open(
        &self,
        node: NodeId,
        process: ProcessId,
    ) -> Later<'_, Result<Box<dyn Session>, Refused>> {
        let opened = match self.endpoints.contains_key(&node) {
            false => Err(Refused(format!("the cluster has no node `{node}`"))),
            true => Ok(Box::new(AskingSession {
                spec: Arc::clone(&self.spec),
                endpoints: Arc::clone(&self.endpoints),
                attempts: Arc::clone(&self.attempts),
                line: self.wire.line(),
                guide: self.guide.clone(),
                ear: self.ear.clone(),
                node,
                process,
            }) as Box<dyn Session>),
        };
        Box::pin(std::future::ready(opened))
    }

    fn beside(&self) -> u32 {
        BESIDE
    }
}

struct AskingSession {
    spec: Arc<Spec>,
    endpoints: Arc<Endpoints>,
    attempts: Arc<AtomicU64>,
    line: Box<dyn Line>,
    guide: Option<Arc<dyn Speech>>,
    ear: Option<Ear>,
    node: NodeId,
    process: ProcessId,
}

impl AskingSession {
    /// Sends the request of an operation, and lets it be heard.
    async fn exchange(&mut self, purpose: Purpose, around: Around<'_>) -> Result<Reply, Failure> {
        let Some(ear) = &self.ear else { return self.line.ask(purpose, around).await };
        let asked = self.spec.client.asked.as_ref();
        match asked.and_then(|asked| asked.speech.request(purpose, &around)) {
            Some(Ok(request)) => ear(true, &request.to_string()),
            Some(Err(error)) => ear(true, &error.to_string()),
            None => {}
        }
        let replied = self.line.ask(purpose, around).await;
        match &replied {
            Ok(reply) => ear(false, &reply.summary()),
            Err(failure) => ear(false, &failure.to_string()),
        }
        replied
    }
}

impl Session for AskingSession {
    fn invoke<'a>(&'a mut self, op: &'a Op, from: Option<&'a Redirect>) -> Later<'a, Attempt> {
        Box::pin(self.attempt(op, from))
    }
}

impl AskingSession {
    async fn attempt(&mut self, op: &Op, followed: Option<&Redirect>) -> Attempt {
        let (spec, endpoints) = (Arc::clone(&self.spec), Arc::clone(&self.endpoints));
        let Some(endpoint) = endpoints.get(&self.node) else {
            return failed(&format!("no node `{}`", self.node));
        };
        let kind = op.kind();
        if !self.spec.ops.contains_key(&kind) {
            return failed(&format!("the target serves no `{kind}`"));
        }
        let Endpoint { base, variables } = endpoint;
        let attempt = self.attempts.fetch_add(1, Ordering::Relaxed);
        let id = format!("{}-{attempt}", self.process);
        let variables = &variables_of_op(variables, self.process, id, op);
        let around = Around { templates: &spec.templates, base, variables, followed };
        let reply = match self.exchange(Purpose::Op(kind), around).await {
            Ok(reply) => reply,
            Err(Failure::NotSent(error)) => return failed(&error),
            Err(Failure::Unknown(error)) => return unknown(op, &error).into(),
        };
        let guide = self.guide.as_ref();
        match guide.and_then(|guide| guide.redirect(base, &reply, &endpoints)) {
            Some(redirect) => {
                let completion = redirect.ended(&reply.summary());
                Attempt { completion, redirect: Some(redirect) }
            }
            None => judged(&spec, &endpoints, op, &reply).into(),
        }
    }
}

fn failed(error: &str) -> Attempt {
    Completion::Fail { error: bounded(error) }.into()
}

/// What a reply means. A stamp that names a node outside of the cluster tells nothing.
fn judged(spec: &Spec, endpoints: &Endpoints, op: &Op, reply: &Reply) -> Completion {
    let answers = spec.ops.get(&op.kind()).map_or(&[][..], |answers| answers);
    let mut completion = judge(answers, op, reply);
    if let Completion::Ok { stamp, .. } = &mut completion {
        let known = stamp.node().filter(|node| endpoints.contains_key(node));
        *stamp = Stamp::new(known, stamp.generation());
    }
    completion
}
