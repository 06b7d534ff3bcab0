//! Preparations: directories that a program has filled once on this machine, kept in a folder for
//! all runs, and copied into the directories of nodes.
//!
//! A preparation is known by its key. Whoever makes one holds its lock alone, and gives it its name
//! when it is whole: there is no half of one, whenever somebody is killed. Whoever uses one shares
//! the lock, so that nobody removes it meanwhile. Which program fills it is not known here.

mod copy;
mod size;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

pub use size::Size;

use super::error::{Doing, LabError};
use super::{ids, leftovers};

/// The part of the cache folder with the preparations.
const FOLDER: &str = "prepared";

/// What is in a preparation, and what is said of it.
const CONTENT: &str = "content";
const ABOUT: &str = "about.json";

/// The ending of a preparation that is being made, and of the file with its lock.
const PARTIAL: &str = "partial";
const LOCK: &str = "lock";

/// How often a lock is taken on a file that was removed meanwhile.
const REMOVED_MAX: u32 = 100;

/// What is said of a preparation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct About {
    /// What it is for.
    name: String,
    size: Size,
}

/// A preparation in a cache folder, whether it is there or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    folder: PathBuf,
    key: String,
}

/// How a lock is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// With others, who use it too.
    Shared,
    /// Alone, to make or remove it.
    Alone,
}

/// A lock. It ends with this value, and with the process.
#[derive(Debug)]
pub(crate) struct Lock(Flock<File>);

impl Lock {
    /// Shares a lock that was held alone.
    pub(crate) fn share(&self) -> Result<(), LabError> {
        self.0.relock(FlockArg::LockSharedNonblock).doing(|| "share a lock".into())
    }
}

impl Entry {
    /// The preparation with this key, which is a number in hexadecimal.
    pub(crate) fn new(cache: &Path, key: &str) -> Result<Self, LabError> {
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(LabError::Asked(format!("find a preparation: `{key}` is no key")));
        }
        Ok(Self { folder: cache.join(FOLDER), key: key.to_owned() })
    }

    fn path(&self) -> PathBuf {
        self.folder.join(&self.key)
    }

    fn beside(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}.{ending}", self.key))
    }

    /// The directory that a program fills.
    pub(crate) fn filled(&self) -> PathBuf {
        self.beside(PARTIAL).join(CONTENT)
    }

    /// Takes its lock; none if somebody else has it.
    pub(crate) fn lock(&self, hold: Hold) -> Result<Option<Lock>, LabError> {
        let doing = || format!("lock `{}`", self.beside(LOCK).display());
        private_dir(&self.folder).doing(|| format!("make `{}`", self.folder.display()))?;
        for _ in 0..REMOVED_MAX {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(false);
            let file = options.open(self.beside(LOCK)).doing(doing)?;
            let how = match hold {
                Hold::Shared => FlockArg::LockSharedNonblock,
                Hold::Alone => FlockArg::LockExclusiveNonblock,
            };
            match Flock::lock(file, how) {
                Ok(lock) if self.is_its_lock(&lock) => return Ok(Some(Lock(lock))),
                Ok(_) => {} // somebody has removed the file before it was locked
                Err((_, Errno::EWOULDBLOCK)) => return Ok(None),
                Err((_, errno)) => return Err(errno).doing(doing),
            }
        }
        Ok(None)
    }

    /// Whether this is the file that has the name of its lock now.
    fn is_its_lock(&self, lock: &File) -> bool {
        let (held, named) = (lock.metadata(), fs::metadata(self.beside(LOCK)));
        held.ok().zip(named.ok()).is_some_and(|(held, named)| held.ino() == named.ino())
    }

    /// Its size, if it is there.
    pub(crate) fn size(&self) -> Option<Size> {
        Some(self.about()?.size)
    }

    fn about(&self) -> Option<About> {
        serde_json::from_str(&fs::read_to_string(self.path().join(ABOUT)).ok()?).ok()
    }

    /// Makes an empty directory for a program to fill.
    pub(crate) fn begin(&self) -> Result<PathBuf, LabError> {
        self.abandon()?;
        let filled = self.filled();
        private_dir(&filled).doing(|| format!("make `{}`", filled.display()))?;
        Ok(filled)
    }

    /// Keeps what a program has filled, for a purpose of this name.
    pub(crate) fn keep(&self, name: &str) -> Result<Size, LabError> {
        let (partial, filled) = (self.beside(PARTIAL), self.filled());
        ids::take_back(&partial)?;
        let size = copy::weigh(&filled)?;
        let about = About { name: name.to_owned(), size };
        let text = serde_json::to_string(&about).expect("texts and numbers can be written");
        let doing = || format!("keep `{}`", self.path().display());
        fs::write(partial.join(ABOUT), text).doing(doing)?;
        // Else a name that is durable could lead to files that are not.
        File::open(&partial).doing(doing).and_then(|dir| nix::unistd::syncfs(dir).doing(doing))?;
        match fs::remove_dir_all(self.path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).doing(doing);
            }
            _ => {}
        }
        fs::rename(&partial, self.path()).doing(doing)?;
        Ok(size)
    }

    /// Leaves nothing of what a program has begun to fill.
    pub(crate) fn abandon(&self) -> Result<(), LabError> {
        let partial = self.beside(PARTIAL);
        ids::take_back(&partial)?;
        match fs::remove_dir_all(&partial) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).doing(|| format!("remove `{}`", partial.display()))
            }
            _ => Ok(()),
        }
    }

    /// Copies it into a directory; `whole` if that is to have the rights of the copied one, too.
    pub(crate) fn copy_to(&self, dir: &Path, whole: bool) -> Result<(), LabError> {
        let missing =
            || LabError::Asked(format!("copy `{}`: it is not there", self.path().display()));
        let expected = self.size().ok_or_else(missing)?;
        let copied = copy::tree(&self.path().join(CONTENT), dir, whole)?;
        if copied != expected {
            return Err(LabError::Unavailable {
                what: format!("copy `{}`", self.path().display()),
                why: format!("it was changed since it was made: {copied:?}, expected {expected:?}"),
                mend: "remove it: `fracas clean --cache`".to_owned(),
            });
        }
        Ok(())
    }
}

