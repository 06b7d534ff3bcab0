//! The runs of a night: from a plan to arguments of `fracas run`, one set for each of its rows.
//!
//! A value of a plan is judged by the parser of its flag, and what is wrong is shown in its place.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::FromArgMatches;
use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use fracas_engine::faults::Kind;
use fracas_engine::nemesis::SCENARIOS;
use fracas_engine::spec::Origin;
use fracas_lab::NODES_MAX;
use fracas_reports::PlanRow;
use fracas_targets::{Problem, Source, nearest};

use super::item::Item;
use super::run_args::RunArgs;
use super::values::clients;
use crate::plans::{
    Chosen, NightFrom, PlanFile, PlannedRow, Section, Seeds, Shard, Value, Written,
};
use crate::plans::{KEYS, Key, OTHERS, STRUCTURE, TARGET, is_plan, of_night, seen, words};

/// How long a plan file may be, in bytes.
const FILE_MAX: u64 = 256 * 1024;

/// Reads the command line again, with more words; the map says where each flag among them came from.
pub(super) type Reparse<'a> =
    &'a dyn Fn(&[String], &BTreeMap<String, Origin>) -> Result<RunArgs, clap::Error>;

/// A night of a plan.
pub(super) struct Night {
    /// What holds for all its runs.
    pub(super) args: RunArgs,
    /// Its runs that are carried out here.
    pub(super) items: Vec<Item>,
    /// The name of the plan.
    plan: String,
    when: NightFrom,
    /// The part that is carried out here, and the variables that told it.
    shard: Option<(Shard, Option<String>)>,
    /// How many runs it has.
    all: usize,
}

impl Night {
    /// Which night it is, and which part of it this is, in one line.
    pub(super) fn told(&self) -> String {
        let part = self.shard.as_ref().map(|(shard, by)| {
            let by = by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
            format!(", shard {shard}{by}")
        });
        format!(
            "plan `{}`, night {} by {}{}: {} of its {} runs",
            self.plan,
            self.when.night.date(),
            self.when.source,
            part.unwrap_or_default(),
            self.items.len(),
            self.all
        )
    }
}

/// The text of a plan file.
///
/// # Errors
/// A text for the user.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let failed =
        |why: String| format!("error: failed to read the plan `{}`: {why}", path.display());
    let mut text = String::new();
    let file = File::open(path).map_err(|error| failed(error.to_string()))?;
    let read = file.take(FILE_MAX + 1).read_to_string(&mut text);
    match read.map_err(|error| failed(error.to_string()))? as u64 > FILE_MAX {
        true => Err(failed(format!("it is longer than {FILE_MAX} bytes"))),
        false => Ok(text),
    }
}

/// Whether a file is a plan; what cannot be read is none.
pub(super) fn is_one(path: &Path) -> bool {
    let text = read(path).unwrap_or_default();
    Source::parse("", &text).is_ok_and(|source| is_plan(source.tree()))
}

/// The runs of the night that the arguments ask for.
///
/// # Errors
/// A text for the user: what is wrong in the plan, and where; or with the flags.
pub(super) fn night(args: &RunArgs, path: &Path, reparse: Reparse<'_>) -> Result<Night, String> {
    let text = read(path)?;
    let origin = path.display().to_string();
    let source = Source::parse(&origin, &text).map_err(|wrong| wrong.to_string())?;
    let shown = |problem: Problem| source.diagnose(&problem).to_string();
    let file = PlanFile::read(source.tree()).map_err(shown)?;
    judged(&file).map_err(shown)?;
    let profile = args.profile.as_deref().map(|name| profile(&file, name, &origin)).transpose()?;
    let rows = wanted(file.expand(profile).map_err(shown)?, args, &origin)?;
    let dir = path.parent().unwrap_or(Path::new(""));
    let plan = Plan { name: name(&file, path), dir, args, reparse };
    let nightly = plan.args_of(&of_night(&file, profile)).map_err(|error| {
        format!("error: `[defaults]` of `{origin}` and the flags: {}", in_a_line(&error))
    })?;
    let when = when(args)?;
    let shard = args.shard.map(|shard| shard.find(|name| std::env::var(name).ok())).transpose()?;
    let of_shard = shard.as_ref().map(|(shard, _)| *shard);
    let all = plan.items(&rows, &when, of_shard).map_err(shown)?;
    let count = all.len();
    let mine = |place: &usize| of_shard.is_none_or(|shard| shard.has(*place));
    let mine = all.into_iter().enumerate().filter(|(place, _)| mine(place));
    let mut items: Vec<(u32, Item)> = mine.map(|(_, item)| item).collect();
    items.sort_by_key(|(number, _)| *number); // a night that is cut short has tried every row
    let items = items.into_iter().map(|(_, item)| item).collect();
    Ok(Night { args: nightly, items, plan: plan.name, when, shard, all: count })
}

