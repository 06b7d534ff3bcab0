//! Too little processor time, by turns and by a ration, memory, descriptors and disk: felt by the
//! server, proven, and over.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fracas_checker::fault::{Measurement, Stage};
use fracas_lab::resources::{Duty, Place, Resource, SmallDisk, proof};
use fracas_lab::{LabError, NodeProcess, World};

use super::processes::Fixture;
use super::support::{Body, Test};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    ("a_starved_node_gets_its_share", Body::Inside(starved)),
    ("a_node_that_is_not_starved_is_found_out", Body::Inside(not_starved)),
    ("a_starved_node_can_be_paused", Body::Inside(starved_and_paused)),
    ("a_rationed_node_gets_its_share", Body::Inside(rationed)),
    ("a_ration_that_is_none_is_found_out", Body::Inside(not_rationed)),
    ("a_ration_that_is_not_in_effect_is_found_out", Body::Inside(undone)),
    ("who_is_not_in_the_group_is_found_out", Body::Inside(escaped)),
    ("turns_and_rations_are_proven_on_a_busy_machine", Body::Inside(busy)),
    ("a_ration_ends_with_its_node", Body::Inside(ends)),
    ("who_may_make_no_group_is_told_why", Body::Inside(no_group)),
    ("nothing_more_can_be_opened", Body::Inside(files)),
    ("no_more_memory_can_be_had", Body::Inside(memory)),
    ("a_full_disk_takes_nothing_more", Body::Inside(disk)),
    ("a_small_disk_survives_its_node", Body::Inside(survives)),
    ("open_more", Body::Server(open_more)),
    ("want_more", Body::Server(want_more)),
];

/// How long something that must happen may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// 4 of 20 ms.
const FIFTH: Duty = Duty { run: Duration::from_millis(4), period: Duration::from_millis(20) };

/// Tells again and again whether it gets something more.
fn tell(mut more: impl FnMut() -> bool) {
    loop {
        let word = if more() { "more" } else { "refused" };
        writeln!(std::io::stdout(), "{word}").expect("written");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Opens more and more files.
fn open_more() {
    let mut open = Vec::new();
    tell(|| {
        File::open("/dev/null").is_ok_and(|file| {
            open.push(file);
            true
        })
    });
}

/// Takes more and more memory.
fn want_more() {
    let mut taken: Vec<Vec<u8>> = Vec::new();
    tell(|| {
        let mut more = Vec::new();
        let got = more.try_reserve_exact(8 << 20).is_ok();
        taken.push(more);
        got
    });
}

#[track_caller]
fn all_hold(measurements: &[Measurement]) {
    for Measurement { what: name, result, .. } in measurements {
        println!("{name}: {result}");
    }
    let hold = !measurements.is_empty() && measurements.iter().all(|it| it.holds);
    assert!(hold, "{measurements:#?}");
}

/// Waits until the server's output has one more line like this.
#[track_caller]
fn wait_for(fixture: &Fixture, line: &str) {
    let count = || {
        let output = fs::read_to_string(fixture.path("stdout")).unwrap_or_default();
        output.lines().filter(|it| *it == line).count()
    };
    let (before, deadline) = (count(), Instant::now() + PATIENCE);
    while count() == before {
        assert!(Instant::now() < deadline, "never `{line}`");
        thread::sleep(Duration::from_millis(10));
    }
}

fn starved(_: &World) {
    let fixture = Fixture::new();
    let mut node = fixture.shell("while :; do :; done");
    node.starve(Some(FIFTH)).expect("starved");
    for stage in [Stage::Injected, Stage::Held] {
        all_hold(&proof::starved(&mut node, FIFTH, stage).expect("a proof"));
    }
    node.starve(None).expect("fed");
    all_hold(&proof::starved(&mut node, FIFTH, Stage::Healed).expect("a proof"));
    let nonsense = Duty { run: FIFTH.period, ..FIFTH };
    assert!(matches!(node.starve(Some(nonsense)), Err(LabError::Asked(_))));
}

fn not_starved(_: &World) {
    let fixture = Fixture::new();
    let mut node = fixture.shell("sleep 1000");
    let duty = Duty { run: Duration::from_millis(1), period: Duration::from_millis(100) };
    let found = proof::starved(&mut node, duty, Stage::Injected).expect("a proof");
    fails_for(&found, "stands still", "the turns are not in effect");
}

/// One of the measurements fails, and says why.
#[track_caller]
fn fails_for(found: &[Measurement], name: &str, why: &str) {
    let failed = |measurement: &&Measurement| !measurement.holds && measurement.what.contains(name);
    let told =
        found.iter().find(failed).is_some_and(|measurement| measurement.result.contains(why));
    assert!(told, "`{name}` should fail for `{why}`: {found:#?}");
}

/// A pause holds through the turns, and the turns go on after it.
fn starved_and_paused(_: &World) {
    let fixture = Fixture::new();
    let mut node = fixture.shell("while :; do :; done");
    node.starve(Some(FIFTH)).expect("starved");
    node.pause().expect("paused");
    thread::sleep(5 * FIFTH.period);
    let threads = node.threads().expect("counted");
    assert!(threads.total > 0 && threads.stopped == threads.total, "{threads:?}");
    node.resume().expect("resumed");
    assert_eq!(node.threads().expect("counted").stopped, 0);
    all_hold(&proof::starved(&mut node, FIFTH, Stage::Held).expect("a proof"));
    assert_eq!(node.kill().expect("killed").remaining, 0);
}

/// Where nodes can be rationed; none, with a word, if they cannot be.
fn place() -> Option<Place> {
    let told = |error: &LabError| {
        assert!(!makes_groups(), "groups can be made here: {error}");
        println!("skipped: {error}");
    };
    Place::find().inspect_err(told).ok()
}

/// Whether a group for processor time can be made below this process's, by version 1 of the
/// kernel's interface.
fn makes_groups() -> bool {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let path = own.lines().find_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        controllers.split(',').any(|name| name == "cpu").then_some(path.trim_start_matches('/'))
    });
    let group = |path| Path::new("/sys/fs/cgroup/cpu").join(path).join("of-a-lab-test");
    let made = |dir: &PathBuf| fs::create_dir(dir).and_then(|()| fs::remove_dir(dir)).is_ok();
    path.map(group).is_some_and(|dir| made(&dir))
}

