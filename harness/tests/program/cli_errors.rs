//! What a user does wrong, and what a broken server does, comes back as a precise message on
//! stderr, the documented exit code, and nothing left behind.

use std::fs;

use crate::support::{Room, TINY, events, json, lab};

/// A target file with one thing changed is refused at its place, by `validate` and by `run`.
#[track_caller]
fn check_file(change: (&str, &str), expected: &[&str]) {
    let room = Room::new();
    assert!(TINY.contains(change.0), "the change has something to change");
    room.file("broken.toml", &TINY.replacen(change.0, change.1, 1));
    for command in ["validate", "run"] {
        room.run(&[command, "./broken.toml"])
            .assert_code(64)
            .assert_no_stdout()
            .assert_stderr(expected);
    }
    assert!(room.runs().is_empty(), "nothing was started");
}

#[test]
fn a_misspelt_key_is_pointed_at_and_the_right_one_suggested() {
    check_file(
        ("connect-timeout", "conect-timeout"),
        &[
            "./broken.toml:20:1",
            "unknown field `conect-timeout`",
            "did you mean `connect-timeout`?",
        ],
    );
    check_file(
        ("[promises]", "[promisses]"),
        &["./broken.toml:34:2", "`promisses`", "did you mean `promises`?"],
    );
}

#[test]
fn a_wrong_type_is_pointed_at() {
    check_file(
        ("nodes = 3", "nodes = \"three\""),
        &["./broken.toml:9:9", "expected an integer", "cluster.nodes"],
    );
    check_file(("timeout = \"1s\"", "timeout = \"soon\""), &["./broken.toml:21:", "`soon`"]);
}

#[test]
fn an_unknown_template_variable_is_pointed_at() {
    check_file(
        ("[\"{{ binary }}\"]", "[\"{{ binry }}\"]"),
        &["./broken.toml:13:16", "unknown variable `binry`", "did you mean `binary`?"],
    );
}

#[test]
fn an_unknown_promise_is_pointed_at() {
    check_file(
        ("\"linearizable\"", "\"serialisable\""),
        &["./broken.toml:35:13", "unknown variant `serialisable`", "expected `linearizable`"],
    );
}

#[test]
fn a_file_that_is_not_toml_is_pointed_at() {
    check_file(("[cluster]", "[cluster"), &["./broken.toml:8:"]);
}

/// A command line that cannot be carried out, and what the message must hold.
#[track_caller]
fn check_usage(args: &[&str], expected: &[&str]) {
    let room = Room::new();
    room.file("tiny.toml", TINY);
    room.file("data", "not a program");
    let ended = room.run(args);
    ended.assert_code(64).assert_no_stdout().assert_stderr(expected);
    assert!(!ended.stderr.contains("use '-- "), "advice that leads nowhere: {ended:#?}");
    assert!(room.runs().is_empty(), "nothing was started");
}

#[test]
fn what_is_not_there_is_named_and_the_nearest_name_suggested() {
    check_usage(&["run", "./no-such.toml"], &["./no-such.toml", "No such file"]);
    check_usage(&["run", "regnt"], &["unknown target `regnt`", "did you mean `regent`?"]);
    check_usage(
        &["run", "regent", "--workload", "registr"],
        &["unknown workload `registr`", "did you mean `register`?"],
    );
    check_usage(
        &["run", "regent", "--faults", "partiton"],
        &["unknown fault `partiton`", "did you mean `partition`?"],
    );
    check_usage(&["run", "regent", "--fautls", "none"], &["--fautls", "'--faults'"]);
    check_usage(&["run", "regent", "--aim", "nothing"], &["unknown aim `nothing`"]);
    check_usage(&["chekc", "x"], &["'chekc'", "'check'"]);
    check_usage(&["check", "no-such.jsonl"], &["no-such.jsonl", "there are no runs yet"]);
    check_usage(&["report", "latest"], &["`latest`", "there are no runs yet"]);
    check_usage(&["report", "tiny.toml"], &["`tiny.toml` exists, but it has no `run.json`"]);
    check_usage(&["explain", "lost-updates"], &["did you mean `lost-update`?"]);
    check_usage(&["explain", "register/linearizable"], &["that is a check", "list anomalies"]);
    check_usage(&["explain", "nonsense"], &["expected the name of an anomaly"]);
    check_usage(&["run", "regent", "--schedule", "nowhere.json"], &["nowhere.json"]);
    check_usage(&["run", "regent", "--schedule", "tiny.toml"], &["`tiny.toml` is not a schedule"]);
}

