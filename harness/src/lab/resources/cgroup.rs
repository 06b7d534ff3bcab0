//! Whether this process may make a group for processor time. Only to say so: none is used.

use std::fs;
use std::path::PathBuf;

use crate::lab::error::LabError;

/// Where groups are usually mounted: all in one tree, or a tree for each thing that is limited.
const UNIFIED: &str = "/sys/fs/cgroup";
const SEPARATE: &str = "/sys/fs/cgroup/cpu";

/// What is used instead.
const INSTEAD: &str = "nothing needs to be done: processes are stopped and continued instead";

/// Looks whether a group can be made, and says what of it.
pub(super) fn find() -> Result<String, LabError> {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let why = match group(&own) {
        None => "there is none for processor time".to_owned(),
        Some((version, group)) => {
            let trial = group.join(format!("fracas-trial-{}", std::process::id()));
            match fs::create_dir(&trial).and_then(|()| fs::remove_dir(&trial)) {
                Ok(()) => {
                    format!("{version}: one could be made, but would outlive a killed harness")
                }
                Err(error) => format!("{version}: `{}` is not ours: {error}", group.display()),
            }
        }
    };
    Err(LabError::Unavailable { what: "use a cgroup".into(), why, mend: INSTEAD.into() })
}

/// Which kind of group limits the processor time of the process with this `/proc/self/cgroup`.
fn group(own: &str) -> Option<(&'static str, PathBuf)> {
    let below = |root: &str, path: &str| PathBuf::from(format!("{root}{path}"));
    for line in own.lines() {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        if controllers.split(',').any(|name| name == "cpu") {
            return Some(("version 1", below(SEPARATE, path)));
        }
        let unified = below(UNIFIED, path);
        let available = fs::read_to_string(unified.join("cgroup.controllers")).unwrap_or_default();
        if controllers.is_empty() && available.split_whitespace().any(|name| name == "cpu") {
            return Some(("version 2", unified));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::group;

    #[test]
    fn a_group_of_the_first_version_is_found() {
        let (version, path) = group("9:name=systemd:/\n1:cpu,cpuacct:/a\n0::/\n").expect("one");
        assert_eq!((version, path.to_str()), ("version 1", Some("/sys/fs/cgroup/cpu/a")));
        assert_eq!(group("9:name=systemd:/\n"), None);
    }
}
