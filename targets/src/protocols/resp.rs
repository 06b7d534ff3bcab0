//! One attempt at one command of RESP2, the protocol of Redis, and its reply as JSON.
//!
//! It deliberately has no retry, no pipeline, no subscription, no `AUTH` and no TLS. A session keeps
//! its connection for its next command.
//!
//! Protocol: <https://redis.io/docs/latest/develop/reference/protocol-spec/>.

use std::fmt;
use std::net::SocketAddr;

use serde_json::{Value as Json, json};

use crate::connection::{Connection, socket};
use crate::declared::requests::{missing, of_http};
use crate::declared::try_template::Compiler;
use crate::diagnostic::Problem;
use crate::form::Form;
use crate::protocol::{Around, Declared, Exchange, Times};
use crate::quoted::quoted;
use crate::redirect::{Elsewhere, Place};
use crate::reply::{ClientError, Failure, MAX_ANSWER, Reply};
use crate::template::{RenderError, Template};

/// RESP2, the protocol of Redis.
pub(crate) struct Resp;

/// What requests and answers have.
const FORM: Form = Form { scheme: SCHEME, has_status: false, is_text: false, redirects: true };

/// The beginning of an address that is spoken to in this protocol.
const SCHEME: &str = "redis";

/// The port of an address that names none.
const PORT: u16 = 6379;

/// The errors of a cluster that send a command to another node: `MOVED 3999 10.0.0.2:6379`. The node
/// that answers so has not served it.
const REDIRECTS: [&str; 2] = ["MOVED", ASK];
/// The one that does so for this command only.
const ASK: &str = "ASK";

/// Replies may be in replies, but no deeper than this.
const DEEPEST: usize = 8;

/// A command, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    address: SocketAddr,
    words: Vec<String>,
    /// Whether the node is told before it that another one sent it here: it would not serve it else.
    asking: bool,
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.words.iter().map(|word| quoted(word)).collect();
        let before = if self.asking { "ASKING, then " } else { "" };
        write!(f, "{before}{} at {SCHEME}://{}", words.join(" "), self.address)
    }
}

impl Command {
    /// As it is sent.
    fn encoded(&self) -> Vec<u8> {
        let mut bytes = if self.asking { encoded(&["ASKING"]) } else { Vec::new() };
        bytes.extend(encoded(&self.words));
        bytes
    }

    /// How many replies there will be; the last one counts.
    fn replies(&self) -> usize {
        1 + usize::from(self.asking)
    }
}

/// Words as an array of bulk strings.
fn encoded(words: &[impl AsRef<str>]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        let word = word.as_ref();
        bytes.extend(format!("${}\r\n{word}\r\n", word.len()).bytes());
    }
    bytes
}

impl Exchange for Resp {
    const FORM: Form = FORM;
    const PORT: u16 = PORT;
    type Rule = Vec<Template>;
    type Request = Command;
    type Wire = Times;
    type Connection = Connection;

    fn is_address(base: &str) -> bool {
        socket(base, SCHEME, PORT).is_ok()
    }

    fn compile(
        compiler: &mut Compiler<'_>,
        declared: &Declared<'_>,
    ) -> Result<Vec<Template>, Problem> {
        compile(compiler, declared)
    }

    fn render(words: &Vec<Template>, around: &Around<'_>) -> Result<Command, RenderError> {
        let words = words.iter().map(|word| around.templates.render(word, around.variables));
        let words = words.collect::<Result<_, _>>()?;
        let asking = around.followed.is_some_and(|redirect| redirect.detour == ASK);
        Ok(Command { address: socket(around.base, SCHEME, PORT)?, words, asking })
    }

    fn address(command: &Command) -> String {
        command.address.to_string()
    }

    fn wire(times: Times) -> Result<Times, ClientError> {
        Ok(times)
    }

    fn connection(times: &Times) -> Connection {
        Connection::new(*times)
    }

    fn elsewhere(base: &str, reply: &Reply) -> Option<Elsewhere> {
        let Reply::Resp(json) = reply else { return None };
        let word = json.get("error")?.as_str().filter(|word| REDIRECTS.contains(word))?;
        let (host, port) = json.get("message")?.as_str()?.split(' ').nth(2)?.rsplit_once(':')?;
        let host = match host {
            // The host that was asked.
            "" => Place::of(base, PORT)?.host,
            named => named.to_owned(),
        };
        Some(Elsewhere { place: Place { host, port: port.parse().ok()? }, detour: word.to_owned() })
    }

    async fn exchange(connection: &mut Connection, command: Command) -> Result<Reply, Failure> {
        converse(connection, &command).await.map(Reply::Resp)
    }
}

