//! Protocols in which an operation is one request and one answer, whatever they look like.
//!
//! A protocol is an [`Exchange`], in a file of its own; everything else knows it only as a
//! [`Speech`], which holds what a target file declares in it. It deliberately has no retry in any of
//! them: what is known after a failure is told, not mended.

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Display};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use fracas_checker::OpKind;

use crate::declared::places::Text;
use crate::declared::requests::Keys;
use crate::declared::try_template::{Compiler, Scope};
use crate::diagnostic::Problem;
use crate::endpoint::Endpoints;
use crate::form::Form;
use crate::members::MemberStep;
use crate::redirect::{Elsewhere, Redirect};
use crate::reply::{ClientError, Failure, Reply};
use crate::session::Later;
use crate::template::{RenderError, Templates, Variables};

/// What a node is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    /// An operation.
    Op(OpKind),
    /// Its role and generation.
    Status,
    /// Whether it is up.
    Ready,
    /// Something about the members of the cluster.
    Member(MemberStep),
    /// Whether its process of this place is.
    Process(usize),
}

/// A request as a target file declares it.
pub(crate) struct Declared<'a> {
    pub(crate) keys: Keys<'a>,
    pub(crate) scope: Scope,
    /// Those of every request.
    pub(crate) headers: Option<&'a BTreeMap<String, Text>>,
}

/// How long an exchange may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// How long a connection may take to come about.
    pub(crate) connect: Duration,
    /// How long everything together.
    pub(crate) whole: Duration,
}

/// A protocol.
pub(crate) trait Exchange: Sized + Send + Sync + 'static {
    /// What its requests and answers have.
    const FORM: Form;
    /// The port of an address that names none.
    const PORT: u16;
    /// A request with variables in it.
    type Rule: Debug + Send + Sync;
    /// A request, ready to be sent.
    type Request: Debug + Display + Clone + Send + Sync;
    /// What all sessions share.
    type Wire: Send + Sync;
    /// What a session has for itself.
    type Connection: Send;

    /// Whether this is an address of it.
    fn is_address(base: &str) -> bool;
    /// Compiles a request.
    fn compile(compiler: &mut Compiler<'_>, declared: &Declared<'_>)
    -> Result<Self::Rule, Problem>;
    /// Fills in the variables of a request.
    fn render(rule: &Self::Rule, around: &Around<'_>) -> Result<Self::Request, RenderError>;
    /// Where a request goes.
    fn address(request: &Self::Request) -> String;
    /// What sessions share that may take so long for an exchange.
    fn wire(times: Times) -> Result<Self::Wire, ClientError>;
    /// What a new session has.
    fn connection(wire: &Self::Wire) -> Self::Connection;
    /// Where a reply sends its operation, by the words of this protocol; `base` is where it came from.
    /// A reply that does so must mean that nothing was done.
    fn elsewhere(base: &str, reply: &Reply) -> Option<Elsewhere>;
    /// Sends a request once, and reads the whole answer.
    fn exchange(
        connection: &mut Self::Connection,
        request: Self::Request,
    ) -> impl Future<Output = Result<Reply, Failure>> + Send;
}

/// What a request is rendered with.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    pub(crate) templates: &'a Templates,
    /// The address of the node.
    pub(crate) base: &'a str,
    pub(crate) variables: &'a Variables,
    /// The answer that led here, if one did.
    pub(crate) followed: Option<&'a Redirect>,
}

/// All requests of a target file, in one protocol.
pub(crate) trait Speech: Debug + Send + Sync {
    /// What requests and answers have.
    fn form(&self) -> Form;
    /// Compiles a request.
    fn declare(
        &mut self,
        purpose: Purpose,
        compiler: &mut Compiler<'_>,
        declared: &Declared<'_>,
    ) -> Result<(), Problem>;
    /// A request, ready to be sent; none if none was declared.
    fn request(
        &self,
        purpose: Purpose,
        around: &Around<'_>,
    ) -> Option<Result<Arc<dyn Asking>, RenderError>>;
    /// The node to which a reply sends its operation, if it does; it came from `base`.
    fn redirect(&self, base: &str, reply: &Reply, endpoints: &Endpoints) -> Option<Redirect>;
    /// What sessions share.
    fn wire(self: Arc<Self>, times: Times) -> Result<Box<dyn Wire>, ClientError>;
}

