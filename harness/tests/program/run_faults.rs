//! Every kind of fault against the reference cluster: it is proven, the cluster is not blamed, and
//! nothing of it is left. And schedules whose acts wait for moments.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Room, events, has_fuse, has_groups, is_root, json as read, lab, slow};

/// A schedule of these acts, run for some seconds; what became of each.
fn became(room: &Room, planned: &Value, more: &[&str]) -> (Vec<Value>, i32) {
    let schedule = json!({ "schema": "fracas.schedule/2", "planned": planned });
    fs::write(room.path("plan.json"), schedule.to_string()).unwrap();
    let flags = ["run", "regent", "--seed", "1", "--min-elections", "0", "--schedule", "plan.json"];
    let ended = room.run(&[&flags, more].concat());
    room.assert_nothing_left();
    let actual = read(&room.only_run().join("schedule.json"))["actual"].clone();
    (actual.as_array().unwrap().clone(), ended.code.unwrap())
}

/// An act of this kind and manner is brought about and proven; a correct cluster is not blamed for
/// it. That a busy machine may spoil one of two proofs is not the cluster's fault either.
#[track_caller]
fn check(act: &Value) {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let planned = json!([
        { "at_ms": 1_000, "lasts_ms": 1_500, "act": act },
        { "at_ms": 1_000, "after": { "heal": 1 }, "lasts_ms": 1_500, "act": act },
    ]);
    let (became, code) = became(&room, &planned, &["--time", "8s"]);
    assert_ne!(code, 1, "a correct cluster was blamed: {became:#?}");
    assert!(became.iter().any(|fault| fault["effective"].is_array()), "{became:#?}");
}

#[test]
fn clocks_are_proven() {
    check(
        &json!({ "kind": "clock", "change": { "does": "step", "by_ms": -60_000 }, "whom": "leader" }),
    );
    if slow() {
        check(
            &json!({ "kind": "clock", "change": { "does": "drift", "ppm": 100_000 }, "whom": "all" }),
        );
    }
}

#[test]
fn links_are_proven() {
    check(&json!({ "kind": "slow", "link": { "delay_us": 50_000 }, "whom": "follower" }));
    if slow() {
        check(&json!({ "kind": "loss", "link": { "loss_ppm": 200_000 }, "whom": "follower" }));
    }
}

/// They are ended by their own signal, which a server that is paused hears too.
#[test]
fn restarts_are_proven() {
    check(&json!({ "kind": "restart", "whom": "leader" }));
}

#[test]
fn disks_are_proven() {
    if !has_fuse() {
        return;
    }
    check(&json!({ "kind": "power", "loss": "all", "whom": "leader" }));
    check(
        &json!({ "kind": "disk", "trouble": { "does": "slow-fsync", "by_ms": 300 }, "whom": "leader" }),
    );
    if slow() {
        check(&json!({ "kind": "disk", "trouble": { "does": "fsync-fails" }, "whom": "follower" }));
        check(&json!({ "kind": "disk", "trouble": { "does": "full" }, "whom": "follower" }));
    }
}

#[test]
fn scarcity_is_proven() {
    check(
        &json!({ "kind": "starve", "scarcity": { "of": "cpu", "percent": 20 }, "whom": "follower" }),
    );
    if slow() {
        check(
            &json!({ "kind": "starve", "scarcity": { "of": "descriptors", "more": 0 }, "whom": "follower" }),
        );
    }
}

/// The kernel's queues shape where it has them; where not, nothing is started, and it is said why.
#[test]
fn netem_is_used_or_refused_before_anything_starts() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let args = ["run", "regent", "--time", "5s", "--faults", "slow", "--mechanism"];
    let ended = room.run(&[&args[..], &["packets=netem"]].concat());
    let run = room.only_run();
    if ended.code == Some(4) {
        ended.assert_stderr(&[
            "use netem",
            "the kernel has none",
            "`--mechanism packets=reinject`",
        ]);
        assert!(!run.join("nodes/n1/stdout").exists(), "no server was started");
    } else {
        assert_eq!(read(&run.join("run.json"))["host"]["mechanisms"]["slow"], "netem");
    }
    room.assert_nothing_left();
}