/// Makes a directory, and those above it, that no other user may enter.
fn private_dir(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// The cache folder by its true name; it is made if it is not there.
///
/// # Errors
/// When it cannot be made.
pub fn folder(cache: &Path) -> Result<PathBuf, LabError> {
    let made = private_dir(cache).and_then(|()| cache.canonicalize());
    made.doing(|| format!("make the cache folder `{}`", cache.display()))
}

/// The directory that a program fills, if it is run for the preparation with this key.
///
/// # Errors
/// When that is no key.
pub fn filled(cache: &Path, key: &str) -> Result<PathBuf, LabError> {
    Entry::new(cache, key).map(|entry| entry.filled())
}

/// A preparation that was removed, or left because it is in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// What it was for; none if it was never whole.
    pub name: Option<String>,
    /// How large it was.
    pub size: Size,
    /// Whether it is in use, and still there.
    pub in_use: bool,
}

/// Removes all preparations of a cache folder, but for those in use. The calling process must have
/// one thread.
///
/// # Errors
/// When one cannot be removed.
pub fn remove_all(cache: &Path) -> Result<Vec<Removed>, LabError> {
    let folder = cache.join(FOLDER);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.doing(|| format!("read `{}`", folder.display()))?,
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut keys: Vec<String> =
        names.filter_map(|name| Some(name.split('.').next()?.to_owned())).collect();
    keys.sort();
    keys.dedup();
    let entries = keys.iter().filter_map(|key| Entry::new(cache, key).ok());
    let removed = entries.map(|entry| {
        leftovers::take_back(&entry.beside(PARTIAL))?;
        remove(&entry)
    });
    removed.filter_map(Result::transpose).collect()
}

