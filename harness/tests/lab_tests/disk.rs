//! Disks that fail: what programs see of them, and what survives a power failure. Disks that refuse,
//! are full or slow are in `disk_faults`, what real servers lose is in `disk_servers`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use fracas_checker::NodeId;
use fracas_lab::disk::{Disk, DiskSpec, Latency, Loss, Lost, Model, WRITE_BACK_AFTER, proofs};
use fracas_lab::{LabError, World};
use nix::fcntl::{
    FallocateFlags, FcntlArg, Flock, FlockArg, RenameFlags, fallocate, fcntl, renameat2,
};

use super::support::{Body, Test, skip};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    ("what_was_not_fsynced_is_lost", Body::Inside(unsynced)),
    ("what_was_made_during_an_fsync_is_not_covered", Body::Inside(during_fsync)),
    ("overwritten_cut_and_punched_content_comes_back", Body::Inside(overwritten)),
    ("a_cut_is_durable_with_its_page_and_no_other", Body::Inside(cut_with_its_page)),
    ("on_ext4_names_are_durable_with_any_fsync", Body::Inside(names_ext4)),
    ("after_posix_names_are_durable_with_their_directory", Body::Inside(names_posix)),
    ("a_replaced_file_comes_back", Body::Inside(replaced)),
    ("an_open_file_may_be_removed", Body::Inside(removed_open)),
    ("a_new_file_does_not_inherit_an_old_ones_past", Body::Inside(inode_reuse)),
    ("hard_links_are_one_file", Body::Inside(hard_links)),
    ("rights_and_times_are_kept", Body::Inside(rights)),
    ("synchronous_and_direct_writes", Body::Inside(open_flags)),
    ("a_large_directory_is_listed_once", Body::Inside(large_directory)),
    ("locks_and_other_files_work", Body::Inside(other_calls)),
    ("a_disk_may_cover_its_own_directory", Body::Inside(covers_itself)),
];

const N2: NodeId = NodeId(2);

/// A disk and the directory below it.
pub(crate) struct Fixture {
    disk: Disk,
    pub(crate) dir: tempfile::TempDir,
}

impl Fixture {
    #[track_caller]
    pub(crate) fn new(model: Model, latency: Latency) -> Self {
        Self::aging(model, latency, WRITE_BACK_AFTER)
    }

    /// A disk that writes back what is older than this.
    #[track_caller]
    pub(crate) fn aging(model: Model, latency: Latency, write_back_after: Duration) -> Self {
        let dir = tempfile::tempdir_in(".").expect("a directory");
        for name in ["below", "seen"] {
            fs::create_dir(dir.path().join(name)).expect("a directory");
        }
        let (backing, mountpoint) = (dir.path().join("below"), dir.path().join("seen"));
        let spec = DiskSpec { backing, mountpoint, model, latency, write_back_after, seed: 7 };
        match Disk::mount(&spec) {
            Ok(disk) => Self { disk, dir },
            Err(error @ LabError::Unavailable { .. }) => skip(&error.to_string()),
            Err(error) => panic!("{error}"),
        }
    }

    #[track_caller]
    pub(crate) fn fast(model: Model) -> Self {
        Self::new(model, Latency::NONE)
    }

    pub(crate) fn disk(&self) -> &Disk {
        &self.disk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.disk().spec().mountpoint.join(name)
    }

    #[track_caller]
    pub(crate) fn lose(&self) -> Lost {
        let lost = self.disk().lose(Loss::All).expect("it loses");
        assert_eq!(lost.problems, Vec::<String>::new());
        lost
    }

    /// Writes a file and makes it and its name durable.
    #[track_caller]
    pub(crate) fn durable(&self, name: &str, content: &[u8]) -> File {
        let file = self.write(name, content);
        file.sync_all().expect("fsynced");
        self.sync_directory("");
        file
    }

    #[track_caller]
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> File {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(true);
        let mut file = options.open(self.path(name)).expect("opened");
        file.write_all(content).expect("written");
        file
    }

    #[track_caller]
    fn sync_directory(&self, name: &str) {
        File::open(self.path(name)).and_then(|file| file.sync_all()).expect("fsynced");
    }

    #[track_caller]
    pub(crate) fn check(&self, name: &str, content: &[u8]) {
        let found = fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(found == content, "{name}: {} bytes: {:?}…", found.len(), head(&found));
    }