#[test]
fn a_schedule_that_can_mean_nothing_is_refused_with_its_line() {
    let room = Room::new();
    for (victims, expected) in [
        (r#"{"node": "n4"}"#, "there is no node `n4`: the cluster has n1, n2, n3"),
        (r#""follower""#, "any other node takes `isolate-one`"),
    ] {
        let act =
            format!(r#"{{"kind": "partition", "shape": "isolate-leader", "whom": {victims}}}"#);
        let right = r#"{"at_ms": 1, "lasts_ms": 9, "act": {"kind": "kill"}}"#;
        let text = format!(
            "{{\"schema\": \"fracas.schedule/2\", \"planned\": [{right},\n\
             {{\"at_ms\": 1, \"lasts_ms\": 9, \"act\": {act}}}]}}"
        );
        room.file("by-hand.json", &text);
        let args = ["run", "regent", "--nodes", "3", "--schedule", "by-hand.json"];
        room.run(&args).assert_code(64).assert_stderr(&["`by-hand.json:2`: act 2: ", expected]);
    }
    assert!(room.runs().is_empty());
}

#[test]
fn values_out_of_range_are_refused_and_the_range_told() {
    for (flag, value, expected) in [
        ("--nodes", "0", "expected a whole number from 1"),
        ("--nodes", "33", "expected 1 to 32"),
        ("--time", "soon", "such as `20s` or `1m30s`"),
        ("--time", "-5s", "not negative, such as `20s`"),
        ("-t", "-5", "not negative, such as `20s`"),
        ("--fault-every", "0s", "expected more than 0, such as `5s`"),
        ("--repeat", "0", "expected a whole number from 1"),
        ("--repeat", "-1", "expected a whole number from 1"),
        ("--time", "99999999999h", "expected at most 8760 h"),
        ("--clients", "0", "expected 1 to 1000 clients"),
        ("--clients", "many", "such as `3n`"),
        ("--clients", "100000", "expected 1 to 1000 clients"),
        ("--clients", "18446744073709551615n", "expected 1 to 1000 clients"),
        ("--rate", "0", "such as `200/s`"),
        ("--rate", "1e-300/s", "such as `200/s`"),
        ("--seed", "x", "expected a whole number"),
        ("--seed", "-1", "expected a whole number from 0"),
        ("--keys", "0", "expected a whole number from 1"),
        ("--keys", "x", "expected a whole number from 1"),
        ("--mechanism", "partition=magic", "partition=nft"),
        ("--mechanism", "starve=cgroups", "`starve=cgroup`"),
        ("--check-time", "18446744073709551615", "expected at most 8760 h"),
        ("--check-time", "a while", "such as `20s`"),
    ] {
        check_usage(&["run", "regent", flag, value], &[flag, value, expected]);
    }
}

#[test]
fn a_fault_that_the_cluster_is_too_small_for_is_refused() {
    if !std::path::Path::new("/usr/bin/etcd").exists() {
        return println!("skipped: etcd is not installed (Debian: etcd-server)");
    }
    let args = ["run", "etcd", "--nodes=2", "--faults=membership"];
    check_usage(&args, &["fault `membership` needs more nodes than 2", "`--nodes`"]);
}

/// Else it would be played, and what it is for could never be seen.
#[test]
fn a_scenario_that_means_nothing_in_the_cluster_is_refused() {
    for (nodes, aim, expected) in [
        ("2", "vote", "aim `vote` needs 3 nodes, the cluster has 2"),
        ("2", "bridge-leaders", "aim `bridge-leaders` needs 3 nodes, the cluster has 2"),
        ("1", "late-answers", "aim `late-answers` needs 2 nodes, the cluster has 1"),
    ] {
        check_usage(&["run", "regent", "--nodes", nodes, "--aim", aim], &[expected]);
    }
}

#[test]
fn a_fault_that_the_target_does_not_allow_is_refused() {
    check_usage(
        &["run", "./tiny.toml", "--faults", "pause"],
        &["`tiny` does not allow the fault `pause`", "`[faults]`"],
    );
}

#[test]
fn a_server_that_is_missing_or_no_program_is_named() {
    let asked: [(&str, &[&str]); 3] = [
        ("/no/such/server", &["`/no/such/server` (of `--binary`", "does not exist"]),
        ("data", &["`data`", "not an executable file", "chmod +x"]),
        ("/", &["`/`", "is not a file"]),
    ];
    for (binary, expected) in asked {
        check_usage(&["run", "./tiny.toml", "--binary", binary], expected);
    }
    let room = Room::new();
    room.file("tiny.toml", &TINY.replace("/bin/false", "no-such-server"));
    room.run(&["run", "./tiny.toml"]).assert_code(64).assert_stderr(&[
        "`no-such-server` of target `tiny`",
        "in PATH",
        "`--binary PATH`",
    ]);
    // Found beside the target file, but not executable: it is not said to be nowhere.
    room.file("no-such-server", "#!/bin/sh\n");
    let ended = room.run(&["run", "./tiny.toml"]);
    ended.assert_code(64).assert_stderr(&["was found", "permissions do not allow it"]);
    assert!(!ended.stderr.contains("neither"), "{ended:#?}");
}

#[test]
fn a_server_in_the_working_directory_is_found_by_its_name() {
    let room = Room::new();
    let server = room.script("server", "#!/bin/true\n");
    let plan =
        room.run(&["run", "regent", "--dry-run", "--binary", "server"]).assert_code(0).json();
    assert_eq!(plan["binary"], server.as_str());
}

#[test]
fn an_output_directory_that_cannot_be_made_is_named() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let ended = room.run(&["run", "regent", "--out", "/proc/runs", "--time", "1s"]);
    ended.assert_code(64).assert_no_stdout().assert_stderr(&["`/proc/runs`"]);
    room.assert_nothing_left();
}

/// A server that breaks before testing: exit 3, the reason, a record, a history, nothing running.
#[track_caller]
fn check_server(script: &str, expected: &[&str]) {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    room.file("tiny.toml", TINY);
    let server = room.script("server", script);
    let ended = room.run(&["run", "./tiny.toml", "--time", "1s", "--binary", &server]);
    ended.assert_code(3).assert_no_stdout().assert_stderr(expected);
    room.assert_nothing_left();

    let run = room.only_run();
    let record = json(&run.join("run.json"));
    assert_eq!(record["ended"]["how"], "target-broke", "{record:#}");
    let reason = record["ended"]["reason"].as_str().unwrap();
    assert!(ended.stderr.contains(reason), "{reason}");
    let told = events(&run);
    let phases: Vec<_> = told.iter().filter_map(|event| event["phase"].as_str()).collect();
    assert_eq!(phases, ["start", "stop"], "the history tells how far it came");
    let report =
        |name| fs::read_to_string(run.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let written = ["report.html", "summary.md", "results.json", "junit.xml"].map(report);
    assert!(written[3].contains("errors=\"1\"") && written[3].contains("<error"), "{}", written[3]);
    for text in &written[..3] {
        assert!(text.contains("broke before testing") || text.contains("target-broke"), "{text}");
    }
    ended.assert_stderr(&["report: ", "report.html"]);
    // Judged for itself, a history without a load decides nothing.
    room.run(&["check", "latest"]).assert_code(2);
    room.run(&["report", "latest"]).assert_code(0);
    let page = report("report.html");
    assert!(page.contains("broke before testing"), "the page says so, too");
}

#[test]
fn a_server_that_ends_at_once_is_told_with_its_status() {
    check_server("#!/bin/false\n", &["start node n1: `", "server` ended with status 1"]);
}

#[test]
fn a_server_that_complains_and_ends_is_quoted() {
    check_server(
        "#!/bin/sh\necho 'reading config'\necho 'no such table: \x1b[31mreigns' >&2\nexit 3\n",
        &["start node n1", "ended with status 3", "n1/stderr:", "no such table: \\u{1b}[31mreigns"],
    );
}

#[test]
fn a_server_that_goes_to_the_background_is_told_to_stay() {
    check_server("#!/bin/sh\nsleep 1000 &\nexit 0\n", &["went to the background", "foreground"]);
}

#[test]
fn a_server_that_is_killed_by_a_signal_is_told_with_it() {
    check_server("#!/bin/sh\nkill -ABRT $$\n", &["start node n1", "signal 6"]);
}

#[test]
fn a_server_that_never_listens_is_waited_for_as_long_as_its_target_says() {
    check_server(
        "#!/bin/sh\necho 'still thinking'\nexec sleep 1000\n",
        &["not ready within 2s", "node n1", "http://10.77.0.1:8001/healthz", "still thinking"],
    );
}

#[test]
fn a_server_that_cannot_be_executed_is_told_why() {
    check_server("no shebang\n", &["start node n1", "server`: exec format error"]);
    check_server("#!/no/such/interpreter\n", &["n1", "interpreter"]);
}

/// A file from elsewhere may not take the machine's memory, nor may its text have no end.
#[test]
fn a_target_file_cannot_take_the_whole_machine() {
    let doubled = "{% set a = a ~ a %}".repeat(40);
    let grown = format!("path = \"/kv/{{% set a = 'xxxxxxxx' %}}{doubled}{{{{ a[:1] }}}}");
    check_file(("path = \"/kv/", &grown), &["`./broken.toml` is not used", "512 MiB of memory"]);
    let long = format!("#{}\n", "x".repeat(70_000));
    check_file(("[node]", &format!("{long}[node]")), &["`./broken.toml`", "it is longer than"]);
}
