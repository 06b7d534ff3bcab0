//! The loop with a driver that has no server.

use std::future::pending;

use super::*;

const HELLO: &str = r#"{"hello":"fracas.client/1","client":1,"nodes":{"n1":{"ip":"10.0.0.1","ports":{"client":7}},"n2":{"ip":"10.0.0.2","ports":{}}},"timeout_ms":200,"parameters":{"mode":"strict"}}"#;

/// A register in the session itself.
struct Toy(Value);

impl Client for Toy {
    const SERVES: &'static [&'static str] = &["read", "write", "swap", "status"];

    async fn open(node: &Node, hello: &Hello) -> Result<Self, String> {
        if node.address("client").is_err() {
            pending::<()>().await; // a node without a port never answers
        }
        Ok(Self(hello.parameter("mode")?.into()))
    }

    async fn perform(&mut self, operation: &Operation) -> Answer {
        match (operation.word(), operation.key()?) {
            ("read", "gone") => pending().await,
            ("read", _) => Ok(json!({"value": self.0})),
            ("swap", _) => Err(Wrong::Info("perhaps".to_owned())),
            _ => {
                self.0 = operation.argument("value")?.clone();
                Ok(json!({}))
            }
        }
    }

    async fn status(node: &Node, _: &Hello) -> Answer {
        match node.address("client") {
            Ok(address) => Ok(json!({"role": "leader", "at": address})),
            Err(why) => Err(Wrong::Fail(why)),
        }
    }
}

/// What the loop answers to these lines, a line each.
fn answers(lines: &[&str]) -> (Vec<String>, Result<(), Broken>) {
    let (mut output, input) = (Vec::new(), lines.join("\n"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let ended = runtime.block_on(serve::<Toy>(input.as_bytes(), &mut output));
    (String::from_utf8(output).unwrap().lines().map(str::to_owned).collect(), ended)
}

#[test]
fn every_message_has_its_answer() {
    let cases = [
        (r#"{"id":1,"op":"read","key":"k"}"#, r#"{"fail":"there is no session","id":1}"#),
        (r#"{"open":7,"node":"n9"}"#, r#"{"refused":7,"why":"there is no node `n9`"}"#),
        (r#"{"open":7,"node":"n2"}"#, r#"{"refused":7,"why":"no session in time"}"#),
        (r#"{"open":7,"node":"n1"}"#, r#"{"opened":7}"#),
        (r#"{"id":2,"op":"read","key":"k"}"#, r#"{"id":2,"ok":{"value":"strict"}}"#),
        (r#"{"id":3,"op":"write","key":"k","value":5}"#, r#"{"id":3,"ok":{}}"#),
        (r#"{"id":4,"op":"read","key":"k"}"#, r#"{"id":4,"ok":{"value":5}}"#),
        (r#"{"id":5,"op":"write","key":"k"}"#, r#"{"fail":"the operation has no `value`","id":5}"#),
        (
            r#"{"id":6,"op":"read","key":"../k"}"#,
            r#"{"fail":"`../k` is not a key of letters and digits","id":6}"#,
        ),
        (r#"{"id":7,"op":"swap","key":"k"}"#, r#"{"id":7,"info":"perhaps"}"#),
        (r#"{"id":8,"op":"cas","key":"k"}"#, r#"{"fail":"`cas` is not served","id":8}"#),
        (r#"{"status":"n1"}"#, r#"{"at":"10.0.0.1:7","role":"leader","status":"n1"}"#),
        (r#"{"status":"n2"}"#, r#"{"status":"n2","unknown":"there is no port `client`"}"#),
    ];
    let lines: Vec<&str> = [HELLO].into_iter().chain(cases.map(|(said, _)| said)).collect();
    let (heard, ended) = answers(&lines);
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!(heard[0], r#"{"ready":true,"serves":["read","write","swap","status"]}"#);
    assert_eq!(heard[1..], cases.map(|(_, answer)| answer.to_owned()));
}

/// A time-out of fracas would kill the program; and what the session still brings must not be taken
/// for the answer to the next operation.
#[test]
fn an_answer_comes_in_time_and_ends_the_session_if_it_is_none() {
    let open = r#"{"open":7,"node":"n1"}"#;
    let never = r#"{"id":1,"op":"read","key":"gone"}"#;
    let next = r#"{"id":2,"op":"read","key":"k"}"#;
    let (heard, _) = answers(&[HELLO, open, never, next]);
    assert_eq!(heard[2], r#"{"id":1,"info":"no answer within 180ms"}"#);
    assert_eq!(heard[3], r#"{"fail":"there is no session","id":2}"#);
}

#[test]
fn close_ends_the_session_without_an_answer() {
    let (open, close) = (r#"{"open":7,"node":"n1"}"#, r#"{"close":7}"#);
    let (heard, _) = answers(&[HELLO, open, close, r#"{"id":2,"op":"read","key":"k"}"#]);
    assert_eq!(heard.len(), 3);
    assert_eq!(heard[2], r#"{"fail":"there is no session","id":2}"#);
}

#[test]
fn what_is_not_the_protocol_ends_it() {
    for (lines, why) in [
        (vec!["{}"], "not a hello"),
        (vec![r#"{"hello":"other/2","nodes":{},"timeout_ms":1}"#], "`other/2` is spoken"),
        (vec![HELLO, "rubbish"], "not a message"),
    ] {
        let (_, ended) = answers(&lines);
        let told = ended.expect_err("it is no message").to_string();
        assert!(told.contains(why), "{told}");
    }
    assert!(answers(&[]).1.is_ok(), "nobody says anything");
}
