//! Where groups for processor time can be made here, by either version of the kernel's interface.
//! Nothing is mounted or switched on for it: what is not delegated is told with the way to get it.

use std::fmt::{self, Display};
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Doing, LabError};

/// Which interface of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// A tree of groups for processor time alone.
    One,
    /// One tree for all that can be limited.
    Two,
}

/// Where groups for processor time can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub(super) version: Version,
    /// The group that ours are made in.
    pub(super) dir: PathBuf,
    /// The group of this process, and so of all nodes.
    pub(super) home: PathBuf,
}

impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = match self.version {
            Version::One => "1",
            Version::Two => "2",
        };
        write!(f, "version {version}, in `{}`", self.dir.display())
    }
}

/// A mounted tree of groups for processor time, and where in it this process is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tree {
    pub(super) version: Version,
    mountpoint: PathBuf,
    pub(super) home: PathBuf,
}

/// The file of a group that lists its processes.
pub(super) const PROCESSES: &str = "cgroup.procs";

/// Why groups cannot be used here.
pub(super) fn unavailable(why: String) -> LabError {
    let mend = "run as root, or have the group that this runs in given to this user; with version 2 \
                `systemd-run --user --scope` does, where `cpu` is delegated to users";
    LabError::Unavailable { what: "limit processor time by a group".into(), why, mend: mend.into() }
}

impl Tree {
    /// Finds it.
    pub(super) fn find() -> Result<Self, LabError> {
        let read = |file: &str| fs::read_to_string(file).doing(|| format!("read `{file}`"));
        let (own, mounts) = (read("/proc/self/cgroup")?, read("/proc/self/mountinfo")?);
        let none = || unavailable("no tree of groups for it is mounted".into());
        let tree = Self::of(&own, &mounts).ok_or_else(none)?;
        if !tree.home.is_dir() {
            let home = tree.home.display();
            return Err(unavailable(format!("the own group `{home}` is out of reach")));
        }
        Ok(tree)
    }

    /// The tree that a process with this `cgroup` and this `mountinfo` is in. Version 2 divides
    /// processor time only if version 1 does not.
    fn of(own: &str, mounts: &str) -> Option<Self> {
        let (mut separate, mut unified) = (None, None);
        for line in own.lines() {
            let mut fields = line.splitn(3, ':').skip(1);
            let (controllers, path) = (fields.next()?, fields.next()?);
            if controllers.split(',').any(|name| name == "cpu") {
                separate = Some(path);
            } else if controllers.is_empty() {
                unified = Some(path);
            }
        }
        let (version, path) = match separate {
            Some(path) => (Version::One, path),
            None => (Version::Two, unified?),
        };
        let (mountpoint, home) = mounts.lines().find_map(|mount| at(mount, version, path))?;
        Some(Self { version, mountpoint, home })
    }

    /// Version 2: the group whose processor time is divided among the groups in it, this process's
    /// or the next above. A group with processes in it, as this process's, is divided only if it is
    /// the uppermost one.
    pub(super) fn divided(&self) -> Result<PathBuf, LabError> {
        let above = self.home.parent().filter(|above| above.starts_with(&self.mountpoint));
        let divided = |dir: &&Path| {
            let names = fs::read_to_string(dir.join("cgroup.subtree_control")).unwrap_or_default();
            names.split_whitespace().any(|name| name == "cpu")
        };
        let found = [Some(self.home.as_path()), above].into_iter().flatten().find(divided);
        found.map(Path::to_owned).ok_or_else(|| LabError::Unavailable {
            what: "limit processor time by a group".into(),
            why: format!("neither `{}` nor the group above divides it", self.home.display()),
            mend: "write `+cpu` to the `cgroup.subtree_control` of a group without processes, and \
                   start fracas in a group below that one"
                .into(),
        })
    }
}

/// The mountpoint and the directory of the group `path`, if this line of `mountinfo` is of a tree
/// that it is in.
fn at(mount: &str, version: Version, path: &str) -> Option<(PathBuf, PathBuf)> {
    let (place, kind) = mount.split_once(" - ")?;
    let mut place = place.split(' ').skip(3);
    let (root, mountpoint) = (place.next()?, PathBuf::from(place.next()?));
    let mut kind = kind.split(' ');
    let (system, options) = (kind.next()?, kind.nth(1)?);
    let fits = match version {
        Version::One => system == "cgroup" && options.split(',').any(|option| option == "cpu"),
        Version::Two => system == "cgroup2",
    };
    let below = Path::new(path).strip_prefix(root).ok().filter(|_| fits)?;
    let home =
        if below.as_os_str().is_empty() { mountpoint.clone() } else { mountpoint.join(below) };
    Some((mountpoint, home))
}

/// Where the tree of groups for processor time is mounted; none if there is none.
pub(super) fn mountpoint() -> Option<PathBuf> {
    Tree::find().ok().map(|tree| tree.mountpoint)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEPARATE: &str = "40 33 0:35 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n\
                            38 33 0:33 / /sys/fs/cgroup/cpu rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n\
                            46 33 0:41 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    #[track_caller]
    fn check(own: &str, mounts: &str, expect: Option<(Version, &str)>) {
        let found = Tree::of(own, mounts).map(|tree| (tree.version, tree.home));
        assert_eq!(found, expect.map(|(version, home)| (version, PathBuf::from(home))));
    }

    #[test]
    fn a_group_of_the_first_version_is_found_beside_the_second() {
        let found = Some((Version::One, "/sys/fs/cgroup/cpu/a"));
        check("9:name=systemd:/\n1:cpu,cpuacct:/a\n0::/b\n", SEPARATE, found);
        check("1:cpu:/\n0::/\n", SEPARATE, Some((Version::One, "/sys/fs/cgroup/cpu")));
    }

    #[test]
    fn a_group_of_the_second_version_is_found() {
        let mounts =
            "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
        check(
            "0::/user.slice/a:b\n",
            mounts,
            Some((Version::Two, "/sys/fs/cgroup/user.slice/a:b")),
        );
        check("9:name=systemd:/\n", mounts, None);
        check("0::/\n", "", None);
    }

    #[test]
    fn a_container_sees_a_part_of_the_tree_only() {
        let mounts = "38 33 0:33 /docker/c0 /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n";
        check("1:cpu:/docker/c0/x\n", mounts, Some((Version::One, "/sys/fs/cgroup/cpu/x")));
        check("1:cpu:/docker/c1\n", mounts, None);
    }

    #[test]
    fn a_group_is_made_where_processor_time_is_divided() {
        let root = tempfile::tempdir().unwrap();
        let (slice, scope) = (root.path().join("slice"), root.path().join("slice/scope"));
        fs::create_dir_all(&scope).unwrap();
        let tree = |home: &Path| Tree {
            version: Version::Two,
            mountpoint: root.path().to_owned(),
            home: home.to_owned(),
        };
        let refusal = tree(&scope).divided().unwrap_err().to_string();
        assert!(refusal.contains("nor the group above") && refusal.contains("+cpu"), "{refusal}");
        fs::write(slice.join("cgroup.subtree_control"), "memory cpu\n").unwrap();
        assert_eq!(tree(&scope).divided().unwrap(), slice);
        assert_eq!(tree(&slice).divided().unwrap(), slice);
        assert!(tree(root.path()).divided().is_err());
    }
}
