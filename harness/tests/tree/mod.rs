//! The project's own files, for the tests that judge them: those that people write, whether they
//! are tracked yet or not.

use std::fs;
use std::path::{Path, PathBuf};

/// One text file of the project.
pub(crate) struct Source {
    /// Its path below the root, with `/`.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

/// Folders that are made, not written.
const MADE: [&str; 3] = [".git", "runs", "target"];

/// Endings of the files that people write.
const WRITTEN: [&str; 8] = ["rs", "md", "toml", "py", "sh", "yml", "yaml", "css"];

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let harness = Path::new(env!("CARGO_MANIFEST_DIR"));
    harness.parent().expect("the harness is a folder of the workspace").to_owned()
}

/// Every written file of the project, in order of its path.
pub(crate) fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    walk(&root(), &mut found);
    let root = root();
    let mut sources: Vec<Source> = found
        .iter()
        .map(|path| Source {
            path: path.strip_prefix(&root).expect("found below the root").display().to_string(),
            text: fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())),
        })
        .collect();
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(sources.len() > 50, "the project has {} files?", sources.len());
    sources
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.expect("a folder can be read to its end").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !MADE.contains(&name.as_str()) {
                walk(&path, found);
            }
        } else if name == "Makefile" || ending(&path).is_some_and(|it| WRITTEN.contains(&it)) {
            found.push(path);
        }
    }
}

fn ending(path: &Path) -> Option<&str> {
    path.extension()?.to_str()
}

/// Fails with one line per finding.
#[track_caller]
pub(crate) fn none(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}