/// A plan that rations a node for a moment, and the flags of a run of it.
fn rationed(room: &Room) -> [&'static str; 9] {
    let planned = json!([{
        "at_ms": 1_000, "lasts_ms": 1_500,
        "act": { "kind": "starve", "scarcity": { "of": "cpu", "percent": 20 }, "whom": "follower" },
    }]);
    let schedule = json!({ "schema": "fracas.schedule/2", "planned": planned });
    fs::write(room.path("rationed.json"), schedule.to_string()).unwrap();
    let how = ["--mechanism", "starve=cgroup", "--schedule", "rationed.json"];
    [&["run", "regent", "--time", "5s", "--min-elections=0"], &how[..]].concat().try_into().unwrap()
}

#[test]
fn processor_time_is_rationed_where_groups_can_be_made() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let ended = room.run(&rationed(&room));
    if ended.code == Some(4) {
        ended.assert_stderr(&["limit processor time by a group"]);
        assert!(!has_groups(), "groups can be made: {ended:#?}");
        return println!("skipped: {}", ended.stderr);
    }
    let run = room.only_run();
    assert_eq!(read(&run.join("run.json"))["host"]["mechanisms"]["starve"], "cgroup quota");
    let became = read(&run.join("schedule.json"))["actual"][0].clone();
    assert_ne!(ended.code, Some(1), "a correct cluster was blamed: {became:#?}");
    room.assert_nothing_left();
    let problems = became["problems"].to_string();
    // A ration that is not in effect says so, and is no reason to skip.
    if problems.contains("this machine is too busy") && !problems.contains("not in effect") {
        return println!("skipped: {problems}");
    }
    assert!(became["effective"].is_array(), "{became:#?}");
}

#[test]
fn where_no_group_can_be_made_nothing_is_started() {
    let Some(_lab) = lab() else { return };
    if !is_root() {
        return println!("skipped: the test before this one has run as an ordinary user");
    }
    let room = Room::for_everyone();
    let ended = room.finish(&mut room.fracas_as_nobody(&rationed(&room)));
    if matches!(ended.code, Some(0 | 2)) {
        let record = read(&room.only_run().join("run.json"));
        assert_eq!(record["host"]["mechanisms"]["starve"], "cgroup quota");
        return println!("skipped: groups are delegated to every user");
    }
    ended.assert_code(4);
    ended.assert_stderr(&["limit processor time by a group", "run as root"]);
    assert!(!room.only_run().join("nodes/n1/stdout").exists(), "no server was started");
    room.assert_nothing_left();
}

/// Of two cuts of the same links the first is healed while the second leaves nothing to probe.
#[test]
fn a_cut_that_is_healed_within_another_is_proven_to_be() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let cut = |shape: &str, victims: &str| json!({ "kind": "partition", "shape": shape, "whom": victims });
    let planned = json!([
        { "at_ms": 1_000, "lasts_ms": 1_000, "act": cut("majority", "leader") },
        { "at_ms": 1_300, "lasts_ms": 2_000, "act": cut("scatter", "one") },
    ]);
    let (became, code) = became(&room, &planned, &["--time", "6s"]);
    assert_ne!(code, 1, "a correct cluster was blamed: {became:#?}");
    for cut in &became {
        assert_eq!(cut["problems"], json!([]), "{became:#?}");
    }
}

/// The end of a fault on a node that is down cannot be measured; it is when the node is back.
#[test]
fn what_was_healed_unseen_is_looked_at_again() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let first = json!({ "nth": 1 });
    let hungry = json!({ "of": "cpu", "percent": 50 });
    let hungry = json!({ "kind": "starve", "scarcity": hungry, "whom": first });
    let planned = json!([
        { "at_ms": 1_000, "lasts_ms": 1_500, "act": hungry },
        { "at_ms": 1_600, "lasts_ms": 2_000, "act": { "kind": "kill", "whom": first } },
    ]);
    let (became, code) = became(&room, &planned, &["--time", "6s"]);
    assert_ne!(code, 1, "a correct cluster was blamed: {became:#?}");
    assert_ne!(became[0]["problems"], json!([]), "the first is not proven to its end");
    let events = events(&room.only_run());
    let of_first = |event: &&Value| event["step"] == "proof" && event["id"] == 1;
    let last = events.iter().rfind(of_first).unwrap();
    assert_eq!(last["stage"], "healed");
    assert!(
        last["measurements"]
            .as_array()
            .unwrap()
            .iter()
            .all(|measurement| measurement["holds"] == true)
    );
    let results = read(&room.only_run().join("results.json"));
    let checks = results["checks"].as_array().unwrap();
    let recovers = checks.iter().find(|check| check["id"] == "liveness/recovers").unwrap();
    assert!(!recovers["reasons"].to_string().contains("proven to be healed"), "{recovers:#}");
}

