//! The command that repeats one run, made from its spec.

use std::path::Path;
use std::time::Duration;

use fracas_engine::spec::{Origin, RunSpec};
use fracas_targets::quoted;
use serde::Serialize;

use super::run_args::RunArgs;
use super::values::Means;
use crate::output::RUNS;

/// The command that repeats one run: its target, every value that somebody chose, and its seed.
pub(super) fn command(spec: &RunSpec, args: &RunArgs) -> String {
    let mut words = vec!["fracas".to_owned(), "run".to_owned(), spec.target.name.clone()];
    let chosen = |key: &str| !matches!(spec.origin(key), Origin::Target | Origin::Default);
    let values = load(spec).into_iter().chain(faults(spec)).chain(machine(spec));
    words.extend(values.filter(|(key, _)| chosen(key)).flat_map(|(_, words)| words));
    if args.out.out != Path::new(RUNS) {
        words.push(format!("--out={}", args.out.out.display()));
    }
    words.push(format!("--seed={}", spec.seed));
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// A key of a spec, and the words that give it its value.
type Value = (&'static str, Vec<String>);

/// What clients ask, of which servers.
fn load(spec: &RunSpec) -> Vec<Value> {
    let each =
        |flag: &str, args: &[String]| args.iter().map(|arg| format!("{flag}={arg}")).collect();
    let rate = spec.rate.map_or("max".to_owned(), |rate| format!("{rate}/s"));
    let next = spec.binary_next.iter().map(|path| format!("--binary-next={}", path.display()));
    let settings: Vec<String> =
        spec.target.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    vec![
        ("target.settings", each("--set", &settings)),
        ("workloads", vec![format!("--workload={}", spec.workloads.join(","))]),
        ("time_ms", vec![format!("--time={}", time(spec.time))]),
        ("extend_ms", vec![format!("--extend={}", time(spec.extend))]),
        ("nodes", vec![format!("--nodes={}", spec.nodes.len())]),
        ("clients", vec![format!("--clients={}", spec.clients)]),
        ("rate", vec![format!("--rate={rate}")]),
        ("keys", vec![format!("--keys={}", spec.keys)]),
        ("binary", binaries(spec)),
        ("extra_args", each("--arg", &spec.extra_args)),
        ("binary_next", next.collect()),
        ("restart_args", each("--restart-arg", &spec.restart_args)),
    ]
}

/// The programs that are tested.
fn binaries(spec: &RunSpec) -> Vec<String> {
    let others = spec.other_binaries.iter();
    let others = others.map(|(name, it)| format!("--binary={name}={}", it.path.display()));
    std::iter::once(format!("--binary={}", spec.binary.display())).chain(others).collect()
}

/// Which faults happen.
fn faults(spec: &RunSpec) -> Vec<Value> {
    let kinds: Vec<&str> = spec.faults.iter().map(|kind| kind.word()).collect();
    let kinds = if kinds.is_empty() { "none".to_owned() } else { kinds.join(",") };
    let file = spec.schedule_file.iter().map(|path| format!("--schedule={}", path.display()));
    vec![
        ("faults", vec![format!("--faults={kinds}")]),
        ("fault_every_ms", vec![format!("--fault-every={}", time(spec.fault_every))]),
        ("aim", spec.aim.iter().map(|aim| format!("--aim={aim}")).collect()),
        ("schedule_file", file.collect()),
        ("pin", vec!["--pin".to_owned()]),
    ]
}

/// By what means, and how the run is judged.
fn machine(spec: &RunSpec) -> Vec<Value> {
    let gear = &spec.equipment;
    let means = [
        Means::Partition(spec.partition),
        Means::Clock(gear.clock),
        Means::Packets(gear.packets),
        Means::Starve(gear.starve),
    ];
    let means = means.map(|it| (it.key(), vec![format!("--mechanism={}", it.word())]));
    let offsets: Vec<String> =
        gear.monotonic.iter().map(|(node, nanos)| format!("{node}={}", signed(*nanos))).collect();
    let mut values = vec![
        ("isolation", vec![format!("--isolation={}", word(spec.isolation))]),
        ("equipment.disk", vec![format!("--disk={}", word(gear.disk))]),
        ("equipment.disk_age_ms", vec![format!("--disk-age={}", gear.disk_age)]),
        (
            "equipment.small_disk_bytes",
            gear.small_disk.iter().map(|bytes| format!("--small-disk={bytes}")).collect(),
        ),
        (
            "equipment.monotonic_offset_ns",
            vec![format!("--monotonic-offset={}", offsets.join(","))],
        ),
        ("coverage.elections", vec![format!("--min-elections={}", spec.coverage.elections)]),
        ("check.time_ms", vec![format!("--check-time={}", time(spec.check.time))]),
        ("check.bytes", vec![format!("--check-memory={}", spec.check.bytes >> 20)]),
        ("until_anomaly", vec!["--until-anomaly".to_owned()]),
        ("judge", vec!["--no-check".to_owned()]),
    ];
    values.extend(means);
    values
}

/// A value that is one word, as flags and specs take it.
fn word(value: impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// A duration as flags take it: whole seconds where it is such.
fn time(time: Duration) -> String {
    if time.subsec_millis() == 0 {
        return format!("{}s", time.as_secs());
    }
    format!("{}ms", time.as_millis())
}

/// An offset in nanoseconds, as a flag takes it.
fn signed(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    format!("{sign}{}", time(Duration::from_nanos(nanos.unsigned_abs())))
}
