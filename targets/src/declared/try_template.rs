//! Compiling templates and trying them on a sample cluster, so that a mistake is found at load.
//!
//! Rendering alone would miss what stands in a branch not taken; so the variables a template
//! mentions are compared with the known ones first.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::ops::Range;
use std::path::Path;

use fracas_checker::{NodeId, OpKind};
use minijinja::ErrorKind;
use minijinja::value::ValueKind;
use regex_lite::Regex;

use super::places::Text;
use crate::cluster::{ClusterSpec, NodeSpec, PrepareIn};
use crate::diagnostic::{Problem, Source};
use crate::nearest::nearest;
use crate::setting::Setting;
use crate::template::{
    Binaries, Fixed, SAMPLE_PROCESS, STEPS_MAX, TEXT_MAX, Template, Templates, Variables,
    variables_of_binary, variables_of_clients, variables_of_member, variables_of_node,
    variables_of_op, variables_of_prepare, variables_of_settings, variables_of_target,
};

/// The filters that target files are likely to use, for “did you mean”.
const FILTERS: [&str; 9] =
    ["tojson", "b64encode", "join", "lower", "upper", "replace", "trim", "length", "default"];

/// What a loop adds to the words that may follow a dot.
const LOOP_WORDS: [&str; 7] =
    ["first", "last", "index", "index0", "revindex", "revindex0", "length"];

/// Where target files are, for samples.
const TARGETS: &str = "/targets";

/// Which variables a template may use.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scope {
    /// The settings only.
    Settings,
    /// The server's program only.
    Server,
    /// The programs only.
    Binary,
    /// Where the target file is.
    Target,
    /// Those of the clients: no node's.
    Clients,
    /// Those of what is prepared: no node's.
    Prepare,
    /// The same, and the version of the program.
    PrepareKey,
    /// Those of a node.
    Node,
    /// Those of a node and of an operation.
    Op(OpKind),
    /// Those of a node, of the node that is asked about it, and what it is called as a member.
    Member,
}

/// Compiles the templates of one file.
#[derive(Debug)]
pub(crate) struct Compiler<'a> {
    pub(super) source: &'a Source<'a>,
    pub(super) templates: Templates,
    pub(super) ports: BTreeMap<String, u16>,
    pub(super) settings: BTreeMap<String, Setting>,
    /// The names of the target's other programs.
    pub(super) others: BTreeSet<String>,
}

/// A good template, and what it renders to for each node of the sample cluster.
#[derive(Debug)]
pub(crate) struct Tried {
    pub(crate) template: Template,
    pub(crate) samples: Vec<String>,
}

/// The directory of a sample node.
pub(super) fn sample_dir(node: NodeId) -> String {
    format!("/run/nodes/{node}")
}

fn sample_cluster(others: &BTreeSet<String>) -> ClusterSpec {
    let node = |number: u8| {
        let id = NodeId(number.into());
        NodeSpec { id, ip: Ipv4Addr::new(10, 77, 0, number), dir: sample_dir(id).into() }
    };
    let nodes = (1..=3).map(node).collect();
    let sample = |name: &String| (name.clone(), format!("/usr/bin/{name}").into());
    let others = others.iter().map(sample).collect();
    ClusterSpec { binary: "/usr/bin/server".into(), others, nodes, extra_args: Vec::new() }
}

