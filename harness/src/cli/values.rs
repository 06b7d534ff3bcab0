//! The values of `fracas run`'s flags: durations, rates, counts, and what is said of wrong ones.
//! Whether they make sense together is not decided here.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use fracas_checker::NodeId;
use fracas_targets::{duration, nearest};

use fracas_engine::means::{ClockMeans, DiskAge, PacketMeans, StarveMeans};
use fracas_engine::retention::Bound;
use fracas_lab::Mechanism;

/// The slowest rate that can be asked for. Far slower ones overflow the clock, too.
const SLOWEST: f64 = 0.001;

/// The most runs at once.
const JOBS_MAX: usize = 256;

/// The most clients of a run.
const CLIENTS_MAX: u64 = 1000;

/// Operations per second; `None` is as fast as possible.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate(pub(super) Option<f64>);

/// A seed; none where the variable is set but empty.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seed(pub(super) Option<u64>);

/// The runs of which the files are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Keep {
    /// All of them.
    #[default]
    Always,
    /// Those that did not pass.
    Failure,
    /// None.
    Never,
}

/// The outcome of a run that makes the program end otherwise than with 0. Where a run could not take
/// place, or was interrupted, it always does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    /// An anomaly was found.
    Anomaly,
    /// Too little was seen for a pass, for whatever reason.
    Inconclusive,
    /// A run was inconclusive, and a fault was not proven, or none was injected though some were asked
    /// for.
    Ineffective,
    /// A run was inconclusive, and a check of what clients or leaders did could not decide.
    Unknown,
}

/// How many runs go on side by side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Jobs(Option<usize>);

impl Jobs {
    /// Reads a value of the flag.
    pub(super) fn read(text: &str) -> Result<Self, Refused> {
        if text == "auto" {
            return Ok(Self(None));
        }
        let read = text.parse().ok().filter(|jobs| (1..=JOBS_MAX).contains(jobs));
        read.map(|jobs| Self(Some(jobs)))
            .ok_or_else(|| format!("expected a whole number from 1 to {JOBS_MAX}, or `auto`"))
    }

    /// So many; `auto` is one for every two processors, so that runs do not wait for each other.
    pub(super) fn count(self) -> usize {
        let processors = || std::thread::available_parallelism().map_or(1, usize::from);
        self.0.unwrap_or_else(|| (processors() / 2).max(1))
    }
}

/// A text that was not understood, and what was expected.
type Refused = String;

/// Between faults, and wherever nothing would mean endlessly often.
pub(super) fn some_time(text: &str) -> Result<Duration, Refused> {
    match duration(text)? {
        Duration::ZERO => Err("expected more than 0, such as `5s`".to_owned()),
        time => Ok(time),
    }
}

/// How old un-fsynced data becomes.
pub(super) fn disk_age(text: &str) -> Result<DiskAge, Refused> {
    if text == "never" {
        return Ok(DiskAge::of(None));
    }
    let age = some_time(text).map_err(|why| format!("{why}; or `never`"))?;
    Ok(DiskAge::of(Some(age)))
}

pub(super) fn rate(text: &str) -> Result<Rate, Refused> {
    if text == "max" {
        return Ok(Rate(None));
    }
    let number = text.strip_suffix("/s").unwrap_or(text);
    match number.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate >= SLOWEST => Ok(Rate(Some(rate))),
        _ => {
            Err(format!("expected operations per second from {SLOWEST}, such as `200/s`, or `max`"))
        }
    }
}

/// A whole number, from 1 on.
pub(super) fn count<T: FromStr + Default + PartialEq>(text: &str) -> Result<T, Refused> {
    let read = text.parse().ok().filter(|count| *count != T::default());
    read.ok_or_else(|| "expected a whole number from 1".to_owned())
}

pub(super) fn seed(text: &str) -> Result<Seed, Refused> {
    if text.is_empty() {
        return Ok(Seed(None));
    }
    text.parse()
        .map(|seed| Seed(Some(seed)))
        .map_err(|_| "expected a whole number from 0".to_owned())
}

/// A setting of a target and its value: `classpath=/opt/server.jar`.
pub(super) fn setting(text: &str) -> Result<(String, String), Refused> {
    let parts = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = parts.ok_or("expected `NAME=VALUE`, such as `reads=sync`")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// By what means a kind of fault is brought about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Means {
    /// Partitions.
    Partition(Mechanism),
    /// Wrong clocks.
    Clock(ClockMeans),
    /// Too little processor time.
    Starve(StarveMeans),
    /// Slow and lossy links.
    Packets(PacketMeans),
}

