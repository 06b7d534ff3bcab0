//! The code that a program's clock calls run through: it asks the kernel's own function in the
//! vDSO, and adds what the clock page says. Position independent; it is copied, never run here
//! but by its tests.
//!
//! It leaves processor clocks and the monotonic clocks alone, keeps no state, never waits, and
//! uses little stack: Go calls it on the small stack of a system thread.
#![expect(unsafe_code, reason = "the bounds of the assembled code are known to the linker only")]

use std::arch::global_asm;

use super::super::page::{MAP_BYTES, SLOT_BYTES, SLOTS_AT};

// Registers that a called function may overwrite are the only ones used. The page follows the
// stub's own page. A reader takes the slot of the parity of `turn` and looks at `turn` again:
// the writer fills the other slot before it changes `turn`, so a torn read is never kept, and on
// this architecture loads are not reordered with loads, nor stores with stores.
global_asm!(
    ".pushsection .rodata.fracas_clock, \"a\", @progbits",
    ".balign 16",
    ".globl fracas_clock_stub",
    ".hidden fracas_clock_stub",
    "fracas_clock_stub:",
    ".Lfracas_stub:",
    ".quad 0", // the kernel's clock_gettime, filled in for each program
    ".quad 0", // the kernel's gettimeofday
    ".quad .Lfracas_clock_gettime - .Lfracas_stub",
    ".quad .Lfracas_gettimeofday - .Lfracas_stub",
    ".quad .Lfracas_time - .Lfracas_stub",
    // int clock_gettime(clock: edi, timespec *: rsi)
    ".Lfracas_clock_gettime:",
    "endbr64",
    "push rdi",
    "push rsi",
    "sub rsp, 8",
    "call qword ptr [rip + .Lfracas_stub]",
    "add rsp, 8",
    "pop rsi",
    "pop rdi",
    "test eax, eax",
    "jnz .Lfracas_got",
    "cmp edi, 11",
    "ja .Lfracas_got",
    "mov ecx, 0x921", // bits 0, 5, 8, 11: REALTIME, its coarse and alarm forms, TAI
    "bt ecx, edi",
    "jnc .Lfracas_got",
    "imul rax, qword ptr [rsi], 1000000000",
    "add rax, qword ptr [rsi + 8]",
    "call .Lfracas_shown",
    "jc .Lfracas_got_zero",
    "xor edx, edx",
    "mov ecx, 1000000000",
    "div rcx",
    "mov qword ptr [rsi], rax",
    "mov qword ptr [rsi + 8], rdx",
    ".Lfracas_got_zero:",
    "xor eax, eax",
    ".Lfracas_got:",
    "ret",
    // int gettimeofday(timeval *: rdi or null, timezone *: rsi)
    ".Lfracas_gettimeofday:",
    "endbr64",
    "push rdi",
    "sub rsp, 16",
    "call qword ptr [rip + .Lfracas_stub + 8]",
    "add rsp, 16",
    "pop rdi",
    "test eax, eax",
    "jnz .Lfracas_told",
    "test rdi, rdi",
    "jz .Lfracas_told",
    "imul rax, qword ptr [rdi], 1000000000",
    "imul rcx, qword ptr [rdi + 8], 1000",
    "add rax, rcx",
    "call .Lfracas_shown",
    "jc .Lfracas_told_zero",
    "xor edx, edx",
    "mov ecx, 1000000000",
    "div rcx",
    "mov qword ptr [rdi], rax",
    "mov eax, edx",
    "xor edx, edx",
    "mov ecx, 1000",
    "div ecx",
    "mov qword ptr [rdi + 8], rax",
    ".Lfracas_told_zero:",
    "xor eax, eax",
    ".Lfracas_told:",
    "ret",
    // time_t time(time_t *: rdi or null), by the coarse clock, as the kernel's own does it
    ".Lfracas_time:",
    "endbr64",
    "push rdi",
    "sub rsp, 16",
    "mov edi, 5",
    "mov rsi, rsp",
    "call .Lfracas_clock_gettime",
    "mov rax, qword ptr [rsp]",
    "add rsp, 16",
    "pop rdi",
    "test rdi, rdi",
    "jz .Lfracas_timed",
    "mov qword ptr [rdi], rax",
    ".Lfracas_timed:",
    "ret",
    // The true time in rax becomes the shown time; carry: they are the same. Keeps rdi and rsi.
    ".Lfracas_shown:",
    "lea r8, [rip + .Lfracas_stub + {page}]",
    "mov r11, rax",
    ".Lfracas_read:",
    "movzx r9d, byte ptr [r8]",
    "mov ecx, r9d",
    "and ecx, 1",
    "imul ecx, ecx, {slot}",
    "lea r10, [r8 + rcx + {slots}]",
    "mov rax, r11",
    "xor edx, edx",
    "sub rax, qword ptr [r10 + 16]", // elapsed since the anchor; a coarse clock may lag behind it
    "cmovs rax, rdx",
    "mov rcx, rax",
    "mul qword ptr [r10 + 24]", // rdx: how many flips of a strobe have passed
    "xor eax, eax",
    "test dl, 1",
    "jnz .Lfracas_ahead",
    "mov rax, rcx",
    "imul qword ptr [r10 + 8]",
    "shrd rax, rdx, 32",
    "add rax, qword ptr [r10]",
    ".Lfracas_ahead:",
    "cmp r9b, byte ptr [r8]",
    "jne .Lfracas_read",
    "test rax, rax",
    "jz .Lfracas_same",
    "xor edx, edx",
    "add rax, r11",
    "cmovs rax, rdx", // no time before 1970
    "clc",
    "ret",
    ".Lfracas_same:",
    "mov rax, r11",
    "stc",
    "ret",
    ".balign 8",
    ".globl fracas_clock_stub_end",
    ".hidden fracas_clock_stub_end",
    "fracas_clock_stub_end:",
    ".popsection",
    page = const MAP_BYTES,
    slot = const SLOT_BYTES,
    slots = const SLOTS_AT,
);