impl Compiler<'_> {
    /// Compiles the text and renders it for every node of a sample cluster.
    pub(crate) fn tried(&mut self, text: &Text, scope: Scope) -> Result<Tried, Problem> {
        let key = self.source.key_at(text.span().start);
        let template = self
            .templates
            .add(key, text.get_ref())
            .map_err(|error| self.refused(text, &error, &Variables::new()))?;
        let mut samples = Vec::new();
        for variables in self.sample_variables(scope) {
            self.known_only(text, &template, &variables)?;
            let rendered = self.templates.try_render(&template, &variables);
            samples.push(rendered.map_err(|error| self.refused(text, &error, &variables))?);
        }
        Ok(Tried { template, samples })
    }

    /// As [`Self::tried`], where it does not matter what comes out.
    pub(crate) fn template(&mut self, text: &Text, scope: Scope) -> Result<Template, Problem> {
        self.tried(text, scope).map(|tried| tried.template)
    }

    fn sample_variables(&self, scope: Scope) -> Vec<Variables> {
        let cluster = sample_cluster(&self.others);
        let settings = &self.settings;
        let fixed = Fixed { ports: &self.ports, settings };
        let of_node = |node| variables_of_node(&cluster, node, fixed);
        match scope {
            Scope::Settings => vec![variables_of_settings(settings)],
            Scope::Server => vec![variables_of_binary(&cluster.binary, &BTreeMap::new(), settings)],
            Scope::Binary => vec![variables_of_binary(&cluster.binary, &cluster.others, settings)],
            Scope::Target => vec![variables_of_target(Path::new(TARGETS), settings)],
            Scope::Prepare => vec![self.sample_of_prepare(None)],
            Scope::PrepareKey => vec![self.sample_of_prepare(Some("server 1.0"))],
            Scope::Clients => vec![variables_of_clients(&cluster, fixed, Path::new(TARGETS))],
            Scope::Node => cluster.nodes.iter().map(of_node).collect(),
            Scope::Member => {
                let others = cluster.nodes.iter().cycle().skip(1);
                let pairs = cluster.nodes.iter().zip(others);
                let of_pair = |(node, via)| {
                    variables_of_member(&of_node(node), &of_node(via), "8e9e05c52164694d")
                };
                pairs.map(of_pair).collect()
            }
            Scope::Op(kind) => {
                let id = format!("{SAMPLE_PROCESS}-0");
                let op = kind.sample();
                let of_op = |node| variables_of_op(&of_node(node), SAMPLE_PROCESS, id.clone(), &op);
                cluster.nodes.iter().map(of_op).collect()
            }
        }
    }

    fn sample_of_prepare(&self, version: Option<&str>) -> Variables {
        let (target, dir) = (Path::new(TARGETS), Path::new("/prepared"));
        let around = PrepareIn { target, dir, version };
        let fixed = Fixed { ports: &self.ports, settings: &self.settings };
        variables_of_prepare(&sample_cluster(&self.others), fixed, &around)
    }

    /// A text of ours, which is right.
    pub(super) fn own(&mut self, key: &str, text: &str) -> Template {
        self.templates.add(key.to_owned(), text).expect("it is a template")
    }

    /// Every variable that is mentioned, in whichever branch, must be known.
    fn known_only(
        &self,
        text: &Text,
        template: &Template,
        variables: &Variables,
    ) -> Result<(), Problem> {
        let known = paths(variables);
        let mentioned = self.templates.mentioned(template);
        match mentioned.iter().find(|path| !is_known(path, variables)) {
            Some(unknown) => Err(self.unknown_variable(text, unknown, &known)),
            None => Ok(()),
        }
    }

    fn unknown_variable(&self, text: &Text, unknown: &str, known: &[String]) -> Problem {
        let listed: Vec<String> = known.iter().map(|path| format!("`{path}`")).collect();
        let label = match listed.is_empty() {
            true => "this target has no settings: expected no variable".to_owned(),
            false => format!("expected one of {}", listed.join(", ")),
        };
        let span = self.place_of(text, unknown);
        Problem::new(span, format!("unknown variable `{unknown}`"), label)
            .did_you_mean(unknown, known.iter().map(String::as_str))
    }

    /// What the template engine refused, as precisely as can be told.
    fn refused(&self, text: &Text, error: &minijinja::Error, variables: &Variables) -> Problem {
        let detail = error.detail().unwrap_or_default();
        match error.kind() {
            ErrorKind::UndefinedError => {
                if let Some((field, known)) = unknown_field(text.get_ref(), variables) {
                    return self.unknown_variable(text, &field, &known);
                }
            }
            ErrorKind::UnknownFilter => {
                let filter = detail.split_whitespace().nth(1).unwrap_or_default();
                return Problem::new(self.place_of(text, filter), "unknown filter", detail)
                    .did_you_mean(filter, FILTERS);
            }
            ErrorKind::OutOfFuel => {
                let label = format!("it takes more than {STEPS_MAX} steps");
                return Problem::new(text.span(), "template does not come to an end", label);
            }
            ErrorKind::WriteFailure => {
                let label = format!("it becomes longer than {TEXT_MAX} bytes");
                return Problem::new(text.span(), "rendered text is too long", label);
            }
            _ => {}
        }
        Problem::new(text.span(), "template does not render", format!("{}: {detail}", error.kind()))
    }

    /// Where a name stands in a text; the whole text if it cannot be told, as in a string with
    /// escapes.
    fn place_of(&self, text: &Text, name: &str) -> Range<usize> {
        let span = text.span();
        let raw = &self.source.text()[span.clone()];
        let code = raw.find("{{").into_iter().chain(raw.find("{%")).min().unwrap_or(0);
        let part_of_name = |letter: char| letter.is_alphanumeric() || letter == '_';
        let alone = |at: usize| {
            !raw[..at].ends_with(part_of_name) && !raw[at + name.len()..].starts_with(part_of_name)
        };
        let mut places = raw.match_indices(name).map(|(at, _)| at).filter(|at| *at >= code);
        places
            .find(|at| alone(*at))
            .map_or(span.clone(), |at| span.start + at..span.start + at + name.len())
    }
}