/// The groups that were made by this world: their names end in its number.
fn groups(place: &Place) -> Vec<String> {
    let world = fs::metadata("/proc/self/ns/pid").expect("its own").ino().to_string();
    let entries = fs::read_dir(place.dir()).expect("it can be listed");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string());
    names.filter_map(Result::ok).filter(|name| name.ends_with(&world)).collect()
}

/// Which processes of a group there are.
fn members(place: &Place, group: &str) -> Vec<String> {
    let text = fs::read_to_string(place.dir().join(group).join("cgroup.procs")).expect("a list");
    text.lines().map(str::to_owned).collect()
}

fn rationed(_: &World) {
    let Some(place) = place() else { return };
    let fixture = Fixture::new();
    let mut node = fixture.shell("sleep 1000 & sleep 1000");
    node.ration(&place, Some(FIFTH)).expect("rationed");
    let [group] = &groups(&place)[..] else { panic!("{:?}", groups(&place)) };
    assert!(group.starts_with("fracas-n1-"), "{group}");
    assert_eq!(members(&place, group).len(), 4, "the init, the shell and its children");
    assert!(matches!(node.ration(&place, Some(FIFTH)), Err(LabError::Asked(_))), "only once");
    for stage in [Stage::Injected, Stage::Held] {
        all_hold(&proof::rationed(&mut node, FIFTH, stage).expect("a proof"));
    }
    let share = node.spin(Duration::from_secs(1), false).expect("measured").expect("it runs");
    assert!((0.05..=0.3).contains(&share), "about a fifth of a processor, or less: {share}");
    node.ration(&place, None).expect("fed");
    all_hold(&proof::rationed(&mut node, FIFTH, Stage::Healed).expect("a proof"));
    assert_eq!(groups(&place), [""; 0]);
    let nonsense = Duty { run: FIFTH.period, ..FIFTH };
    assert!(matches!(node.ration(&place, Some(nonsense)), Err(LabError::Asked(_))));
    node.ration(&place, Some(FIFTH)).expect("rationed again");
    all_hold(&proof::rationed(&mut node, FIFTH, Stage::Injected).expect("a proof"));
}

