//! The results of many runs, wherever they lie: directories of runs in any depth, and `results.json`
//! files alone.
//!
//! Nothing below a run is looked at: what servers and client programs have written there could look
//! like a run. No link is followed but those that the caller names.

use std::fs::{self, File};
use std::io::{self, Read};
use std::num::NonZero;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use fracas_reports::{Stored, Unread};

use crate::store::StoreError;

/// The file that makes a directory a run that was judged.
const RESULTS: &str = "results.json";

/// A directory with one of these is a run.
const MARKS: [&str; 2] = ["run.json", RESULTS];

/// How deep directories are searched.
const DEEPEST: usize = 32;

/// How many files are read.
const MOST_FILES: usize = 200_000;

/// How long a file may be.
const LONGEST: u64 = 64 << 20;

/// How many threads read at once at most.
const MOST_THREADS: usize = 16;

/// What was found.
#[derive(Debug, Default)]
pub struct Collected {
    /// The runs, with links to their pages as seen from the directory of the index.
    pub runs: Vec<Stored>,
    /// The files that could not be read.
    pub unread: Vec<Unread>,
    /// How many runs have no results: they go on, have crashed, or were not judged.
    pub unjudged: usize,
}

/// Reads the results of all runs in `places`; links lead from the directory `from` to their pages.
///
/// # Errors
/// When a place is not there or cannot be looked into.
pub fn collect(places: &[PathBuf], from: &Path) -> Result<Collected, StoreError> {
    let from = real(from)?;
    let mut found = Search::default();
    for place in places {
        let place = real(place)?;
        if place.is_dir() { found.search(&place)? } else { found.files.push(place) }
    }
    let mut collected = Collected { unjudged: found.unjudged, ..Collected::default() };
    let more = found.files.len().saturating_sub(MOST_FILES);
    if more > 0 {
        let why = format!("there are {more} more files than the {MOST_FILES} that are read");
        collected.unread.push(Unread { file: "…".to_owned(), why });
        found.files.truncate(MOST_FILES);
    }
    for (file, read) in found.files.iter().zip(read_all(&found.files, &from)) {
        match read {
            Ok(run) => collected.runs.push(run),
            Err(why) => collected.unread.push(Unread { file: file.display().to_string(), why }),
        }
    }
    Ok(collected)
}

fn real(path: &Path) -> Result<PathBuf, StoreError> {
    path.canonicalize().map_err(failed("find", path))
}

fn failed<'a>(attempt: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> StoreError + 'a {
    move |error| StoreError::Io { attempt, path: path.to_owned(), error }
}

/// The files to be read.
#[derive(Default)]
struct Search {
    files: Vec<PathBuf>,
    unjudged: usize,
}

impl Search {
    /// Adds what is in a directory and below it.
    fn search(&mut self, root: &Path) -> Result<(), StoreError> {
        let mut open = vec![(root.to_owned(), 0)];
        while let Some((dir, depth)) = open.pop() {
            if MARKS.iter().any(|mark| is_file(&dir.join(mark))) {
                self.run(&dir);
                continue;
            }
            for entry in entries(&dir)? {
                let name = entry.file_name();
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() && depth < DEEPEST => {
                        open.push((entry.path(), depth + 1));
                    }
                    Ok(kind) if kind.is_file() && name.to_string_lossy().ends_with(RESULTS) => {
                        self.files.push(entry.path());
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn run(&mut self, dir: &Path) {
        let results = dir.join(RESULTS);
        if is_file(&results) { self.files.push(results) } else { self.unjudged += 1 }
    }
}

/// What is in a directory, in the order of names: the last one first, since it is searched last.
fn entries(dir: &Path) -> Result<Vec<fs::DirEntry>, StoreError> {
    let entries = fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut entries = entries.map_err(failed("read directory", dir))?;
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.file_name()));
    Ok(entries)
}

/// Whether there is a regular file, and no link to one.
fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|about| about.is_file())
}

/// What each file tells, in their order.
fn read_all(files: &[PathBuf], from: &Path) -> Vec<Result<Stored, String>> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut read = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(place) else { return read };
            read.push((place, stored(file, from)));
        }
    };
    let mut all = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let joined = workers.into_iter().map(|it| it.join().expect("reading does not panic"));
        joined.flatten().collect::<Vec<_>>()
    });
    all.sort_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, read)| read).collect()
}

