//! The messages of the kernel's FUSE protocol, as in `linux/fuse.h`, version 7.31: requests are
//! taken apart and answers are put together here. What they mean is not this file's business, and
//! numbers that no answer of ours depends on are skipped.
//!
//! Written by hand: a crate for it would bring fifteen packages and a search for C libraries, and
//! its threads would hide when the kernel waits for whom.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use nix::sys::stat::FileStat;

/// What an operation comes to, or the error that whoever asked for it gets.
pub(super) type Done<T> = Result<T, Errno>;

/// The version of the protocol that we speak; a newer kernel speaks it too.
pub(super) const VERSION: (u32, u32) = (7, 31);

/// The most bytes of data in one request.
pub(super) const WRITE_MAX: u32 = 1 << 20;

/// The longest request: its data, and room for its other parts.
pub(super) const REQUEST_MAX: usize = WRITE_MAX as usize + 4096;

/// The number of the topmost directory.
pub(super) const ROOT: u64 = 1;

/// Bits of an INIT: reads may overlap, writes may be longer than a page, the most pages is told.
pub(super) const INIT_FLAGS: u32 = 1 | 1 << 5 | 1 << 22;

/// The length of a request's header, and of an answer's.
const ASKED_HEADER: usize = 40;
const ANSWER_HEADER: usize = 16;

/// The notice that what the kernel keeps of a file is out of date.
const NOTICE_INODE: u32 = 2;

/// The code of a notice about a name.
const NOTICE_ENTRY: u32 = 3;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Lookup,
    Forget,
    GetAttr,
    SetAttr,
    ReadLink,
    Symlink,
    MkNod,
    MkDir,
    Unlink,
    RmDir,
    Rename,
    Link,
    Open,
    Read,
    Write,
    StatFs,
    Release,
    Fsync,
    Flush,
    Init,
    OpenDir,
    ReadDir,
    ReleaseDir,
    FsyncDir,
    Create,
    Interrupt,
    Destroy,
    BatchForget,
    Fallocate,
    Rename2,
    SyncFs,
    /// What is refused in a way that the kernel takes as “never ask again”: extended attributes,
    /// unnamed files, and all that it can do by itself.
    Other,
}

impl Op {
    /// The operation of an opcode.
    fn of(code: u32) -> Self {
        match code {
            1 => Self::Lookup,
            2 => Self::Forget,
            3 => Self::GetAttr,
            4 => Self::SetAttr,
            5 => Self::ReadLink,
            6 => Self::Symlink,
            8 => Self::MkNod,
            9 => Self::MkDir,
            10 => Self::Unlink,
            11 => Self::RmDir,
            12 => Self::Rename,
            13 => Self::Link,
            14 => Self::Open,
            15 => Self::Read,
            16 => Self::Write,
            17 => Self::StatFs,
            18 => Self::Release,
            20 => Self::Fsync,
            25 => Self::Flush,
            26 => Self::Init,
            27 => Self::OpenDir,
            28 => Self::ReadDir,
            29 => Self::ReleaseDir,
            30 => Self::FsyncDir,
            35 => Self::Create,
            36 => Self::Interrupt,
            38 => Self::Destroy,
            42 => Self::BatchForget,
            43 => Self::Fallocate,
            45 => Self::Rename2,
            50 => Self::SyncFs,
            _ => Self::Other,
        }
    }
}

/// A request, still with its arguments to be read.
#[derive(Debug)]
pub(super) struct Request<'a> {
    /// What is asked for.
    pub(super) op: Op,
    /// Its number, which the answer repeats.
    pub(super) unique: u64,
    /// The file that it is about.
    pub(super) node: u64,
    /// The user and the group that ask, as this process sees them.
    pub(super) owner: (u32, u32),
    /// The thread that asks.
    pub(super) pid: u32,
    /// The rest.
    pub(super) arguments: Arguments<'a>,
}

