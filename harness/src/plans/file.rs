//! Reading a plan: its keys and their values, each with its place, and what is wrong with them.
//!
//! The shape only: whether the value of a flag makes sense is judged where flags are read.

use std::collections::BTreeMap;
use std::ops::Range;

use fracas_targets::Problem;
use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

use super::keys::{Concerns, KEYS, Key, MATRIX, NAME, SEEDS, Shape, named};

/// The version of the file format.
const SCHEMA: &str = "1";

/// The longest name of a plan, a profile or a row.
const NAME_MAX: usize = 64;

/// The keys of a plan's first level.
const TOP: [&str; 5] = ["schema", NAME, "defaults", "profile", "plan"];

/// What is written in a plan file.
#[derive(Debug)]
pub(crate) struct PlanFile {
    /// Its name, where it gives itself one.
    pub(crate) name: Option<String>,
    /// What holds for all rows that say nothing else.
    pub(crate) defaults: Section,
    /// What a user can choose with `--profile`, by name.
    pub(crate) profiles: BTreeMap<String, Section>,
    /// The rows, as they follow each other.
    pub(crate) rows: Vec<Row>,
}

/// The values of a section, by their keys.
pub(crate) type Section = BTreeMap<&'static str, Value>;

/// A row: `[[plan]]`.
#[derive(Debug)]
pub(crate) struct Row {
    /// Its name.
    pub(crate) name: String,
    /// Where that stands.
    pub(crate) span: Range<usize>,
    /// Its values.
    pub(crate) section: Section,
    /// The keys that are varied, each with its values.
    pub(crate) matrix: BTreeMap<&'static str, Vec<Value>>,
}

/// A value, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) written: Written,
    pub(crate) span: Range<usize>,
}

/// What is written as a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Written {
    /// A text, or a number as it is written.
    Text(String),
    /// Several of them.
    Texts(Vec<String>),
    /// `true` or `false`.
    Switch(bool),
    /// Names and texts.
    Pairs(Vec<(String, String)>),
}

impl PlanFile {
    /// Reads what is written in a file.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub(crate) fn read(tree: &DeTable<'_>) -> Result<Self, Problem> {
        for (key, _) in tree {
            known(key, &TOP)?;
        }
        schema(tree)?;
        let name = tree.get(NAME).map(|name| a_name(name, "a plan")).transpose()?;
        let empty = DeTable::new();
        let profiles = tree.get("profile").map(|it| table(it, "profile")).transpose()?;
        let named = profiles.unwrap_or(&empty).iter().map(|(name, section)| {
            must_be_name(name.get_ref(), name.span(), "a profile")?;
            let section =
                all_of(table(section, "profile")?, &[Concerns::Run, Concerns::Night], &[])?;
            Ok((name.get_ref().to_string(), section))
        });
        let defaults = tree.get("defaults").map(|it| table(it, "defaults")).transpose()?;
        Ok(Self {
            name,
            defaults: all_of(defaults.unwrap_or(&empty), &[Concerns::Run, Concerns::Night], &[])?,
            profiles: named.collect::<Result<_, Problem>>()?,
            rows: rows(tree)?,
        })
    }
}

/// Whether a file is a plan, and no target.
pub(crate) fn is_plan(tree: &DeTable<'_>) -> bool {
    let has = |key: &str| tree.contains_key(key);
    ["plan", "profile", "defaults"].iter().any(|key| has(key)) && !has("binary") && !has("node")
}

fn schema(tree: &DeTable<'_>) -> Result<(), Problem> {
    let missing = || Problem::new(0..0, "missing key", "missing key `schema`");
    let schema = tree.get("schema").ok_or_else(|| missing().help("add `schema = 1`"))?;
    match schema.get_ref() {
        DeValue::Integer(number) if number.as_str() == SCHEMA => Ok(()),
        _ => Err(Problem::new(schema.span(), "unknown version of the file format", "expected `1`")),
    }
}