/// A node that nobody holds back is not taken for a rationed one.
fn not_rationed(_: &World) {
    let Some(place) = place() else { return };
    let fixture = Fixture::new();
    let mut node = fixture.shell("sleep 1000");
    let found = proof::rationed(&mut node, FIFTH, Stage::Injected).expect("a proof");
    assert!(found.iter().all(|measurement| !measurement.holds), "{found:?}");
    let nearly_all = Duty { run: FIFTH.period - Duration::from_millis(1), ..FIFTH };
    node.ration(&place, Some(nearly_all)).expect("rationed");
    let early = proof::rationed(&mut node, FIFTH, Stage::Healed).expect("a proof");
    assert!(early.iter().any(|measurement| !measurement.holds), "it is not healed: {early:?}");
}

/// A ration that somebody took back is found out, on a busy machine too.
fn undone(_: &World) {
    let Some(place) = place() else { return };
    let fixture = Fixture::new();
    let mut node = fixture.shell("sleep 1000");
    let changes = [(None, "none: the ration is not in effect"), (Some(15), "15 of 20 ms: ")];
    for (other, expect) in changes {
        node.ration(&place, Some(FIFTH)).expect("rationed");
        all_hold(&proof::rationed(&mut node, FIFTH, Stage::Injected).expect("a proof"));
        give(&place, other);
        let found = proof::rationed(&mut node, FIFTH, Stage::Held).expect("a proof");
        fails_for(&found, "ration of n1, 4 of 20 ms", expect);
        node.ration(&place, None).expect("fed");
    }
}

/// Gives the only group of this world another share of its period, or all it wants.
fn give(place: &Place, millis: Option<u64>) {
    let [group] = &groups(place)[..] else { panic!("{:?}", groups(place)) };
    let (first, second) = ("cpu.cfs_quota_us", "cpu.max");
    let quota = |none: &str| millis.map_or(none.to_owned(), |millis| format!("{millis}000"));
    let dir = place.dir().join(group);
    if dir.join(first).exists() {
        fs::write(dir.join(first), quota("-1")).expect("written");
    } else {
        fs::write(dir.join(second), format!("{} 20000", quota("max"))).expect("written");
    }
}

/// A process of the node that left the group is found out.
fn escaped(_: &World) {
    let Some(place) = place() else { return };
    let fixture = Fixture::new();
    let mut node = fixture.shell("sleep 1000 & sleep 1000");
    node.ration(&place, Some(FIFTH)).expect("rationed");
    let [group] = &groups(&place)[..] else { panic!("{:?}", groups(&place)) };
    let last = members(&place, group).pop().expect("it has processes");
    // The group above is the one that it came from, or one that may hold processes as well.
    fs::write(place.dir().join("cgroup.procs"), last).expect("moved");
    let found = proof::rationed(&mut node, FIFTH, Stage::Held).expect("a proof");
    fails_for(&found, "processes of n1 that the ration holds for", "2 of 3");
}

/// How many processes make a machine busy, for each of its processors.
const CROWD: usize = 8;

/// Other work takes more than the rest of the machine, and spoils no proof.
fn busy(_: &World) {
    let fixture = Fixture::new();
    let mut node = fixture.shell("while :; do :; done");
    let crowd = CROWD * thread::available_parallelism().expect("a number").get();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..crowd {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        // A panic must not leave the crowd running: the scope waits for it.
        let proven = catch_unwind(AssertUnwindSafe(|| proven_by_both(&mut node)));
        over.store(true, Ordering::Relaxed);
        proven.unwrap_or_else(|panic| resume_unwind(panic));
    });
}

/// Holds a node back by turns, and by a ration where there are groups, each with all its proofs.
fn proven_by_both(node: &mut NodeProcess) {
    node.starve(Some(FIFTH)).expect("starved");
    all_hold(&proof::starved(node, FIFTH, Stage::Injected).expect("a proof"));
    node.starve(None).expect("fed");
    all_hold(&proof::starved(node, FIFTH, Stage::Healed).expect("a proof"));
    let Some(place) = place() else { return };
    node.ration(&place, Some(FIFTH)).expect("rationed");
    all_hold(&proof::rationed(node, FIFTH, Stage::Injected).expect("a proof"));
    node.ration(&place, None).expect("fed");
    all_hold(&proof::rationed(node, FIFTH, Stage::Healed).expect("a proof"));
}