impl<'a> Request<'a> {
    /// Takes the header off.
    pub(super) fn parse(bytes: &'a [u8]) -> Done<Self> {
        let mut header = Arguments(bytes);
        let (_length, code) = (header.u32()?, header.u32()?);
        let (unique, node) = (header.u64()?, header.u64()?);
        let (user, group, pid) = (header.u32()?, header.u32()?, header.u32()?);
        let arguments = Arguments(bytes.get(ASKED_HEADER..).ok_or(Errno::EINVAL)?);
        Ok(Self { op: Op::of(code), unique, node, owner: (user, group), pid, arguments })
    }
}

/// The arguments of a request, read from first to last.
#[derive(Debug)]
pub(super) struct Arguments<'a>(&'a [u8]);

impl<'a> Arguments<'a> {
    fn take<const N: usize>(&mut self) -> Done<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk().ok_or(Errno::EINVAL)?;
        self.0 = rest;
        Ok(*first)
    }

    /// A number of four bytes.
    pub(super) fn u32(&mut self) -> Done<u32> {
        self.take().map(u32::from_ne_bytes)
    }

    /// A number of eight bytes.
    pub(super) fn u64(&mut self) -> Done<u64> {
        self.take().map(u64::from_ne_bytes)
    }

    /// Skips bytes.
    pub(super) fn skip(&mut self, count: usize) -> Done<()> {
        self.0 = self.0.get(count..).ok_or(Errno::EINVAL)?;
        Ok(())
    }

    /// A name, which ends with a zero.
    pub(super) fn name(&mut self) -> Done<&'a OsStr> {
        let end = self.0.iter().position(|byte| *byte == 0).ok_or(Errno::EINVAL)?;
        let (name, rest) = self.0.split_at(end);
        self.0 = &rest[1..];
        Ok(OsStr::from_bytes(name))
    }

    /// The next `count` bytes.
    pub(super) fn bytes(&mut self, count: u32) -> Done<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count as usize).ok_or(Errno::EINVAL)?;
        self.0 = rest;
        Ok(bytes)
    }
}

/// An answer, with room for its header.
#[derive(Debug)]
pub(super) struct Answer(Vec<u8>);

impl Answer {
    /// “It is done”, without another word.
    pub(super) fn new() -> Self {
        Self(vec![0; ANSWER_HEADER])
    }

    /// Adds a number of two bytes.
    pub(super) fn u16(mut self, number: u16) -> Self {
        self.0.extend(number.to_ne_bytes());
        self
    }

    /// Adds a number of four bytes.
    pub(super) fn u32(mut self, number: u32) -> Self {
        self.0.extend(number.to_ne_bytes());
        self
    }

    /// Adds a number of eight bytes.
    pub(super) fn u64(mut self, number: u64) -> Self {
        self.0.extend(number.to_ne_bytes());
        self
    }

    /// Adds bytes as they are.
    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    /// Adds at most `size` bytes that `fill` reads; it returns how many there were.
    pub(super) fn read(
        mut self,
        size: u32,
        fill: impl FnOnce(&mut [u8]) -> Done<usize>,
    ) -> Done<Self> {
        let start = self.0.len();
        self.0.resize(start + size as usize, 0);
        let filled = fill(&mut self.0[start..])?;
        self.0.truncate(start + filled);
        Ok(self)
    }

    /// Adds what is known of a file. The kernel asks again each time: a rollback behind its back
    /// must not leave it with an old size.
    pub(super) fn attributes(self, stat: &FileStat, links: u64) -> Self {
        self.u64(0).u64(0).attributes_only(stat, links)
    }

    /// Adds a name that was found: the file's number, and what is known of it.
    pub(super) fn entry(self, node: u64, stat: &FileStat, links: u64) -> Self {
        let answer = self.u64(node).u64(0).u64(0).u64(0).u64(0);
        answer.attributes_only(stat, links)
    }

