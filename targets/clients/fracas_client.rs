//! The loop of a fracas client program (`fracas.client/1`), with nothing but the standard library:
//! copy this file beside your client.
//!
//!     mod fracas_client;
//!     use fracas_client::{Answer, Client, Hello, Json, Node, Wrong, run};
//!
//!     impl Client for Mine {
//!         const SERVES: &'static [&'static str] = &["read", "write"];
//!         fn open(node: &Node, hello: &Hello) -> Result<Self, String> { … }  // an error refuses the session
//!         fn perform(&mut self, word: &str, op: &Json) -> Answer { … }       // what `ok` tells
//!     }
//!     fn main() { run::<Mine>() }
//!
//! `Wrong::Fail` says that the operation certainly did not and never will take effect, `Wrong::Info`
//! that nobody knows; `?` on any error means `Info`. Never try an operation again. A session ends when
//! it is dropped. With `"status"` in `SERVES`, `fn status(node, hello) -> Answer` tells who leads.
#![expect(dead_code, reason = "a client need not use everything")]

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead, Write};
use std::time::Duration;

/// What `ok` tells, or what went wrong.
pub type Answer = Result<Json, Wrong>;

/// Why an operation has no `ok`.
#[derive(Debug)]
pub enum Wrong {
    /// It certainly did not, and never will, take effect.
    Fail(String),
    /// Nobody knows.
    Info(String),
}

impl<E: std::error::Error> From<E> for Wrong {
    fn from(error: E) -> Self {
        Self::Info(error.to_string())
    }
}

/// Where a session is opened.
pub struct Node {
    pub name: String,
    pub ip: String,
    pub ports: BTreeMap<String, u16>,
}

/// What the client is told first.
pub struct Hello {
    pub client: i64,
    pub timeout: Duration,
    /// All of it.
    pub json: Json,
}

/// A session of one process at one node.
pub trait Client: Sized {
    const SERVES: &'static [&'static str];
    fn open(node: &Node, hello: &Hello) -> Result<Self, String>;
    fn perform(&mut self, word: &str, op: &Json) -> Answer;
    /// Whether a node leads: an object with `role` and `generation`. Asked if `SERVES` has `"status"`.
    fn status(_node: &Node, _hello: &Hello) -> Answer {
        Err(Wrong::Fail("no status".to_owned()))
    }
}

/// Speaks the protocol until standard input ends.
pub fn run<C: Client>() {
    let mut lines = io::stdin().lock().lines().map_while(Result::ok);
    let Some(json) = lines.next().and_then(|line| Json::parse(&line)) else { return };
    let timeout = json.get("timeout_ms").and_then(Json::as_int).unwrap_or(1000);
    let client = json.get("client").and_then(Json::as_int).unwrap_or(0);
    let hello = Hello { client, timeout: Duration::from_millis(timeout.unsigned_abs()), json };
    let serves = C::SERVES.iter().map(|word| Json::from(*word)).collect();
    say(object([("ready", Json::Bool(true)), ("serves", Json::List(serves))]));
    let mut session = None;
    for line in lines {
        let Some(line) = Json::parse(&line) else { return };
        if let Some(process) = line.get("open") {
            match node(&line, "node", &hello).and_then(|node| C::open(&node, &hello)) {
                Ok(opened) => {
                    session = Some(opened);
                    say(object([("opened", process.clone())]));
                }
                Err(why) => say(object([("refused", process.clone()), ("why", why.as_str().into())])),
            }
        } else if let Some(name) = line.get("status") {
            let told = node(&line, "status", &hello).map_err(Wrong::Fail);
            let mut told = match told.and_then(|node| C::status(&node, &hello)) {
                Ok(Json::Object(told)) => told,
                Ok(other) => BTreeMap::from([("unknown".to_owned(), other)]),
                Err(Wrong::Fail(why) | Wrong::Info(why)) => {
                    BTreeMap::from([("unknown".to_owned(), why.as_str().into())])
                }
            };
            told.insert("status".to_owned(), name.clone());
            say(Json::Object(told));
        } else if line.get("close").is_some() {
            session = None;
        } else if let Some(id) = line.get("id") {
            let word = line.get("op").and_then(Json::as_str).unwrap_or_default();
            let answer = match &mut session {
                Some(session) => session.perform(word, &line),
                None => Err(Wrong::Fail("no session".to_owned())),
            };
            let (key, told) = match answer {
                Ok(told) => ("ok", told),
                Err(Wrong::Fail(why)) => ("fail", why.as_str().into()),
                Err(Wrong::Info(why)) => ("info", why.as_str().into()),
            };
            say(object([("id", id.clone()), (key, told)]));
        }
    }
}

