//! From what is written in a plan to its rows: each combination of a matrix is one, with the values of
//! its profile, its own and those of the defaults.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use fracas_targets::Problem;

use super::file::{PlanFile, Row, Section, Value, Written};
use super::keys::{Concerns, KEYS, MATRIX, SEEDS, Shape, TARGET, named};

/// The most rows of a plan, once every matrix is written out.
const ROWS_MAX: usize = 1_000;

/// The most seeds of a row.
const SEEDS_MAX: u32 = 10_000;

/// A row, with all that decides its runs.
#[derive(Debug)]
pub(crate) struct PlannedRow {
    /// Its name, and for each varied key the value: `registers/etcd/kill`.
    pub(crate) name: String,
    /// Where its name stands.
    pub(crate) span: Range<usize>,
    /// What is tested: the name of a built-in target, or a path as seen from the plan.
    pub(crate) target: Value,
    /// How often it is run, and with which seeds.
    pub(crate) seeds: Seeds,
    /// The flags that its runs have, by key.
    pub(crate) values: BTreeMap<&'static str, Chosen>,
}

/// A value, and whether the profile has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) value: Value,
    pub(crate) of_profile: bool,
}

/// The seeds of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seeds {
    /// So many, which follow from the night.
    Count(u32),
    /// These, every night.
    Listed(Vec<u64>),
}

impl PlanFile {
    /// All rows under a profile.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub(crate) fn expand(&self, profile: Option<&Section>) -> Result<Vec<PlannedRow>, Problem> {
        let mut rows = Vec::new();
        let mut names = BTreeSet::new();
        for row in &self.rows {
            for (name, varied) in combinations(row)? {
                if !names.insert(name.clone()) {
                    let label =
                        format!("another row is called `{name}`: expected a name of its own");
                    return Err(Problem::new(row.span.clone(), "name given twice", label));
                }
                rows.push(self.planned(row, (name, varied), profile)?);
                if rows.len() > ROWS_MAX {
                    let label = format!("expected {ROWS_MAX} rows at most");
                    return Err(Problem::new(row.span.clone(), "too many rows", label));
                }
            }
        }
        Ok(rows)
    }

    /// One row: what is varied beats the profile, and that the row, and that the defaults.
    fn planned(
        &self,
        row: &Row,
        (name, varied): (String, Section),
        profile: Option<&Section>,
    ) -> Result<PlannedRow, Problem> {
        let mut values = BTreeMap::new();
        let profiled = profile.into_iter().map(|section| (section, true));
        let layers = [(&self.defaults, false), (&row.section, false)].into_iter().chain(profiled);
        for (section, of_profile) in layers.chain([(&varied, false)]) {
            let chosen = |value: &Value| Chosen { value: value.clone(), of_profile };
            values.extend(section.iter().map(|(key, value)| (*key, chosen(value))));
        }
        let missing = || {
            let problem = Problem::new(row.span.clone(), "missing key", "the row needs a `target`");
            problem.help("add `target = \"regent\"`, or the path of a target file")
        };
        let target = values.remove(TARGET).ok_or_else(missing)?.value;
        let seeds = values.remove(SEEDS).map_or(Ok(Seeds::Count(1)), |it| seeds(&it.value))?;
        Ok(PlannedRow { name, span: row.span.clone(), target, seeds, values })
    }
}

/// The values of a section that concern all runs of a night together: those of the profile, else
/// those of the defaults.
pub(crate) fn of_night(
    file: &PlanFile,
    profile: Option<&Section>,
) -> BTreeMap<&'static str, Chosen> {
    let mut values = BTreeMap::new();
    let profiled = profile.into_iter().map(|section| (section, true));
    for (section, of_profile) in [(&file.defaults, false)].into_iter().chain(profiled) {
        let nightly = |key: &str| named(key).is_some_and(|key| key.concerns == Concerns::Night);
        let chosen = |value: &Value| Chosen { value: value.clone(), of_profile };
        let all = section.iter().filter(|(key, _)| nightly(key));
        values.extend(all.map(|(key, value)| (*key, chosen(value))));
    }
    values
}