/// A request that can be sent, by whoever holds it.
pub(crate) trait Asking: Debug + Display + Send + Sync {
    /// Where it goes.
    fn address(&self) -> String;
    /// Sends it over a new connection.
    fn ask(&self, times: Times) -> Later<'_, Result<Reply, Failure>>;
}

/// What sessions share.
pub(crate) trait Wire: Send + Sync {
    /// What a new session speaks through.
    fn line(&self) -> Box<dyn Line>;
}

/// What one session speaks through.
pub(crate) trait Line: Send {
    /// Sends the request for a purpose once, and reads the whole answer.
    fn ask<'a>(
        &'a mut self,
        purpose: Purpose,
        around: Around<'a>,
    ) -> Later<'a, Result<Reply, Failure>>;
}

/// What a target file declares in a protocol.
pub(crate) struct Spoken<E: Exchange>(BTreeMap<Purpose, E::Rule>);

impl<E: Exchange> Default for Spoken<E> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<E: Exchange> Debug for Spoken<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple(E::FORM.scheme).field(&self.0).finish()
    }
}

impl<E: Exchange> Speech for Spoken<E> {
    fn form(&self) -> Form {
        E::FORM
    }

    fn declare(
        &mut self,
        purpose: Purpose,
        compiler: &mut Compiler<'_>,
        declared: &Declared<'_>,
    ) -> Result<(), Problem> {
        self.0.insert(purpose, E::compile(compiler, declared)?);
        Ok(())
    }

    fn request(
        &self,
        purpose: Purpose,
        around: &Around<'_>,
    ) -> Option<Result<Arc<dyn Asking>, RenderError>> {
        let request = E::render(self.0.get(&purpose)?, around);
        Some(request.map(|request| Arc::new(Ready::<E>(request)) as Arc<dyn Asking>))
    }

    fn redirect(&self, base: &str, reply: &Reply, endpoints: &Endpoints) -> Option<Redirect> {
        Redirect::to(E::elsewhere(base, reply)?, endpoints, E::PORT)
    }

    fn wire(self: Arc<Self>, times: Times) -> Result<Box<dyn Wire>, ClientError> {
        let wire = E::wire(times)?;
        Ok(Box::new(Shared { spoken: self, wire }))
    }
}

/// A request of a protocol, ready to be sent.
struct Ready<E: Exchange>(E::Request);

impl<E: Exchange> Debug for Ready<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(&self.0, f)
    }
}

impl<E: Exchange> Display for Ready<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.0, f)
    }
}

impl<E: Exchange> Asking for Ready<E> {
    fn address(&self) -> String {
        E::address(&self.0)
    }

    fn ask(&self, times: Times) -> Later<'_, Result<Reply, Failure>> {
        Box::pin(async move {
            let wire = E::wire(times).map_err(|error| Failure::NotSent(error.to_string()))?;
            E::exchange(&mut E::connection(&wire), self.0.clone()).await
        })
    }
}

struct Shared<E: Exchange> {
    spoken: Arc<Spoken<E>>,
    wire: E::Wire,
}

impl<E: Exchange> Wire for Shared<E> {
    fn line(&self) -> Box<dyn Line> {
        let connection = E::connection(&self.wire);
        Box::new(Own::<E> { spoken: Arc::clone(&self.spoken), connection })
    }
}

struct Own<E: Exchange> {
    spoken: Arc<Spoken<E>>,
    connection: E::Connection,
}

impl<E: Exchange> Line for Own<E> {
    fn ask<'a>(
        &'a mut self,
        purpose: Purpose,
        around: Around<'a>,
    ) -> Later<'a, Result<Reply, Failure>> {
        let Some(rule) = self.spoken.0.get(&purpose) else {
            let missing = format!("no request is declared for {purpose:?}");
            return Box::pin(std::future::ready(Err(Failure::NotSent(missing))));
        };
        match E::render(rule, &around) {
            Ok(request) => Box::pin(E::exchange(&mut self.connection, request)),
            Err(error) => Box::pin(std::future::ready(Err(Failure::NotSent(error.to_string())))),
        }
    }
}
