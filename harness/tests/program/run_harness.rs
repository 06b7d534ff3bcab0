//! No failure or stall of the harness ever becomes an anomaly of the target, or a pass.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::run_sigkill::children;
use crate::support::{Room, events, has_fuse, is_root, json, lab};

/// The reference cluster behind a script, and what the target file says otherwise.
fn behind(room: &Room, script: &str, changes: &[(&str, &str)]) -> String {
    let regent = room.regent();
    let script = format!("#!/bin/sh\n{script}\nexec {regent} \"$@\"\n");
    room.script("server.sh", &script);
    let mut text = include_str!("../../../targets/builtin/regent.toml").to_owned();
    let usual = [("path = \"regent\"", "path = \"server.sh\""), ("version = [", "# version = [")];
    for (old, new) in usual.iter().chain(changes) {
        assert!(text.contains(old), "{old}");
        text = text.replacen(old, new, 1);
    }
    room.file("behind.toml", &text)
}

/// What the history says of the harness itself, of this kind.
fn mishaps(run: &Path, kind: &str) -> Vec<serde_json::Value> {
    let told = |event: serde_json::Value| event.get("harness").cloned();
    events(run).into_iter().filter_map(told).filter(|event| event["what"] == kind).collect()
}

/// Four megabytes of log lines of any length, in the middle of a run, delay nobody.
#[test]
fn a_server_that_floods_its_log_stalls_nothing() {
    let Some(_lab) = lab() else { return };
    for line in ["", "2026-11-27T18:33:12Z DEBUG raft: append entries to n3 term=12 prev=1234"] {
        let room = Room::new();
        let flood = format!("( sleep 3; yes '{line}' | head -c 4000000 >&2 ) &");
        let target = behind(&room, &flood, &[]);
        let args = ["run", &target, "--workload", "register", "--faults", "none", "--time", "8s"];
        let ended = room.run(&[&args[..], &["--min-elections", "0"]].concat());
        // On a busy machine the harness may have stood still for other reasons, and says so.
        assert!(matches!(ended.code, Some(0 | 2)), "{ended:#?}");
        let skipped = mishaps(&room.only_run(), "log-skipped");
        assert!(skipped.is_empty(), "{skipped:?}");
        room.assert_nothing_left();
    }
}

/// A pipe that nobody writes to would keep its reader for ever.
#[test]
fn a_log_that_is_a_pipe_is_refused_by_name() {
    refuses_the_log("mkfifo app.log", "app.log", "a named pipe");
}

/// Its directory is a file.
#[test]
fn a_log_that_cannot_be_read_to_the_end_is_told() {
    refuses_the_log("touch app", "app/app.log", "unreadable (failed to read the log `app/app.log`");
}

