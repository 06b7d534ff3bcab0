//! How the members of a cluster change by its own means: a request to another node, or a program that
//! is run where another node is.
//!
//! It deliberately chooses no node and attempts nothing twice: the harness does.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fracas_checker::NodeId;
use serde_json::Value as Json;

use crate::endpoint::{Endpoint, Endpoints};
use crate::members::{MemberRules, MemberStep};
use crate::protocol::{Around, Purpose, Times};
use crate::reply::Reply;
use crate::spec::Spec;
use crate::template::{Variables, variables_of_member};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(1);
/// How long one attempt may take. A change is agreed on by the members before it is answered.
const ATTEMPT: Duration = Duration::from_secs(5);

/// Whom a step concerns.
#[derive(Debug, Clone)]
pub struct Concern {
    /// The node that is removed or added.
    pub node: NodeId,
    /// The node that is asked.
    pub via: NodeId,
    /// What the first of them is called as a member; empty where that is not known.
    pub member: String,
}

/// What a step was answered, if it was a success.
#[derive(Debug)]
pub struct Answer(Reply);

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.summary())
    }
}

/// How the members of a target on a cluster change.
#[derive(Debug, Clone)]
pub struct Membership {
    spec: Arc<Spec>,
    endpoints: Arc<Endpoints>,
}

impl Membership {
    /// None where the target declares nothing of it.
    pub(crate) fn of(spec: &Arc<Spec>, endpoints: &Arc<Endpoints>) -> Option<Self> {
        spec.membership.as_ref()?;
        Some(Self { spec: Arc::clone(spec), endpoints: Arc::clone(endpoints) })
    }

    fn rule(&self) -> &MemberRules {
        self.spec.membership.as_ref().expect("it is made only where one is declared")
    }

    /// Whether a node that was removed joins with empty directories.
    #[must_use]
    pub fn forgets(&self) -> bool {
        self.rule().forget
    }

    /// Whether the members can be listed.
    #[must_use]
    pub fn lists(&self) -> bool {
        self.rule().listed.is_some()
    }

    /// How long a change may take, with all attempts.
    #[must_use]
    pub fn within(&self) -> Duration {
        self.rule().within
    }

    /// How long one attempt may take.
    #[must_use]
    pub fn attempt(&self) -> Duration {
        ATTEMPT
    }

    /// The program of a step, to be run where the node is that is asked; none if it is a request.
    ///
    /// # Errors
    /// If it cannot be rendered, though it could be with sample nodes.
    pub fn program(
        &self,
        step: MemberStep,
        concern: &Concern,
    ) -> Result<Option<Vec<String>>, String> {
        let Some(words) = self.rule().steps.get(&step).and_then(|rule| rule.exec.as_ref()) else {
            return Ok(None);
        };
        let (_, variables) = self.variables(concern)?;
        let render = |word| self.spec.templates.render(word, &variables);
        let words = words.iter().map(render).collect::<Result<_, _>>();
        words.map(Some).map_err(|error| error.to_string())
    }

    /// Sends the request of a step once.
    ///
    /// # Errors
    /// Why it was no success, or is not known to be one.
    pub async fn ask(&self, step: MemberStep, concern: &Concern) -> Result<Answer, String> {
        let asked = self.spec.client.asked.as_ref().ok_or("nobody says where nodes are asked")?;
        let (base, variables) = self.variables(concern)?;
        let templates = &self.spec.templates;
        let around = Around { templates, base: &base, variables: &variables, followed: None };
        let request = asked.speech.request(Purpose::Member(step), &around);
        let request =
            request.ok_or("no request is declared")?.map_err(|error| error.to_string())?;
        let times = Times { connect: CONNECT, whole: ATTEMPT };
        let reply = request.ask(times).await.map_err(|failure| failure.to_string())?;
        self.judged(step, reply)
    }

    /// What the output of the program of a step means; it ended well.
    ///
    /// # Errors
    /// Why it was no success.
    pub fn said(&self, step: MemberStep, output: &str) -> Result<Answer, String> {
        self.judged(step, Reply::Text(output.as_bytes().to_vec()))
    }

    fn judged(&self, step: MemberStep, reply: Reply) -> Result<Answer, String> {
        let rule = self.rule().steps.get(&step).ok_or("no such step is declared")?;
        let status = reply.status().is_none() || reply.status() == rule.status;
        let text = rule.text.as_ref().is_none_or(|pattern| pattern.is_match(&reply.text()));
        if status && text && !reply.is_error() { Ok(Answer(reply)) } else { Err(reply.summary()) }
    }

    /// What a node is called in the list of members, empty if it has no name of its own there; none
    /// if it is not in the list.
    ///
    /// # Errors
    /// If the answer is no such list.
    pub fn member(&self, node: NodeId, answer: &Answer) -> Result<Option<String>, String> {
        let listed = self.rule().listed.as_ref().ok_or("no list of members is declared")?;
        let endpoint = self.endpoint(node)?;
        let name = self.spec.templates.render(&listed.is, &endpoint.variables);
        let name = name.map_err(|error| error.to_string())?;
        let no_list = || format!("no list of members at `{}`: {answer}", listed.at);
        let json = answer.0.json().ok_or_else(no_list)?;
        let members = json.pointer(&listed.at).and_then(Json::as_array).ok_or_else(no_list)?;
        let own = |member: &&Json| member.pointer(&listed.node).is_some_and(|at| told(at) == name);
        let Some(member) = members.iter().find(own) else { return Ok(None) };
        let Some(id) = &listed.id else { return Ok(Some(String::new())) };
        let id = member.pointer(id).map(told).filter(|id| !id.is_empty());
        id.map(Some).ok_or_else(|| format!("the member {name} is called nothing: {answer}"))
    }

    fn endpoint(&self, node: NodeId) -> Result<&Endpoint, String> {
        self.endpoints.get(&node).ok_or_else(|| format!("the cluster has no node `{node}`"))
    }

    /// The address of the node that is asked, and what a step is rendered with.
    fn variables(&self, concern: &Concern) -> Result<(String, Variables), String> {
        let (node, via) = (self.endpoint(concern.node)?, self.endpoint(concern.via)?);
        let variables = variables_of_member(&node.variables, &via.variables, &concern.member);
        Ok((via.base.clone(), variables))
    }
}

/// A value as a text: a text without its quotes.
fn told(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
