//! Finding targets and their servers: names and paths to data.

use std::path::{Path, PathBuf};

use fracas_targets::{Target, nearest};

/// The target that `name` means: a built-in one or a file, with the file's directory.
///
/// # Errors
/// A text for the user: no such target, or what is wrong in its file.
pub fn load(name: &str) -> Result<(Target, Option<PathBuf>), String> {
    if !name.contains('/') && Path::new(name).extension().is_none_or(|ending| ending != "toml") {
        let built_in = Target::builtin(name).ok_or_else(|| no_target(name))?;
        return built_in.map(|target| (target, None)).map_err(|error| error.to_string());
    }
    let text = std::fs::read_to_string(name)
        .map_err(|error| format!("error: failed to read target file `{name}`: {error}"))?;
    let target = Target::parse(name, &text).map_err(|error| error.to_string())?;
    let beside = Path::new(name)
        .parent()
        .map(|dir| if dir.as_os_str().is_empty() { Path::new(".") } else { dir });
    Ok((target, beside.map(Path::to_owned)))
}

fn no_target(name: &str) -> String {
    let names: Vec<&str> = Target::builtins().into_iter().map(|(name, _)| name).collect();
    let help = nearest(name, names.iter().copied())
        .map_or("a target file is named by its path, such as `./my.toml`".to_owned(), |near| {
            format!("did you mean `{near}`?")
        });
    format!("error: unknown target `{name}`: built in are {}\nhelp: {help}", names.join(", "))
}

/// The server of a target: the one asked for, else beside its file, beside fracas, or in `PATH`.
///
/// # Errors
/// A text for the user that says where it was looked for.
pub fn binary(
    target: &Target,
    beside: Option<&Path>,
    asked: Option<&Path>,
) -> Result<PathBuf, String> {
    if let Some(asked) = asked {
        return executable(asked).ok_or_else(|| not_executable(asked, " (of `--binary` or `FRACAS_BINARY`)"));
    }
    let wanted = Path::new(target.binary_path());
    let own = std::env::current_exe().ok().and_then(|own| own.parent().map(Path::to_owned));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let searched = std::env::split_paths(&path);
    let in_path = searched.filter(|_| wanted.components().count() == 1);
    let dirs = beside.map(Path::to_owned).into_iter().chain(own).chain(in_path);
    let places: Vec<PathBuf> = dirs.map(|dir| dir.join(wanted)).collect(); // an absolute one stays itself
    if let Some(found) = places.iter().find_map(|place| executable(place)) {
        return Ok(found);
    }
    if let Some(there) = places.iter().find(|place| place.exists()) {
        return Err(not_executable(there, &format!(", the server of target `{}`,", target.name())));
    }
    Err(format!(
        "error: failed to find the server `{}` of target `{}`: it is neither beside the target file, \
         nor beside fracas, nor in PATH\nhelp: install it, or name it with `--binary PATH` or `FRACAS_BINARY`",
        wanted.display(),
        target.name()
    ))
}

/// Why a path is no program that can be started.
fn not_executable(path: &Path, whose: &str) -> String {
    let name = path.display();
    let (why, help) = match std::fs::metadata(path) {
        Err(error) => (format!("{error}, expected an executable file"), String::new()),
        Ok(file) if file.is_dir() => {
            ("it is a directory, expected an executable file".to_owned(), String::new())
        }
        Ok(_) => {
            let help = format!("\nhelp: run `chmod +x {name}`");
            ("it has no permission to be executed, expected an executable file".to_owned(), help)
        }
    };
    format!("error: failed to start `{name}`{whose}: {why}{help}")
}

/// The absolute path of an executable file, if that is what it is. A link stays one: by what name
/// it is called may decide what a program does, as it does for `redis-server` on Debian.
fn executable(path: &Path) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let file = std::fs::metadata(path).ok()?;
    let executable = file.is_file() && file.permissions().mode() & 0o111 != 0;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let dir = parent.unwrap_or(Path::new(".")).canonicalize().ok().filter(|_| executable)?;
    Some(dir.join(path.file_name()?))
}
