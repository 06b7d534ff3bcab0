//! Wall clocks of nodes in programs of many kinds, and in everything that starts programs.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use fracas_checker::fault::Stage;
use fracas_lab::World;
use fracas_lab::clock::{Clock, prove};

use super::clock::{
    Fixture, HOUR, HOUR_S, PATIENCE, READ_WITHIN_S, eventually, holds, need, true_seconds,
};
use super::support::{Body, Test, skip};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    ("scripts_and_their_programs_have_the_clock", Body::Inside(scripts)),
    ("children_that_never_exec_have_the_clock", Body::Inside(forks)),
    ("an_exec_by_another_thread_is_followed", Body::Inside(threads)),
    ("failing_execs_and_many_execs_leave_no_descriptor", Body::Inside(descriptors)),
    ("signals_during_execs_arrive", Body::Inside(signals)),
    ("a_node_with_a_clock_is_paused_and_killed_like_any", Body::Inside(paused)),
    ("the_log_of_a_go_program_jumps", Body::Inside(etcd)),
    ("redis_tells_the_wrong_time", Body::Inside(redis)),
    ("a_java_program_has_the_clock", Body::Inside(java)),
    ("a_static_program_has_the_clock", Body::Inside(static_c)),
];

/// Every line is a time in seconds, an hour ahead. There are `count` of them.
#[track_caller]
fn all_an_hour_ahead(output: &str, count: usize) {
    let truly = true_seconds();
    let ahead = |line: &str| line.trim().parse::<f64>().expect(line) - truly as f64;
    let off: Vec<&str> = output
        .lines()
        .filter(|line| (ahead(line) - HOUR_S as f64).abs() > READ_WITHIN_S as f64)
        .collect();
    assert!(off.is_empty(), "not an hour ahead: {off:?}");
    assert_eq!(output.lines().count(), count, "{output}");
}

fn scripts(_: &World) {
    let fixture = Fixture::new();
    let wrapper = fixture.path("wrapper");
    fs::write(&wrapper, "#!/bin/sh\nexec date +%s\n").expect("written");
    let executable = Command::new("chmod").arg("755").arg(&wrapper).status();
    assert!(executable.expect("chmod").success());
    let python = need("python3");
    let script = format!(
        "date +%s; sh -c 'sh -c \"date +%s\"; true'; {0}; (setsid {0} &) ; sleep 0.3; \
         {python} -c 'import time; print(time.time())'; \
         {python} -c 'import subprocess; subprocess.run([\"date\", \"+%s\"])'",
        wrapper.display()
    );
    all_an_hour_ahead(&fixture.an_hour_ahead(&script), 6);
}

fn forks(_: &World) {
    let fixture = Fixture::new();
    let python = need("python3");
    let script = "import os, time\nif os.fork(): os.wait()\nprint(time.time(), flush=True)";
    all_an_hour_ahead(&fixture.an_hour_ahead(&format!("{python} -c '{script}'")), 2);
}

/// The exec ends all other threads and gives the one that asked for it the process's number.
fn threads(_: &World) {
    let fixture = Fixture::new();
    let python = need("python3");
    let program = fixture.path("exec.py");
    let text = "import os, threading, time\n\
                for _ in range(3): threading.Thread(target=time.sleep, args=(5,)).start()\n\
                try: os.execv('/nowhere', ['x'])\n\
                except OSError: pass\n\
                def go():\n\
                \x20 try: os.execv('/nowhere', ['x'])\n\
                \x20 except OSError: pass\n\
                \x20 os.execv('/bin/date', ['date', '+%s'])\n\
                threading.Thread(target=go).start()\n\
                time.sleep(5)\n";
    fs::write(&program, text).expect("written");
    let script = format!("for i in 1 2 3 4 5 6 7 8; do {python} {}; done", program.display());
    all_an_hour_ahead(&fixture.an_hour_ahead(&script), 8);
}

