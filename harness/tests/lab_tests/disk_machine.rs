//! What a disk needs of the machine, what it costs, and what it refuses to be.

use std::io::Read;
use std::time::Duration;

use fracas_lab::disk::{Disk, DiskSpec, Errors, Latency, Model, overhead, trial};
use fracas_lab::{LabError, World};
use nix::mount::{MsFlags, mount};

use super::disk::Fixture;
use super::support::{Body, Test, skip};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    ("nonsense_is_refused", Body::Inside(nonsense)),
    ("a_trial_finds_that_disks_work", Body::Inside(tried)),
    ("a_device_that_cannot_be_opened_is_named", Body::Inside(no_device)),
    ("what_a_disk_costs", Body::Inside(cost)),
];

fn nonsense(_: &World) {
    let it = Fixture::fast(Model::Ext4);
    let asked = |result: Result<(), LabError>| matches!(result, Err(LabError::Asked(_)));
    assert!(asked(it.disk().fail(Errors { write: 1.5, ..Errors::NONE })));
    assert!(asked(it.disk().slow(Latency::exactly(Duration::from_secs(3600)))));
    let missing = DiskSpec { backing: "/does/not/exist".into(), ..it.disk().spec().clone() };
    assert!(Disk::mount(&missing).is_err());
    let file = DiskSpec { backing: "/proc/self/exe".into(), ..it.disk().spec().clone() };
    assert!(Disk::mount(&file).expect_err("no directory").to_string().contains("not a directory"));
    it.write("file", b"").read_to_end(&mut Vec::new()).expect("the first disk still works");
}

fn tried(_: &World) {
    match trial::attempt() {
        Ok(told) => assert_eq!(told, "worked, by 3 measurements"),
        Err(LabError::Unavailable { mend, .. }) => skip(&mend),
        Err(error) => panic!("{error}"),
    }
}

fn no_device(_: &World) {
    let here = |flags| mount(Some("/dev/fuse"), "/dev/fuse", None::<&str>, flags, None::<&str>);
    let (bind, nodev) = (MsFlags::MS_BIND, MsFlags::MS_REMOUNT | MsFlags::MS_NODEV);
    if here(bind).and_then(|()| here(bind | nodev)).is_err() {
        skip("`/dev/fuse` cannot be covered");
    }
    match trial::attempt() {
        Err(LabError::Unavailable { why, mend, .. }) => {
            assert!(
                why.contains("EACCES") && mend.contains("chmod 666 /dev/fuse"),
                "{why}; {mend}"
            );
        }
        other => panic!("{other:?}"),
    }
}

fn cost(_: &World) {
    let it = Fixture::fast(Model::Ext4);
    let below = overhead::measure(it.dir.path()).expect("measured");
    let on = overhead::measure(&it.path("")).expect("measured");
    println!("beside the disk: {below:.0?}");
    println!("on the disk:     {on:.0?}");
    it.disk().slow(Latency::USUAL).expect("told");
    let usual = overhead::measure(&it.path("")).expect("measured");
    println!("usual latency:   {usual:.0?}");
    assert!(usual.fsynced_appends < 1000.0 && usual.fsynced_appends > 20.0, "{usual:?}");
}