/// Reads the results of one run.
///
/// # Errors
/// What is wrong with the file, for people.
pub fn results_of(file: &Path) -> Result<Stored, String> {
    stored(file, Path::new("/"))
}

/// Reads one file.
fn stored(file: &Path, from: &Path) -> Result<Stored, String> {
    if !is_file(file) {
        return Err("it is no regular file".to_owned());
    }
    let mut json = Vec::new();
    let opened =
        File::open(file).and_then(|opened| opened.take(LONGEST + 1).read_to_end(&mut json));
    opened.map_err(|error| error.to_string())?;
    if json.len() as u64 > LONGEST {
        return Err(format!("it is longer than {} MB", LONGEST >> 20));
    }
    Stored::read(&json, page(file, from))
}

/// The link from a directory to the page beside a file, if there is one.
fn page(results: &Path, from: &Path) -> Option<String> {
    let page = results.parent()?.join("report.html");
    let own = results.file_name().is_some_and(|name| name == RESULTS);
    (own && is_file(&page)).then(|| link(from, &page))
}

/// The way from a directory to a file, as a link. Both are whole paths without links.
fn link(from: &Path, to: &Path) -> String {
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(common).map(|_| "..".to_owned());
    let down = to.components().skip(common).filter_map(|part| match part {
        Component::Normal(name) => Some(encoded(name.as_encoded_bytes())),
        _ => None,
    });
    up.chain(down).collect::<Vec<_>>().join("/")
}

/// A name with everything that means something in a link as its number.
fn encoded(name: &[u8]) -> String {
    let letter = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(*byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    name.iter().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_lead_from_the_index_to_pages() {
        for (from, to, expected) in [
            ("/runs", "/runs/a/report.html", "a/report.html"),
            ("/runs/site", "/runs/a+1/report.html", "../a%2B1/report.html"),
            ("/x/y", "/r/report.html", "../../r/report.html"),
            ("/", "/<a> b/report.html", "%3Ca%3E%20b/report.html"),
            ("/runs", "/runs/javascript:x/report.html", "javascript%3Ax/report.html"),
        ] {
            assert_eq!(link(Path::new(from), Path::new(to)), expected);
        }
    }

    fn write(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "{}").unwrap();
    }

    /// Servers write below a run what they like, and links may lead anywhere, in circles too.
    #[test]
    fn runs_are_found_in_any_depth_and_nothing_below_them() {
        let room = tempfile::tempdir().unwrap();
        let root = room.path().canonicalize().unwrap();
        for name in [
            "a/run/results.json",
            "a/run/run.json",
            "a/run/nodes/n1/results.json",
            "a/run/replays/r/results.json",
            "b/c/d/results.json",
            "b/night-1-results.json",
            "b/night-1.json",
            "died/run.json",
            "died/nodes/n1/data/results.json",
            "outside/results.json",
        ] {
            write(&root.join(name));
        }
        symlink(&root, root.join("b/circle")).unwrap();
        symlink(root.join("a/run/results.json"), root.join("b/results.json")).unwrap();
        let mut found = Search::default();
        found.search(&root).unwrap();
        let below = |file: &PathBuf| file.strip_prefix(&root).unwrap().display().to_string();
        let names: BTreeSet<String> = found.files.iter().map(below).collect();
        let expected = [
            "a/run/results.json",
            "b/c/d/results.json",
            "b/night-1-results.json",
            "outside/results.json",
        ];
        assert_eq!(names, expected.map(str::to_owned).into());
        assert_eq!(found.unjudged, 1);
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let room = tempfile::tempdir().unwrap();
        write(&room.path().join("a/results.json"));
        fs::create_dir_all(room.path().join("b/results.json")).unwrap();
        let collected = collect(&[room.path().to_owned()], room.path()).unwrap();
        assert!(collected.runs.is_empty());
        let told = &collected.unread[0];
        assert!(
            told.file.ends_with("a/results.json") && told.why.contains("missing field"),
            "{told:?}"
        );
        assert_eq!(collected.unread.len(), 1);
        assert!(collect(&[room.path().join("nowhere")], room.path()).is_err());
    }
}
