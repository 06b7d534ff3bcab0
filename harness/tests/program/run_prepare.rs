//! What a target prepares: made once, kept, copied to every node, and gone when it is asked to go.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::{Ended, Room, Started, has_fuse, is_root, lab, nobody_has_lab};

/// Fills a directory with a file that tells who made it where, and that no other call makes alike.
const PREPARE: &str = r#"#!/bin/sh
set -e
mkdir "$1/made"
echo "by $(id -un) on $(hostname) in $(pwd) sees $(ls -A /home /root "$(dirname "$0")/runs" 2>/dev/null | grep -v ':$' | grep -c .)" > "$1/made/told"
date +%s%N > "$1/made/when"
chmod 700 "$1" "$1/made"
"#;

/// A server that does not start without it.
const SERVER: &str = r#"#!/bin/sh
test -s data/made/when || { echo "nothing is prepared"; exit 9; }
echo "data is $(stat -c '%A %U' data)"
exec "$(dirname "$0")/regent" "$@"
"#;

/// The reference cluster, whose servers need what is prepared.
fn target(room: &Room, prepare: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../targets/builtin/regent.toml");
    let text = fs::read_to_string(file).expect("the target file");
    let (server, _) = (room.script("server.sh", SERVER), room.regent());
    room.script("prepare.sh", prepare);
    let path = text.replacen("path = \"regent\"", &format!("path = {server:?}"), 1);
    let name = path.replacen("name = \"regent\"", "name = \"prepared\"", 1);
    let named = name.replacen("[node]\n", "[node]\nuser = \"keeper\"\n", 1);
    let section = r#"[prepare]
command = ["{{ target.dir }}/prepare.sh", "{{ prepare.dir }}"]
into = "{{ node.dir }}/data"
key = ["form 1"]
"#;
    room.file("prepared.toml", &named.replacen("[status]\n", &format!("{section}\n[status]\n"), 1));
}

const FLAGS: [&str; 12] = [
    "run",
    "prepared.toml",
    "--workload",
    "register",
    "--nodes",
    "2",
    "--seed",
    "5",
    "--time",
    "2s",
    "--faults",
    "none",
];

/// When the files of a node were made.
fn made(run: &Path, node: &str) -> String {
    fs::read_to_string(run.join("nodes").join(node).join("data/made/when")).expect("it is there")
}

/// What is in the cache beside locks.
fn kept(room: &Room) -> Vec<PathBuf> {
    let entries = fs::read_dir(room.path("cache/prepared")).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_none_or(|ending| ending != "lock")).collect()
}

#[track_caller]
fn passes<'a>(ended: &'a Ended, told: &[&str]) -> &'a Ended {
    ended.assert_no_anomaly().assert_stderr(told)
}

#[test]
fn what_is_prepared_is_made_once_for_all_runs() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    target(&room, PREPARE);
    passes(&room.run(&FLAGS), &["fracas: prepare: ", " in 2 files, made in ", "/prepare.sh "]);
    passes(&room.run(&FLAGS), &[" in 2 files, kept from an earlier run; copied to all nodes in "]);
    let runs = room.runs();
    let first = made(&runs[0], "n1");
    for (run, node) in [(&runs[0], "n2"), (&runs[1], "n1"), (&runs[1], "n2")] {
        assert_eq!(made(run, node), first, "{run:?} {node}");
    }
    let told = fs::read_to_string(runs[1].join("nodes/n2/data/made/told")).unwrap();
    assert!(told.starts_with("by keeper on n1 in "), "{told}");
    assert!(told.contains("/cache/prepared/") && told.trim_end().ends_with(" sees 0"), "{told}");
    let said = fs::read_to_string(runs[1].join("nodes/n2/stdout")).unwrap();
    assert!(said.starts_with("data is drwx------ keeper\n"), "{said}");

    // A command that is another one, and then a file that it names: each time it is made anew.
    let toml = fs::read_to_string(room.path("prepared.toml")).unwrap();
    room.file("prepared.toml", &toml.replace("form 1", "form 2"));
    passes(&room.run(&FLAGS), &["made in "]);
    room.script("prepare.sh", &format!("{PREPARE}# changed\n"));
    passes(&room.run(&FLAGS), &["made in "]);
    assert_eq!(kept(&room).len(), 3);
    let all: std::collections::BTreeSet<String> =
        room.runs().iter().map(|run| made(run, "n1")).collect();
    assert_eq!(all.len(), 3);

    room.run(&["clean", "--cache"])
        .assert_code(0)
        .assert_stdout(&["removed what `prepared` has prepared: 0.0 MB in 2 files\n"]);
    assert!(kept(&room).is_empty());
    room.run(&["clean", "--cache"]).assert_code(0).assert_stderr(&["nothing is prepared in `"]);
}

