//! The image that the kernel maps into every program, with the functions that tell the time: where
//! their entries in its table of symbols are. It is the same in all programs, so the own one is read.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;

use super::super::super::error::{Doing, LabError};
use super::stub::Function;

/// The largest image that is believed.
const IMAGE_MAX: u64 = 64 * 1024;

/// The symbols that are redirected. Every C library and Go look for some of these.
const NAMES: [(&str, Function); 6] = [
    ("clock_gettime", Function::ClockGettime),
    ("__vdso_clock_gettime", Function::ClockGettime),
    ("gettimeofday", Function::Gettimeofday),
    ("__vdso_gettimeofday", Function::Gettimeofday),
    ("time", Function::Time),
    ("__vdso_time", Function::Time),
];

/// The machine code of a system call.
const SYSCALL: [u8; 2] = [0x0f, 0x05];

/// Types of program headers and of dynamic entries, by the ELF specification.
const PT_LOAD: u64 = 1;
const PT_DYNAMIC: u64 = 2;
const DT_STRTAB: u64 = 5;
const DT_SYMTAB: u64 = 6;

/// What must be known of the image, as offsets from its beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Vdso {
    /// Where the value of each symbol to redirect is, and what it leads to.
    pub(super) values: Vec<(u64, Function)>,
    /// The kernel's `clock_gettime`.
    pub(super) clock_gettime: u64,
    /// The kernel's `gettimeofday`.
    pub(super) gettimeofday: u64,
    /// An instruction that makes a system call.
    pub(super) syscall: u64,
}

impl Vdso {
    /// Reads the image of this process.
    pub(super) fn own() -> Result<Self, LabError> {
        let image = own_image().doing(|| "read the kernel's vDSO".into())?;
        let Some(image) = image else {
            return Err(LabError::Unavailable {
                what: "redirect a clock".into(),
                why: "the kernel gives programs no vDSO".into(),
                mend: "boot without `vdso=0`".into(),
            });
        };
        Self::parse(&image).ok_or_else(|| {
            LabError::answer("read the kernel's vDSO", "an image without the known functions")
        })
    }

    /// Finds what must be known. None if it is not there.
    fn parse(image: &[u8]) -> Option<Self> {
        let elf = Elf(image);
        let (symbols, names) = elf.tables()?;
        let mut found = Self { values: Vec::new(), clock_gettime: 0, gettimeofday: 0, syscall: 0 };
        // The names follow the symbols in every image that a linker has made so far.
        for symbol in (symbols..names.checked_sub(23)?).step_by(24) {
            let name = elf.text(names + elf.number(symbol, 4)?)?;
            let Some((_, function)) = NAMES.iter().find(|(known, _)| known.as_bytes() == name)
            else {
                continue;
            };
            let value = elf.number(symbol + 8, 8)?;
            match function {
                Function::ClockGettime => found.clock_gettime = value,
                Function::Gettimeofday => found.gettimeofday = value,
                Function::Time => {}
            }
            found.values.push((symbol + 8, *function));
        }
        found.syscall = image.windows(2).position(|pair| pair == SYSCALL)? as u64;
        (found.clock_gettime != 0 && found.gettimeofday != 0).then_some(found)
    }
}

/// The bytes of the image; none if the kernel maps none.
fn own_image() -> io::Result<Option<Vec<u8>>> {
    let maps = fs::read_to_string("/proc/self/maps")?;
    let Some(line) = maps.lines().find(|line| line.ends_with("[vdso]")) else { return Ok(None) };
    let range = line.split(' ').next().and_then(|range| range.split_once('-'));
    let hex = |text: &str| u64::from_str_radix(text, 16).ok();
    let range = range.and_then(|(from, to)| Some((hex(from)?, hex(to)?)));
    let Some((from, to)) = range.filter(|(from, to)| to - from <= IMAGE_MAX) else {
        return Err(io::Error::other(format!("the line `{line}` of `/proc/self/maps`")));
    };
    let mut image = vec![0; (to - from).try_into().expect("it is small")];
    File::open("/proc/self/mem")?.read_exact_at(&mut image, from)?;
    Ok(Some(image))
}

/// An ELF image of 64 bits, least byte first.
struct Elf<'a>(&'a [u8]);

impl Elf<'_> {
    /// The number of `size` bytes at `at`.
    fn number(&self, at: u64, size: u64) -> Option<u64> {
        let range = usize::try_from(at).ok()?..usize::try_from(at.checked_add(size)?).ok()?;
        Some(self.0.get(range)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// The bytes from `at` to the next zero.
    fn text(&self, at: u64) -> Option<&[u8]> {
        self.0.get(usize::try_from(at).ok()?..)?.split(|byte| *byte == 0).next()
    }

    /// Where the symbols and their names are. The image must be linked to address 0, so that
    /// addresses are offsets.
    fn tables(&self) -> Option<(u64, u64)> {
        let small = |at, size| self.number(at, size).filter(|number| *number <= IMAGE_MAX);
        let (headers, size, count) = (small(32, 8)?, small(54, 2)?, small(56, 2)?);
        let header = |kind| {
            let mut all = (0..count).map(|place| headers + place * size);
            all.find(|at| self.number(*at, 4) == Some(kind))
        };
        let (load, dynamic) = (header(PT_LOAD)?, header(PT_DYNAMIC)?);
        let linked_to = small(load + 16, 8)?;
        let (entries, length) = (small(dynamic + 8, 8)?, small(dynamic + 32, 8)?);
        let entry = |tag| {
            let mut all = (entries..entries + length).step_by(16);
            all.find(|at| self.number(*at, 8) == Some(tag)).and_then(|at| small(at + 8, 8))
        };
        let tables = (entry(DT_SYMTAB)?, entry(DT_STRTAB)?);
        (linked_to == 0 && tables.0 < tables.1).then_some(tables)
    }
}

#[cfg(test)]
mod tests {
    use super::{Vdso, own_image};

    #[test]
    fn the_own_image_is_understood() {
        let Some(image) = own_image().expect("own memory") else { return };
        let found = Vdso::parse(&image).expect("the known functions");
        assert!(found.values.len() >= 3, "{found:?}");
        assert_eq!(image[usize::try_from(found.syscall).expect("small")], 0x0f);
    }

    #[test]
    fn broken_images_are_refused() {
        let Some(image) = own_image().expect("own memory") else { return };
        for length in (0..image.len()).step_by(97) {
            let _none_or_some = Vdso::parse(&image[..length]);
        }
        assert_eq!(Vdso::parse(&[0; 4096]), None);
        assert_eq!(Vdso::parse(&[0xff; 4096]), None);
    }
}