/// A node that two faults touch is started again by the one that killed it, when that one is over.
#[test]
fn what_one_fault_keeps_down_no_other_one_starts() {
    let Some(_lab) = lab().filter(|_| has_fuse()) else { return };
    let first = json!({ "nth": 1 });
    let kill =
        json!({ "at_ms": 1_400, "lasts_ms": 3_000, "act": { "kind": "kill", "whom": first } });
    let full = json!({ "kind": "disk", "trouble": { "does": "full" }, "whom": first });
    let full = json!({ "at_ms": 1_000, "lasts_ms": 1_500, "act": full });
    let power = json!({ "kind": "power", "loss": "all", "whom": "all" });
    let power = json!({ "at_ms": 1_600, "lasts_ms": 1_500, "act": power });
    for (planned, place) in [(json!([full, kill]), 1), (json!([kill, power]), 0)] {
        let room = Room::new();
        let (became, code) = became(&room, &planned, &["--time", "7s"]);
        assert_ne!(code, 1, "a correct cluster was blamed: {became:#?}");
        let problems = &became[place]["problems"];
        assert_eq!(*problems, json!([]), "the node stayed down to the end: {became:#?}");
        let started = |event: &Value| event["node"] == "n1" && event["change"]["what"] == "started";
        let events = events(&room.only_run());
        assert_eq!(events.iter().filter(|event| started(event)).count(), 2, "{became:#?}");
    }
}

#[test]
fn acts_wait_for_moments_and_a_replay_can_pin_whom_they_hit() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let planned = json!([
        { "at_ms": 1_000, "lasts_ms": 300, "until": "election",
          "act": { "kind": "pause", "whom": "leader" } },
        { "at_ms": 100, "after": { "heal": 1 }, "lasts_ms": 500,
          "act": { "kind": "kill", "whom": { "hit-by": 1 } } },
        { "at_ms": 0, "after": { "election": 1_000 }, "lasts_ms": 500,
          "act": { "kind": "kill", "whom": "all" } },
    ]);
    let (became, code) = became(&room, &planned, &["--time", "12s"]);
    assert_ne!(code, 1, "{became:#?}");
    let [pause, kill, never] = &became[..] else { panic!("{became:#?}") };
    assert_eq!(pause["fault"]["nodes"], kill["fault"]["nodes"], "the same node");
    let time = |fault: &Value, place: usize| fault["effective"][place].as_u64().expect("proven");
    assert!(time(pause, 1) < time(kill, 0), "after the heal: {became:#?}");
    assert_eq!(never["id"], Value::Null, "its moment never came");
    assert!(never["problems"][0].as_str().unwrap().contains("before its time"));

    let schedule = room.only_run().join("schedule.json");
    let shown = room.run(&[
        "run",
        "regent",
        "--dry-run",
        "--pin",
        "--schedule",
        schedule.to_str().unwrap(),
    ]);
    let pinned = shown.assert_code(0).json()["schedule"]["planned"].clone();
    assert_eq!(pinned[0]["pinned"], pause["fault"]);
    assert_eq!(pinned[2]["pinned"], Value::Null);
}

#[test]
fn a_schedule_that_cannot_be_carried_out_is_refused() {
    let room = Room::new();
    let refused = |planned: Value, words: &[&str]| {
        let schedule = json!({ "schema": "fracas.schedule/2", "planned": planned });
        fs::write(room.path("plan.json"), schedule.to_string()).unwrap();
        let ended = room.run(&["run", "regent", "--dry-run", "--schedule", "plan.json"]);
        ended.assert_code(64).assert_stderr(words);
    };
    let act = |act: Value| json!([{ "at_ms": 0, "lasts_ms": 500, "act": act }]);
    refused(act(json!({ "kind": "pause", "who": "leader" })), &["unknown key `who`", "`whom`"]);
    refused(act(json!({ "kind": "pauze" })), &["unknown variant `pauze`", "`pause`"]);
    refused(act(json!({ "kind": "kill", "again": "next-binary" })), &["`--binary-next`"]);
    refused(act(json!({ "kind": "kill", "again": "other-flags" })), &["`--restart-arg`"]);
    refused(act(json!({ "kind": "starve", "scarcity": { "of": "disk" } })), &["`--small-disk`"]);
    let itself =
        json!([{ "at_ms": 0, "after": { "heal": 1 }, "lasts_ms": 5, "act": { "kind": "pause" } }]);
    refused(itself, &["act 1: it can never come"]);
}

