//! What becomes durable by its age alone, as a kernel writes back what nobody has fsynced.

use std::io::Write;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use fracas_lab::World;
use fracas_lab::disk::{Errors, Latency, Model, WRITE_BACK_AFTER};

use super::disk::Fixture;
use super::support::{Body, Test};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    ("what_is_old_is_written_back", Body::Inside(written_back)),
    ("what_is_young_is_not_written_back", Body::Inside(young)),
    ("what_is_never_old_is_not_written_back", Body::Inside(never)),
    ("a_disk_that_fails_writes_nothing_back", Body::Inside(fails_to_write_back)),
];

/// How old data becomes in a test.
const SOON: Duration = Duration::from_millis(300);

/// Waits until the disk has written this many files and names back.
#[track_caller]
fn until_aged(it: &Fixture, count: u64) {
    let until = Instant::now() + Duration::from_secs(30);
    while it.disk().stats().expect("counts").aged < count {
        assert!(Instant::now() < until, "it is never written back");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn written_back(_: &World) {
    for model in [Model::Ext4, Model::Posix] {
        let it = Fixture::aging(model, Latency::NONE, SOON);
        let mut file = it.write("log", b"old,");
        until_aged(&it, 2); // its data, and its name
        file.write_all(b"young").expect("written");
        it.write("other", b"young, too");
        let lost = it.lose();
        it.check("log", b"old,");
        it.check_names(&["log"]);
        assert_eq!((lost.bytes, lost.files, lost.entries), (15, 2, 1));
        let (youngest, oldest) = lost.age.expect("something was lost");
        assert!(youngest <= oldest, "{youngest:?} {oldest:?}");
    }
}

fn young(_: &World) {
    let it = Fixture::fast(Model::Ext4);
    it.write("log", b"young for half a minute");
    std::thread::sleep(SOON * 2);
    let (youngest, oldest) = it.lose().age.expect("something was lost");
    assert!(youngest >= SOON * 2 && oldest < WRITE_BACK_AFTER, "{youngest:?} {oldest:?}");
    assert_eq!(it.lose().age, None, "nothing is left to lose");
}

/// The strict reading: nothing but a sync makes anything durable, however long it lies there.
fn never(_: &World) {
    let it = Fixture::aging(Model::Ext4, Latency::NONE, Duration::MAX);
    it.durable("log", b"synced");
    it.write("other", b"never synced");
    std::thread::sleep(SOON * 3);
    assert_eq!(it.disk().stats().expect("counts").aged, 0);
    let (youngest, _) = it.lose().age.expect("something was lost");
    assert!(youngest >= SOON * 3, "{youngest:?}");
    it.check_names(&["log"]);
}

fn fails_to_write_back(_: &World) {
    let it = Fixture::aging(Model::Ext4, Latency::NONE, SOON);
    let file = it.durable("log", b"synced");
    it.disk().fail(Errors { fsync: 1.0, ..Errors::NONE }).expect("told");
    file.write_at(b"unsync", 0).expect("written");
    std::thread::sleep(SOON * 3);
    assert_eq!(it.disk().stats().expect("counts").aged, 0);
    it.lose();
    it.check("log", b"synced");
}
