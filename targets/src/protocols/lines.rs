//! One attempt at one request of lines of text over plain TCP, and the line that answers it.
//!
//! It deliberately has no retry, no pipeline, no greeting, no answer of several lines and no TLS. A
//! session keeps its connection for its next request: locks and logins that belong to a connection
//! live in it and end with it.

use std::fmt;
use std::net::SocketAddr;

use crate::connection::{Connection, socket};
use crate::declared::requests::{missing, of_http};
use crate::declared::try_template::Compiler;
use crate::diagnostic::Problem;
use crate::form::Form;
use crate::protocol::{Around, Declared, Exchange, Times};
use crate::quoted::quoted;
use crate::redirect::Elsewhere;
use crate::reply::{ClientError, Failure, Reply};
use crate::template::{RenderError, Template};

/// Lines of text over plain TCP.
pub(crate) struct Lines;

/// What requests and answers have.
const FORM: Form = Form { scheme: "tcp", has_status: false, is_text: true, redirects: false };

/// The port of an address that names none: nobody listens there, so it has to be named.
const PORT: u16 = 0;

/// A request, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    address: SocketAddr,
    lines: Vec<String>,
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.lines.iter().map(|line| quoted(line)).collect();
        write!(f, "{} to {}://{}", lines.join(" "), FORM.scheme, self.address)
    }
}

/// Where an address leads; it has to name a port.
fn address(base: &str) -> Result<SocketAddr, RenderError> {
    let socket = socket(base, FORM.scheme, PORT)?;
    if socket.port() != PORT {
        return Ok(socket);
    }
    Err(RenderError::Url { url: base.to_owned(), reason: "expected a port".to_owned() })
}

impl Exchange for Lines {
    const FORM: Form = FORM;
    const PORT: u16 = PORT;
    type Rule = Vec<Template>;
    type Request = Request;
    type Wire = Times;
    type Connection = Connection;

    fn is_address(base: &str) -> bool {
        address(base).is_ok()
    }

    fn compile(
        compiler: &mut Compiler<'_>,
        declared: &Declared<'_>,
    ) -> Result<Vec<Template>, Problem> {
        compile(compiler, declared)
    }

    fn render(lines: &Vec<Template>, around: &Around<'_>) -> Result<Request, RenderError> {
        let lines = lines.iter().map(|line| around.templates.render(line, around.variables));
        let lines = lines.collect::<Result<_, _>>()?;
        Ok(Request { address: address(around.base)?, lines })
    }

    fn address(request: &Request) -> String {
        request.address.to_string()
    }

    fn wire(times: Times) -> Result<Times, ClientError> {
        Ok(times)
    }

    fn connection(times: &Times) -> Connection {
        Connection::new(*times)
    }

    fn elsewhere(_: &str, _: &Reply) -> Option<Elsewhere> {
        None
    }

    async fn exchange(connection: &mut Connection, request: Request) -> Result<Reply, Failure> {
        let sent = sent(&request.lines)?;
        connection.exchange(request.address, sent.as_bytes(), answer).await.map(Reply::Text)
    }
}

/// As it is sent. It must be the lines that stand in the file: more of them would be other requests,
/// whose answers would be taken for those of later ones.
fn sent(lines: &[String]) -> Result<String, Failure> {
    match lines.iter().find(|line| line.contains('\n')) {
        None => Ok(lines.iter().map(|line| format!("{line}\n")).collect()),
        Some(line) => Err(Failure::NotSent(format!("a line break within {}", quoted(line)))),
    }
}

/// The line that answers, without what ends it; none while it is not whole.
fn answer(bytes: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
    if end + 1 < bytes.len() {
        return Err("more than one line in answer to one request".to_owned());
    }
    let line = &bytes[..end];
    Ok(Some(line.strip_suffix(b"\r").unwrap_or(line).to_vec()))
}

/// Compiles the lines of a request.
fn compile(
    compiler: &mut Compiler<'_>,
    Declared { keys, scope, headers }: &Declared<'_>,
) -> Result<Vec<Template>, Problem> {
    if let Some(header) = headers.and_then(|headers| headers.values().next()) {
        return Err(of_http(header.span(), "headers", (FORM, "a line has none")));
    }
    if let Some((key, place)) = keys.http.first() {
        return Err(of_http(place.clone(), key, (FORM, "expected `command` instead")));
    }
    let example = r#"["GET {{ key }}"]"#;
    let command = keys.command.ok_or_else(|| missing(keys.place.clone(), "command", example))?;
    if command.get_ref().is_empty() {
        let label = format!("expected its lines, such as `{example}`");
        return Err(Problem::new(command.span(), "the request is empty", label));
    }
    let mut lines = Vec::new();
    for text in command.get_ref() {
        let line = compiler.tried(text, *scope)?;
        if line.samples.iter().any(|sample| sample.contains('\n')) {
            let label = "expected one line each, such as `[\"first\", \"second\"]`";
            return Err(Problem::new(text.span(), "a line break within a line", label));
        }
        lines.push(line.template);
    }
    Ok(lines)
}

#[cfg(test)]
mod tests;