impl Means {
    /// What it is called in a spec.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Partition(_) => "partition",
            Self::Clock(_) => "equipment.clock",
            Self::Packets(_) => "equipment.packets",
            Self::Starve(_) => "equipment.starve",
        }
    }

    /// The word of `--mechanism` that means it.
    pub(super) fn word(self) -> &'static str {
        let found = MEANS.iter().find(|(_, means)| *means == self);
        found.map_or("partition=auto", |(word, _)| word)
    }
}

/// The words of `--mechanism`.
const MEANS: [(&str, Means); 9] = [
    ("partition=auto", Means::Partition(Mechanism::Auto)),
    ("partition=nft", Means::Partition(Mechanism::Nft)),
    ("partition=iptables", Means::Partition(Mechanism::Iptables)),
    ("clock=redirect", Means::Clock(ClockMeans::Redirect)),
    ("clock=faketime", Means::Clock(ClockMeans::Faketime)),
    ("packets=reinject", Means::Packets(PacketMeans::Reinject)),
    ("packets=netem", Means::Packets(PacketMeans::Netem)),
    ("starve=turns", Means::Starve(StarveMeans::Turns)),
    ("starve=cgroup", Means::Starve(StarveMeans::Cgroup)),
];

/// A word of `--mechanism`.
pub(super) fn means(text: &str) -> Result<Means, Refused> {
    MEANS.iter().find(|(word, _)| *word == text).map(|(_, means)| *means).ok_or_else(|| {
        let words = MEANS.map(|(word, _)| word);
        let near = nearest(text, words);
        let help = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        format!("expected one of {}{help}", words.join(", "))
    })
}

/// A value of `--monotonic-offset`: a node, and how far its monotonic clock is ahead, in nanoseconds.
pub(super) fn offset(text: &str) -> Result<(NodeId, i64), Refused> {
    let (node, time) = text
        .split_once('=')
        .ok_or("expected a node and a duration, such as `n2=1h` or `n2=-30s`")?;
    let node =
        node.parse().map_err(|_| format!("`{node}` is no node: expected one such as `n2`"))?;
    let (sign, time) = time.strip_prefix('-').map_or((1, time), |time| (-1, time));
    let nanos = i64::try_from(duration(time)?.as_nanos()).map_err(|_| "too far".to_owned())?;
    Ok((node, sign * nanos))
}

/// A value of `--binary`: the server, or another program of the target by its name.
#[derive(Debug, Clone)]
pub(super) struct BinaryArg {
    name: Option<String>,
    pub(super) path: PathBuf,
}

impl From<OsString> for BinaryArg {
    fn from(word: OsString) -> Self {
        let letter = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_';
        let named = word.to_str().and_then(|word| word.split_once('='));
        match named.filter(|(name, _)| !name.is_empty() && name.chars().all(letter)) {
            Some((name, path)) => Self { name: Some(name.to_owned()), path: path.into() },
            None => Self { name: None, path: word.into() },
        }
    }
}

/// The programs that were named, instead of those that a target names.
#[derive(Debug, Clone, Default)]
pub(super) struct Binaries {
    pub(super) server: Option<PathBuf>,
    pub(super) others: BTreeMap<String, PathBuf>,
}

impl Binaries {
    /// Those of these values, each once.
    pub(super) fn of(values: &[BinaryArg]) -> Result<Self, String> {
        let mut all = Self::default();
        for BinaryArg { name, path } in values {
            let before = match name {
                None => all.server.replace(path.clone()),
                Some(name) => all.others.insert(name.clone(), path.clone()),
            };
            if before.is_some() {
                let name = name.as_deref().unwrap_or("the server");
                return Err(format!("error: `--binary` names {name} twice: expected one path"));
            }
        }
        Ok(all)
    }
}

/// A number of bytes.
pub(super) fn bytes(text: &str) -> Result<u64, Refused> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return Err("expected a number with `K`, `M` or `G`, such as `64M`".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| format!("`{number}` is not a number"))?;
    let bytes = number.checked_mul(factor).filter(|bytes| *bytes > 0);
    bytes.ok_or_else(|| "expected more than nothing, and less than there can be".to_owned())
}

/// A value of `--retain`: a number of runs, or room on the disk.
pub(super) fn bound(text: &str) -> Result<Bound, Refused> {
    match text.parse() {
        Ok(runs) if runs > 0 => Ok(Bound::Runs(runs)),
        Ok(_) => Err("expected at least 1 run".to_owned()),
        Err(_) => bytes(text).map(Bound::Bytes).map_err(|_| {
            "expected a number of runs such as `200`, or room on the disk such as `20G`".to_owned()
        }),
    }
}