/// Removes one; none if there was nothing of it but a lock.
fn remove(entry: &Entry) -> Result<Option<Removed>, LabError> {
    let name = entry.about().map(|about| about.name);
    let all = [entry.path(), entry.beside(PARTIAL)];
    let contents = all.clone().map(|path| path.join(CONTENT));
    let sizes = contents.iter().map(|path| copy::weigh(path).unwrap_or_default());
    let size = sizes.fold(Size::default(), |sum, size| Size {
        files: sum.files + size.files,
        bytes: sum.bytes + size.bytes,
    });
    let told = |in_use| Some(Removed { name, size, in_use });
    let Some(_lock) = entry.lock(Hold::Alone)? else { return Ok(told(true)) };
    let there = all.iter().any(|path| path.exists());
    entry.abandon()?;
    let doing = || format!("remove `{}`", entry.path().display());
    match fs::remove_dir_all(entry.path()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).doing(doing),
        _ => {}
    }
    fs::remove_file(entry.beside(LOCK)).doing(doing)?;
    Ok(if there { told(false) } else { None })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn entry(cache: &Path) -> Entry {
        Entry::new(cache, "0abc").unwrap()
    }

    /// Fills it as a program would.
    fn fill(entry: &Entry) -> Size {
        let _lock = entry.lock(Hold::Alone).unwrap().unwrap();
        let dir = entry.begin().unwrap();
        fs::create_dir(dir.join("base")).unwrap();
        fs::write(dir.join("base/1"), "eleven byte").unwrap();
        fs::set_permissions(dir.join("base/1"), fs::Permissions::from_mode(0o640)).unwrap();
        fs::set_permissions(dir.join("base"), fs::Permissions::from_mode(0o750)).unwrap();
        symlink("/nowhere", dir.join("link")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(dir.join("socket")).unwrap();
        entry.keep("sample").unwrap()
    }

    #[test]
    fn what_was_filled_is_copied_with_its_rights() {
        let room = tempfile::tempdir().unwrap();
        let entry = entry(room.path());
        assert_eq!(entry.size(), None);
        let size = fill(&entry);
        assert_eq!((size, entry.size()), (Size { files: 2, bytes: 11 }, Some(size)));
        assert!(!entry.beside(PARTIAL).exists());
        let to = room.path().join("n1");
        fs::create_dir(&to).unwrap();
        entry.copy_to(&to, true).unwrap();
        assert_eq!(fs::read_to_string(to.join("base/1")).unwrap(), "eleven byte");
        let mode = |name: &str| fs::metadata(to.join(name)).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode("base/1"), mode("base"), mode("")), (0o640, 0o750, 0o700));
        assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("/nowhere"));
        assert!(!to.join("socket").exists());
        entry.copy_to(&to, true).expect_err("nothing is overwritten");
    }

    #[test]
    fn a_link_in_the_way_is_not_followed() {
        let room = tempfile::tempdir().unwrap();
        let entry = entry(room.path());
        fill(&entry);
        let (to, victim) = (room.path().join("n1"), room.path().join("victim"));
        fs::create_dir_all(&victim).unwrap();
        fs::create_dir(&to).unwrap();
        symlink(&victim, to.join("base")).unwrap();
        entry.copy_to(&to, false).expect_err("it is refused");
        assert_eq!(fs::read_dir(&victim).unwrap().count(), 0);
    }

    #[test]
    fn what_was_changed_is_not_used() {
        let room = tempfile::tempdir().unwrap();
        let entry = entry(room.path());
        fill(&entry);
        fs::write(entry.path().join(CONTENT).join("base/1"), "more than before").unwrap();
        let to = room.path().join("n1");
        fs::create_dir(&to).unwrap();
        let error = entry.copy_to(&to, false).unwrap_err().to_string();
        assert!(error.contains("it was changed since it was made"), "{error}");
    }

    #[test]
    fn one_makes_it_and_many_use_it() {
        let room = tempfile::tempdir().unwrap();
        let entry = entry(room.path());
        let alone = entry.lock(Hold::Alone).unwrap().unwrap();
        for hold in [Hold::Alone, Hold::Shared] {
            assert!(entry.lock(hold).unwrap().is_none(), "{hold:?}");
        }
        alone.share().unwrap();
        assert!(entry.lock(Hold::Shared).unwrap().is_some());
        assert!(entry.lock(Hold::Alone).unwrap().is_none());
        drop(alone);
        assert!(entry.lock(Hold::Alone).unwrap().is_some());
    }

    #[test]
    fn what_is_in_use_is_not_removed() {
        let room = tempfile::tempdir().unwrap();
        let entry = entry(room.path());
        let size = fill(&entry);
        let removed = |in_use| vec![Removed { name: Some("sample".to_owned()), size, in_use }];
        let used = entry.lock(Hold::Shared).unwrap();
        assert_eq!(remove_all(room.path()).unwrap(), removed(true));
        assert!(entry.size().is_some());
        drop(used);
        assert_eq!(remove_all(room.path()).unwrap(), removed(false));
        assert_eq!(fs::read_dir(room.path().join(FOLDER)).unwrap().count(), 0);
        assert_eq!(remove_all(room.path()).unwrap(), []);
        // What was killed while it was made is no preparation, and goes too.
        let dir = entry.begin().unwrap();
        fs::write(dir.join("half"), "half").unwrap();
        let half = Removed { name: None, size: Size { files: 1, bytes: 4 }, in_use: false };
        assert_eq!(entry.size(), None);
        assert_eq!(remove_all(room.path()).unwrap(), [half]);
    }

    #[test]
    fn a_key_is_a_number() {
        for key in ["", "..", "a/b", "0x"] {
            Entry::new(Path::new("/cache"), key).expect_err(key);
        }
    }
}
