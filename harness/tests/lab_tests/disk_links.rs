//! Links that a server plants on its disk, and above it, where the harness will try the disk.

use std::fs;
use std::os::unix::fs::symlink;

use fracas_checker::fault::Stage;
use fracas_lab::World;
use fracas_lab::disk::{Latency, Model};
use fracas_lab::resources::SmallDisk;
use fracas_lab::resources::proof::full;

use super::disk::Fixture;
use super::support::{Body, Test};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    ("a_probe_of_a_disk_follows_no_planted_link", Body::Inside(disk)),
    ("a_probe_of_a_small_disk_follows_no_planted_link", Body::Inside(small_disk)),
];

/// The names of the harness's own probe.
const PROBE: &str = ".fracas-probe";

fn disk(_: &World) {
    let it = Fixture::new(Model::Ext4, Latency::NONE);
    let victim = it.dir.path().join("victim");
    fs::write(&victim, "precious").expect("written");
    let victim = victim.canonicalize().expect("it is there");
    symlink(&victim, it.path(PROBE)).expect("a link");
    let probed = it.disk().probe().map(drop);
    assert_eq!(fs::read_to_string(&victim).expect("it is there"), "precious", "{probed:?}");
    assert!(probed.is_err(), "what is no disk is not taken for one");

    // The directory above is renamed, and a link put in its place.
    fs::remove_file(it.path(PROBE)).expect("removed");
    let (above, moved) = (it.dir.path().join("above"), it.dir.path().join("elsewhere"));
    fs::create_dir_all(above.join("seen")).expect("made");
    let spec =
        fracas_lab::disk::DiskSpec { mountpoint: above.join("seen"), ..it.disk().spec().clone() };
    let second = fracas_lab::disk::Disk::mount(&spec).expect("a disk");
    fs::rename(&above, &moved).expect("renamed");
    fs::create_dir_all(it.dir.path().join("bait/seen")).expect("made");
    symlink("bait", &above).expect("a link");
    let probe = second.probe().expect("it is found, whatever it is called");
    assert!(probe.write.is_ok() && probe.fsync.is_ok(), "{probe:?}");
    drop(second);
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("the table");
    assert!(!mounts.contains("elsewhere/seen"), "it was unmounted");
}

fn small_disk(_: &World) {
    let dir = tempfile::tempdir_in(".").expect("a directory");
    let top = dir.path().canonicalize().expect("it is there");
    let (above, victim) = (top.join("above"), top.join("victim"));
    fs::create_dir_all(above.join("data")).expect("made");
    fs::write(&victim, "precious").expect("written");
    let disk = SmallDisk::mount(&above.join("data"), 1 << 20).expect("a disk");
    fs::write(above.join("data/file"), "something").expect("written");
    symlink(&victim, above.join("data").join(PROBE)).expect("a link");
    fs::rename(&above, top.join("elsewhere")).expect("renamed");
    symlink("bait", &above).expect("a link");
    fs::create_dir_all(top.join("bait/data")).expect("made");
    disk.fill().expect("it is found");
    let measured = full(&disk, Stage::Injected).expect("measured");
    assert!(measured.iter().all(|measurement| measurement.holds), "{measured:?}");
    assert_eq!(fs::read_to_string(&victim).expect("it is there"), "precious");
    drop(disk);
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("the table");
    assert!(!mounts.contains("elsewhere/data"), "it was unmounted");
}
