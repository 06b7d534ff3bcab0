//! Where the values of a run came from: a flag, a variable, a plan, the target file, or nobody.
//!
//! A flag beats a variable, a variable a plan, a plan the target file, and that the default.

use std::collections::BTreeMap;

use clap::ArgMatches;
use clap::parser::ValueSource;
use fracas_engine::spec::Origin;

use super::run_args::RunArgs;
use super::values::Means;

/// The arguments of `fracas run` that decide something, and what each is called in a spec.
const KEYS: [(&str, &str); 28] = [
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
    ("disk_age", "equipment.disk_age_ms"),
    ("small_disk", "equipment.small_disk_bytes"),
    ("monotonic_offset", "equipment.monotonic_offset_ns"),
    ("min_elections", "coverage.elections"),
    ("check_time", "check.time_ms"),
    ("check_memory", "check.bytes"),
    ("until_anomaly", "until_anomaly"),
];

/// What the target file decides where nobody else does.
const BY_TARGET: [&str; 4] = ["workloads", "faults", "nodes", "binary"];

/// Where the values came from, by their keys in a spec; defaults are left out. Those that a plan gave
/// stand on the command line, too: `planned` says of which flags that is so.
pub(super) fn of(
    matches: &ArgMatches,
    planned: &BTreeMap<String, Origin>,
) -> BTreeMap<String, Origin> {
    let by_target = BY_TARGET.iter().map(|key| ((*key).to_owned(), Origin::Target));
    let mut origins: BTreeMap<String, Origin> = by_target.collect();
    let chosen = |argument: &str| {
        let of_plan = flag(argument).and_then(|flag| planned.get(&flag)).copied();
        of_plan.or_else(|| given_by(matches, argument))
    };
    let named = KEYS.iter().filter_map(|(argument, key)| Some((*key, chosen(argument)?)));
    origins.extend(named.map(|(key, origin)| (key.to_owned(), origin)));
    let means = matches.get_many::<Means>("mechanism").into_iter().flatten();
    let of_means = chosen("mechanism").unwrap_or(Origin::Flag);
    origins.extend(means.map(|means| (means.key().to_owned(), of_means)));
    if matches.get_flag("no_check") {
        origins.insert("judge".to_owned(), chosen("no_check").unwrap_or(Origin::Flag));
    }
    origins
}

/// The flags that the user gave, and those whose variables are set.
pub(super) fn given(matches: &ArgMatches) -> BTreeMap<String, Origin> {
    let command = RunArgs::flags();
    let flags = command.get_arguments().filter_map(|it| Some((it.get_long()?, it.get_id())));
    flags
        .filter_map(|(flag, id)| Some((flag.to_owned(), given_by(matches, id.as_str())?)))
        .collect()
}

/// Who gave an argument its value, unless it is the default.
fn given_by(matches: &ArgMatches, argument: &str) -> Option<Origin> {
    match matches.value_source(argument)? {
        ValueSource::CommandLine => Some(Origin::Flag),
        ValueSource::EnvVariable => Some(Origin::Variable),
        _ => None,
    }
}

/// The flag of an argument.
fn flag(argument: &str) -> Option<String> {
    let command = RunArgs::flags();
    let mut arguments = command.get_arguments();
    let found = arguments.find(|it| it.get_id().as_str() == argument)?;
    found.get_long().map(str::to_owned)
}
