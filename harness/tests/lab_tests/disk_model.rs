//! Random operations on a disk, against a simple model in memory of what programs see and of what
//! must survive a power failure. It knows nothing of how the disk remembers.
//!
//! Not in here: moves between directories after POSIX, failed fsyncs and torn writes, which have
//! tests of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use fracas_lab::World;
use fracas_lab::disk::{Latency, Loss, Model};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::disk::Fixture;
use super::support::{Body, Test};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    ("random_operations_on_ext4", Body::Inside(|_: &World| try_model(Model::Ext4))),
    ("random_operations_after_posix", Body::Inside(|_: &World| try_model(Model::Posix))),
];

/// How many random histories are tried.
const CASES: u32 = 64;
/// The unit in which a disk writes.
const PAGE: usize = 4096;

/// Two directories, both durable, and a few names in each.
const DIRECTORIES: [&str; 2] = ["one", "two"];
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// A directory and a name, as indices.
type Place = (usize, usize);

#[derive(Debug, Clone)]
enum Step {
    Write {
        at: Place,
        offset: u64,
        length: usize,
        byte: u8,
    },
    Resize {
        at: Place,
        size: u64,
    },
    /// Writes from the beginning on, and cuts what was behind: as servers save what they know.
    Save {
        at: Place,
        length: usize,
        byte: u8,
    },
    Remove {
        at: Place,
    },
    Rename {
        from: Place,
        to: Place,
    },
    Link {
        from: Place,
        to: Place,
    },
    Fsync {
        at: Place,
    },
    FsyncDirectory {
        directory: usize,
    },
    PowerFailure,
}

fn place() -> impl Strategy<Value = Place> {
    (0..DIRECTORIES.len(), 0..NAMES.len())
}

fn step() -> impl Strategy<Value = Step> {
    let write = (place(), 0_u64..20_000, 1_usize..9_000, 1_u8..=255);
    let save = (place(), 1_usize..9_000, 1_u8..=255);
    prop_oneof![
        6 => write.prop_map(|(at, offset, length, byte)| Step::Write { at, offset, length, byte }),
        2 => (place(), 0_u64..25_000).prop_map(|(at, size)| Step::Resize { at, size }),
        3 => save.prop_map(|(at, length, byte)| Step::Save { at, length, byte }),
        2 => place().prop_map(|at| Step::Remove { at }),
        3 => (place(), place()).prop_map(|(from, to)| Step::Rename { from, to }),
        1 => (place(), place()).prop_map(|(from, to)| Step::Link { from, to }),
        3 => place().prop_map(|at| Step::Fsync { at }),
        2 => (0..DIRECTORIES.len()).prop_map(|directory| Step::FsyncDirectory { directory }),
        1 => Just(Step::PowerFailure),
    ]
}

/// A file: what programs see, what the disk has, and how it was cut since: each time to which size,
/// and what its last page was then.
#[derive(Debug, Clone, Default)]
struct Content {
    seen: Vec<u8>,
    on_disk: Vec<u8>,
    cuts: Vec<(usize, Vec<u8>)>,
}

impl Content {
    /// All cuts are durable, each with its page, if that page is on the disk at all.
    fn commit_cuts(&mut self) {
        for (size, page) in std::mem::take(&mut self.cuts) {
            let start = size - page.len();
            if start < size && start < self.on_disk.len() {
                self.on_disk.resize(size, 0);
                self.on_disk[start..].copy_from_slice(&page);
            } else {
                self.on_disk.truncate(size);
            }
        }
    }
}

type Names = BTreeMap<Place, usize>;

/// What a disk has to be like.
struct Expected {
    model: Model,
    files: Vec<Content>,
    seen: Names,
    on_disk: Names,
}

impl Expected {
    /// Takes one step, and says whether there is something to be done at all.
    fn step(&mut self, step: &Step) -> bool {
        match *step {
            Step::Write { at, offset, length, byte } => self.write(at, offset, length, byte),
            Step::Resize { at, size } => return self.resize(at, size),
            Step::Save { at, length, byte } => {
                self.write(at, 0, length, byte);
                return self.resize(at, length as u64);
            }
            Step::Remove { at } => return self.seen.remove(&at).is_some(),
            Step::Rename { from, to } => return self.rename(from, to),
            Step::Link { from, to } => {
                let Some(&file) = self.seen.get(&from) else { return false };
                if self.seen.contains_key(&to) {
                    return false;
                }
                self.seen.insert(to, file);
            }
            Step::Fsync { at } => {
                let Some(&file) = self.seen.get(&at) else { return false };
                let content = &mut self.files[file];
                (content.on_disk, content.cuts) = (content.seen.clone(), Vec::new());
                if self.model == Model::Ext4 {
                    self.commit_journal();
                }
            }
            Step::FsyncDirectory { directory } => match self.model {
                Model::Ext4 => self.commit_journal(),
                Model::Posix => self.commit_directory(directory),
            },
            Step::PowerFailure => {
                self.seen = self.on_disk.clone();
                for content in &mut self.files {
                    (content.seen, content.cuts) = (content.on_disk.clone(), Vec::new());
                }
            }
        }
        true
    }

