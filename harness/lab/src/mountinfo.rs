//! The table of mounts of this process (proc_pid_mountinfo(5)), read as bytes: a name of a mount may
//! be no UTF-8.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::{fs, io};

/// One mount.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mounted {
    /// Where it is.
    pub(crate) point: PathBuf,
    /// Its flags, such as `nosuid`, with commas between them.
    pub(crate) options: String,
    /// What it is made of, in the words of whoever mounted it.
    pub(crate) source: OsString,
}

/// All mounts that this process sees, in the order of the table.
pub(crate) fn own() -> io::Result<Vec<Mounted>> {
    fs::read("/proc/self/mountinfo").map(|table| parse(&table))
}

fn parse(table: &[u8]) -> Vec<Mounted> {
    table.split(|byte| *byte == b'\n').filter_map(line).collect()
}

/// One line: `36 35 98:0 /root /point rw,nosuid shared:1 - ext4 /dev/vda rw`. How many words come
/// before the dash is not fixed.
fn line(line: &[u8]) -> Option<Mounted> {
    let mut words = line.split(|byte| *byte == b' ');
    let (point, options) = (words.nth(4)?, words.next()?);
    let source = words.skip_while(|word| *word != b"-").nth(2)?;
    Some(Mounted {
        point: OsString::from_vec(decoded(point)).into(),
        options: String::from_utf8_lossy(options).into_owned(),
        source: OsString::from_vec(decoded(source)),
    })
}

/// A word of the table: spaces, tabs, newlines and backslashes are written as `\040` and the like.
fn decoded(word: &[u8]) -> Vec<u8> {
    let octal = |digits: &[u8]| {
        let value = |value: u32, digit: &u8| {
            (b'0'..=b'7').contains(digit).then(|| value * 8 + u32::from(digit - b'0'))
        };
        u8::try_from(digits.iter().try_fold(0, value)?).ok()
    };
    let (mut bytes, mut rest) = (Vec::with_capacity(word.len()), word);
    while let Some((first, after)) = rest.split_first() {
        match (first, after.get(..3).and_then(octal)) {
            (b'\\', Some(byte)) => {
                bytes.push(byte);
                rest = &after[3..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_mounts_is_read_as_it_is_written() {
        let table: &[u8] = b"21 1 0:20 / /proc rw,noexec shared:5 - proc proc rw\n\
            36 21 0:32 / /a\\040run/n1 rw,nosuid master:1 shared:2 - fuse fra\\134cas rw,user_id=0\n\
            37 21 0:33 / /a\\134040\\011run ro - fuse fracas rw\n\
            38 21 0:34 / /\\134\\0407\\012\xff rw - ext4 /dev/vda rw\n\
            39 21 0:35 / /not\\04octal\\999\\ rw - tmpfs none rw\n\
            broken\n";
        let expected: [(&[u8], &str, &str); 5] = [
            (b"/proc", "rw,noexec", "proc"),
            (b"/a run/n1", "rw,nosuid", "fra\\cas"),
            (b"/a\\040\trun", "ro", "fracas"),
            (b"/\\ 7\n\xff", "rw", "/dev/vda"),
            (b"/not\\04octal\\999\\", "rw", "none"),
        ];
        let expected = expected.map(|(point, options, source)| Mounted {
            point: OsString::from_vec(point.to_vec()).into(),
            options: options.to_owned(),
            source: source.into(),
        });
        assert_eq!(parse(table), expected);
    }
}
