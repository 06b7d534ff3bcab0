//! Where the values of a run came from: a flag, a variable, the target file, or nobody.
//!
//! A flag beats a variable, a variable beats the target file, and that beats the default.

use std::collections::BTreeMap;

use clap::ArgMatches;
use clap::parser::ValueSource;
use fracas_engine::spec::Origin;

use super::values::Means;

/// The arguments of `fracas run` that decide something, and what each is called in a spec.
const KEYS: [(&str, &str); 27] = [
    ("targets", "target"),
    ("settings", "target.settings"),
    ("workload", "workloads"),
    ("faults", "faults"),
    ("fault_every", "fault_every_ms"),
    ("time", "time_ms"),
    ("extend", "extend_ms"),
    ("aim", "aim"),
    ("schedule", "schedule_file"),
    ("pin", "pin"),
    ("nodes", "nodes"),
    ("clients", "clients"),
    ("rate", "rate"),
    ("keys", "keys"),
    ("seed", "seed"),
    ("binary", "binary"),
    ("extra_args", "extra_args"),
    ("binary_next", "binary_next"),
    ("restart_args", "restart_args"),
    ("isolation", "isolation"),
    ("disk", "equipment.disk"),
    ("small_disk", "equipment.small_disk_bytes"),
    ("monotonic_offset", "equipment.monotonic_offset_ns"),
    ("min_elections", "coverage.elections"),
    ("check_time", "check.time_ms"),
    ("check_memory", "check.bytes"),
    ("until_anomaly", "until_anomaly"),
];

/// What the target file decides where nobody else does.
const BY_TARGET: [&str; 4] = ["workloads", "faults", "nodes", "binary"];

/// Where the values came from, by their keys in a spec; defaults are left out.
pub(super) fn of(matches: &ArgMatches) -> BTreeMap<String, Origin> {
    let by_target = BY_TARGET.iter().map(|key| ((*key).to_owned(), Origin::Target));
    let mut origins: BTreeMap<String, Origin> = by_target.collect();
    let chosen = |argument: &str| match matches.value_source(argument) {
        Some(ValueSource::CommandLine) => Some(Origin::Flag),
        Some(ValueSource::EnvVariable) => Some(Origin::Variable),
        _ => None,
    };
    let named = KEYS.iter().filter_map(|(argument, key)| Some((*key, chosen(argument)?)));
    origins.extend(named.map(|(key, origin)| (key.to_owned(), origin)));
    let means = matches.get_many::<Means>("mechanism").into_iter().flatten();
    origins.extend(means.map(|means| (means.key().to_owned(), Origin::Flag)));
    if matches.get_flag("no_check") {
        origins.insert("judge".to_owned(), Origin::Flag);
    }
    origins
}
