//! What is wrong with a file that users write, a target or a plan, shown the way a compiler shows it:
//! file, line, key, what was expected, and the nearest valid word.
//!
//! It deliberately knows nothing of what the keys mean.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::nearest::nearest;

/// An error in a file that users write, ready to be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The whole message without colour, several lines long.
    pub rendered: String,
    /// Its first line, without `error: `.
    pub title: String,
    /// The line of the file, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The key that is wrong, such as `ops.read.answers[1].is`; empty where the error concerns the
    /// whole file.
    pub key: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rendered)
    }
}

impl std::error::Error for Diagnostic {}

/// One thing that is wrong, and where.
#[derive(Debug)]
pub struct Problem {
    span: Range<usize>,
    title: String,
    label: String,
    help: Option<String>,
}

impl Problem {
    /// `title` says what is wrong in general, `label` what was expected at this place.
    pub fn new(span: Range<usize>, title: impl Into<String>, label: impl Into<String>) -> Self {
        Self { span, title: title.into(), label: label.into(), help: None }
    }

    /// Says how to mend it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Offers the nearest of the valid words, if one is close.
    #[must_use]
    pub fn did_you_mean<'a>(
        mut self,
        word: &str,
        valid: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        self.help = nearest(word, valid).map(|near| format!("did you mean `{near}`?"));
        self
    }

    /// What the TOML parser itself refused.
    pub(crate) fn syntax(error: &toml::de::Error) -> Self {
        Self::new(error.span().unwrap_or_default(), "not valid TOML", error.message())
    }

    /// A well-formed file whose keys or values are not the ones of a target; `key` is the one at the
    /// place of the error.
    pub(crate) fn shape(error: &toml::de::Error, key: &str) -> Self {
        let message = in_plain_words(error.message().trim());
        let span = error.span().unwrap_or_default();
        let problem = Self::new(span, shape_title(&message), message.as_str());
        match quoted(&message).split_first() {
            Some((word, [])) if message.starts_with("missing field") => {
                let whole_file = problem.span.start == 0;
                let section = whole_file && SECTIONS.contains(word);
                problem.help(if section {
                    format!("add a section `[{word}]`")
                } else {
                    format!("add `{word} = {}`", example(word).unwrap_or("…"))
                })
            }
            Some((word, valid)) if message.starts_with("unknown") => {
                problem.did_you_mean(word, valid.iter().copied())
            }
            _ => match example(key).filter(|_| message.ends_with("expected a string")) {
                Some(example) => problem.help(format!("write it in quotes: `{key} = {example}`")),
                None => problem,
            },
        }
    }
}

/// Keys whose values have a syntax of their own, each with an example as it is written.
const EXAMPLES: [(&str, &str); 15] = [
    ("within", "\"10s\""),
    ("every", "\"200ms\""),
    ("again-for", "\"30s\""),
    ("on", "\"n1\""),
    ("grace", "\"5s\""),
    ("connect-timeout", "\"500ms\""),
    ("timeout", "\"2s\""),
    ("clock-error", "\"10ms\""),
    ("step-down", "\"5s\""),
    ("new-leader", "\"10s\""),
    ("recovery", "\"30s\""),
    ("schema", "1"),
    ("nodes", "3"),
    ("method", "\"GET\""),
    ("atomic", "false"),
];

/// A value that the key could have.
fn example(key: &str) -> Option<&'static str> {
    EXAMPLES.iter().find(|(known, _)| *known == key).map(|(_, value)| *value)
}

/// The sections that a file cannot do without.
const SECTIONS: [&str; 5] = ["binary", "cluster", "node", "client", "ops"];

/// The headline for what serde says.
fn shape_title(message: &str) -> &'static str {
    const TITLES: [(&str, &str); 4] = [
        ("unknown field", "unknown key"),
        ("missing field", "missing key"),
        ("invalid type", "wrong type"),
        ("duplicate", "key given twice"),
    ];
    TITLES
        .iter()
        .find(|(start, _)| message.starts_with(start))
        .map_or("wrong value", |(_, title)| title)
}

/// Rust's names of number types mean nothing to who writes a target.
fn in_plain_words(message: &str) -> String {
    message
        .replace("expected u16", "expected an integer from 0 to 65535")
        .replace("expected u32", "expected an integer above 0")
        .replace("expected a boolean", "expected `true` or `false`, without quotes")
}