/// A search along PATH fails in each directory before it finds the program.
fn descriptors(_: &World) {
    let fixture = Fixture::new();
    let python = need("python3");
    let program = fixture.path("search.py");
    let text = "import os, subprocess\n\
                env = {'PATH': '/nowhere:/nothing:/none:/usr/bin:/bin'}\n\
                for _ in range(200): subprocess.run(['true'], env=env)\n\
                for _ in range(50):\n\
                \x20 try: os.execvpe('no-such-program', ['x'], env)\n\
                \x20 except OSError: pass\n\
                print(len(os.listdir('/proc/self/fd')))\n\
                subprocess.run(['sh', '-c', 'ls /proc/self/fd | wc -l'], env=env)\n";
    fs::write(&program, text).expect("written");
    let output = fixture.an_hour_ahead(&format!("{python} {}", program.display()));
    let counts: Vec<u32> = output.lines().map(|line| line.trim().parse().expect(line)).collect();
    // Standard input, output and error, and the directory itself.
    assert_eq!(counts, [4, 4]);
    let given = fixture.page.tally().expect("notes").given;
    assert!(given >= 200, "{given}");
}

/// A parent is hit by signals all the time while it starts programs, and counts them.
fn signals(_: &World) {
    let fixture = Fixture::new();
    let python = need("python3");
    let program = fixture.path("signals.py");
    let text = "import os, signal, subprocess, threading, time\n\
                seen = [0]\n\
                def count(*_): seen[0] += 1\n\
                signal.signal(signal.SIGUSR1, count)\n\
                done = False\n\
                sent = [0]\n\
                def send():\n\
                \x20 while not done:\n\
                \x20  before = seen[0]\n\
                \x20  os.kill(os.getpid(), signal.SIGUSR1); sent[0] += 1\n\
                \x20  while seen[0] == before: time.sleep(0.0002)\n\
                sender = threading.Thread(target=send); sender.start()\n\
                for _ in range(100): subprocess.run(['date', '+%s'], check=True)\n\
                done = True; sender.join()\n\
                assert seen[0] == sent[0] > 10, (seen, sent)\n";
    fs::write(&program, text).expect("written");
    all_an_hour_ahead(&fixture.an_hour_ahead(&format!("{python} {}", program.display())), 100);
}

/// Pauses and kills at any moment of an exec.
fn paused(_: &World) {
    let fixture = Fixture::new();
    fixture.set(Clock::Step { nanos: HOUR });
    for round in 0..5 {
        let mut node =
            fixture.shell("while :; do sh -c 'date +%s & nowhere & date +%s & wait' 2>&-; done");
        for pause in 0..10 {
            std::thread::sleep(Duration::from_millis(3 + (round * 7 + pause * 3) % 11));
            let threads = node.pause().expect("a pause");
            assert!(threads.total > 0 && threads.total == threads.stopped, "{threads:?}");
            assert_eq!(node.resume().expect("a resume").stopped, 0);
        }
        assert_eq!(node.kill().expect("a kill").remaining, 0);
    }
    let output = fixture.output();
    let truly = true_seconds();
    let off = output
        .lines()
        .filter(|line| line.parse::<i64>().is_ok_and(|told| (told - truly - HOUR_S).abs() > 60));
    assert_eq!(off.collect::<Vec<_>>(), Vec::<&str>::new());
    assert!(output.lines().count() > 20, "{output}");
}

/// A process that is running: its next line of log is already an hour ahead.
fn etcd(_: &World) {
    let program = need("etcd");
    let fixture = Fixture::new();
    let data = fixture.path("data");
    let mut node = fixture.start(&[
        &program,
        "--data-dir",
        data.to_str().expect("text"),
        "--log-outputs=stderr",
        "--logger=zap",
    ]);
    let log = || fs::read_to_string(fixture.path("stderr")).unwrap_or_default();
    let ready =
        |log: &str| log.contains("published local member") || log.contains("ready to serve");
    eventually("etcd serves", || ready(&log()) || node.exited().is_some());
    assert_eq!(node.exited(), None, "{}", log());
    std::thread::sleep(Duration::from_secs(1)); // it listens to signals a little later
    let before = stamps(&log()).len();
    fixture.set(Clock::Step { nanos: HOUR });
    holds(&prove([&mut node], Stage::Injected).expect("a proof"));
    // It logs that it was asked to stop.
    node.terminate(fracas_lab::Signal::SIGTERM, PATIENCE).expect("an end");
    let log = log();
    let stamps = stamps(&log);
    assert!(stamps.len() > before, "nothing was logged after the step: {log}");
    let truly = true_seconds();
    let ahead: Vec<i64> = stamps[before..].iter().map(|stamp| stamp - truly).collect();
    println!(
        "etcd's log after a step of +3600 s: ahead by {ahead:?} s; before: {}",
        stamps[before - 1] - truly
    );
    assert!(stamps[..before].iter().all(|stamp| (stamp - truly).abs() < 2 * READ_WITHIN_S));
    assert!(ahead.iter().all(|ahead| (ahead - HOUR_S).abs() < READ_WITHIN_S), "{ahead:?}");
}