/// Runs servers whose log, a name below the node's directory, is made by this line of a shell:
/// nothing is decided, and the reason names each log and this.
fn refuses_the_log(made_by: &str, log: &str, why: &str) {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let rule = format!(
        "[[status.log]]\nfile = \"{{{{ node.dir }}}}/{log}\"\n\
         regex = '^won generation=(?<generation>\\d+)'\nrole = \"leader\"\n\n[client]"
    );
    let logs = format!(r#"logs = ["stdout", "stderr", "{{{{ node.dir }}}}/{log}"]"#);
    let changes = [(r#"logs = ["stdout", "stderr"]"#, &logs[..]), ("[client]", &rule)];
    let target = behind(&room, made_by, &changes);
    let args = ["run", &target, "--faults", "none", "--time", "4s", "--nodes", "3"];
    let ended = room.run(&[&args[..], &["--min-elections", "0"]].concat());
    ended.assert_code(2).assert_stderr(&["`app.log` of n2 is not followed", why]);
    ended.assert_stdout(&["`app.log`", why, "expected a regular file"]);
    let refused = mishaps(&room.only_run(), "log-refused");
    let nodes: Vec<_> = refused.iter().map(|event| event["node"].as_str().unwrap()).collect();
    assert_eq!(nodes, ["n1", "n2", "n3"]);
    assert_eq!(json(&room.only_run().join("run.json"))["ended"]["how"], "finished");
    room.assert_nothing_left();
}

/// Every process below another one, with the first words of its command line.
fn below(root: i32) -> Vec<(i32, i32, Vec<String>)> {
    let mut found = Vec::new();
    let mut todo = vec![root];
    while let Some(parent) = todo.pop() {
        for child in children(parent) {
            let line = fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
            let words = line.split(|byte| *byte == 0).take(2);
            let words = words.map(|word| String::from_utf8_lossy(word).into_owned()).collect();
            found.push((child, parent, words));
            todo.push(child);
        }
    }
    found
}

/// The first process of the harness of a kind: a disk, a waiter, or an init, which is below a waiter.
fn helper(outer: i32, kind: &str) -> i32 {
    let all = below(outer);
    let is = |words: &[String], word: &str| words.get(1).is_some_and(|second| second == word);
    let waiters: Vec<i32> =
        all.iter().filter(|(.., words)| is(words, "__node")).map(|(pid, ..)| *pid).collect();
    let found = all.iter().find(|(_, parent, words)| match kind {
        "disk" => is(words, "__disk"),
        "init" => is(words, "__node") && waiters.contains(parent),
        _ => is(words, "__node") && !waiters.contains(parent),
    });
    found.map(|(pid, ..)| *pid).unwrap_or_else(|| panic!("no {kind}: {all:#?}"))
}

/// The death of a process of our own is never a crash of a server.
#[test]
fn a_helper_that_is_killed_is_named_and_the_target_is_not_blamed() {
    let Some(_lab) = lab() else { return };
    if !has_fuse() {
        return;
    }
    let cases = [
        ("disk", "the disk process of `"),
        ("waiter", "the waiter of node n"),
        ("init", "the init of node n"),
    ];
    for (kind, name) in cases {
        let room = Room::new();
        let args = ["run", "regent", "--faults", "disk,power", "--time", "12s", "--nodes", "3"];
        let mut started = room.start(&mut room.fracas(&[&args[..], &["--seed", "5"]].concat()));
        started.until(|_| room.is_loaded());
        kill(Pid::from_raw(helper(started.pid(), kind)), Signal::SIGKILL).unwrap();
        let ended = started.wait();
        ended.assert_code(2).assert_stdout(&["INCONCLUSIVE", name, "signal 9"]);
        assert!(!ended.stdout.contains("Crash"), "{kind}: {ended:#?}");
        let run = room.only_run();
        assert_eq!(mishaps(&run, "helper-ended").len(), 1, "{kind}");
        assert_eq!(json(&run.join("run.json"))["ended"]["how"], "failed", "{kind}");
        room.run(&["check", run.to_str().unwrap()]).assert_code(2).assert_stdout(&[name]);
        room.assert_nothing_left();
    }
}

/// A harness that was stopped saw nothing meanwhile: neither is the target late, nor does it pass.
#[test]
fn a_harness_that_stood_still_says_so() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let args = ["run", "regent", "--faults", "none", "--time", "6s", "--nodes", "3"];
    let mut started =
        room.start(&mut room.fracas(&[&args[..], &["--min-elections", "0"]].concat()));
    started.until(|_| room.is_loaded());
    let inner = Pid::from_raw(children(started.pid())[0]);
    kill(inner, Signal::SIGSTOP).unwrap();
    sleep(Duration::from_secs(3));
    kill(inner, Signal::SIGCONT).unwrap();
    let ended = started.wait();
    ended.assert_code(2).assert_stdout(&["the harness stood still for"]);
    let stalled: Vec<_> = mishaps(&room.only_run(), "stalled");
    assert!(stalled.iter().any(|stall| stall["part"] == "all of it"), "{stalled:#?}");
    let page = fs::read_to_string(room.only_run().join("report.html")).unwrap();
    assert!(page.contains("class=\"gap\""), "the page shows the gap");
    room.assert_nothing_left();
}

/// Whatever the inside hangs in, a second signal ends the program, and its record says that it ended.
#[test]
fn a_second_signal_ends_a_harness_that_hangs() {
    let Some(_lab) = lab() else { return };
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let room = Room::new();
        let mut command =
            room.shell("trap - INT; exec \"$FRACAS\" run regent --time 30s --nodes 3");
        let mut started = room.start(&mut command);
        started.until(|_| room.is_loaded());
        // As stuck as can be: it runs no handler, and no thread of it goes on.
        kill(Pid::from_raw(children(started.pid())[0]), Signal::SIGSTOP).unwrap();
        started.signal(signal);
        sleep(Duration::from_millis(300));
        let asked = Instant::now();
        started.signal(signal);
        started.wait().assert_code(code);
        assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
        assert_eq!(json(&room.only_run().join("run.json"))["ended"]["how"], "failed");
        room.assert_nothing_left();
    }
}

/// What cannot be kept is refused before anything starts, with the way to change it.
#[test]
fn a_machine_with_too_little_room_is_told_before_the_run() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let run = "exec \"$FRACAS\" run regent --time 2s --nodes 3";
    let limited = room.finish(&mut room.shell(&format!("ulimit -f 100; {run}")));
    limited.assert_code(4).assert_stderr(&["no file may have more than", "`ulimit -f`"]);
    if is_root() {
        let small =
            "mkdir -p small && mount -t tmpfs -o size=8M none small && FRACAS_OUT=$PWD/small";
        let script = format!("unshare -m --propagation private bash -c '{small} {run}'");
        let full = room.finish(&mut room.shell(&script));
        full.assert_code(4).assert_stderr(&["MB are free in", "`--out`"]);
    }
    assert!(room.runs().is_empty(), "nothing was started");
    room.assert_nothing_left();
}