unsafe extern "C" {
    static fracas_clock_stub: u8;
    static fracas_clock_stub_end: u8;
}

/// The functions that are replaced, in the order of the stub's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    /// `clock_gettime`.
    ClockGettime,
    /// `gettimeofday`.
    Gettimeofday,
    /// `time`.
    Time,
}

/// The words at the stub's beginning: two addresses to fill in, then three offsets.
const ORIGINALS: usize = 2;

/// The stub as words, with the kernel's functions filled in.
pub(super) fn words(clock_gettime: u64, gettimeofday: u64) -> Vec<u64> {
    let (start, end) = (&raw const fracas_clock_stub, &raw const fracas_clock_stub_end);
    let length = end.addr() - start.addr();
    // SAFETY: the assembly above puts both labels around constant bytes of one section.
    let bytes = unsafe { std::slice::from_raw_parts(start, length) };
    let (words, _none) = bytes.as_chunks::<8>();
    let mut words: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
    words[..ORIGINALS].copy_from_slice(&[clock_gettime, gettimeofday]);
    words
}

/// Where a function begins, counted from the stub's beginning.
pub(super) fn entry(words: &[u64], function: Function) -> u64 {
    words[ORIGINALS + function as usize]
}

#[cfg(test)]
mod tests {
    use std::mem::transmute;
    use std::sync::atomic::{AtomicI64, Ordering};
    use std::time::Duration;

    use super::super::super::setting::{Clock, Setting};
    use super::{Function, entry, words};
    use super::{MAP_BYTES, SLOT_BYTES, SLOTS_AT};

    const NOW: i64 = 1_790_000_000_123_456_789;
    static TRULY: AtomicI64 = AtomicI64::new(NOW);

    extern "C" fn clock_gettime(clock: i32, at: *mut [i64; 2]) -> i32 {
        let now = TRULY.load(Ordering::Relaxed);
        // SAFETY: the tests below hand in the address of such a pair.
        unsafe { *at = [now / 1_000_000_000, now % 1_000_000_000] };
        if clock == 99 { -22 } else { 0 }
    }

