//! A disk with more files than its process may have open.

use std::fs;

use fracas_lab::World;
use fracas_lab::disk::{Latency, Model};
use nix::sys::resource::{Resource, setrlimit};

use super::disk::Fixture;
use super::support::{Body, Test};

/// The tests of this file.
pub(crate) const TESTS: &[Test] =
    &[("a_disk_holds_more_files_than_it_may_open", Body::Inside(many_files))];

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