/// So are too few descriptors, for which nobody has used it wrongly, and too little memory.
#[test]
fn a_machine_with_too_few_descriptors_or_too_little_memory_is_told_before_the_run() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let run = "exec \"$FRACAS\" run regent --time 2s --nodes 3";
    for few in [32, 128, 200] {
        let limited = room.finish(&mut room.shell(&format!("ulimit -n {few}; {run}")));
        let told = format!("may have {few} open files");
        limited.assert_code(4).assert_stderr(&[&told, "`ulimit -n`"]);
    }
    let many = "ulimit -n 1024; exec \"$FRACAS\" run regent --clients 500";
    room.finish(&mut room.shell(many)).assert_code(4).assert_stderr(&["`--clients`"]);
    if is_root() {
        let poor = "echo MemAvailable: 20480 kB > poor && mount --bind poor /proc/meminfo";
        let group = "mount -t tmpfs none /sys/fs/cgroup && cd /sys/fs/cgroup && mkdir memory && \
            for d in . memory; do echo 30000000 > $d/memory.max; echo 9028480 > $d/memory.current; \
            cp $d/memory.max $d/memory.limit_in_bytes; cp $d/memory.current $d/memory.usage_in_bytes; \
            done; cd -";
        for (script, told) in [(poor, "/proc/meminfo"), (group, "/sys/fs/cgroup/")] {
            let script = format!("unshare -m --propagation private bash -c '{script} && {run}'");
            let ended = room.finish(&mut room.shell(&script));
            ended.assert_code(4).assert_stderr(&["20.0 MB of memory", told, "`--nodes`"]);
        }
    }
    assert!(room.runs().is_empty(), "nothing was started");
    room.assert_nothing_left();
}

/// A disk that fills up during a run ends it; what was recorded is judged, and the record says so.
#[test]
fn a_disk_that_fills_up_ends_the_run_and_is_told() {
    let Some(_lab) = lab() else { return };
    if !is_root() {
        println!("skipped: only root can mount a small disk");
        return;
    }
    let room = Room::new();
    let small =
        "mkdir -p small && mount -t tmpfs -o size=70M none small && export FRACAS_OUT=$PWD/small";
    let fill = "( sleep 5; head -c 100M /dev/zero > small/fill ) 2> /dev/null &";
    let run =
        "\"$FRACAS\" run regent --faults none --time 12s --nodes 3 --min-elections 0; echo code $?";
    let show = "cat small/latest/run.json";
    let script =
        format!("unshare -m --propagation private bash -c '{small}; {fill} {run}; wait; {show}'");
    let ended = room.finish(&mut room.shell(&script));
    let code = |code: &str| ended.stdout.contains(&format!("code {code}\n"));
    // The servers keep their data there, too, and may end before the history does.
    assert!(code("2"), "{ended:#?}");
    assert!(!ended.stdout.contains(r#""how": "running""#), "{ended:#?}");
    room.assert_nothing_left();
}

/// A disk that runs out of descriptors is not the target's failure, and the remedy is told.
#[test]
fn a_machine_with_too_few_descriptors_runs_or_says_what_to_raise() {
    let Some(_lab) = lab() else { return };
    if !has_fuse() {
        return;
    }
    let files =
        "mkdir -p data/many; i=0; while [ $i -lt 1500 ]; do : > data/many/$i; i=$((i+1)); done";
    for limit in [1024, 256] {
        let room = Room::new();
        let target = behind(&room, files, &[("within = \"10s\"", "within = \"60s\"")]);
        let run = format!(
            "ulimit -n {limit}; exec \"$FRACAS\" run {target} --faults disk --time 4s --nodes 3 \
             --min-elections 0"
        );
        let ended = room.finish(&mut room.shell(&run));
        assert!(matches!(ended.code, Some(0 | 2 | 4)), "{limit}: {ended:#?}");
        if ended.code == Some(4) {
            ended.assert_stderr(&["ulimit -n"]);
        }
        room.assert_nothing_left();
    }
}