/// The night of a plan without anything that a user says on a command line.
///
/// # Errors
/// As [`night`].
pub(super) fn night_alone(path: &Path, profile: Option<&str>) -> Result<Night, String> {
    let alone = |words: &[String]| {
        let command = RunArgs::flags();
        let command = command.mut_args(|arg| arg.env(Resettable::Reset));
        let plan = format!("--plan={}", path.display());
        let profile = profile.map(|name| format!("--profile={name}"));
        let all = ["run".to_owned(), plan].into_iter().chain(profile).chain(words.to_vec());
        RunArgs::from_arg_matches(&command.try_get_matches_from(all)?)
    };
    let args = alone(&[]).map_err(|error| error.render().to_string())?;
    night(&args, path, &|words, _| alone(words))
}

/// The names of a plan's profiles.
///
/// # Errors
/// A text for the user: what is wrong in the plan, and where.
pub(super) fn profiles(path: &Path) -> Result<Vec<String>, String> {
    let (text, origin) = (read(path)?, path.display().to_string());
    let source = Source::parse(&origin, &text).map_err(|wrong| wrong.to_string())?;
    let file = PlanFile::read(source.tree());
    let file = file.map_err(|problem| source.diagnose(&problem).to_string())?;
    Ok(file.profiles.into_keys().collect())
}

/// The night, as the user or the environment says it.
fn when(args: &RunArgs) -> Result<NightFrom, String> {
    if let Some(night) = &args.date {
        return Ok(NightFrom { night: night.clone(), source: "--date" });
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    NightFrom::find(|name| std::env::var(name).ok(), now)
}

/// The name of a plan: its own, else that of its file.
fn name(file: &PlanFile, path: &Path) -> String {
    let stem = || path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    file.name.clone().unwrap_or_else(stem)
}

/// The profile of this name.
fn profile<'a>(file: &'a PlanFile, name: &str, origin: &str) -> Result<&'a Section, String> {
    let names = || file.profiles.keys().map(String::as_str);
    file.profiles
        .get(name)
        .ok_or_else(|| not_there("profile", name, origin, &names().collect::<Vec<_>>()))
}