    #[track_caller]
    pub(crate) fn check_names(&self, names: &[&str]) {
        let mut found = list(&self.path(""));
        found.sort();
        assert_eq!(found, names);
    }
}

fn head(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(20)]
}

fn list(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).expect("a directory");
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect()
}

fn unsynced(_: &World) {
    let it = Fixture::fast(Model::Ext4);
    let mut file = it.durable("log", b"synced,");
    file.write_all(b"not synced").expect("written");
    it.check("log", b"synced,not synced");
    let stats = it.disk().stats().expect("counts");
    assert_eq!((stats.unsynced_bytes, stats.unsynced_pages), (10, 1));
    drop(file);
    let lost = it.lose();
    assert_eq!((lost.bytes, lost.pages, lost.files, lost.entries), (10, 1, 1, 0));
    it.check("log", b"synced,");
    let told = proofs::loss(N2, &lost);
    let result = "10 bytes in 1 page of 1 file, 0 directory entries; 0.";
    assert!(told.holds && told.result.starts_with(result), "{told:?}");
    let nothing = proofs::loss(N2, &it.lose());
    assert!(!nothing.holds && nothing.result.contains("nothing"), "{nothing:?}");
}

fn during_fsync(_: &World) {
    let it = Fixture::new(Model::Ext4, Latency::exactly(Duration::from_millis(400)));
    let file = it.durable("log", b"one");
    file.write_all_at(b"two", 3).expect("written");
    let fsync = std::thread::spawn(move || file.sync_all());
    std::thread::sleep(Duration::from_millis(100));
    it.write("new", b"new");
    assert!(!fsync.is_finished(), "others do not wait for the fsync");
    fsync.join().expect("it ends").expect("it succeeds");
    let lost = it.lose();
    assert_eq!((lost.bytes, lost.entries), (3, 1));
    it.check("log", b"onetwo");
    it.check_names(&["log"]);
}

fn overwritten(_: &World) {
    let it = Fixture::fast(Model::Posix);
    let old: Vec<u8> = (0..30_000_u32).map(|number| (number % 251) as u8 + 1).collect();
    let file = it.durable("data", &old);
    file.write_all_at(b"changed", 5000).expect("written");
    assert_eq!(it.lose().bytes, 7);
    it.check("data", &old);
    file.set_len(100).expect("cut");
    file.write_all_at(&[9; 50], 200).expect("written");
    file.set_len(40_000).expect("stretched");
    it.lose();
    it.check("data", &old);
    let hole = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
    fallocate(&file, hole, 4096, 8192).expect("punched");
    fallocate(&file, FallocateFlags::empty(), 0, 100_000).expect("allocated");
    assert_eq!(file.metadata().expect("it exists").len(), 100_000);
    assert_eq!(it.lose().bytes, 8192, "space that was only reserved is not counted");
    it.check("data", &old);
    file.set_len(10).expect("cut");
    file.sync_all().expect("fsynced");
    assert!(it.lose().is_nothing());
    it.check("data", &old[..10]);
}

/// As Redis Cluster saves `nodes.conf`: it overwrites what is there, and then cuts the file.
fn cut_with_its_page(_: &World) {
    let it = Fixture::fast(Model::Ext4);
    let file = it.durable("nodes", b"two nodes, of which one failed");
    let other = it.durable("log", b"synced");
    let save = |text: &[u8]| {
        file.write_all_at(&[text, &[b' '; 30][text.len()..]].concat(), 0).expect("written");
        file.set_len(text.len() as u64).expect("cut");
    };
    save(b"two nodes");
    it.lose();
    it.check("nodes", b"two nodes, of which one failed");
    save(b"two nodes");
    // Nobody has synced that, nor cut it: the other file's fsync does not bring it along.
    file.write_all_at(b"six nodes, of which", 0).expect("written");
    other.sync_all().expect("fsynced");
    it.lose();
    it.check("nodes", b"two nodes");
    // It grows within its page, and is cut before it is as short as on the disk.
    file.write_all_at(b"two nodes, and two more", 0).expect("written");
    file.set_len(14).expect("cut");
    other.sync_all().expect("fsynced");
    it.lose();
    it.check("nodes", b"two nodes, and");
    // Its first page is not that of the cut, and nobody synced it.
    let file = it.durable("long", &[1; 9000]);
    file.write_all_at(&[2; 9000], 0).expect("written");
    file.set_len(5000).expect("cut");
    other.sync_all().expect("fsynced");
    it.lose();
    it.check("long", &[[1; 4096].to_vec(), [2; 904].to_vec()].concat());
}

