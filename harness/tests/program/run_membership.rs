//! Members of a real cluster are removed and added again, under load and while a leader is killed. The
//! cluster is etcd, where it is installed.

use std::path::Path;

use serde_json::Value;

use crate::support::{Ended, Room, events, json as read, lab};

/// A run of etcd that plays one scenario; none where it is not installed.
fn played(room: &Room, aim: &str, time: &str) -> Option<Ended> {
    if !Path::new("/usr/bin/etcd").exists() {
        println!("skipped: etcd is not installed (Debian: etcd-server)");
        return None;
    }
    let (aim, time) = (format!("--aim={aim}"), format!("--time={time}"));
    let light = ["--workload=register", "--rate=40/s", "--clients=3"];
    let flags = ["run", "etcd", "--seed=1", "--min-elections=0", "--faults=membership,kill"];
    Some(room.run(&[&flags[..], &light, &[&aim, &time]].concat()))
}

/// The nodes that were provably removed, in order.
fn removed(run: &Path) -> Vec<String> {
    let schedule = read(&run.join("schedule.json"));
    let actual = schedule["actual"].as_array().unwrap().iter();
    let proven = actual
        .filter(|it| it["effective"].is_array() && it["fault"]["kind"] == "membership")
        .map(|it| it["fault"]["nodes"][0].as_str().unwrap().to_owned());
    proven.collect()
}

/// Whether every proof of a membership after its heal held: the node is a member again, and runs.
fn all_joined(run: &Path) -> bool {
    let events = events(run);
    let of_members = |event: &&Value| {
        let measured = event["measurements"].as_array();
        event["stage"] == "healed"
            && measured
                .is_some_and(|all| all.iter().any(|it| it["what"].to_string().contains("member")))
    };
    let mut all = events.iter().filter(of_members).peekable();
    all.peek().is_some()
        && all.all(|event| {
            event["measurements"].as_array().unwrap().iter().all(|it| it["holds"] == true)
        })
}

#[test]
fn every_member_is_replaced_under_load() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let Some(ended) = played(&room, "replaced-members", "22s") else { return };
    assert!(matches!(ended.code, Some(0 | 2)), "etcd was blamed: {ended:#?}");
    let run = room.only_run();
    let mut nodes = removed(&run);
    nodes.truncate(3);
    nodes.sort();
    assert_eq!(nodes, ["n1", "n2", "n3"], "{:#}", read(&run.join("schedule.json"))["actual"]);
    assert!(all_joined(&run), "each was a member again");
    room.assert_nothing_left();
}

#[test]
fn a_newcomer_counts_when_the_leader_is_killed() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let Some(ended) = played(&room, "newcomer", "20s") else { return };
    assert!(matches!(ended.code, Some(0 | 2)), "etcd was blamed: {ended:#?}");
    let run = room.only_run();
    assert!(removed(&run).len() >= 2, "{:#}", read(&run.join("schedule.json"))["actual"]);
    room.assert_nothing_left();
}
