//! `fracas clean`: what a dead run may have left is ended, a live run is left alone.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::{Child, Command};

use crate::cli_check::fabricate;
use crate::support::{Room, gives_ranges, is_root, json, lab};

/// A program with the mark of `run` in its environment, as somebody who looks into it may have.
fn onlooker(run: &Path) -> Child {
    Command::new("sleep").arg("1000").env("FRACAS_RUN", run).spawn().unwrap()
}

/// A server of `run` that outlived its harness, in a process namespace of its own; none where that
/// cannot be made.
fn leftover(run: &Path) -> Option<Child> {
    let own_user: &[&str] = if is_root() { &[] } else { &["--user"] };
    let mut command = Command::new("unshare");
    command.args(own_user).args(["--pid", "--fork", "--kill-child"]);
    let mut server = command.args(["sleep", "1000"]).env("FRACAS_RUN", run).spawn().ok()?;
    for _ in 0..200 {
        if server.try_wait().unwrap().is_some() {
            return None;
        }
        let children = format!("/proc/{0}/task/{0}/children", server.id());
        if fs::read_to_string(children).is_ok_and(|text| !text.is_empty()) {
            return Some(server);
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    None
}

/// Notes the process that answers for a run.
fn supervise(run: &Path, pid: u32, started: u64) {
    let text = format!(r#"{{"pid":{pid},"started":{started}}}"#);
    fs::write(run.join("supervisor.json"), text).unwrap();
}

/// When this process was started: field 22 of its `stat`.
fn own_start() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    stat.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().parse().unwrap()
}

#[test]
fn a_dead_run_is_marked_and_its_processes_are_ended() {
    let room = Room::new();
    let dead = fabricate(&room, "20260102-000000-dead", "running");
    let live = fabricate(&room, "20260102-000001-live", "running");
    let other = fabricate(&room, "20260102-000002-ended", "finished");
    // The number of this process, but started at another time: its number was given away again.
    supervise(&dead, std::process::id(), own_start() + 1);
    supervise(&live, std::process::id(), own_start());
    let servers: Option<Vec<Child>> =
        [&dead, &live, &other].map(|run| leftover(run)).into_iter().collect();
    let Some(mut servers) = servers else {
        return println!("skipped: no process namespace can be made");
    };
    let mut onlooker = onlooker(&dead);

    // Named relatively, as by default: processes are marked with the absolute path.
    let ended = room.run(&["clean", "--out", "runs"]);
    ended.assert_code(0).assert_stdout(&[
        "dead: its harness had crashed: killed 1 process, removed 0 mounts",
        "live: still",
    ]);
    assert!(!ended.stdout.contains("20260102-000002"), "an ended run is no news: {ended:#?}");
    assert!(!servers[0].wait().unwrap().success(), "its child was killed");
    for server in servers[1..].iter_mut().chain([&mut onlooker]) {
        assert!(server.try_wait().unwrap().is_none(), "left alone");
        server.kill().unwrap();
        server.wait().unwrap();
    }

    let how = |run: &Path| json(&run.join("run.json"))["ended"]["how"].clone();
    assert_eq!([how(&dead), how(&live), how(&other)], ["failed", "running", "finished"]);
    room.run(&["clean"]).assert_code(0).assert_stdout(&["live: still"]);
    room.run(&["list", "runs"]).assert_stdout(&["dead", "failed"]);
}

/// What a killed harness leaves of a ration is an empty group that nobody holds.
#[test]
fn empty_groups_of_dead_runs_are_removed() {
    let (left, others) = ("/sys/fs/cgroup/cpu/fracas-n9-7", "/sys/fs/cgroup/cpu/fracas-mine");
    if fs::create_dir(left).is_err() {
        return println!("skipped: no group can be made in /sys/fs/cgroup/cpu");
    }
    fs::create_dir(others).unwrap();
    let ended = Room::new().run(&["clean"]);
    let (gone, kept) = (!Path::new(left).exists(), Path::new(others).exists());
    fs::remove_dir(others).unwrap();
    ended.assert_code(0);
    assert!(gone && kept, "{ended:#?}");
}

#[test]
fn nothing_to_clean_is_no_error() {
    let ended = Room::new().run(&["clean"]);
    let of_runs = ended.assert_code(0).stdout.lines().filter(|line| !line.contains("groups"));
    assert_eq!(of_runs.count(), 0, "{ended:#?}");
    if ended.stdout.is_empty() {
        ended.assert_stderr(&["nothing to clean up in `"]);
    }
}

#[test]
fn a_record_that_cannot_be_read_does_not_keep_others_from_being_cleaned() {
    let room = Room::new();
    let broken = fabricate(&room, "20260102-000000-broken", "running");
    fs::write(broken.join("run.json"), "{").unwrap();
    let dead = fabricate(&room, "20260102-000001-dead", "running");
    supervise(&dead, std::process::id(), own_start() + 1);
    let ended = room.run(&["clean"]);
    ended.assert_code(70).assert_stderr(&["broken/run.json"]).assert_stdout(&["dead: its harness"]);
    assert_eq!(json(&dead.join("run.json"))["ended"]["how"], "failed");
}

#[test]
fn mounts_below_a_dead_run_are_taken_away() {
    if !is_root() {
        return println!("skipped: only root can mount");
    }
    let room = Room::new();
    // The kernel writes the space in another way.
    let dead = fabricate(&room, "20260102-000000-dead run", "running");
    for node in ["n1", "n2"] {
        fs::create_dir_all(dead.join("nodes").join(node)).unwrap();
    }
    supervise(&dead, std::process::id(), own_start() + 1);
    let script = "mount -t tmpfs fracas runs/*-dead*/nodes/n1 && mount -t tmpfs mine runs/*-dead*/nodes/n2 \
                  && grep -c -- -dead /proc/self/mountinfo && $FRACAS clean \
                  && ! grep 'nodes/n1' /proc/self/mountinfo && grep -q 'nodes/n2' /proc/self/mountinfo";
    let mut command = Command::new("unshare");
    command.args(["--mount", "bash", "-c", script]);
    command.env("FRACAS", env!("CARGO_BIN_EXE_fracas")).env("FRACAS_OUT", room.path("runs"));
    let output = command.current_dir(room.path(".")).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if text.is_empty() {
        return println!("skipped: cannot mount: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(output.status.success() && text.contains("removed 1 mount;"), "{output:?}");
}

/// The users of the files below a directory that are not user 65534.
fn others(dir: &Path) -> Vec<u32> {
    let entries = fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut others: Vec<u32> = Vec::new();
    for path in entries {
        let found = fs::symlink_metadata(&path).unwrap();
        others.extend(Some(found.uid()).filter(|user| *user != 65534));
        if found.is_dir() {
            others.extend(self::others(&path));
        }
    }
    others
}

/// What servers with users of their own leave is given back to the ordinary user who ran them: after
/// a run by the run, after a crashed one by `fracas clean`.
#[test]
fn files_of_servers_are_given_back_to_an_ordinary_user() {
    let Some(_lab) = lab().filter(|_| gives_ranges()) else { return };
    let room = Room::for_everyone();
    let args = ["run", "regent", "--time", "5s", "--faults", "none", "--workload", "register"];
    room.finish(&mut room.fracas_with_range(&args)).assert_code(0);
    let run = room.only_run();
    let users = json(&run.join("run.json"))["host"]["mechanisms"]["users"].to_string();
    assert!(users.contains("one of its own for each server"), "{users}");
    assert!(run.join("nodes/n1/stdout").exists());
    assert!(others(&run).is_empty(), "{:?}", others(&run));

    let dead = fabricate(&room, "20260102-000000-dead", "running");
    fs::create_dir_all(dead.join("nodes/n1")).unwrap();
    fs::write(dead.join("nodes/n1/private"), "of the server").unwrap();
    for path in ["", "run.json", "history.jsonl", "nodes"] {
        chown(dead.join(path), Some(65534), Some(65534)).unwrap();
    }
    for path in ["nodes/n1", "nodes/n1/private"] {
        fs::set_permissions(dead.join(path), fs::Permissions::from_mode(0o700)).unwrap();
        chown(dead.join(path), Some(1_800_000_000), Some(1_800_000_000)).unwrap();
    }
    let cleaned = room.finish(&mut room.fracas_with_range(&["clean"]));
    cleaned.assert_code(0).assert_stdout(&["dead: its harness had crashed"]);
    assert!(others(&dead).is_empty(), "{:?}", others(&dead));
}