    fn write(&mut self, at: Place, offset: u64, length: usize, byte: u8) {
        let next = self.files.len();
        let file = *self.seen.entry(at).or_insert(next);
        if file == next {
            self.files.push(Content::default());
        }
        let (seen, start) = (&mut self.files[file].seen, offset as usize);
        seen.resize(seen.len().max(start + length), 0);
        seen[start..start + length].fill(byte);
    }

    fn resize(&mut self, at: Place, size: u64) -> bool {
        let Some(&file) = self.seen.get(&at) else { return false };
        let (content, size) = (&mut self.files[file], size as usize);
        if size < content.seen.len() {
            let page = content.seen[size - size % PAGE..size].to_vec();
            content.cuts.push((size, page));
        }
        content.seen.resize(size, 0);
        true
    }

    fn rename(&mut self, from: Place, to: Place) -> bool {
        let across = self.model == Model::Posix && from.0 != to.0;
        let Some(&file) = self.seen.get(&from).filter(|_| !across) else { return false };
        // Two names of one file: nothing is done.
        if self.seen.get(&to) != Some(&file) {
            self.seen.remove(&from);
            self.seen.insert(to, file);
        }
        true
    }

    /// All names are durable, and all cuts.
    fn commit_journal(&mut self) {
        self.on_disk = self.seen.clone();
        self.files.iter_mut().for_each(Content::commit_cuts);
    }

    fn commit_directory(&mut self, directory: usize) {
        let in_it = |place: &Place| place.0 == directory;
        self.on_disk.retain(|place, _| !in_it(place));
        self.on_disk.extend(self.seen.iter().filter(|(place, _)| in_it(place)));
    }
}

/// Opens a file to be written, and makes it if there is none.
fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).open(path)
}

/// Takes a step on the disk.
fn act(it: &Fixture, step: &Step) -> std::io::Result<()> {
    let path = |at: Place| it.path(DIRECTORIES[at.0]).join(NAMES[at.1]);
    match *step {
        Step::Write { at, offset, length, byte } => {
            open(&path(at))?.write_all_at(&vec![byte; length], offset)
        }
        Step::Save { at, length, byte } => {
            let file = open(&path(at))?;
            file.write_all_at(&vec![byte; length], 0)?;
            file.set_len(length as u64)
        }
        Step::Resize { at, size } => OpenOptions::new().write(true).open(path(at))?.set_len(size),
        Step::Remove { at } => fs::remove_file(path(at)),
        Step::Rename { from, to } => fs::rename(path(from), path(to)),
        Step::Link { from, to } => fs::hard_link(path(from), path(to)),
        Step::Fsync { at } => File::open(path(at))?.sync_all(),
        Step::FsyncDirectory { directory } => {
            File::open(it.path(DIRECTORIES[directory]))?.sync_all()
        }
        Step::PowerFailure => {
            let lost = it.disk().lose(Loss::All).expect("it loses");
            assert_eq!(lost.problems, Vec::<String>::new());
            Ok(())
        }
    }
}

/// Compares what programs see.
fn compare(it: &Fixture, expected: &Expected) -> Result<(), TestCaseError> {
    for (directory, name) in DIRECTORIES.iter().enumerate() {
        let found: BTreeSet<String> = fs::read_dir(it.path(name))
            .expect("a directory")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
            .collect();
        let names = expected.seen.keys().filter(|place| place.0 == directory);
        prop_assert_eq!(found, names.map(|place| NAMES[place.1].to_owned()).collect());
    }
    for (place, file) in &expected.seen {
        let found = fs::read(it.path(DIRECTORIES[place.0]).join(NAMES[place.1])).expect("read");
        prop_assert!(found == expected.files[*file].seen, "{:?}: {} bytes", place, found.len());
    }
    Ok(())
}

/// One random history on a fresh disk.
fn history(model: Model, steps: &[Step]) -> Result<(), TestCaseError> {
    let it = Fixture::new(model, Latency::NONE);
    for name in DIRECTORIES {
        fs::create_dir(it.path(name)).expect("made");
    }
    File::open(it.path("")).and_then(|top| top.sync_all()).expect("fsynced");
    let (files, names) = (Vec::new(), Names::new());
    let mut expected = Expected { model, files, seen: names.clone(), on_disk: names };
    for step in steps.iter().chain([&Step::PowerFailure]) {
        if expected.step(step) {
            act(&it, step).unwrap_or_else(|error| panic!("{step:?}: {error}"));
        }
        compare(&it, &expected)?;
    }
    Ok(())
}

fn try_model(model: Model) {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let steps = prop::collection::vec(step(), 1..30);
    let tried =
        TestRunner::new_with_rng(config, random).run(&steps, |steps| history(model, &steps));
    tried.unwrap_or_else(|error| panic!("{error}"));
}
