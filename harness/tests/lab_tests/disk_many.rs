//! A disk with more files than its process may have open.

use std::fs::{self, File};
use std::io::{Read, Seek};
use std::os::unix::fs::{FileExt, MetadataExt};

use fracas_lab::World;
use fracas_lab::disk::{Latency, Model};
use nix::sys::resource::{Resource, setrlimit};

use super::disk::Fixture;
use super::support::{Body, Test};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    ("a_disk_holds_more_files_than_it_may_open", Body::Inside(many_files)),
    ("a_disk_serves_more_open_files_than_it_may_open", Body::Inside(many_open)),
    ("what_a_disk_has_closed_is_the_same_file", Body::Inside(same_file)),
];

/// How many files may be open at once, and how many there are.
const DESCRIPTORS: u64 = 256;
const FILES: usize = 2_000;

fn many_files(_: &World) {
    // The disk's process inherits it.
    setrlimit(Resource::RLIMIT_NOFILE, DESCRIPTORS, DESCRIPTORS).expect("a limit");
    for model in [Model::Ext4, Model::Posix] {
        let it = Fixture::new(model, Latency::NONE);
        let name = |number: usize| format!("segments/{number}");
        fs::create_dir(it.path("segments")).expect("made");
        for number in 0..FILES {
            // As many stores do: written under another name first.
            let written = fs::write(it.path("segments/new"), number.to_string());
            let moved =
                written.and_then(|()| fs::rename(it.path("segments/new"), it.path(&name(number))));
            moved.unwrap_or_else(|error| panic!("file {number}: {error}"));
        }
        for number in 0..FILES {
            it.check(&name(number), number.to_string().as_bytes());
        }
        it.durable("last", b"durable");
        it.write("last", b"lost");
        it.lose();
        it.check("last", b"durable");
        let kept = fs::read_dir(it.path("segments")).expect("a directory").count();
        assert!(kept > FILES / 2, "what had to be forgotten was made durable first: {kept}");
    }
}

/// How many files a program has open: each would take two descriptors of the disk.
const OPEN: usize = 200;

fn many_open(_: &World) {
    setrlimit(Resource::RLIMIT_NOFILE, DESCRIPTORS, DESCRIPTORS).expect("a limit");
    for model in [Model::Ext4, Model::Posix] {
        let it = Fixture::new(model, Latency::NONE);
        let open = |number: usize| it.durable(&format!("file-{number}"), b"begin,");
        let files: Vec<File> = (0..OPEN).map(open).collect();
        let name = |number: usize| it.path(&format!("file-{number}"));
        for number in 0..OPEN {
            match number % 3 {
                0 => fs::remove_file(name(number)).expect("removed"),
                1 => fs::rename(name(number), it.path(&format!("moved-{number}"))).expect("moved"),
                _ => {}
            }
        }
        for (number, file) in files.iter().enumerate() {
            let text = format!("begin,{number}");
            file.write_all_at(number.to_string().as_bytes(), 6).expect("written");
            let mut found = vec![0; text.len()];
            file.read_exact_at(&mut found, 0).expect("read");
            assert_eq!(String::from_utf8_lossy(&found), text);
        }
        drop(files);
        it.lose();
        let kept = fs::read(it.path("file-2")).expect("it is durable");
        assert!(kept == b"begin," || kept == b"begin,2", "written back or lost: {kept:?}");
    }
}

/// Directories and files are closed by turns with others; each keeps what it is.
fn same_file(_: &World) {
    setrlimit(Resource::RLIMIT_NOFILE, DESCRIPTORS, DESCRIPTORS).expect("a limit");
    let it = Fixture::new(Model::Ext4, Latency::NONE);
    let inode = |name: &str| fs::metadata(it.path(name)).expect("it is there").ino();
    fs::create_dir_all(it.path("a/b/c")).expect("made");
    let kept = it.durable("a/b/c/file", b"durable");
    let working = File::open(it.path("a/b/c")).expect("a directory");
    it.durable("a/other", b"other");
    let (number, use_up) = (inode("a/b/c/file"), |round: usize| {
        for file in 0..DESCRIPTORS {
            it.durable(&format!("{round}-{file}"), b"x");
        }
    });
    use_up(0);
    fs::rename(it.path("a/b"), it.path("moved")).expect("a directory above is moved");
    use_up(1);
    assert_eq!(inode("moved/c/file"), number);
    it.check("moved/c/file", b"durable");
    assert!(working.sync_all().is_ok(), "a directory that somebody has open");
    fs::rename(it.path("a/other"), it.path("moved/c/file")).expect("replaced");
    use_up(2);
    it.check("moved/c/file", b"other");
    assert_ne!(inode("moved/c/file"), number, "another file has the name");
    let mut text = String::new();
    (&kept).rewind().and_then(|()| (&kept).read_to_string(&mut text)).expect("still open");
    assert_eq!(text, "durable", "the removed file is what it was");
    fs::remove_file(it.path("moved/c/file")).expect("removed");
    use_up(3);
    assert!(!it.path("moved/c/file").exists());
    it.durable("moved/c/file", b"new");
    it.check("moved/c/file", b"new");
    // What was never durable is gone with all below it, and its numbers are given to others.
    fs::create_dir(it.path("fresh")).expect("made");
    for file in 0..20 {
        it.write(&format!("fresh/{file}"), b"fresh");
    }
    it.lose();
    assert!(!it.path("fresh").exists());
    for file in 0..40 {
        let text = format!("after-{file}");
        it.durable(&text, text.as_bytes());
    }
    for file in 0..40 {
        let text = format!("after-{file}");
        it.check(&text, text.as_bytes());
    }
}
