//! What a server's program needs of the machine's files: itself, what lies beside it, its
//! interpreter, and the libraries that its environment names. Read from the launch and the first
//! bytes of the program; nothing is started.

use std::path::{Path, PathBuf};

use super::clock::Kind;
use super::launch::Launch;

/// Variables that name libraries, or directories of libraries.
const LIBRARIES: [&str; 2] = ["LD_PRELOAD", "LD_LIBRARY_PATH"];

/// What this server needs, where these directories are hidden.
pub(super) fn of(launch: &Launch, hidden: &[PathBuf]) -> Vec<PathBuf> {
    let programs = launch.argv.first().into_iter().chain(&launch.also).map(PathBuf::from);
    let programs = programs.flat_map(|program| {
        let interpreter = Kind::of(&program).ok().and_then(|(_, interpreter)| interpreter);
        [Some(program), interpreter].into_iter().flatten()
    });
    let programs = programs.filter(|program| !launch.is_own(program));
    let names = programs.flat_map(|program| both_names(&program));
    let programs = names.map(|program| with_neighbours(&program, hidden));
    let libraries = LIBRARIES.iter().filter_map(|name| launch.env.get(*name));
    let libraries = libraries.flat_map(|text| text.split([':', ' ']));
    let libraries =
        libraries.map(Path::new).filter(|path| path.is_absolute() && !launch.is_own(path));
    programs.chain(libraries.flat_map(both_names)).collect()
}

/// The directory of a program, which holds what it comes with; the program alone where that is a
/// directory for everything, or the one of the evidence.
fn with_neighbours(program: &Path, hidden: &[PathBuf]) -> PathBuf {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let for_all = |dir: &Path| {
        hidden.iter().any(|hidden| hidden == dir)
            || home.as_deref() == Some(dir)
            || dir.parent().is_none()
    };
    match program.parent() {
        Some(dir) if !for_all(dir) => dir.to_owned(),
        _ => program.to_owned(),
    }
}

/// A path that exists as it is written, and by its true name.
pub(super) fn both_names(path: &Path) -> Vec<PathBuf> {
    let Ok(real) = path.canonicalize() else { return Vec::new() };
    if real == path { vec![real] } else { vec![real, path.to_owned()] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_comes_with_its_directory_unless_that_is_for_everything() {
        let hidden = ["/tmp", "/srv/runs"].map(PathBuf::from);
        let check = |program: &str, expected: &str| {
            assert_eq!(with_neighbours(Path::new(program), &hidden), Path::new(expected));
        };
        check("/tmp/it/server", "/tmp/it");
        check("/tmp/server", "/tmp/server");
        check("/srv/server", "/srv");
        check("/srv/runs/server", "/srv/runs/server");
        check("/opt/bin/server", "/opt/bin");
        check("/server", "/server");
    }
}
