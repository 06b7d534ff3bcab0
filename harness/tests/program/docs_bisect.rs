//! The script of `docs/exit-codes.md` that translates exit codes for `git bisect run`.

use fracas::exit::TABLE;

use crate::support::Room;

const PAGE: &str = include_str!("../../../docs/exit-codes.md");

/// What `git bisect run` makes of a code that the script ends with.
fn meaning(code: i32) -> &'static str {
    match code {
        0 => "good",
        125 => "skip",
        1..=127 => "bad",
        _ => "stop",
    }
}

#[test]
fn only_an_anomaly_makes_a_commit_bad() {
    let (_, script) = PAGE.split_once("```sh\n").expect("the page has a script");
    let (script, _) = script.split_once("```").expect("the script ends");
    let room = Room::new();
    room.script("bisect.sh", script);
    room.script("make", "#!/bin/sh\nexit ${BUILD:-0}\n");
    room.script("fracas", "#!/bin/sh\nexit $FRACAS_CODE\n");
    let bisect = |variable: &str, code: u8| {
        let mut command = room.shell("PATH=$PWD:$PATH ./bisect.sh");
        room.finish(command.env(variable, code.to_string())).code.map(meaning)
    };
    for (exit, code, _) in TABLE {
        let expected = match code {
            0 => "good",
            1 => "bad",
            2 | 3 => "skip",
            _ => "stop",
        };
        assert_eq!(bisect("FRACAS_CODE", code), Some(expected), "{exit:?}");
    }
    assert_eq!(bisect("BUILD", 2), Some("skip"), "a commit that does not build");
}