/// How many clients there are.
pub(super) fn clients(text: &str, nodes: usize) -> Result<u16, String> {
    let invalid = |why: String| format!("error: invalid value `{text}` for `--clients`: {why}");
    let (number, factor) = match text.strip_suffix('n') {
        Some(number) => (number, nodes),
        None => (text, 1),
    };
    let digits = !number.is_empty() && number.chars().all(|letter| letter.is_ascii_digit());
    if !digits {
        return Err(invalid("expected a number, or a number per node such as `3n`".to_owned()));
    }
    let count = number.parse::<usize>().ok().and_then(|count| count.checked_mul(factor));
    let count = count.and_then(|count| u16::try_from(count).ok());
    let count = count.filter(|count| (1..=CLIENTS_MAX).contains(&u64::from(*count)));
    count
        .ok_or_else(|| invalid(format!("expected 1 to {CLIENTS_MAX} clients of all {nodes} nodes")))
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_rates_are_read() {
        assert_eq!(some_time("1.5m"), Ok(Duration::from_secs(90)));
        assert!(some_time("0s").unwrap_err().contains("more than 0"));
        assert_eq!(rate("200/s").unwrap().0, Some(200.0));
        assert_eq!(rate("max").unwrap().0, None);
        assert!(rate("-1").is_err());
    }

    #[test]
    fn mechanisms_are_named_by_kind_and_means() {
        assert_eq!(means("starve=cgroup"), Ok(Means::Starve(StarveMeans::Cgroup)));
        assert_eq!(means("starve=turns"), Ok(Means::Starve(StarveMeans::default())));
        assert_eq!(means("packets=reinject"), Ok(Means::Packets(PacketMeans::default())));
        assert_eq!(means("packets=netem"), Ok(Means::Packets(PacketMeans::Netem)));
        assert!(means("starve=cgroups").unwrap_err().contains("did you mean `starve=cgroup`?"));
    }

    #[test]
    fn offsets_name_a_node() {
        assert_eq!(offset("n2=1s"), Ok((NodeId(2), 1_000_000_000)));
        assert_eq!(offset("n1=-30ms"), Ok((NodeId(1), -30_000_000)));
        assert!(offset("1h").unwrap_err().contains("such as `n2=1h`"));
        assert!(offset("two=1h").unwrap_err().contains("`two` is no node"));
        assert_eq!(offset("n2=1"), Ok((NodeId(2), 1_000_000_000)));
        assert!(offset("n2=soon").unwrap_err().contains("such as `20s`"));
    }

    #[test]
    fn binaries_may_have_a_name() {
        let read = |words: &[&str]| {
            let values: Vec<BinaryArg> = words.iter().map(|it| OsString::from(it).into()).collect();
            Binaries::of(&values)
        };
        let all = read(&["/opt/server", "sentinel=/opt/a=b"]).unwrap();
        assert_eq!(all.server, Some("/opt/server".into()));
        assert_eq!(all.others, [("sentinel".to_owned(), "/opt/a=b".into())].into());
        assert_eq!(read(&["./a=b"]).unwrap().server, Some("./a=b".into()));
        assert!(read(&["a", "b"]).unwrap_err().contains("names the server twice"));
        assert!(read(&["x=a", "x=b"]).unwrap_err().contains("names x twice"));
    }

    #[test]
    fn bytes_have_a_unit() {
        assert_eq!(bytes("64M"), Ok(64 << 20));
        assert!(bytes("64").unwrap_err().contains("such as `64M`"));
        assert!(bytes("0K").is_err());
        assert!(bytes("99999999999999G").is_err());
    }

    #[test]
    fn old_runs_are_bounded_by_number_or_room() {
        assert_eq!(bound("200"), Ok(Bound::Runs(200)));
        assert_eq!(bound("20G"), Ok(Bound::Bytes(20 << 30)));
        for wrong in ["0", "", "20GB", "-1", "0G"] {
            assert!(bound(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn jobs_are_a_number_or_as_many_as_fit() {
        assert_eq!(Jobs::read("3").unwrap().count(), 3);
        assert!(Jobs::read("auto").unwrap().count() >= 1);
        for wrong in ["0", "257", "", "many"] {
            assert!(Jobs::read(wrong).unwrap_err().contains("or `auto`"), "{wrong}");
        }
    }

    #[test]
    fn clients_are_counted_per_node() {
        let clients = |text| clients(text, 5);
        assert_eq!(clients("3n"), Ok(15));
        assert_eq!(clients("7"), Ok(7));
        assert!(clients("many").unwrap_err().contains("such as `3n`"));
        assert!(clients("-3").unwrap_err().contains("such as `3n`"));
        for text in ["0", "1001", "201n", "100000", "18446744073709551616"] {
            assert!(clients(text).unwrap_err().contains("1 to 1000 clients"), "{text}");
        }
    }

    #[test]
    fn an_empty_seed_counts_as_unset() {
        assert!(seed("").unwrap().0.is_none());
        assert_eq!(seed("12").unwrap().0, Some(12));
        assert!(seed("x").is_err());
    }
}