/// Makes, removes, renames and links; nothing is fsynced but what is there before.
fn change_names(it: &Fixture) {
    for name in ["kept", "gone", "old"] {
        it.durable(name, name.as_bytes());
    }
    fs::create_dir(it.path("folder")).expect("made");
    it.write("folder/new", b"new");
    fs::remove_file(it.path("gone")).expect("removed");
    fs::rename(it.path("old"), it.path("renamed")).expect("renamed");
    fs::hard_link(it.path("kept"), it.path("link")).expect("linked");
    std::os::unix::fs::symlink("kept", it.path("symlink")).expect("linked");
    it.check_names(&["folder", "kept", "link", "renamed", "symlink"]);
}

fn names_ext4(_: &World) {
    let it = Fixture::fast(Model::Ext4);
    change_names(&it);
    let lost = it.lose();
    assert_eq!(lost.entries, 6, "{lost:?}");
    it.check_names(&["gone", "kept", "old"]);
    change_names(&it);
    File::open(it.path("kept")).expect("opened").sync_all().expect("fsynced");
    let lost = it.lose();
    assert_eq!((lost.entries, lost.bytes), (0, 3), "the names are durable, the data is not");
    it.check_names(&["folder", "kept", "link", "renamed", "symlink"]);
    it.check("folder/new", b"");
    it.check("renamed", b"old");
}

fn names_posix(_: &World) {
    let it = Fixture::fast(Model::Posix);
    change_names(&it);
    File::open(it.path("folder/new")).expect("opened").sync_all().expect("fsynced");
    it.sync_directory("folder");
    let lost = it.lose();
    assert_eq!((lost.bytes, lost.files), (3, 1), "a durable file in a directory that is not");
    it.check_names(&["gone", "kept", "old"]);
    change_names(&it);
    it.sync_directory("");
    it.lose();
    it.check_names(&["folder", "kept", "link", "renamed", "symlink"]);
    assert_eq!(list(&it.path("folder")), Vec::<String>::new());
    it.write("folder/x", b"x").sync_all().expect("fsynced");
    it.sync_directory("folder");
    fs::rename(it.path("folder/x"), it.path("x")).expect("moved");
    assert_eq!(it.lose().entries, 1);
    it.check("folder/x", b"x");
    fs::rename(it.path("folder/x"), it.path("x")).expect("moved");
    it.sync_directory("");
    assert!(it.lose().is_nothing());
    it.check("x", b"x");
}

fn replaced(_: &World) {
    for model in [Model::Ext4, Model::Posix] {
        let it = Fixture::fast(model);
        it.durable("config", b"old");
        it.write("config.new", b"new").sync_all().expect("fsynced");
        fs::rename(it.path("config.new"), it.path("config")).expect("renamed");
        it.check("config", b"new");
        it.lose();
        it.check("config", b"old");
        it.write("a", b"a").sync_all().expect("fsynced");
        it.sync_directory("");
        let exchange = RenameFlags::RENAME_EXCHANGE;
        let here = nix::fcntl::AT_FDCWD;
        renameat2(here, &it.path("a"), here, &it.path("config"), exchange).expect("exchanged");
        it.check("a", b"old");
        it.lose();
        it.check("a", b"a");
        // Without an fsync of the data, a rename that is durable leads to an empty file.
        it.write("config.new", b"newer");
        fs::rename(it.path("config.new"), it.path("config")).expect("renamed");
        it.sync_directory("");
        it.lose();
        it.check("config", b"");
    }
}