/// A small disk by itself, and below one that can be troubled.
#[test]
fn small_disks_are_filled() {
    let Some(_lab) = lab() else { return };
    let full = json!({ "kind": "starve", "scarcity": { "of": "disk" }, "whom": "follower" });
    let slow = json!({ "kind": "disk", "trouble": { "does": "slow-fsync", "by_ms": 50 }, "whom": "leader" });
    let full = json!({ "at_ms": 1_000, "lasts_ms": 1_500, "act": full });
    let slow = json!({ "at_ms": 1_000, "lasts_ms": 1_500, "act": slow });
    let mut plans = vec![json!([full])];
    if has_fuse() {
        plans.push(json!([full, slow]));
    }
    for planned in plans {
        let room = Room::new();
        let (became, code) = became(&room, &planned, &["--time", "5s", "--small-disk", "64M"]);
        assert_ne!(code, 1, "a correct cluster was blamed: {became:#?}");
        assert!(became[0]["effective"].is_array(), "{became:#?}");
    }
}

#[test]
fn a_shifted_monotonic_clock_is_proven_at_each_start() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let flags = ["run", "regent", "--seed", "1", "--time", "4s", "--faults", "none"];
    let more = ["--min-elections", "0", "--monotonic-offset", "n1=1h,n2=-2s"];
    let ended = room.run(&[&flags[..], &more].concat());
    assert_ne!(ended.code, Some(1), "a correct cluster was blamed: {ended:#?}");
    let record = read(&room.only_run().join("run.json"));
    assert_eq!(record["ended"]["how"], "finished");
}

#[test]
fn a_shifted_clock_of_a_node_that_is_not_there_is_refused() {
    let room = Room::new();
    let ended = room.run(&["run", "regent", "--dry-run", "--nodes=3", "--monotonic-offset=n4=1h"]);
    ended.assert_code(64).assert_stderr(&["names `n4`", "n1, n2, n3"]);
}

/// How far each line of a log of etcd is after the one before, in seconds.
fn gaps(log: &str) -> Vec<i64> {
    let stamps = log.lines().filter_map(|line| line.split("\"ts\":\"").nth(1)?.get(11..19));
    let second = |time: &str| -> Option<i64> {
        let parts: Result<Vec<i64>, _> = time.split(':').map(str::parse).collect();
        parts.ok()?.into_iter().reduce(|all, part| 60 * all + part)
    };
    let seconds: Vec<i64> = stamps.filter_map(second).collect();
    let day = 24 * 3_600;
    // Around midnight a day seems to be lost or won.
    seconds.windows(2).map(|pair| (pair[1] - pair[0] + day / 2).rem_euclid(day) - day / 2).collect()
}

#[test]
fn a_step_of_a_minute_is_in_the_log_of_that_node_alone() {
    let Some(_lab) = lab() else { return };
    if !["/usr/bin/etcd", "/usr/local/bin/etcd"].iter().any(|path| fs::exists(path).unwrap()) {
        println!("skipped: `etcd` is not installed");
        return;
    }
    let room = Room::new();
    let step = json!({ "kind": "clock", "change": { "does": "step", "by_ms": 60_000 }, "whom": { "node": "n1" } });
    let election = json!({ "kind": "kill", "whom": "leader" });
    let planned = json!([
        { "at_ms": 1_000, "lasts_ms": 6_000, "act": step },
        { "at_ms": 2_500, "lasts_ms": 800, "act": election },
    ]);
    let schedule = json!({ "schema": "fracas.schedule/2", "planned": planned });
    fs::write(room.path("plan.json"), schedule.to_string()).unwrap();
    let flags = ["run", "etcd", "--nodes", "3", "--seed", "1", "--time", "10s"];
    let ended = room.run(&[&flags[..], &["--schedule", "plan.json"]].concat());
    assert_ne!(ended.code, Some(1), "a correct cluster was blamed: {ended:#?}");
    let run = room.only_run();
    let jumps = |node: &str| -> Vec<i64> {
        let log = fs::read_to_string(run.join("nodes").join(node).join("stderr")).unwrap();
        gaps(&log).into_iter().filter(|gap| gap.abs() > 45).collect()
    };
    let of_n1 = jumps("n1");
    let minute = |jump: &i64| (45..75).contains(jump);
    assert!(of_n1.len() == 2 && minute(&of_n1[0]) && minute(&-of_n1[1]), "{of_n1:?}");
    assert_eq!((jumps("n2"), jumps("n3")), (vec![], vec![]));
}