/// Every combination of what a row varies, with the name that it makes.
fn combinations(row: &Row) -> Result<Vec<(String, Section)>, Problem> {
    let mut all = vec![(row.name.clone(), Section::new())];
    for key in KEYS.iter().filter_map(|key| row.matrix.get_key_value(key.name)) {
        let (key, values) = key;
        if all.len().saturating_mul(values.len()) > ROWS_MAX {
            let label = format!("`{MATRIX}` makes more than {ROWS_MAX} rows");
            return Err(Problem::new(row.span.clone(), "too many rows", label));
        }
        let with = |(name, section): &(String, Section), value: &Value| {
            let mut section = section.clone();
            section.insert(key, value.clone());
            (format!("{name}/{}", word(key, &value.written)), section)
        };
        all = all.iter().flat_map(|it| values.iter().map(move |value| with(it, value))).collect();
    }
    Ok(all)
}

/// A value as a part of a name.
fn word(key: &str, written: &Written) -> String {
    let is_file = |text: &&str| key == TARGET && Path::new(text).extension().is_some();
    match written {
        Written::Text(text) => match Some(text.as_str()).filter(is_file) {
            Some(path) => Path::new(path).file_stem().unwrap_or_default().to_string_lossy().into(),
            None => text.clone(),
        },
        Written::Texts(texts) => texts.join("+"),
        Written::Switch(on) => format!("{key}={on}"),
        Written::Pairs(pairs) => {
            let pairs = pairs.iter().map(|(name, value)| format!("{name}={value}"));
            pairs.collect::<Vec<_>>().join("+")
        }
    }
}

/// The seeds that a row asks for.
fn seeds(value: &Value) -> Result<Seeds, Problem> {
    let wrong = |label: String| Problem::new(value.span.clone(), "wrong value", label);
    match &value.written {
        Written::Texts(texts) => {
            let seeds: Option<Vec<u64>> = texts.iter().map(|text| text.parse().ok()).collect();
            let few = seeds.filter(|seeds| seeds.len() <= SEEDS_MAX as usize);
            few.map(Seeds::Listed)
                .ok_or_else(|| wrong(format!("expected whole numbers from 0, {SEEDS_MAX} at most")))
        }
        Written::Text(text) => {
            let count = text.parse().ok().filter(|count| (1..=SEEDS_MAX).contains(count));
            count
                .map(Seeds::Count)
                .ok_or_else(|| wrong(format!("expected a number of seeds from 1 to {SEEDS_MAX}")))
        }
        Written::Switch(_) | Written::Pairs(_) => Err(wrong(Shape::Seeds.expected().to_owned())),
    }
}

/// The words of a command line that give a flag its value; paths are seen from `dir`.
pub(crate) fn words(key: &str, written: &Written, dir: &Path) -> Vec<String> {
    let shape = named(key).map_or(Shape::Scalar, |key| key.shape);
    let given = |value: &str| format!("--{key}={value}");
    let path = |text: &str| match text.split_once('=') {
        Some((name, path)) if shape == Shape::EachPath => format!("{name}={}", seen(path, dir)),
        _ => seen(text, dir),
    };
    match (shape, written) {
        (Shape::Path | Shape::EachPath, Written::Text(text)) => vec![given(&path(text))],
        (Shape::EachPath, Written::Texts(texts)) => {
            texts.iter().map(|text| given(&path(text))).collect()
        }
        (Shape::List, Written::Texts(texts)) => vec![given(&texts.join(","))],
        (_, Written::Texts(texts)) => texts.iter().map(|text| given(text)).collect(),
        (_, Written::Text(text)) => vec![given(text)],
        (_, Written::Switch(true)) => vec![format!("--{key}")],
        (_, Written::Switch(false)) => Vec::new(),
        (_, Written::Pairs(pairs)) => {
            pairs.iter().map(|(name, value)| given(&format!("{name}={value}"))).collect()
        }
    }
}

/// A path, or the name of a program that is looked up, as seen from where fracas runs.
pub(crate) fn seen(path: &str, dir: &Path) -> String {
    if !path.contains('/') && Path::new(path).extension().is_none() {
        return path.to_owned();
    }
    dir.join(path).display().to_string()
}