/// The times of a log. Libraries may write lines of their own, without one.
fn stamps(log: &str) -> Vec<i64> {
    log.lines().filter(|line| line.contains("\"ts\":")).map(stamp).collect()
}

/// The time of a line such as `{"level":"info","ts":"2026-11-21T12:00:00.000Z",…`, or
/// `"ts":1795262400.1`, in seconds since 1970.
fn stamp(line: &str) -> i64 {
    let rest = line.split("\"ts\":").nth(1).expect(line).trim_start_matches('"');
    if let Ok(number) = rest.split(',').next().expect("a word").parse::<f64>() {
        return number as i64;
    }
    let when = rest[..19].replace('T', " ");
    let output = Command::new("date").args(["-u", "+%s", "-d", &when]).output();
    let output = output.expect("`date` runs");
    String::from_utf8_lossy(&output.stdout).trim().parse().expect(line)
}

fn redis(_: &World) {
    let (server, client) = (need("redis-server"), need("redis-cli"));
    let fixture = Fixture::new();
    let script = format!(
        "{server} --port 7001 --save '' --daemonize no >&2 & \
         until {client} -p 7001 time >&2; do sleep 0.05; done; \
         {client} -p 7001 time | head -1; {client} -p 7001 shutdown nosave >&2; wait"
    );
    all_an_hour_ahead(&fixture.an_hour_ahead(&script), 1);
}

/// Two clocks of the virtual machine, whose programs have many threads from the start.
fn java(_: &World) {
    let (_, java) = (need("javac"), need("java"));
    let fixture = Fixture::new();
    let source = fixture.path("Now.java");
    let text = "class Now { public static void main(String[] none) {\n\
                System.out.println(System.currentTimeMillis() / 1000);\n\
                System.out.println(java.time.Instant.now().getEpochSecond()); } }\n";
    fs::write(&source, text).expect("written");
    all_an_hour_ahead(&fixture.an_hour_ahead(&format!("{java} {}", source.display())), 2);
}

/// Compiled here, if there is a compiler: with glibc, and with musl.
fn static_c(_: &World) {
    let fixture = Fixture::new();
    let source = fixture.path("now.c");
    let text = "#include <stdio.h>\n#include <time.h>\n#include <sys/time.h>\nint main(void) {\n\
                struct timespec a; struct timeval b; clock_gettime(CLOCK_REALTIME, &a);\n\
                gettimeofday(&b, 0); printf(\"%ld\\n%ld\\n%ld\\n\", (long)a.tv_sec, (long)b.tv_sec,\n\
                (long)time(0)); return 0; }\n";
    fs::write(&source, text).expect("written");
    let compile = |compiler: &str, program: &Path| {
        let command =
            Command::new(compiler).args(["-static", "-o"]).arg(program).arg(&source).output();
        command.is_ok_and(|output| output.status.success())
    };
    let programs = ["gcc", "musl-gcc"].map(|compiler| (compiler, fixture.path(compiler)));
    let made = programs.iter().filter(|(compiler, program)| compile(compiler, program));
    let made: Vec<String> = made.map(|(_, program)| program.display().to_string()).collect();
    if made.is_empty() {
        skip("no C compiler is installed");
    }
    all_an_hour_ahead(&fixture.an_hour_ahead(&made.join("; ")), 3 * made.len());
}