fn node(line: &Json, key: &str, hello: &Hello) -> Result<Node, String> {
    let name = line.get(key).and_then(Json::as_str).ok_or("no node")?;
    let told = hello.json.get("nodes").and_then(|nodes| nodes.get(name)).ok_or("unknown node")?;
    let Some(Json::Object(ports)) = told.get("ports") else { return Err("no ports".to_owned()) };
    let port = |(name, port): (&String, &Json)| Some((name.clone(), u16::try_from(port.as_int()?).ok()?));
    let ip = told.get("ip").and_then(Json::as_str).unwrap_or_default();
    Ok(Node { name: name.to_owned(), ip: ip.to_owned(), ports: ports.iter().filter_map(port).collect() })
}

fn say(line: Json) {
    let mut out = io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}

/// JSON.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

/// An object of these members.
pub fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
    Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Json {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl Json {
    pub fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Self::Object(members) => members.get(name),
            _ => None,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// Reads a whole text; none if it is no JSON.
    pub fn parse(text: &str) -> Option<Json> {
        let mut reader = Reader(text.trim());
        let value = reader.value()?;
        reader.0.trim().is_empty().then_some(value)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(flag) => write!(f, "{flag}"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number}"),
            Self::Text(text) => quoted(f, text),
            Self::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if at == 0 { "[" } else { "," })?;
                }
                f.write_str(if items.is_empty() { "[]" } else { "]" })
            }
            Self::Object(members) => {
                for (at, (name, value)) in members.iter().enumerate() {
                    f.write_str(if at == 0 { "{" } else { "," })?;
                    quoted(f, name)?;
                    write!(f, ":{value}")?;
                }
                f.write_str(if members.is_empty() { "{}" } else { "}" })
            }
        }
    }
}

fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for letter in text.chars() {
        match letter {
            '"' | '\\' => write!(f, "\\{letter}")?,
            control if control < ' ' => write!(f, "\\u{:04x}", u32::from(control))?,
            other => write!(f, "{other}")?,
        }
    }
    f.write_str("\"")
}

struct Reader<'a>(&'a str);

impl Reader<'_> {
    fn skip(&mut self, mark: &str) -> bool {
        let rest = self.0.trim_start().strip_prefix(mark);
        self.0 = rest.unwrap_or(self.0.trim_start());
        rest.is_some()
    }

    fn value(&mut self) -> Option<Json> {
        if self.skip("{") {
            let mut members = BTreeMap::new();
            while !self.skip("}") {
                if !members.is_empty() && !self.skip(",") {
                    return None;
                }
                let name = self.string()?;
                let value = self.skip(":").then(|| self.value())??;
                members.insert(name, value);
            }
            return Some(Json::Object(members));
        }
        if self.skip("[") {
            let mut items = Vec::new();
            while !self.skip("]") {
                if !items.is_empty() && !self.skip(",") {
                    return None;
                }
                items.push(self.value()?);
            }
            return Some(Json::List(items));
        }
        if self.0.starts_with('"') {
            return self.string().map(Json::Text);
        }
        let (word, rest) = self.0.split_at(self.0.find([',', ']', '}', ' ']).unwrap_or(self.0.len()));
        self.0 = rest;
        match word {
            "null" => Some(Json::Null),
            "true" => Some(Json::Bool(true)),
            "false" => Some(Json::Bool(false)),
            _ => word.parse().map(Json::Int).or_else(|_| word.parse().map(Json::Float)).ok(),
        }
    }

    fn string(&mut self) -> Option<String> {
        if !self.skip("\"") {
            return None;
        }
        let mut found = Vec::new(); // of UTF-16, as escapes are
        let mut letters = self.0.char_indices();
        loop {
            match letters.next()? {
                (at, '"') => {
                    self.0 = &self.0[at + 1..];
                    return String::from_utf16(&found).ok();
                }
                (_, '\\') => match letters.next()?.1 {
                    'u' => {
                        let digits: String = letters.by_ref().take(4).map(|(_, digit)| digit).collect();
                        found.push(u16::from_str_radix(&digits, 16).ok()?);
                    }
                    'n' => found.push(10),
                    'r' => found.push(13),
                    't' => found.push(9),
                    'b' => found.push(8),
                    'f' => found.push(12),
                    other => found.extend(other.encode_utf16(&mut [0; 2]).iter()),
                },
                (_, plain) => found.extend(plain.encode_utf16(&mut [0; 2]).iter()),
            }
        }
    }
}
