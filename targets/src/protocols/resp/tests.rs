//! What a client makes of a scripted socket, and the parser of bytes.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use std::time::Duration;

use super::*;

const SOON: Duration = Duration::from_millis(300);

/// What a server does with one connection.
#[derive(Clone, Copy)]
enum Script {
    /// Answers every command with these bytes.
    Says(&'static [u8]),
    /// Answers the first command, and ends.
    SaysOnce(&'static [u8]),
    /// Reads, and never answers.
    Silent,
    /// Answers one byte after the other.
    Drips(&'static [u8]),
}

/// Plays one script per connection, and returns how many commands came in on each.
async fn play(listener: TcpListener, scripts: Vec<Script>) -> Vec<usize> {
    let mut counts = Vec::new();
    for script in scripts {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (mut count, mut command) = (0, [0; 256]);
        while stream.read(&mut command).await.unwrap_or(0) > 0 {
            count += 1;
            match script {
                Script::Says(bytes) => stream.write_all(bytes).await.unwrap(),
                Script::SaysOnce(bytes) => {
                    stream.write_all(bytes).await.unwrap();
                    break;
                }
                Script::Silent => {}
                Script::Drips(bytes) => {
                    for byte in bytes {
                        stream.write_all(&[*byte]).await.unwrap();
                        tokio::task::yield_now().await;
                    }
                }
            }
        }
        counts.push(count);
    }
    counts
}

/// A client, a command for a server with these scripts, and that server.
async fn meet(scripts: &[Script]) -> (Connection, Command, JoinHandle<Vec<usize>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let words = ["SET", "k", "17"].map(str::to_owned).to_vec();
    let server = tokio::spawn(play(listener, scripts.to_vec()));
    let times = Times { connect: SOON, whole: SOON };
    (Resp::connection(&times), Command { address, asking: false, words }, server)
}

async fn ask(script: Script) -> Result<Json, Failure> {
    let (mut client, command, _server) = meet(&[script]).await;
    converse(&mut client, &command).await
}

#[tokio::test]
async fn replies_become_json() {
    for (reply, expected) in [
        (&b"+OK\r\n"[..], json!({ "reply": "OK" })),
        (b":-17\r\n", json!({ "reply": -17 })),
        (b"$2\r\n17\r\n", json!({ "reply": "17" })),
        (b"$4\r\na\r\nb\r\n", json!({ "reply": "a\r\nb" })),
        (b"$0\r\n\r\n", json!({ "reply": "" })),
        (b"$-1\r\n", json!({ "reply": null })),
        (b"*-1\r\n", json!({ "reply": null })),
        (b"*0\r\n", json!({ "reply": [] })),
        (b"*3\r\n:1\r\n*1\r\n$1\r\na\r\n$-1\r\n", json!({ "reply": [1, ["a"], null] })),
        (b"-LOADING not yet\r\n", json!({ "error": "LOADING", "message": "LOADING not yet" })),
        (b"*1\r\n-ERR no\r\n", json!({ "reply": [{ "error": "ERR", "message": "ERR no" }] })),
    ] {
        assert_eq!(ask(Script::Says(reply)).await, Ok(expected.clone()));
        assert_eq!(ask(Script::Drips(reply)).await, Ok(expected));
    }
}

#[tokio::test]
async fn what_is_no_reply_leaves_it_unknown() {
    for (reply, error) in [
        (&b"HTTP/1.1 400 Bad Request\r\n"[..], "`HTTP/1.1 400 Bad Request` is no reply"),
        (b"\r\n", "an empty line is no reply"),
        (b":seventeen\r\n", "`seventeen` is not an integer"),
        (b"$-2\r\n", "a reply of length -2, expected at most 1048576"),
        (b"$99999999999\r\n", "a reply of length 99999999999, expected at most 1048576"),
        (b"*9999999\r\n", "a reply of length 9999999, expected at most 1048576"),
        (b"$1\r\nab\r\n", "a string that is longer than it says"),
        (b"+OK\r\n+OK\r\n", "more than one reply to one command"),
    ] {
        assert_eq!(ask(Script::Says(reply)).await, Err(Failure::Unknown(error.to_owned())));
    }
    let half = "the connection ended before the reply was whole".to_owned();
    assert_eq!(ask(Script::SaysOnce(b"$9\r\nhalf")).await, Err(Failure::Unknown(half)));
    let late = || Failure::Unknown("timed out".to_owned());
    assert_eq!(ask(Script::Silent).await, Err(late()));
    assert_eq!(ask(Script::Says(b"+half of a line")).await, Err(late()));
}

#[tokio::test]
async fn a_reply_has_bounds() {
    let endless = Box::leak(vec![b'x'; 2 * MAX_ANSWER].into_boxed_slice());
    endless[0] = b'+';
    let error = Failure::Unknown(format!("answer longer than {MAX_ANSWER} bytes"));
    assert_eq!(ask(Script::Says(endless)).await, Err(error));
    let deep = Box::leak(b"*1\r\n".repeat(DEEPEST + 2).into_boxed_slice());
    let error = Failure::Unknown("a reply deeper than 8 arrays".to_owned());
    assert_eq!(ask(Script::Says(deep)).await, Err(error));
}

#[tokio::test]
async fn nobody_there_means_that_nothing_was_sent() {
    let (mut client, command, server) = meet(&[]).await;
    assert_eq!(server.await.unwrap(), [0_usize; 0]);
    let refused = converse(&mut client, &command).await.unwrap_err();
    assert!(matches!(&refused, Failure::NotSent(why) if why.contains("refused")), "{refused:?}");
}

#[tokio::test]
async fn a_connection_is_kept_and_a_dead_one_costs_nothing() {
    let (mut client, command, server) =
        meet(&[Script::Says(b"+OK\r\n"), Script::SaysOnce(b"+OK\r\n"), Script::Says(b":1\r\n")])
            .await;
    for _ in 0..3 {
        assert_eq!(converse(&mut client, &command).await, Ok(json!({ "reply": "OK" })));
    }
    client = Resp::connection(&Times { connect: SOON, whole: SOON });
    assert_eq!(converse(&mut client, &command).await, Ok(json!({ "reply": "OK" })));
    tokio::time::sleep(SOON / 3).await; // its end arrives
    assert_eq!(converse(&mut client, &command).await, Ok(json!({ "reply": 1 })));
    drop(client);
    assert_eq!(server.await.unwrap(), [3, 1, 1], "nothing is sent twice");
}

#[tokio::test]
async fn a_connection_with_an_unasked_reply_is_not_kept_for_the_next_command() {
    let (mut client, command, _server) =
        meet(&[Script::Silent, Script::Says(b"+OK\r\n"), Script::Silent]).await;
    assert!(converse(&mut client, &command).await.is_err());
    assert!(!client.is_kept(), "its late reply would answer the wrong command");
    assert!(converse(&mut client, &command).await.is_ok());
}

#[test]
fn a_command_is_an_array_of_strings() {
    let address = "10.77.0.1:6379".parse().unwrap();
    let words = ["SET", "a b", "ä"].map(str::to_owned).to_vec();
    let command = Command { address, asking: false, words };
    let bytes = "*3\r\n$3\r\nSET\r\n$3\r\na b\r\n$2\r\nä\r\n".as_bytes();
    assert_eq!(command.encoded(), bytes);
    assert_eq!(command.to_string(), "SET 'a b' 'ä' at redis://10.77.0.1:6379");
}

#[test]
fn an_address_is_one_socket() {
    for (base, expected) in [
        ("redis://10.77.0.1:7000", Some("10.77.0.1:7000")),
        ("redis://10.77.0.1", Some("10.77.0.1:6379")),
        ("redis://[::1]:7000/", Some("[::1]:7000")),
        ("redis://localhost:7000", None),
        ("redis://me@10.77.0.1:7000", None),
        ("redis://10.77.0.1:7000/0", None),
        ("rediss://10.77.0.1:7000", None),
        ("http://10.77.0.1:7000", None),
        ("redis://", None),
    ] {
        let found = socket(base, SCHEME, PORT).ok().map(|address| address.to_string());
        assert_eq!(found.as_deref(), expected, "{base}");
    }
}

/// Whatever bytes come, the answer is a reply, more to read, or an error, and never a panic.
#[test]
fn no_bytes_make_it_panic() {
    let samples: [&[u8]; 4] =
        [b"*2\r\n$3\r\nabc\r\n*1\r\n:7\r\n", b"-ERR x\r\n", b"$-1\r\n", b"*1\r\n+\xff\r\n"];
    for sample in samples {
        for at in 0..sample.len() {
            assert_eq!(parse(&sample[..at]), Ok(None), "a part of it is not whole");
            for byte in [0, b'\r', b'\n', b'*', b'$', b'-', b'9', 0xff] {
                let mut changed = sample.to_vec();
                changed[at] = byte;
                let _either = parse(&changed);
            }
        }
    }
}