/// The words between backticks.
fn quoted(message: &str) -> Vec<&str> {
    message.split('`').skip(1).step_by(2).collect()
}

/// A file's text, to show errors in.
#[derive(Debug)]
pub struct Source<'a> {
    origin: &'a str,
    text: &'a str,
    tree: DeTable<'a>,
}

impl<'a> Source<'a> {
    /// Reads the text as TOML; `origin` is the file's path as shown to the user.
    ///
    /// # Errors
    /// If it is not TOML.
    pub fn parse(origin: &'a str, text: &'a str) -> Result<Self, Diagnostic> {
        match DeTable::parse(text) {
            Ok(tree) => Ok(Self { origin, text, tree: tree.into_inner() }),
            Err(error) => {
                Err(Self { origin, text, tree: DeTable::new() }.diagnose(&Problem::syntax(&error)))
            }
        }
    }

    /// What is written in it, each key and value with its place.
    #[must_use]
    pub fn tree(&self) -> &DeTable<'a> {
        &self.tree
    }

    /// The file's text.
    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// The path of the key whose name or value is at this place.
    pub(crate) fn key_at(&self, offset: usize) -> String {
        let mut path = String::new();
        find_in_table(&self.tree, offset, &mut path);
        path
    }

    /// What is wrong with the shape of the file.
    pub(crate) fn shape(&self, error: &toml::de::Error) -> Problem {
        let path = self.key_at(error.span().unwrap_or_default().start);
        Problem::shape(error, path.rsplit('.').next().unwrap_or_default())
    }

    /// Shows a problem in the file.
    #[must_use]
    pub fn diagnose(&self, problem: &Problem) -> Diagnostic {
        let span = self.clamped(&problem.span);
        let before = &self.text[..span.start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let key = self.key_at(span.start);
        Diagnostic {
            rendered: self.render(problem, span, &key),
            title: problem.title.clone(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            key,
        }
    }

    /// The span without line breaks at its end, inside the text and on character boundaries.
    fn clamped(&self, span: &Range<usize>) -> Range<usize> {
        let boundary = |offset: usize| {
            (0..=offset.min(self.text.len())).rev().find(|at| self.text.is_char_boundary(*at))
        };
        let start = boundary(span.start).unwrap_or(0);
        let end = boundary(span.end).unwrap_or(0).max(start);
        start..start + self.text[start..end].trim_end().len()
    }

    fn render(&self, problem: &Problem, span: Range<usize>, key: &str) -> String {
        let annotation = AnnotationKind::Primary.span(span).label(problem.label.as_str());
        let snippet = Snippet::source(self.text).path(self.origin).annotation(annotation);
        let mut group = Level::ERROR.primary_title(problem.title.as_str()).element(snippet);
        if !key.is_empty() {
            group = group.element(Level::NOTE.message(format!("in `{key}`")));
        }
        let mut report = vec![group];
        if let Some(help) = &problem.help {
            report.push(Group::with_title(Level::HELP.secondary_title(help.as_str())));
        }
        Renderer::plain().render(&report)
    }
}

/// Looks through all entries, as the contents of a `[section]` lie outside of its header's span.
fn find_in_table(table: &DeTable<'_>, offset: usize, path: &mut String) -> bool {
    table.iter().any(|(key, value)| {
        let length = path.len();
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(key.get_ref());
        let found = find_in_value(value, offset, path) || holds(&key.span(), offset);
        if !found {
            path.truncate(length);
        }
        found
    })
}

fn find_in_value(value: &Spanned<DeValue<'_>>, offset: usize, path: &mut String) -> bool {
    let inside = match value.get_ref() {
        DeValue::Table(table) => find_in_table(table, offset, path),
        DeValue::Array(items) => items.iter().enumerate().any(|(index, item)| {
            let length = path.len();
            path.push_str(&format!("[{index}]"));
            let found = find_in_value(item, offset, path);
            if !found {
                path.truncate(length);
            }
            found
        }),
        _ => false,
    };
    inside || holds(&value.span(), offset)
}

fn holds(span: &Range<usize>, offset: usize) -> bool {
    span.contains(&offset) || (span.is_empty() && span.start == offset && offset > 0)
}
