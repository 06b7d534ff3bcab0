//! Finding programs of this machine: servers and client programs. Nothing is started here.

use std::io;
use std::path::{Path, PathBuf};

use fracas_targets::Target;

/// The command of a client program, with the path of its program where that lies beside fracas: so
/// drivers need not be in `PATH`.
///
/// # Errors
/// A text for the user that says what is missing, and what to install.
pub(crate) fn client(target: &Target, mut argv: Vec<String>) -> Result<Vec<String>, String> {
    let Some(program) = argv.first_mut() else { return Ok(argv) };
    if program.contains('/') {
        return Ok(argv);
    }
    if let Some(found) = places(Path::new(program), None).iter().find_map(|it| executable(it).ok())
    {
        *program = found.to_string_lossy().into_owned();
        return Ok(argv);
    }
    let help = target.client_install().map(|install| format!("\nhelp: install {install}"));
    Err(format!(
        "failed to find the client program `{program}` of target `{}`: it is neither beside fracas, \
         nor in PATH{}",
        target.name(),
        help.unwrap_or_default()
    ))
}

/// Where a program of that name may be, in the order in which it is looked for.
pub(crate) fn places(wanted: &Path, beside: Option<&Path>) -> Vec<PathBuf> {
    if wanted.is_absolute() {
        return vec![wanted.to_owned()];
    }
    let own = std::env::current_exe().ok().and_then(|own| own.parent().map(Path::to_owned));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let searched = std::env::split_paths(&path);
    let in_path = searched.filter(|_| wanted.components().count() == 1);
    let dirs = beside.map(Path::to_owned).into_iter().chain(own).chain(in_path);
    dirs.map(|dir| dir.join(wanted)).collect()
}

/// Why a file is not a program that can be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfit {
    #[error("does not exist")]
    Missing,
    #[error("is not a file, expected an executable file")]
    NoFile,
    #[error("is not an executable file: its permissions do not allow it\nhelp: `chmod +x` it")]
    NotExecutable,
    #[error("cannot be used: {0}")]
    Refused(io::Error),
}

/// The absolute path of an executable file, if that is what it is. A link stays one: by what name
/// it is called may decide what a program does, as it does for `redis-server` on Debian.
pub(crate) fn executable(path: &Path) -> Result<PathBuf, Unfit> {
    use std::os::unix::fs::PermissionsExt;
    let refused = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Unfit::Missing,
        _ => Unfit::Refused(error),
    };
    let file = std::fs::metadata(path).map_err(refused)?;
    if !file.is_file() {
        return Err(Unfit::NoFile);
    }
    if file.permissions().mode() & 0o111 == 0 {
        return Err(Unfit::NotExecutable);
    }
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(dir.canonicalize().map_err(refused)?.join(path.file_name().ok_or(Unfit::NoFile)?))
}

/// Where a program of this name is in `PATH`.
fn found_in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).find_map(|dir| executable(&dir.join(name)).ok())
}

/// Whether a program of this name is in `PATH`.
pub(crate) fn in_path(name: &str) -> bool {
    found_in_path(name).is_some()
}

/// Names the program of a command by its path, if a word without `/` is in `PATH`: else a server would
/// not be shown what lies beside it.
pub(crate) fn locate(argv: &mut [String]) {
    let Some(program) = argv.first_mut().filter(|program| !program.contains('/')) else { return };
    if let Some(found) = found_in_path(program) {
        *program = found.display().to_string();
    }
}

/// The regular file that a word names, if it does so by an absolute path.
pub(crate) fn file_of(word: &str) -> Option<PathBuf> {
    Some(PathBuf::from(word)).filter(|path| path.is_absolute() && path.is_file())
}