/// All names a template may use: `binary`, `node.id`, …
fn paths(variables: &Variables) -> Vec<String> {
    let mut paths = Vec::new();
    for (name, value) in variables {
        let programs = value.downcast_object_ref::<Binaries>();
        let fields = programs.into_iter().flat_map(Binaries::fields);
        paths.extend(fields.map(|field| format!("{name}.{field}")));
        match value.try_iter() {
            Ok(fields) if value.kind() == ValueKind::Map => {
                paths.extend(fields.map(|field| format!("{name}.{field}")));
            }
            _ => paths.push((*name).to_owned()),
        }
    }
    paths
}

/// Whether the first two steps of a path exist.
fn is_known(path: &str, variables: &Variables) -> bool {
    let mut steps = path.split('.');
    let Some(value) = steps.next().and_then(|name| variables.get(name)) else { return false };
    match steps.next() {
        Some(field) if matches!(value.kind(), ValueKind::Map | ValueKind::Plain) => {
            value.get_attr(field).is_ok_and(|found| !found.is_undefined())
        }
        _ => true,
    }
}

/// The first `thing.field` in the tags of a text whose field nothing has, such as `n.idd` in a loop
/// over `nodes`, and what it may have been meant for.
fn unknown_field(text: &str, variables: &Variables) -> Option<(String, Vec<String>)> {
    let paths = paths(variables);
    let fields: Vec<&str> =
        paths.iter().filter_map(|path| Some(path.split_once('.')?.1)).chain(LOOP_WORDS).collect();
    let tags = Regex::new(r"(?s)\{[{%].*?[%}]\}").expect("a fixed pattern");
    let steps = Regex::new(r"([A-Za-z_]\w*)\.([A-Za-z_]\w*)").expect("a fixed pattern");
    let mut found = tags.find_iter(text).flat_map(|tag| steps.captures_iter(tag.as_str()));
    let unknown = found.find(|found| !fields.contains(&&found[2]))?;
    let near = nearest(&unknown[2], fields.iter().copied());
    let known = near.map_or(paths.clone(), |field| vec![format!("{}.{field}", &unknown[1])]);
    Some((unknown[0].to_owned(), known))
}