#[test]
fn what_fails_leaves_nothing() {
    let Some(_lab) = lab() else { return };
    for (script, told) in [
        ("#!/bin/sh\necho half > \"$1/half\"\necho why >&2\nexit 7\n", "it ended with status 7"),
        (
            "#!/bin/sh\necho half > \"$1/half\"\necho why\nsleep 1000 &\n",
            "it left processes behind",
        ),
        ("#!/bin/sh\necho half > \"$1/half\"\necho why\nsleep 1000\n", "it did not end within 1s"),
    ] {
        let room = Room::new();
        target(&room, script);
        let toml = fs::read_to_string(room.path("prepared.toml")).unwrap();
        room.file("prepared.toml", &toml.replace("key = [", "within = \"1s\"\nkey = ["));
        let ended = room.run(&FLAGS);
        ended.assert_code(3).assert_stderr(&[
            "`prepare` failed: ",
            told,
            "end of its output:\n    why",
        ]);
        assert!(kept(&room).is_empty(), "{told}");
        room.assert_nothing_left();
    }
}

#[test]
fn runs_at_once_share_it_and_a_killed_one_spoils_nothing() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    target(&room, &format!("{PREPARE}sleep 3\n"));
    let mut killed = room.start(&mut room.fracas(&FLAGS));
    let half = || kept(&room).iter().any(|path| path.join("content/made/when").exists());
    killed.until(|_| half());
    killed.signal(Signal::SIGKILL);
    assert_eq!(killed.wait().code, None);
    room.assert_nothing_left();
    assert!(half(), "it was killed half way");

    let both = [0, 1].map(|_| {
        let started = room.start(&mut room.fracas(&FLAGS));
        std::thread::sleep(Duration::from_millis(300));
        started
    });
    let both = both.map(Started::wait);
    both.iter().for_each(|ended| _ = ended.assert_no_anomaly());
    let tells = |word: &str| both.iter().filter(|ended| ended.stderr.contains(word)).count();
    assert_eq!((tells("made in "), tells("kept from an earlier run")), (1, 1), "{both:#?}");
    assert_eq!(tells("another run prepares what this one needs"), 1, "{both:#?}");
    let runs = room.runs();
    assert_eq!(made(&runs[1], "n1"), made(&runs[2], "n2"));
    assert_eq!(kept(&room).len(), 1);
}

/// Nobody has synced it: it was written by another process, in another run.
#[test]
fn no_power_failure_takes_it() {
    let Some(_lab) = lab() else { return };
    if !has_fuse() {
        return;
    }
    let room = Room::new();
    target(&room, PREPARE);
    let flags =
        ["run", "prepared.toml", "--workload", "register", "--time", "10s", "--faults", "power"];
    room.run(&flags).assert_no_anomaly();
}

#[test]
fn an_ordinary_user_prepares_too() {
    let Some(_lab) = lab() else { return };
    if !is_root() || !nobody_has_lab() {
        return;
    }
    let room = Room::for_everyone();
    target(&room, PREPARE);
    let run = || room.finish(&mut room.fracas_as_nobody(&FLAGS));
    passes(&run(), &["made in "]);
    passes(&run(), &["kept from an earlier run"]);
    room.finish(&mut room.fracas_as_nobody(&["clean", "--cache"]))
        .assert_code(0)
        .assert_stdout(&["removed what `prepared` has prepared"]);
}

