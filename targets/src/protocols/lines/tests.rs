//! What a client makes of servers that answer in lines, well and badly.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;
use crate::reply::MAX_ANSWER;

const SOON: Duration = Duration::from_millis(300);
const TIMES: Times = Times { connect: SOON, whole: SOON };

/// What a server does with one connection.
#[derive(Clone, Copy)]
enum Script {
    /// Answers every request with this.
    Says(&'static str),
    /// Answers the first request with this, and closes the connection.
    SaysOnce(&'static str),
    /// Answers with the first, and after a while with the second.
    SaysMore(&'static str, &'static str),
    /// Reads, and answers too late.
    SaysLate(&'static str),
    /// Sends this without end.
    Endless(&'static str),
}

/// Plays one script per connection, and returns what came in on each.
async fn play(listener: TcpListener, scripts: Vec<Script>) -> Vec<String> {
    let mut heard = Vec::new();
    for script in scripts {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (mut said, mut chunk) = (String::new(), [0; 256]);
        loop {
            let count = stream.read(&mut chunk).await.unwrap_or(0);
            if count == 0 {
                break;
            }
            said += std::str::from_utf8(&chunk[..count]).unwrap();
            match script {
                Script::Says(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
                Script::SaysOnce(answer) => {
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    break;
                }
                Script::SaysMore(first, second) => {
                    stream.write_all(first.as_bytes()).await.unwrap();
                    tokio::time::sleep(SOON / 6).await;
                    stream.write_all(second.as_bytes()).await.unwrap();
                }
                Script::SaysLate(answer) => {
                    tokio::time::sleep(SOON * 2).await;
                    let _nobody_reads_it = stream.write_all(answer.as_bytes()).await;
                    break;
                }
                Script::Endless(part) => while stream.write_all(part.as_bytes()).await.is_ok() {},
            }
        }
        heard.push(said);
    }
    heard
}

/// A connection, a request for a server with these scripts, and that server.
async fn meet(scripts: &[Script]) -> (Connection, Request, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(play(listener, scripts.to_vec()));
    (Lines::connection(&TIMES), Request { address, lines: vec!["SET k 17".to_owned()] }, server)
}

async fn say(connection: &mut Connection, request: &Request) -> Result<String, Failure> {
    let reply = Lines::exchange(connection, request.clone()).await?;
    Ok(reply.text().into_owned())
}

async fn ask(script: Script) -> Result<String, Failure> {
    let (mut connection, request, _server) = meet(&[script]).await;
    say(&mut connection, &request).await
}

#[tokio::test]
async fn a_line_answers() {
    for (answer, line) in
        [("OK\n", "OK"), ("VALUE 17\r\n", "VALUE 17"), ("\n", ""), (" a\rb \n", " a\rb ")]
    {
        assert_eq!(ask(Script::Says(answer)).await, Ok(line.to_owned()));
    }
    let in_parts = ask(Script::SaysMore("VAL", "UE 17\n")).await;
    assert_eq!(in_parts, Ok("VALUE 17".to_owned()));
}

/// The request was sent, so nobody knows what came of it.
#[tokio::test]
async fn anything_else_leaves_it_unknown() {
    let half = "the connection ended before the reply was whole".to_owned();
    let late = "timed out".to_owned();
    let twice = "more than one line in answer to one request".to_owned();
    let endless = format!("answer longer than {MAX_ANSWER} bytes");
    for (script, error) in [
        (Script::SaysOnce("OK"), half.clone()),
        (Script::SaysOnce(""), half),
        (Script::SaysLate("OK\n"), late.clone()),
        (Script::Says("OK"), late),
        (Script::Says("OK\nOK\n"), twice.clone()),
        (Script::Says("OK\nO"), twice),
        (Script::Endless("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), endless),
    ] {
        let ended = ask(script).await;
        // An endless line may be cut off by the time that an exchange has, on a slow machine.
        let slow = matches!(script, Script::Endless(_))
            && ended == Err(Failure::Unknown("timed out".into()));
        assert!(slow || ended == Err(Failure::Unknown(error.clone())), "{error}: {ended:?}");
    }
}

#[tokio::test]
async fn nobody_there_means_that_nothing_was_sent() {
    let (mut connection, request, server) = meet(&[]).await;
    assert_eq!(server.await.unwrap(), [""; 0]);
    let refused = say(&mut connection, &request).await.unwrap_err();
    assert!(matches!(&refused, Failure::NotSent(why) if why.contains("refused")), "{refused:?}");
}

/// Two lines in one would be two requests.
#[tokio::test]
async fn a_line_break_from_outside_is_not_sent() {
    let (mut connection, request, server) = meet(&[Script::Says("OK\n")]).await;
    let wrong = Request { lines: vec!["SET k 1\nSET x 2".to_owned()], ..request.clone() };
    let refused = say(&mut connection, &wrong).await;
    assert!(matches!(refused, Err(Failure::NotSent(_))), "{refused:?}");
    let several = Request { lines: vec!["set k 2\r".to_owned(), "17\r".to_owned()], ..request };
    assert_eq!(say(&mut connection, &several).await, Ok("OK".to_owned()));
    drop(connection);
    assert_eq!(server.await.unwrap(), ["set k 2\r\n17\r\n"]);
}

/// A session is a connection: what the server keeps for it stays, and a dead one costs no request.
#[tokio::test]
async fn a_session_keeps_its_connection() {
    let scripts = [Script::Says("OK\n"), Script::SaysOnce("BYE\n"), Script::Says("1\n")];
    let (mut connection, request, server) = meet(&scripts).await;
    for _ in 0..2 {
        assert_eq!(say(&mut connection, &request).await, Ok("OK".to_owned()));
    }
    connection = Lines::connection(&TIMES);
    assert_eq!(say(&mut connection, &request).await, Ok("BYE".to_owned()));
    tokio::time::sleep(SOON / 3).await; // its end arrives
    assert_eq!(say(&mut connection, &request).await, Ok("1".to_owned()));
    drop(connection);
    let (once, twice) = ("SET k 17\n", "SET k 17\nSET k 17\n");
    assert_eq!(server.await.unwrap(), [twice, once, once], "nothing is sent twice");
}

/// Its second answer would be taken for the one to the next request.
#[tokio::test]
async fn a_connection_on_which_more_was_said_is_not_kept() {
    let scripts = [Script::SaysMore("OK 1\n", "OK 1\n"), Script::Says("OK 2\n")];
    let (mut connection, request, _server) = meet(&scripts).await;
    assert_eq!(say(&mut connection, &request).await, Ok("OK 1".to_owned()));
    tokio::time::sleep(SOON / 2).await; // it says it once more
    assert_eq!(say(&mut connection, &request).await, Ok("OK 2".to_owned()));
    let (mut connection, request, _server) =
        meet(&[Script::SaysLate("OK\n"), Script::Says("2\n")]).await;
    assert!(say(&mut connection, &request).await.is_err());
    assert!(!connection.is_kept(), "its late answer would be taken for the next one");
}

#[test]
fn an_address_names_a_port() {
    for (base, expected) in [
        ("tcp://10.77.0.1:4600", Some("10.77.0.1:4600")),
        ("tcp://[::1]:4600/", Some("[::1]:4600")),
        ("tcp://10.77.0.1", None),
        ("tcp://localhost:4600", None),
        ("tcp://10.77.0.1:4600/0", None),
        ("redis://10.77.0.1:4600", None),
        ("tcp://", None),
    ] {
        let found = address(base).ok().map(|address| address.to_string());
        assert_eq!(found.as_deref(), expected, "{base}");
    }
}

#[test]
fn a_request_is_shown_with_its_address() {
    let address = "10.77.0.1:4600".parse().unwrap();
    let request = Request { address, lines: vec!["GET k".to_owned()] };
    assert_eq!(request.to_string(), "'GET k' to tcp://10.77.0.1:4600");
}