fn removed_open(_: &World) {
    let it = Fixture::fast(Model::Ext4);
    let mut file = it.durable("temporary", b"1234");
    fs::remove_file(it.path("temporary")).expect("removed");
    assert_eq!(file.metadata().expect("it is open").nlink(), 0);
    file.write_all(b"5678").expect("written");
    let mut text = [0; 8];
    file.read_exact_at(&mut text, 0).expect("read");
    assert_eq!(&text, b"12345678");
    it.check_names(&[]);
    drop(file);
    it.lose();
    it.check("temporary", b"1234");
    let file = File::open(it.path("temporary")).expect("opened");
    fs::remove_file(it.path("temporary")).expect("removed");
    it.sync_directory("");
    assert_eq!(file.metadata().expect("it is open").nlink(), 0);
    file.read_exact_at(&mut text[..4], 0).expect("read");
    drop(file);
    it.lose();
    it.check_names(&[]);
}

fn inode_reuse(_: &World) {
    let it = Fixture::fast(Model::Ext4);
    for round in 0..20 {
        let name = format!("file{round}");
        let file = it.durable(&name, &[1; 9000]);
        file.write_all_at(&[2; 9000], 0).expect("written");
        drop(file);
        fs::remove_file(it.path(&name)).expect("removed");
        it.sync_directory("");
    }
    it.durable("last", &[3; 100]);
    assert!(it.lose().is_nothing());
    it.check("last", &[3; 100]);
    it.check_names(&["last"]);
}

fn hard_links(_: &World) {
    let it = Fixture::fast(Model::Posix);
    let file = it.durable("one", b"abc");
    fs::hard_link(it.path("one"), it.path("two")).expect("linked");
    it.sync_directory("");
    file.write_all_at(b"X", 0).expect("written");
    it.check("two", b"Xbc");
    fs::remove_file(it.path("one")).expect("removed");
    assert_eq!(fs::metadata(it.path("two")).expect("it exists").nlink(), 1);
    fs::rename(it.path("two"), it.path("three")).expect("renamed");
    let lost = it.lose();
    assert_eq!((lost.bytes, lost.entries), (1, 2));
    it.check("one", b"abc");
    it.check("two", b"abc");
    assert_eq!(file.metadata().expect("it is open").nlink(), 2);
}

fn rights(_: &World) {
    let it = Fixture::fast(Model::Posix);
    let file = it.durable("file", b"x");
    let set = |mode| fs::set_permissions(it.path("file"), fs::Permissions::from_mode(mode));
    let mode = || fs::metadata(it.path("file")).expect("it exists").mode() & 0o7777;
    set(0o640).expect("set");
    file.sync_all().expect("fsynced");
    set(0o400).expect("set");
    assert_eq!(mode(), 0o400);
    it.lose();
    assert_eq!(mode(), 0o640);
    let then = std::time::UNIX_EPOCH + Duration::from_secs(1_000_000);
    file.set_modified(then).expect("set");
    assert_eq!(file.metadata().expect("it exists").modified().expect("known"), then);
    std::os::unix::fs::chown(it.path("file"), None, None).expect("owned");
    let new = OpenOptions::new().write(true).create_new(true).mode(0o444).open(it.path("new"));
    new.expect("made").write_all(b"though it may only be read").expect("written");
    assert_eq!(fs::metadata(it.path("new")).expect("it exists").uid(), 0);
}

fn open_flags(_: &World) {
    let it = Fixture::fast(Model::Ext4);
    it.durable("file", b"");
    let open = |flags| {
        let mut options = OpenOptions::new();
        options.append(true).custom_flags(flags).open(it.path("file")).expect("opened")
    };
    open(libc::O_DSYNC).write_all(b"1").expect("written");
    open(libc::O_SYNC).write_all(b"2").expect("written");
    assert!(it.lose().is_nothing(), "synchronous writes are durable");
    let fsyncs = it.disk().stats().expect("counts").fsyncs;
    open(libc::O_DSYNC).write_all(b"3").expect("written");
    assert_eq!(it.disk().stats().expect("counts").fsyncs, fsyncs + 1, "and take one fsync each");
    let direct = OpenOptions::new().write(true).custom_flags(libc::O_DIRECT).open(it.path("file"));
    direct.expect("opened").write_all_at(&[b'4'; 4096], 0).expect("written");
    assert_eq!(it.lose().bytes, 4096);
    it.check("file", b"123");
    open(0).write_all(b"4").expect("appended");
    open(0).write_all(b"5").expect("appended");
    it.check("file", b"12345");
    let unnamed = OpenOptions::new().write(true).custom_flags(libc::O_TMPFILE).open(it.path(""));
    assert_eq!(unnamed.expect_err("refused").raw_os_error(), Some(libc::EOPNOTSUPP));
}

