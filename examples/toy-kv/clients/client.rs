//! A client of the toy server: three operations; the kit does the rest.
//!
//!     rustc --edition 2024 -O -o client examples/toy-kv/clients/client.rs

#[path = "../../../targets/clients/fracas_client.rs"]
mod fracas_client;

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;

use fracas_client::{Answer, Client, Hello, Json, Node, Wrong, object, run};

struct Toy {
    stream: BufReader<TcpStream>,
}

impl Toy {
    /// One exchange of HTTP: the status, and the body.
    fn ask(&mut self, request: &str, body: Json) -> Result<(u16, Json), Wrong> {
        let (text, wrong) = (body.to_string(), |why: &str| Wrong::Info(why.to_owned()));
        let head = format!("{request} HTTP/1.1\r\nHost: toy\r\nContent-Length: {}\r\n\r\n", text.len());
        self.stream.get_mut().write_all((head + &text).as_bytes())?;
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if std::io::BufRead::read_line(&mut self.stream, &mut head)? == 0 {
                return Err(wrong("the connection ended"));
            }
        }
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        let mut body = vec![0; length.ok_or(wrong("no length"))?.parse()?];
        self.stream.read_exact(&mut body)?;
        let status = head.split(' ').nth(1).unwrap_or_default().parse()?;
        Ok((status, Json::parse(&String::from_utf8(body)?).ok_or(wrong("no JSON"))?))
    }
}

impl Client for Toy {
    const SERVES: &'static [&'static str] = &["read", "write", "cas"];

    fn open(node: &Node, hello: &Hello) -> Result<Self, String> {
        let address = format!("{}:{}", node.ip, node.ports["http"]).parse().expect("an address");
        let stream = TcpStream::connect_timeout(&address, hello.timeout).map_err(|e| e.to_string())?;
        stream.set_read_timeout(Some(hello.timeout)).map_err(|e| e.to_string())?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    fn perform(&mut self, word: &str, op: &Json) -> Answer {
        let key = op.get("key").and_then(Json::as_str).unwrap_or_default();
        let argument = |name| (name, op.get(name).cloned().unwrap_or(Json::Null));
        let (status, body) = match word {
            "read" => self.ask(&format!("GET /kv/{key}"), object([]))?,
            "write" => self.ask(&format!("PUT /kv/{key}"), object([argument("value")]))?,
            _ => self.ask(&format!("POST /kv/{key}/cas"), object([argument("old"), argument("new")]))?,
        };
        match (word, status) {
            ("read", 200 | 404) => {
                Ok(object([("value", body.get("value").cloned().unwrap_or(Json::Null))]))
            }
            ("cas", 200) if body.get("swapped") != Some(&Json::Bool(true)) => {
                Err(Wrong::Fail("mismatch".to_owned()))
            }
            (_, 200) => Ok(object([])),
            _ => Err(Wrong::Info(format!("status {status}"))),
        }
    }
}

fn main() {
    run::<Toy>();
}
