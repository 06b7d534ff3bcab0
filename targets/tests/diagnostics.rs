//! The errors in target files, word for word: each case breaks one thing in a valid file.
//!
//! The cases are in `diagnostics/`, written like a diff: `- ` is what the valid file says, `+ ` what
//! stands there instead, and then follows the error.

mod support;

use std::path::Path;

use fracas_checker::{NodeId, OpKind};
use fracas_targets::{Diagnostic, Known, Serves, Settings, Target};

const VALID: &str = include_str!("valid.toml");
const VALID_REDIS: &str = include_str!("valid-redis.toml");
const VALID_LINES: &str = include_str!("valid-lines.toml");
const VALID_ALL: &str = include_str!("valid-all.toml");
const VALID_PROGRAM: &str = include_str!("valid-program.toml");
const VALID_SETUP: &str = include_str!("valid-setup.toml");
const VALID_SEVERAL: &str = include_str!("valid-several.toml");

/// The lines of a case that begin with this mark, without it.
fn marked(case: &str, mark: &str) -> String {
    let lines: Vec<&str> = case.lines().filter_map(|line| line.strip_prefix(mark)).collect();
    lines.join("\n")
}

#[track_caller]
fn check(cases: &str) {
    check_in(VALID, cases);
}

#[track_caller]
fn check_in(valid: &str, cases: &str) {
    let mut wrong = String::new();
    for case in cases.trim_end().split("\n\n") {
        let (before, after) = (marked(case, "- "), marked(case, "+ "));
        assert!(valid.contains(&before), "the valid file does not say `{before}`");
        let text = valid.replacen(&before, &after, 1);
        let Err(error) = Target::parse("sample.toml", &text, &support::FAULTS) else {
            panic!("accepted: {after}");
        };
        let expected = case.find("error: ").map_or("", |at| &case[at..]);
        if error.to_string() != expected {
            wrong += &format!("{error}\n\nbut expected\n{expected}\n\n");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn a_server_of_lines_has_its_own_words() {
    check_in(VALID_LINES, include_str!("diagnostics/lines.txt"));
}

#[test]
fn the_valid_files_are_valid() {
    for text in
        [VALID, VALID_REDIS, VALID_LINES, VALID_ALL, VALID_PROGRAM, VALID_SETUP, VALID_SEVERAL]
    {
        if let Err(error) = Target::parse("valid.toml", text, &support::FAULTS) {
            panic!("{error}");
        }
    }
}

#[test]
fn misspelt_words_are_named_with_the_nearest_valid_one() {
    check(include_str!("diagnostics/words.txt"));
}

#[test]
fn each_operation_has_the_answers_that_it_needs() {
    check_in(VALID_ALL, include_str!("diagnostics/operations.txt"));
}

#[test]
fn a_client_program_takes_the_place_of_requests() {
    check_in(VALID_PROGRAM, include_str!("diagnostics/program.txt"));
}

#[test]
fn steps_before_the_load_are_looked_at() {
    check_in(VALID_SETUP, include_str!("diagnostics/setup.txt"));
}

#[test]
fn the_processes_of_a_node_have_names_and_an_order() {
    check_in(VALID_SEVERAL, include_str!("diagnostics/several.txt"));
}

/// Nothing to start is no node.
#[test]
fn a_node_has_a_command_or_processes() {
    let (before, rest) = VALID.split_once("command = [").unwrap();
    let (_, after) = rest.split_once("\n]\n").unwrap();
    let error =
        Target::parse("sample.toml", &format!("{before}{after}"), &support::FAULTS).unwrap_err();
    assert_eq!((error.title.as_str(), error.key.as_str()), ("missing key", "node"));
    let help = "add `command = [\"{{ binary }}\"]`, or a `[[node.process]]` for each process";
    assert!(error.rendered.contains(help), "{error}");
    let none = VALID.replacen("env = {", "process = []\nenv = {", 1);
    let (before, rest) = none.split_once("command = [").unwrap();
    let (_, after) = rest.split_once("\n]\n").unwrap();
    let error =
        Target::parse("sample.toml", &format!("{before}{after}"), &support::FAULTS).unwrap_err();
    assert_eq!(error.title, "a node cannot have 0 processes");
}

#[test]
fn settings_have_names_values_and_a_default_among_them() {
    check_in(VALID_PROGRAM, include_str!("diagnostics/settings.txt"));
}

#[test]
fn what_is_missing_has_a_name_and_a_path() {
    check_in(VALID_PROGRAM, include_str!("diagnostics/install.txt"));
}

/// A target whose client program said what it serves.
fn serving(text: &str, serves: &Serves) -> Result<Target, Diagnostic> {
    let settings = Settings::new();
    let known = Known { faults: &support::FAULTS, settings: &settings, serves: Some(serves) };
    Target::load("sample.toml", text, known)
}

/// What it serves is known only once it was asked.
#[test]
fn promises_are_held_against_what_a_client_program_serves() {
    let serves = Serves { ops: [OpKind::Write].into(), status: false };
    let error = serving(VALID_PROGRAM, &serves).unwrap_err();
    assert_eq!(error.title, "`linearizable` cannot be checked without reads");
    let expected = "needs `read`, which the client program does not serve";
    assert!(error.rendered.contains(expected), "{error}");
    let serves = Serves { ops: [OpKind::Read, OpKind::Write].into(), status: false };
    let target = serving(VALID_PROGRAM, &serves).unwrap();
    assert_eq!(target.serves(), serves.ops);
}

/// So is that it tells who leads; what it answers has its own words, so the file need say nothing.
#[test]
fn a_client_program_that_is_to_tell_who_leads_must_say_that_it_does() {
    let status = "[status]\nprogram = true\nevery = \"1s\"\natomic = true\n[promises]\nleaders = \
                  \"one-per-generation\"";
    let text = VALID_PROGRAM.replace("[promises]", status);
    let ops = [OpKind::Read, OpKind::Write];
    let serves = |status| Serves { ops: ops.into(), status };
    let error = serving(&text, &serves(false)).unwrap_err();
    assert_eq!(error.title, "the client program tells of no node");
    let expected = "needs `status`, which the client program does not serve";
    assert!(error.rendered.contains(expected), "{error}");
    let target = serving(&text, &serves(true)).unwrap();
    assert!(target.asks_program_for_status());
    assert!(
        Target::parse("sample.toml", &text, &support::FAULTS).is_ok(),
        "it may not have been asked yet"
    );
}

/// A program of the machine may tell who leads whatever the target speaks: `command` of Redis is
/// another thing.
#[test]
fn a_server_that_speaks_resp_may_be_asked_by_a_program() {
    let text = VALID_REDIS.replace("command = [\"ROLE\"]", "exec = [\"redis-cli\", \"ROLE\"]");
    let target = Target::parse("sample.toml", &text, &support::FAULTS)
        .unwrap_or_else(|error| panic!("{error}"));
    let cluster = support::loopback("server", 1, Path::new("/nodes"));
    let poller = target.deploy(&cluster).unwrap().poller().unwrap();
    let command = poller.command(NodeId(1)).unwrap();
    assert_eq!(command, ["redis-cli", "ROLE"]);
}

#[test]
fn wrong_types_say_what_was_expected() {
    check(include_str!("diagnostics/types.txt"));
}

#[test]
fn templates_are_tried_when_loaded() {
    check(include_str!("diagnostics/templates.txt"));
}

#[test]
fn pointers_patterns_and_durations_are_read_when_loaded() {
    check(include_str!("diagnostics/syntax.txt"));
}

#[test]
fn what_is_missing_is_named() {
    check(include_str!("diagnostics/missing.txt"));
}

#[test]
fn values_must_make_sense() {
    check(include_str!("diagnostics/sense.txt"));
}

/// Nothing could show this promise broken, so it would be an empty one.
#[test]
fn leaders_are_promised_with_generations_only() {
    let (before, rest) = VALID.split_once("generation = ").unwrap();
    let (_, after) = rest.split_once("[client]").unwrap();
    let text = format!("{before}\n[client]{after}");
    let error = Target::parse("sample.toml", &text, &support::FAULTS).unwrap_err();
    assert_eq!(error.title, "`one-per-generation` cannot be checked without a generation");
    assert_eq!(error.key, "promises.leaders");
    assert!(error.rendered.contains("needs `status.generation`"), "{error}");
}

#[test]
fn a_leader_that_nobody_tells_of_cannot_be_followed() {
    let (before, rest) = VALID.split_once("cluster = { leader").unwrap();
    let (_, after) = rest.split_once("[client]").unwrap();
    let text =
        format!("{before}\n[client]{after}").replace("leaders = \"one-per-generation\"\n", "");
    let error = Target::parse("sample.toml", &text, &support::FAULTS).unwrap_err();
    assert_eq!(error.title, "clients cannot follow a leader without a status");
    assert_eq!(error.key, "client.route");
    let text = text.replace("route = \"leader\"", "route = \"any\"");
    assert!(Target::parse("sample.toml", &text, &support::FAULTS).is_ok());
}

#[test]
fn the_words_of_one_protocol_are_refused_in_the_other() {
    check(include_str!("diagnostics/protocol.txt"));
    check_in(VALID_REDIS, include_str!("diagnostics/redis.txt"));
}

#[test]
fn text_that_is_not_toml_is_refused() {
    check(include_str!("diagnostics/toml.txt"));
}

#[test]
fn an_error_knows_its_place_as_data() {
    let text = VALID.replacen("/term", "term", 1);
    let error = Target::parse("sample.toml", &text, &support::FAULTS).unwrap_err();
    assert_eq!(error.title, "`term` is not a JSON pointer");
    assert_eq!((error.line, error.column), (39, 23));
    assert_eq!(error.key, "status.generation.json");
}

/// Whatever is missing from a file, the answer is an error and never a panic.
#[test]
fn no_text_makes_it_panic() {
    for (at, letter) in VALID.char_indices().step_by(7) {
        let rest = &VALID[at + letter.len_utf8()..];
        for text in [VALID[..at].to_owned(), format!("{}{rest}", &VALID[..at])] {
            if let Err(error) = Target::parse("sample.toml", &text, &support::FAULTS) {
                assert!(error.rendered.contains("sample.toml:"), "{error}");
            }
        }
    }
}