fn large_directory(_: &World) {
    const COUNT: usize = 3000;
    let it = Fixture::fast(Model::Posix);
    fs::create_dir(it.path("many")).expect("made");
    let name = |number| format!("many/a-file-with-a-long-name-{number:05}");
    (0..COUNT).for_each(|number| drop(it.write(&name(number), b"")));
    let mut names = list(&it.path("many"));
    names.sort();
    names.dedup();
    assert_eq!(names.len(), COUNT);
    // Removing while reading must not leave any out.
    for entry in fs::read_dir(it.path("many")).expect("a directory") {
        fs::remove_file(entry.expect("an entry").path()).expect("removed");
    }
    assert_eq!(list(&it.path("many")), Vec::<String>::new());
    assert_eq!(it.disk().stats().expect("counts").written_back, 1, "too much to remember");
}

fn other_calls(_: &World) {
    let it = Fixture::fast(Model::Ext4);
    let (first, second) = (it.write("file", b"text"), File::open(it.path("file")).expect("opened"));
    let lock = |file| Flock::lock(file, FlockArg::LockExclusiveNonblock);
    let held = lock(first).map_err(|(_, error)| error).expect("locked");
    let (second, error) = lock(second).expect_err("it is held");
    assert_eq!(error, nix::errno::Errno::EAGAIN);
    let first = held.unlock().map_err(|(_, error)| error).expect("unlocked");
    lock(second).map_err(|(_, error)| error).expect("free again");
    range_locks(&first, &it.write("file", b"text"));
    let _socket = std::os::unix::net::UnixListener::bind(it.path("socket")).expect("bound");
    std::os::unix::net::UnixStream::connect(it.path("socket")).expect("connected");
    assert!(nix::sys::statvfs::statvfs(&it.path("")).expect("statistics").blocks() > 0);
    fs::copy(it.path("file"), it.path("copy")).expect("copied");
    it.check("copy", b"text");
    let missing = File::open(it.path("missing")).expect_err("it is not there");
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    fs::create_dir_all(it.path("a/b")).expect("made");
    let error = fs::remove_dir(it.path("a")).expect_err("not empty");
    assert_eq!(error.kind(), io::ErrorKind::DirectoryNotEmpty);
    fs::remove_dir_all(it.path("a")).expect("removed");
    // SAFETY: an open descriptor and three integers.
    #[expect(unsafe_code, reason = "no safe wrapper")]
    let synced = unsafe { libc::sync_file_range(first.as_raw_fd(), 0, 0, 7) };
    assert_eq!(synced, 0);
    nix::unistd::syncfs(&first).expect("accepted");
    assert_eq!(it.lose().files, 2, "but neither makes anything durable");
}

/// The locks of fcntl, here those that belong to an open file.
fn range_locks(first: &File, second: &File) {
    let range = libc::flock {
        l_type: libc::F_WRLCK as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: 0,
        l_len: 2,
        l_pid: 0,
    };
    fcntl(first, FcntlArg::F_OFD_SETLK(&range)).expect("locked");
    assert!(fcntl(second, FcntlArg::F_OFD_SETLK(&range)).is_err(), "it is held");
}

fn covers_itself(_: &World) {
    let dir = tempfile::tempdir_in(".").expect("a directory");
    let place = dir.path().to_owned();
    fs::write(place.join("before"), b"old").expect("written");
    let mount = || {
        Disk::mount(&DiskSpec {
            backing: place.clone(),
            mountpoint: place.clone(),
            model: Model::Posix,
            latency: Latency::NONE,
            write_back_after: WRITE_BACK_AFTER,
            seed: 0,
        })
    };
    match mount() {
        Err(LabError::Unavailable { .. }) => skip("no FUSE"),
        disk => {
            let disk = disk.expect("mounted");
            fs::write(place.join("new"), b"new").expect("written");
            fs::remove_file(place.join("before")).expect("removed");
            drop(disk);
        }
    }
    assert_eq!(list(&place), ["new"], "it is there after the end, and nothing else is");
    let disk = mount().expect("it can be mounted again");
    assert!(disk.lose(Loss::All).expect("it loses").is_nothing());
    assert_eq!(fs::read(place.join("new")).expect("read"), b"new");
}