/// The rows that were asked for.
fn wanted(rows: Vec<PlannedRow>, args: &RunArgs, origin: &str) -> Result<Vec<PlannedRow>, String> {
    let is = |row: &PlannedRow, name: &str| {
        row.name.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if let Some(name) = args.row.iter().find(|name| !rows.iter().any(|row| is(row, name))) {
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        return Err(not_there("row", name, origin, &names));
    }
    let asked = |row: &PlannedRow| args.row.is_empty() || args.row.iter().any(|name| is(row, name));
    Ok(rows.into_iter().filter(asked).collect())
}

fn not_there(kind: &str, name: &str, origin: &str, known: &[&str]) -> String {
    let near = nearest(name, known.iter().copied());
    let help = near.map(|near| format!("\nhelp: did you mean `{near}`?")).unwrap_or_default();
    let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    let expected = match known.as_slice() {
        [] => "it has none".to_owned(),
        known => format!("expected one of {}", known.join(", ")),
    };
    format!("error: `{origin}` has no {kind} `{name}`: {expected}{help}")
}

/// Fails if a value of the plan, used or not, is none that its flag takes.
fn judged(file: &PlanFile) -> Result<(), Problem> {
    let rows = file.rows.iter();
    let sections = [&file.defaults].into_iter().chain(file.profiles.values());
    let single = sections.chain(rows.clone().map(|row| &row.section)).flatten();
    let varied = rows.flat_map(|row| &row.matrix);
    let varied = varied.flat_map(|(key, values)| values.iter().map(move |value| (key, value)));
    single.chain(varied).try_for_each(|(key, value)| judge(key, value))
}

/// Fails if a value is none that the flag of its key takes.
fn judge(key: &str, value: &Value) -> Result<(), Problem> {
    unknown_word(key, value)?;
    out_of_range(key, value)?;
    let is_flag = !matches!(key, TARGET | "seeds");
    let words = if is_flag { words(key, &value.written, Path::new("")) } else { Vec::new() };
    let command = RunArgs::flags();
    let alone = command.mut_args(|arg| arg.env(Resettable::Reset));
    let all = ["run", "target"].map(str::to_owned).into_iter().chain(words);
    let Err(error) = alone.try_get_matches_from(all) else { return Ok(()) };
    let problem = |label: String| Problem::new(value.span.clone(), "wrong value", label);
    match error.kind() {
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(&error).map(ToString::to_string);
            Err(problem(why.unwrap_or_else(|| in_a_line(&error))))
        }
        ErrorKind::InvalidValue => {
            let Some(ContextValue::Strings(valid)) = error.get(ContextKind::ValidValue) else {
                return Err(problem(in_a_line(&error)));
            };
            let words: Vec<String> = valid.iter().map(|word| format!("`{word}`")).collect();
            let problem = problem(format!("expected one of {}", words.join(", ")));
            let Written::Text(word) = &value.written else { return Err(problem) };
            Err(problem.did_you_mean(word, valid.iter().map(String::as_str)))
        }
        // Whether flags go together shows when all of a row are there.
        _ => Ok(()),
    }
}

/// Fails if a cluster of no size has so many nodes or clients.
fn out_of_range(key: &str, value: &Value) -> Result<(), Problem> {
    let Written::Text(text) = &value.written else { return Ok(()) };
    let range = || format!("expected 1 to {NODES_MAX} nodes");
    let possible = |count: &u16| (1..=NODES_MAX).contains(count);
    let label = match key {
        "nodes" => text.parse().ok().filter(possible).is_none().then(range),
        "clients" => clients(text, 1).err(),
        _ => None,
    };
    let Some(label) = label else { return Ok(()) };
    let label = label.rsplit_once("`: ").map_or(label.as_str(), |(_, expected)| expected);
    Err(Problem::new(value.span.clone(), "wrong value", label))
}

/// Fails if a word of a value is no workload, no fault or no scenario.
fn unknown_word(key: &str, value: &Value) -> Result<(), Problem> {
    let valid: Vec<&str> = match key {
        "workload" => {
            fracas_workloads::ALL.iter().map(|workload| workload.name()).chain(["all"]).collect()
        }
        "faults" => Kind::ALL.iter().map(|kind| kind.word()).chain(["all", "none"]).collect(),
        "aim" => SCENARIOS.iter().map(|scenario| scenario.name).collect(),
        _ => return Ok(()),
    };
    let texts = match &value.written {
        Written::Text(text) => std::slice::from_ref(text),
        Written::Texts(texts) => texts,
        Written::Switch(_) | Written::Pairs(_) => &[],
    };
    let mut words = texts.iter().flat_map(|text| text.split(','));
    let Some(word) = words.find(|word| !valid.contains(word)) else { return Ok(()) };
    let expected: Vec<String> = valid.iter().map(|word| format!("`{word}`")).collect();
    let label = format!("`{word}` is unknown: expected one of {}", expected.join(", "));
    Err(Problem::new(value.span.clone(), "wrong value", label).did_you_mean(word, valid))
}