#[test]
fn it_is_shown_and_needs_a_place() {
    let room = Room::new();
    target(&room, PREPARE);
    fs::remove_file(room.path("prepare.sh")).unwrap();
    room.run(&["validate", "prepared.toml", "--show-commands"])
        .assert_code(0)
        .assert_stdout(&[
            "prepare, once on a machine\n  command  ./prepare.sh /prepared\n  key      form 1\n",
            "  prepared /run-directory/nodes/n1/data\n",
        ])
        .assert_stderr(&["`prepare` runs `./prepare.sh`, which is not there"]);
    let mut nowhere = room.fracas(&FLAGS);
    for name in ["FRACAS_CACHE_DIR", "XDG_CACHE_HOME", "HOME"] {
        nowhere.env_remove(name);
    }
    let told = ["failed to find the cache folder, which `[prepare]` needs", "`--cache-dir`"];
    room.finish(&mut nowhere).assert_code(64).assert_stderr(&told);
}

/// The program of PostgreSQL that makes its files, if that is installed: it refuses to be root, and
/// wants a user that has a name.
fn initdb() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let of_debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let of_debian = of_debian.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    let found = std::env::split_paths(&path).chain(of_debian).map(|dir| dir.join("initdb"));
    let found = found.filter_map(|path| path.canonicalize().ok()).find(|path| path.is_file());
    if found.is_none() {
        println!("skipped: PostgreSQL is not installed (Debian: postgresql-15)");
    }
    found
}

/// No client speaks to it; a step before the load does.
#[test]
fn postgres_is_prepared_and_started() {
    let Some(_lab) = lab() else { return };
    let Some(initdb) = initdb() else { return };
    let room = Room::new();
    let bin = initdb.parent().unwrap().display().to_string();
    let target = format!(
        r#"schema = 1
name = "postgres-alone"
description = "a server of PostgreSQL"

[binary]
path = "{bin}/postgres"
version = ["{{{{ binary }}}}", "--version"]

[cluster]
nodes = 1
ports = {{ pg = 5432 }}

[prepare]
command = ["{bin}/initdb", "--pgdata={{{{ prepare.dir }}}}", "--auth=trust", "--no-locale", "--no-sync"]
into = "{{{{ node.dir }}}}/data"
key = ["{{{{ binary.version }}}}"]

[node]
user = "postgres"
command = ["{{{{ binary }}}}", "-D", "{{{{ node.dir }}}}/data", "-k", "", "-h", "127.0.0.1"]
data = ["{{{{ node.dir }}}}/data"]

[[setup]]
on = "n1"
command = ["{bin}/psql", "-h", "127.0.0.1", "-Atc", "select current_user, pg_is_in_recovery()"]
expect = {{ exit = 0, text = '^postgres\|f\n$' }}
again-for = "60s"

[[setup]]
on = "clients"
command = ["false"]

[client]
base = "tcp://{{{{ node.ip }}}}:{{{{ port.pg }}}}"
connect-timeout = "1s"
timeout = "1s"

[ops.read]
command = ["nothing"]
answers = [{{ text = '^OK', is = "ok", value = "body" }}]

[ops.write]
command = ["nothing"]
answers = [{{ text = '^OK', is = "ok" }}]

[promises]
registers = "linearizable"

[faults]
kill = true
"#
    );
    room.file("postgres.toml", &target);
    let flags = ["run", "postgres.toml", "--faults", "none", "--time", "1s"];
    let told = [
        "files, made in ",
        "setup: step 1 of 2, on n1, took ",
        "step 2 of 2 of `setup`, on clients",
    ];
    room.run(&flags).assert_code(3).assert_stderr(&told);
    room.run(&flags)
        .assert_code(3)
        .assert_stderr(&["kept from an earlier run", "step 1 of 2, on n1"]);
}