    extern "C" fn gettimeofday(at: *mut [i64; 2], _: usize) -> i32 {
        let now = TRULY.load(Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { *at = [now / 1_000_000_000, now % 1_000_000_000 / 1_000] };
        0
    }

    /// The stub in memory that can be run, with its page behind it.
    struct Loaded(*mut u8);

    impl Loaded {
        fn new() -> Self {
            let stub = words(
                (clock_gettime as *const ()).addr() as u64,
                (gettimeofday as *const ()).addr() as u64,
            );
            let all = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            // SAFETY: new memory of two pages, into which the stub, less than one, is copied.
            unsafe {
                let at = libc::mmap(std::ptr::null_mut(), 2 * MAP_BYTES, all, flags, -1, 0);
                assert_ne!(at, libc::MAP_FAILED);
                assert!(stub.len() * 8 < MAP_BYTES);
                at.cast::<u64>().copy_from(stub.as_ptr(), stub.len());
                Self(at.cast())
            }
        }

        fn set(&self, turn: u8, setting: Setting) {
            let slot = MAP_BYTES + SLOTS_AT + SLOT_BYTES * usize::from(turn % 2);
            // SAFETY: both places are in the second page.
            unsafe {
                self.0.add(slot).copy_from(setting.bytes().as_ptr(), SLOT_BYTES);
                *self.0.add(MAP_BYTES) = turn;
            }
        }

        fn entry(&self, function: Function) -> *const u8 {
            let at = entry(&words(0, 0), function);
            self.0.wrapping_add(usize::try_from(at).expect("it is small"))
        }

        fn clock_gettime(&self, clock: i32) -> (i32, i64) {
            let mut at = [0; 2];
            // SAFETY: the stub is a function of this type.
            let done = unsafe {
                let run: extern "C" fn(i32, *mut [i64; 2]) -> i32 =
                    transmute(self.entry(Function::ClockGettime));
                run(clock, &raw mut at)
            };
            (done, at[0] * 1_000_000_000 + at[1])
        }

        fn gettimeofday(&self) -> i64 {
            let mut at = [0; 2];
            // SAFETY: the stub is a function of this type.
            unsafe {
                let run: extern "C" fn(*mut [i64; 2], usize) -> i32 =
                    transmute(self.entry(Function::Gettimeofday));
                assert_eq!(run(&raw mut at, 0), 0);
            }
            at[0] * 1_000_000 + at[1]
        }

        fn time(&self) -> i64 {
            let mut at = 0;
            // SAFETY: the stub is a function of this type.
            let told = unsafe {
                let run: extern "C" fn(*mut i64) -> i64 = transmute(self.entry(Function::Time));
                run(&raw mut at)
            };
            assert_eq!(told, at);
            told
        }
    }

    /// One test, for the true time is shared.
    #[test]
    fn the_stub_agrees_with_the_arithmetic() {
        let stub = Loaded::new();
        let flip = Duration::from_millis(7);
        let clocks = [
            Clock::Step { nanos: -60_000_000_000 },
            Clock::Step { nanos: 3_600_000_000_001 },
            Clock::Drift { ppm: 100_000 },
            Clock::Drift { ppm: -999_999 },
            Clock::Strobe { nanos: -5_000_000_000, flip },
            Clock::Freeze,
        ];
        let settings = clocks.map(|clock| Setting::of(&clock, NOW).expect("a sensible clock"));
        for (turn, setting) in (0_u8..).zip([Setting::default()].into_iter().chain(settings)) {
            stub.set(turn, setting);
            for later in
                [-4_000_000, 0, 1, 999, 6_999_999, 7_002_000, 14_100_000, 86_400_000_000_000]
            {
                TRULY.store(NOW + later, Ordering::Relaxed);
                let shown = NOW + later + setting.ahead(NOW + later);
                for clock in [0, 5, 8, 11] {
                    assert_eq!(stub.clock_gettime(clock), (0, shown), "{setting:?} {later}");
                }
                for clock in [1, 2, 4, 7, 12, -6] {
                    assert_eq!(stub.clock_gettime(clock), (0, NOW + later), "{clock}");
                }
                assert_eq!(stub.clock_gettime(99), (-22, NOW + later));
                assert!((stub.gettimeofday() - shown / 1_000).abs() <= 1, "{setting:?} {later}");
                assert_eq!(stub.time(), shown / 1_000_000_000);
            }
        }
        TRULY.store(5_000_000_000, Ordering::Relaxed);
        stub.set(0, Setting::of(&Clock::Step { nanos: -60_000_000_000 }, NOW).expect("sensible"));
        assert_eq!(stub.clock_gettime(0), (0, 0), "no time before 1970");
    }
}