/// The rows of a file, which must have some.
fn rows(tree: &DeTable<'_>) -> Result<Vec<Row>, Problem> {
    let missing = || Problem::new(0..0, "missing key", "a plan needs rows");
    let plan = tree.get("plan").ok_or_else(|| missing().help("add a section `[[plan]]`"))?;
    let DeValue::Array(rows) = plan.get_ref() else {
        let label = "expected `[[plan]]`, once for each row";
        return Err(Problem::new(plan.span(), "wrong type", label));
    };
    rows.iter().map(|row| self::row(table(row, "plan")?, row.span())).collect()
}

fn row(table: &DeTable<'_>, span: Range<usize>) -> Result<Row, Problem> {
    let missing = || Problem::new(span, "missing key", "a row needs a `name`");
    let name = table.get(NAME).ok_or_else(|| missing().help("add `name = \"…\"`"))?;
    let section = all_of(table, &[Concerns::Run], &[NAME, MATRIX])?;
    let matrix = table.get(MATRIX).map(matrix).transpose()?.unwrap_or_default();
    if let Some((key, values)) = matrix.iter().find(|(key, _)| section.contains_key(*key)) {
        let place = values.first().map_or(name.span(), |value| value.span.clone());
        let label = format!("`{key}` is also a key of the row: expected one of the two");
        return Err(Problem::new(place, "key given twice", label));
    }
    Ok(Row { name: a_name(name, "a row")?, span: name.span(), section, matrix })
}