/// Every key of a plan, with what it is.
pub(super) fn keys() -> Vec<(String, String)> {
    let command = RunArgs::flags();
    let help = |flag: &str| {
        let argument = command.get_arguments().find(|it| it.get_long() == Some(flag));
        argument.and_then(|it| it.get_help()).map(ToString::to_string).unwrap_or_default()
    };
    let about = |key: &Key| match OTHERS.iter().find(|(name, _)| *name == key.name) {
        Some((_, about)) => format!("{about}, such as `{}`", key.example),
        None => format!("`--{}`: {}; such as `{}`", key.name, help(key.name), key.example),
    };
    let structure = STRUCTURE.iter().map(|(key, about)| ((*key).to_owned(), (*about).to_owned()));
    structure.chain(KEYS.iter().map(|key| (key.name.to_owned(), about(key)))).collect()
}

/// A plan, with what the user says beside it.
struct Plan<'a> {
    name: String,
    /// Where its file is: paths in it are seen from there.
    dir: &'a Path,
    args: &'a RunArgs,
    reparse: Reparse<'a>,
}

impl Plan<'_> {
    /// The runs of all rows in their order, each with its number in its row.
    fn items(
        &self,
        rows: &[PlannedRow],
        when: &NightFrom,
        shard: Option<Shard>,
    ) -> Result<Vec<(u32, Item)>, Problem> {
        let mut items = Vec::new();
        for row in rows {
            let wrong = |error: clap::Error| {
                Problem::new(row.span.clone(), "no run can be made of this row", in_a_line(&error))
            };
            let mut args = self.args_of(&row.values).map_err(wrong)?;
            args.planned = Some(PlanRow {
                plan: self.name.clone(),
                row: row.name.clone(),
                night: when.night.date().to_owned(),
                shard: shard.map(|shard| shard.to_string()),
            });
            let args = Rc::new(args);
            let target = match &row.target.written {
                Written::Text(target) => seen(target, self.dir),
                _ => String::new(), // its shape is that of a text
            };
            let run = |(number, seed)| {
                (number, Item { args: Rc::clone(&args), target: target.clone(), seed })
            };
            items.extend((0..).zip(self.seeds(row, when)).map(run));
        }
        Ok(items)
    }

    /// The seeds of a row: those that the user gives, else its own, else those of the night.
    fn seeds(&self, row: &PlannedRow, when: &NightFrom) -> Vec<u64> {
        let given = self.args.seed.and_then(|seed| seed.0);
        match (given, self.args.repeat, &row.seeds) {
            (Some(first), times, _) => {
                (0..u64::from(times.unwrap_or(1))).map(|again| first.wrapping_add(again)).collect()
            }
            (None, None, Seeds::Listed(seeds)) => seeds.clone(),
            (None, Some(count), _) => self.of_night(row, when, count),
            (None, None, Seeds::Count(count)) => self.of_night(row, when, *count),
        }
    }

    /// So many seeds that follow from the night.
    fn of_night(&self, row: &PlannedRow, when: &NightFrom, count: u32) -> Vec<u64> {
        (0..count).map(|number| when.night.seed(&self.name, &row.name, number)).collect()
    }

    /// The arguments that the user gave, and of these values those that he did not.
    fn args_of(&self, values: &BTreeMap<&'static str, Chosen>) -> Result<RunArgs, clap::Error> {
        let mut planned = BTreeMap::new();
        let mut all = Vec::new();
        for key in KEYS.iter().filter(|key| !self.args.given.contains_key(key.name)) {
            let Some(chosen) = values.get(key.name) else { continue };
            let origin = if chosen.of_profile { Origin::Profile } else { Origin::Plan };
            planned.insert(key.name.to_owned(), origin);
            all.extend(words(key.name, &chosen.value.written, self.dir));
        }
        (self.reparse)(&all, &planned)
    }
}

/// What clap says is wrong, in one line: what follows is about the command line.
fn in_a_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let lines: Vec<&str> = text.lines().map(str::trim).take_while(|it| !it.is_empty()).collect();
    let line = lines.join(" ");
    line.strip_prefix("error: ").unwrap_or(&line).to_owned()
}
