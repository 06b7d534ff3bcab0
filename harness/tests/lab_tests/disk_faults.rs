//! Disks that tear writes, lose what a failed fsync left, refuse, are full or slow; and that each of
//! these is measured, and measured not to be there when it is not.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use fracas_checker::NodeId;
use fracas_checker::fault::Stage;
use fracas_lab::World;
use fracas_lab::disk::{Errors, Latency, Loss, Model, Unit, proofs};

use super::disk::Fixture;
use super::support::{Body, Test};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    ("a_torn_write_leaves_whole_pieces", Body::Inside(torn)),
    ("a_torn_cut_has_its_page", Body::Inside(torn_cut)),
    ("a_failed_fsync_loses_its_pages_for_good", Body::Inside(failed_fsync)),
    ("what_a_failed_fsync_left_in_memory_can_leave_it", Body::Inside(evicted)),
    ("a_cut_brings_nothing_along_that_a_failed_fsync_left", Body::Inside(cut_and_failed)),
    ("a_disk_refuses_what_it_is_told_to", Body::Inside(refuses)),
    ("a_full_disk_takes_nothing_more", Body::Inside(full)),
    ("a_slow_disk_takes_its_time", Body::Inside(slow)),
];

const N2: NodeId = NodeId(2);

fn torn(_: &World) {
    let sizes = [(Unit::Page, 4096), (Unit::Sector, 512)];
    for (unit, length) in sizes {
        let it = Fixture::fast(Model::Posix);
        let file = it.durable("file", &[1; 64 * 1024]);
        file.write_all_at(&[2; 64 * 1024], 0).expect("written");
        file.write_all_at(&[3; 64 * 1024], 64 * 1024).expect("written");
        let lost = it.disk().lose(Loss::Torn { seed: 5, unit }).expect("it loses");
        let found = fs::read(it.path("file")).expect("read");
        let pieces = found.chunks(length);
        assert!(pieces.clone().all(|piece| piece.iter().all(|byte| *byte == piece[0])));
        for byte in 0..=3 {
            assert!(pieces.clone().any(|piece| piece[0] == byte), "{unit:?}: no piece of {byte}");
        }
        assert!(lost.bytes > 30_000 && lost.bytes < 100_000 && lost.files == 1, "{lost:?}");
        assert!(it.lose().is_nothing());
    }
}

/// Whatever else survives: a file that was overwritten and then cut is never its old text at the new
/// length on ext4, which writes the page before the cut.
fn torn_cut(_: &World) {
    let it = Fixture::fast(Model::Ext4);
    let (old, new) = ([1; 1100], [2; 700]);
    let mut seen = BTreeSet::new();
    for (seed, unit) in (0..40).flat_map(|seed| [(seed, Unit::Page), (seed, Unit::Sector)]) {
        let file = it.durable("nodes", &old);
        file.write_all_at(&new, 0).expect("written");
        file.set_len(700).expect("cut");
        it.disk().lose(Loss::Torn { seed, unit }).expect("it loses");
        let found = fs::read(it.path("nodes")).expect("read");
        assert!(found.len() == 1100 || found == new, "{unit:?}, seed {seed}: {:?}", found.len());
        seen.insert((found.len(), found == old));
    }
    assert_eq!(seen, BTreeSet::from([(700, false), (1100, false), (1100, true)]));
}

fn failed_fsync(_: &World) {
    let it = Fixture::fast(Model::Ext4);
    let file = it.durable("file", &[1; 8192]);
    file.write_all_at(&[2; 8192], 0).expect("written");
    it.disk().fail(Errors { fsync: 1.0, ..Errors::NONE }).expect("told");
    assert_eq!(file.sync_all().expect_err("refused").raw_os_error(), Some(libc::EIO));
    it.disk().fail(Errors::NONE).expect("healed");
    file.sync_all().expect("a later fsync succeeds");
    it.check("file", &[2; 8192]);
    // Written again, the first page reaches the disk with the next fsync; the second never does.
    file.write_all_at(&[3], 0).expect("written");
    file.sync_all().expect("fsynced");
    drop(file);
    let lost = it.lose();
    assert_eq!((lost.bytes, lost.pages), (4096, 1));
    let kept = [vec![3], vec![2; 4095], vec![1; 4096]].concat();
    it.check("file", &kept);
    assert_eq!(it.disk().stats().expect("counts").refused.fsync, 1);
}

/// A page that a failed fsync did not bring to the disk comes there with no cut of before.
fn cut_and_failed(_: &World) {
    let it = Fixture::fast(Model::Ext4);
    let file = it.durable("nodes", b"two nodes, of which one failed");
    let other = it.durable("log", b"synced");
    file.write_all_at(b"six nodes", 0).expect("written");
    file.set_len(9).expect("cut");
    it.disk().fail(Errors { fsync: 1.0, ..Errors::NONE }).expect("told");
    assert!(file.sync_all().is_err());
    it.disk().fail(Errors::NONE).expect("told");
    other.sync_all().expect("fsynced");
    it.lose();
    it.check("nodes", b"two nodes");
}