/// What is varied.
fn matrix(value: &Spanned<DeValue<'_>>) -> Result<BTreeMap<&'static str, Vec<Value>>, Problem> {
    let varied = table(value, MATRIX)?.iter().map(|(name, values)| {
        let key = key(name, &[Concerns::Run], &[])?;
        let label = "expected a list of its values, one for each row";
        match values.get_ref() {
            _ if key.name == SEEDS => {
                let label = "seeds are no reason for another row: expected them beside `matrix`";
                Err(Problem::new(name.span(), "not varied", label))
            }
            DeValue::Array(values) if !values.is_empty() => {
                let values = values.iter().map(|value| self::value(key, value));
                Ok((key.name, values.collect::<Result<_, _>>()?))
            }
            _ => Err(Problem::new(values.span(), "wrong type", label)),
        }
    });
    varied.collect()
}

/// The values of a section that may have keys of these kinds, and others that are read elsewhere.
fn all_of(
    table: &DeTable<'_>,
    concerns: &[Concerns],
    besides: &[&'static str],
) -> Result<Section, Problem> {
    let others = table.iter().filter(|(name, _)| !besides.contains(&&**name.get_ref()));
    let values = others.map(|(name, value)| {
        let key = key(name, concerns, besides)?;
        Ok((key.name, self::value(key, value)?))
    });
    values.collect()
}

/// The key of this name, where it may stand.
fn key(
    name: &Spanned<DeString<'_>>,
    concerns: &[Concerns],
    besides: &[&'static str],
) -> Result<&'static Key, Problem> {
    let here = |key: &&Key| concerns.contains(&key.concerns);
    match named(name.get_ref()) {
        Some(key) if here(&key) => Ok(key),
        Some(_) => {
            let label =
                "it decides of all runs together: expected in `[defaults]` or `[profile.NAME]`";
            Err(Problem::new(name.span(), "key in the wrong place", label))
        }
        None => {
            let valid = KEYS.iter().filter(here).map(|key| key.name);
            Err(unknown(name, &besides.iter().copied().chain(valid).collect::<Vec<_>>()))
        }
    }
}

/// Fails unless the key is one of these.
fn known(name: &Spanned<DeString<'_>>, valid: &[&str]) -> Result<(), Problem> {
    if valid.contains(&&**name.get_ref()) { Ok(()) } else { Err(unknown(name, valid)) }
}

/// What is said of a key that is none of these.
fn unknown(name: &Spanned<DeString<'_>>, valid: &[&str]) -> Problem {
    let (word, words) = (name.get_ref(), valid.iter().map(|key| format!("`{key}`")));
    let label =
        format!("unknown key `{word}`, expected one of {}", words.collect::<Vec<_>>().join(", "));
    Problem::new(name.span(), "unknown key", label).did_you_mean(word, valid.iter().copied())
}

fn table<'a, 'b>(value: &'b Spanned<DeValue<'a>>, name: &str) -> Result<&'b DeTable<'a>, Problem> {
    let label = format!("expected a table, `{name}`");
    value.get_ref().as_table().ok_or_else(|| Problem::new(value.span(), "wrong type", label))
}

fn a_name(value: &Spanned<DeValue<'_>>, kind: &str) -> Result<String, Problem> {
    let wrong = || Problem::new(value.span(), "wrong type", format!("expected the name of {kind}"));
    let name = value.get_ref().as_str().ok_or_else(wrong)?;
    must_be_name(name, value.span(), kind)?;
    Ok(name.to_owned())
}

/// Names stand in lists, in commands and in the index of many nights.
fn must_be_name(name: &str, span: Range<usize>, kind: &str) -> Result<(), Problem> {
    let letter = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
    let begins = name.starts_with(|it: char| it.is_ascii_alphanumeric());
    if begins && name.len() <= NAME_MAX && name.chars().all(letter) {
        return Ok(());
    }
    let label = format!(
        "expected the name of {kind}: letters, digits, `-`, `_` and `.`, the first a letter or a \
         digit, {NAME_MAX} at most"
    );
    Err(Problem::new(span, "wrong name", label))
}

/// The value of a key.
fn value(key: &Key, value: &Spanned<DeValue<'_>>) -> Result<Value, Problem> {
    let span = value.span();
    let written = match (key.shape, value.get_ref()) {
        (Shape::Switch, DeValue::Boolean(on)) => Some(Written::Switch(*on)),
        (Shape::Scalar | Shape::Seeds, it) => scalar(it, key.shape).map(Written::Text),
        (Shape::Path | Shape::List | Shape::Each | Shape::EachPath, DeValue::String(text)) => {
            Some(Written::Text(text.to_string()))
        }
        (Shape::Pairs, DeValue::Table(pairs)) => texts_of(pairs).map(Written::Pairs),
        _ => None,
    };
    let several = || match (key.shape, value.get_ref()) {
        (Shape::List | Shape::Each | Shape::EachPath | Shape::Seeds, DeValue::Array(items)) => {
            texts(items, key.shape).map(Written::Texts)
        }
        _ => None,
    };
    let wrong = || {
        let example = format!("write it such as `{} = {}`", key.name, key.example);
        Problem::new(span.clone(), "wrong type", key.shape.expected()).help(example)
    };
    written.or_else(several).map(|written| Value { written, span: span.clone() }).ok_or_else(wrong)
}

/// A text or a number; of seeds a whole number.
fn scalar(value: &DeValue<'_>, shape: Shape) -> Option<String> {
    match value {
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::String(text) if shape != Shape::Seeds => Some(text.to_string()),
        DeValue::Float(number) if shape != Shape::Seeds => Some(number.as_str().to_owned()),
        _ => None,
    }
}

/// The items of a list that is not empty.
fn texts(items: &DeArray<'_>, shape: Shape) -> Option<Vec<String>> {
    let item = |item: &Spanned<DeValue<'_>>| match shape {
        Shape::Seeds => scalar(item.get_ref(), shape),
        _ => item.get_ref().as_str().map(str::to_owned),
    };
    let texts: Vec<String> = items.iter().map(item).collect::<Option<_>>()?;
    Some(texts).filter(|texts| !texts.is_empty())
}

fn texts_of(pairs: &DeTable<'_>) -> Option<Vec<(String, String)>> {
    let pairs = pairs.iter().map(|(name, text)| {
        Some((name.get_ref().to_string(), text.get_ref().as_str()?.to_owned()))
    });
    pairs.collect()
}