    /// Adds what is known of a file, and nothing of how long that is true.
    fn attributes_only(self, stat: &FileStat, links: u64) -> Self {
        let seconds = |time: i64| time.cast_unsigned();
        let part = |time: i64| u32::try_from(time).unwrap_or_default();
        let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        self.u64(stat.st_ino)
            .u64(stat.st_size.cast_unsigned())
            .u64(stat.st_blocks.cast_unsigned())
            .u64(seconds(stat.st_atime))
            .u64(seconds(stat.st_mtime))
            .u64(seconds(stat.st_ctime))
            .u32(part(stat.st_atime_nsec))
            .u32(part(stat.st_mtime_nsec))
            .u32(part(stat.st_ctime_nsec))
            .u32(stat.st_mode)
            .u32(small(links))
            .u32(stat.st_uid)
            .u32(stat.st_gid)
            .u32(small(stat.st_rdev))
            .u32(u32::try_from(stat.st_blksize).unwrap_or_default())
            .u32(0)
    }

    /// Adds an opened file or directory by its handle.
    pub(super) fn opened(self, handle: u64) -> Self {
        self.u64(handle).u32(0).u32(0)
    }

    /// Adds what is agreed on at the beginning.
    pub(super) fn init(self, readahead: u32) -> Self {
        const BACKGROUND: (u16, u16) = (64, 48);
        const UNUSED: [u8; 28] = [0; 28];
        let pages = u16::try_from(WRITE_MAX / 4096).expect("a small number");
        let answer = self.u32(VERSION.0).u32(VERSION.1).u32(readahead).u32(INIT_FLAGS);
        let answer = answer.u16(BACKGROUND.0).u16(BACKGROUND.1).u32(WRITE_MAX).u32(1);
        answer.u16(pages).u16(0).bytes(&UNUSED).u32(0)
    }

    /// The bytes that answer request `unique`.
    pub(super) fn finish(self, unique: u64) -> Vec<u8> {
        with_header(self.0, 0, unique)
    }
}

/// The bytes that answer request `unique` with an error.
pub(super) fn error(errno: Errno, unique: u64) -> Vec<u8> {
    with_header(vec![0; ANSWER_HEADER], (-(errno as i32)).cast_unsigned(), unique)
}

/// The bytes that tell the kernel to forget all it keeps of a file's data and attributes.
pub(super) fn out_of_date(node: u64) -> Vec<u8> {
    let whole = Answer::new().u64(node).u64(0).u64(0);
    with_header(whole.0, NOTICE_INODE, 0)
}

/// The bytes that tell the kernel to forget a name: what it leads to is looked up when it is asked
/// for next.
pub(super) fn forget_name(parent: u64, name: &OsStr) -> Vec<u8> {
    let length = u32::try_from(name.len()).expect("a name is short");
    let notice = Answer::new().u64(parent).u32(length).u32(0).bytes(name.as_bytes()).bytes(&[0]);
    with_header(notice.0, NOTICE_ENTRY, 0)
}

fn with_header(mut bytes: Vec<u8>, code: u32, unique: u64) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("an answer is short");
    bytes[..4].copy_from_slice(&length.to_ne_bytes());
    bytes[4..8].copy_from_slice(&code.to_ne_bytes());
    bytes[8..16].copy_from_slice(&unique.to_ne_bytes());
    bytes
}

/// An entry of a directory.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The inode number on the disk below.
    pub(super) inode: u64,
    /// The file type bits of its mode.
    pub(super) kind: u32,
    /// Its name.
    pub(super) name: OsString,
}

/// As many of the entries from `offset` on as `room` bytes hold.
pub(super) fn listing(entries: &[Entry], offset: u64, room: u32) -> Answer {
    const TYPE_SHIFT: u32 = 12;
    let mut answer = Answer::new();
    let first = usize::try_from(offset).unwrap_or(usize::MAX);
    for (next, entry) in (1_u64..).zip(entries).skip(first) {
        let name = entry.name.as_bytes();
        let length = (24 + name.len()).next_multiple_of(8);
        if answer.0.len() - ANSWER_HEADER + length > room as usize {
            break;
        }
        let end = answer.0.len() + length;
        let size = u32::try_from(name.len()).expect("a name is short");
        answer = answer.u64(entry.inode).u64(next).u32(size).u32(entry.kind >> TYPE_SHIFT);
        answer = answer.bytes(name);
        answer.0.resize(end, 0);
    }
    answer
}