/// What a failed fsync left in memory alone is gone when memory is, and so is the size, unless
/// something was written since.
fn evicted(_: &World) {
    let cases = [
        (vec![], [1, 1]),
        (vec![(4096, 3)], [1, 2]), // its second page is in memory, as a whole
        (vec![(8192, 3)], [1, 1]),
    ];
    for (since, kept) in cases {
        let it = Fixture::fast(Model::Ext4);
        let file = it.durable("file", &[1; 8192]);
        file.write_all_at(&[2; 12288], 0).expect("written");
        it.disk().fail(Errors { fsync: 1.0, ..Errors::NONE }).expect("told");
        assert_eq!(file.sync_all().expect_err("refused").raw_os_error(), Some(libc::EIO));
        it.disk().fail(Errors::NONE).expect("healed");
        it.check("file", &[2; 12288]);
        since.iter().for_each(|(at, byte)| file.write_all_at(&[*byte], *at).expect("written"));
        drop(file);
        it.disk().evict().expect("evicted");
        let mut found = fs::read(it.path("file")).expect("read");
        since.iter().for_each(|(at, byte)| {
            let at = usize::try_from(*at).expect("small");
            assert_eq!(std::mem::replace(&mut found[at], 2), *byte);
        });
        let pages = kept.map(|byte| [byte; 4096]).concat();
        assert_eq!(found[..8192], pages, "after {since:?}");
        assert_eq!(found.len(), if since.is_empty() { 8192 } else { 12288 });
        it.lose();
        it.check("file", &[1; 8192]);
    }
}

fn refuses(_: &World) {
    let it = Fixture::fast(Model::Ext4);
    let file = it.durable("file", b"text");
    let asked = Errors { fsync: 1.0, write: 0.3, read: 1.0, room: None };
    let mut counted = it.disk().stats().expect("counts").refused;
    let measure = |stage, counted: &mut _| {
        proofs::errors(proofs::Mounted { node: N2, disk: it.disk() }, &asked, stage, counted)
            .expect("measured")
    };
    let held = |stage, counted: &mut _| measure(stage, counted).iter().all(|it| it.holds);
    assert!(!held(Stage::Injected, &mut counted), "nothing was injected yet");
    it.disk().fail(asked).expect("told");
    assert!(held(Stage::Injected, &mut counted));
    assert!(file.sync_all().is_err());
    assert!(file.read_exact_at(&mut [0; 4], 0).is_err(), "what is cached is not hidden");
    let written = (0..100).filter(|_| file.write_all_at(b"T", 0).is_ok()).count();
    assert!((50..90).contains(&written), "{written} of 100");
    let told = measure(Stage::Held, &mut counted);
    assert!(told[0].result.contains("n2's own failed 1 times"), "{told:?}");
    assert!(!held(Stage::Healed, &mut counted), "it is not healed yet");
    it.disk().fail(Errors::NONE).expect("healed");
    assert!(held(Stage::Healed, &mut counted));
    it.check("file", b"Text");
}

fn full(_: &World) {
    let it = Fixture::fast(Model::Ext4);
    let mut file = it.durable("file", b"text");
    let limit = Errors { room: Some(10_000), ..Errors::NONE };
    it.disk().fail(limit).expect("told");
    file.write_all(&[1; 9_000]).expect("there is room");
    // In memory: of bytes in the program's file that it has not read yet the kernel makes two writes.
    let error = file.write_all(&vec![1; 2_000]).expect_err("no room");
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    let mut counted = it.disk().stats().expect("counts").refused;
    assert_eq!(counted.full, 1);
    it.disk().fail(Errors::FULL).expect("told");
    let measure = |stage, counted: &mut _| {
        proofs::errors(proofs::Mounted { node: N2, disk: it.disk() }, &Errors::FULL, stage, counted)
            .expect("measured")
    };
    assert!(measure(Stage::Injected, &mut counted)[0].holds);
    assert_eq!(nix::sys::statvfs::statvfs(&it.path("")).expect("statistics").blocks_available(), 0);
    assert!(fs::create_dir(it.path("folder")).is_err());
    assert!(File::create(it.path("new")).is_err());
    file.write_all_at(b"TEXT", 0).expect("overwriting needs no room");
    it.disk().fail(Errors::NONE).expect("healed");
    assert!(measure(Stage::Healed, &mut counted)[0].holds);
    fs::create_dir(it.path("folder")).expect("made");
}

fn slow(_: &World) {
    let it = Fixture::new(Model::Ext4, Latency::NONE);
    let asked = Latency::exactly(Duration::from_millis(100));
    let measure = |stage| {
        proofs::slow(proofs::Mounted { node: N2, disk: it.disk() }, asked, stage)
            .expect("measured")
            .remove(0)
    };
    assert!(!measure(Stage::Injected).holds, "nothing was injected yet");
    it.disk().slow(asked).expect("told");
    assert!(measure(Stage::Injected).holds);
    let begun = Instant::now();
    let files = ["1", "2", "3", "4", "5", "6", "7", "8"].map(|name| it.write(name, b"text"));
    let fsync = |file: File| std::thread::spawn(move || file.sync_all().expect("fsynced"));
    let threads = files.map(fsync);
    threads.into_iter().for_each(|thread| thread.join().expect("it ends"));
    assert!(begun.elapsed() < asked.least * 6, "one fsync does not wait for another");
    let told = measure(Stage::Held);
    assert!(told.holds && told.result.contains("n2's own took 1"), "{told:?}");
    assert!(!measure(Stage::Healed).holds);
    it.disk().slow(Latency::NONE).expect("told");
    assert!(measure(Stage::Healed).holds);
}