/// Compiles the words of a command.
fn compile(
    compiler: &mut Compiler<'_>,
    Declared { keys, scope, headers }: &Declared<'_>,
) -> Result<Vec<Template>, Problem> {
    if let Some(header) = headers.and_then(|headers| headers.values().next()) {
        return Err(of_http(header.span(), "headers", (FORM, "a command has none")));
    }
    if let Some((key, place)) = keys.http.first() {
        return Err(of_http(place.clone(), key, (FORM, "expected `command` instead")));
    }
    let example = r#"["GET", "{{ key }}"]"#;
    let command = keys.command.ok_or_else(|| missing(keys.place.clone(), "command", example))?;
    if command.get_ref().is_empty() {
        let label = format!("expected its words, such as `{example}`");
        return Err(Problem::new(command.span(), "the command is empty", label));
    }
    command.get_ref().iter().map(|word| compiler.template(word, *scope)).collect()
}

/// Sends a command and reads the whole reply.
async fn converse(connection: &mut Connection, command: &Command) -> Result<Json, Failure> {
    let whole = |bytes: &[u8]| match last_of(command.replies(), bytes)? {
        Some((reply, [])) => Ok(Some(top(reply))),
        Some(_) => Err("more than one reply to one command".to_owned()),
        None => Ok(None),
    };
    connection.exchange(command.address, &command.encoded(), whole).await
}

/// A whole reply as rules see it: an error as it is, anything else as `{"reply": …}`.
fn top(reply: Parsed) -> Json {
    match reply {
        Parsed::Error(error) => error,
        Parsed::Plain(reply) => json!({ "reply": reply }),
    }
}

/// A reply as JSON.
#[derive(Debug, PartialEq)]
enum Parsed {
    /// `{"error": "LOADING", "message": "LOADING Redis is loading …"}`.
    Error(Json),
    /// A string, an integer, `null` or an array.
    Plain(Json),
}

impl Parsed {
    fn json(self) -> Json {
        match self {
            Self::Error(json) | Self::Plain(json) => json,
        }
    }
}

/// The last of so many replies and what follows it; none while it is not whole.
fn last_of(replies: usize, bytes: &[u8]) -> Result<Option<(Parsed, &[u8])>, String> {
    let mut parsed = parse(bytes)?;
    for _ in 1..replies {
        let Some((_, rest)) = parsed else { return Ok(None) };
        parsed = parse(rest)?;
    }
    Ok(parsed)
}

/// A reply and what follows it; none while it is not whole. An error says what is no RESP2 in it.
fn parse(bytes: &[u8]) -> Result<Option<(Parsed, &[u8])>, String> {
    parse_at(bytes, 0)
}

fn parse_at(bytes: &[u8], depth: usize) -> Result<Option<(Parsed, &[u8])>, String> {
    if depth > DEEPEST {
        return Err(format!("a reply deeper than {DEEPEST} arrays"));
    }
    let Some((line, rest)) = first_line(bytes) else { return Ok(None) };
    let Some((kind, text)) = line.split_first() else {
        return Err("an empty line is no reply".to_owned());
    };
    let told = String::from_utf8_lossy(text);
    let plain = |json: Json| Ok(Some((Parsed::Plain(json), rest)));
    match kind {
        b'+' => plain(told.into()),
        b':' => plain(number(&told)?.into()),
        b'-' => {
            let word = told.split(' ').next().unwrap_or_default();
            Ok(Some((Parsed::Error(json!({ "error": word, "message": told })), rest)))
        }
        b'$' => match length(&told)? {
            None => plain(Json::Null),
            Some(length) => bulk(rest, length),
        },
        b'*' => match length(&told)? {
            None => plain(Json::Null),
            Some(count) => array(rest, count, depth),
        },
        _ => Err(format!("`{}` is no reply", String::from_utf8_lossy(line))),
    }
}

/// The bytes before the first `\r\n`, and those after it.
fn first_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    Some((&bytes[..end], &bytes[end + 2..]))
}

fn number(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| format!("`{text}` is not an integer"))
}

/// A length; none is `-1`, which stands for nothing at all.
fn length(text: &str) -> Result<Option<usize>, String> {
    match number(text)? {
        -1 => Ok(None),
        length => match usize::try_from(length) {
            Ok(length) if length <= MAX_ANSWER => Ok(Some(length)),
            _ => Err(format!("a reply of length {length}, expected at most {MAX_ANSWER}")),
        },
    }
}

fn bulk(bytes: &[u8], length: usize) -> Result<Option<(Parsed, &[u8])>, String> {
    let Some((text, rest)) = bytes.split_at_checked(length) else { return Ok(None) };
    let Some((end, rest)) = rest.split_at_checked(2) else { return Ok(None) };
    if end != b"\r\n" {
        return Err("a string that is longer than it says".to_owned());
    }
    Ok(Some((Parsed::Plain(String::from_utf8_lossy(text).into()), rest)))
}

fn array(bytes: &[u8], count: usize, depth: usize) -> Result<Option<(Parsed, &[u8])>, String> {
    let (mut items, mut rest) = (Vec::new(), bytes);
    for _ in 0..count {
        let Some((item, after)) = parse_at(rest, depth + 1)? else { return Ok(None) };
        items.push(item.json());
        rest = after;
    }
    Ok(Some((Parsed::Plain(items.into()), rest)))
}

#[cfg(test)]
mod tests;