fn ends(_: &World) {
    let Some(place) = place() else { return };
    let fixture = Fixture::new();
    let mut node = fixture.shell("while :; do :; done & while :; do :; done");
    node.ration(&place, Some(FIFTH)).expect("rationed");
    node.pause().expect("paused");
    let threads = node.threads().expect("counted");
    assert!(threads.total > 1 && threads.stopped == threads.total, "{threads:?}");
    node.resume().expect("resumed");
    assert_eq!(node.kill().expect("killed").remaining, 0);
    assert_eq!(groups(&place), [""; 0], "a kill ends it");
    let mut node = fixture.shell("sleep 1000");
    node.ration(&place, Some(FIFTH)).expect("rationed");
    drop(node);
    assert_eq!(groups(&place), [""; 0], "so does its end");
}

fn no_group(_: &World) {
    match Place::find() {
        Ok(place) => println!("skipped: groups can be made, by {place}"),
        Err(LabError::Unavailable { what: attempt, why, mend }) => {
            println!("{attempt}: {why}; {mend}");
            assert!(attempt.contains("processor time by a group") && !mend.is_empty());
            let reasons = ["is not ours", "divides it", "mounted", "out of reach"];
            assert!(reasons.iter().any(|reason| why.contains(reason)), "{why}");
        }
        Err(other) => panic!("{other:?}"),
    }
}

fn files(_: &World) {
    limited(Resource::Files, "open_more", 5);
}

fn memory(_: &World) {
    limited(Resource::Memory, "want_more", 20 << 20);
}

/// Limits a server that always wants more, until it is refused, and lets it have it again.
fn limited(resource: Resource, server: &str, headroom: u64) {
    let fixture = Fixture::new();
    let mut node = fixture.server(server);
    wait_for(&fixture, "more");
    let unproven = proof::limited(&node, resource, Stage::Injected).expect("a proof");
    assert!(!unproven[0].holds, "it is not limited yet: {unproven:?}");
    node.limit(resource, headroom).expect("limited");
    assert!(matches!(node.limit(resource, headroom), Err(LabError::Asked(_))), "only once");
    wait_for(&fixture, "refused");
    for stage in [Stage::Injected, Stage::Held] {
        all_hold(&proof::limited(&node, resource, stage).expect("a proof"));
    }
    node.unlimit(resource).expect("unlimited");
    all_hold(&proof::limited(&node, resource, Stage::Healed).expect("a proof"));
    wait_for(&fixture, "more");
}

fn disk(_: &World) {
    let fixture = Fixture::new();
    let dir = fixture.path("disk");
    fs::create_dir(&dir).expect("a directory");
    let disk = SmallDisk::mount(&dir, 4 << 20).expect("mounted");
    assert!(matches!(disk.fill(), Err(LabError::Asked(_))), "it is empty");
    let _node = fixture.shell(
        "while :; do head -c 8192 /dev/zero >> disk/log && echo more || echo refused; sleep 0.05; \
         done",
    );
    wait_for(&fixture, "more");
    let unproven = proof::full(&disk, Stage::Injected).expect("a proof");
    assert!(!unproven[0].holds, "it is not full yet: {unproven:?}");
    disk.fill().expect("filled");
    for stage in [Stage::Injected, Stage::Held] {
        all_hold(&proof::full(&disk, stage).expect("a proof"));
    }
    wait_for(&fixture, "refused");
    disk.make_room().expect("more room");
    all_hold(&proof::full(&disk, Stage::Healed).expect("a proof"));
    wait_for(&fixture, "more");
}

fn survives(_: &World) {
    let fixture = Fixture::new();
    let dir = fixture.path("disk");
    fs::create_dir(&dir).expect("a directory");
    let disk = SmallDisk::mount(&dir, 1 << 20).expect("mounted");
    let mut node = fixture.shell("echo kept > disk/file; while :; do echo more; sleep 0.05; done");
    wait_for(&fixture, "more");
    node.kill().expect("killed");
    assert_eq!(fs::read_to_string(dir.join("file")).expect("a file"), "kept\n");
    drop(disk);
    assert!(!dir.join("file").exists(), "the disk is gone");
}
