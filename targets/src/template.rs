//! Text with variables: compiled once when a target is loaded, rendered for every node and request.
//!
//! Undefined variables are errors, never empty text. Nothing here knows what a text is for.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fracas_checker::{NodeId, Op, ProcessId};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Object, ObjectRepr, Serde};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

use crate::arguments::{Argument, arguments};
use crate::cluster::{ClusterSpec, NodeSpec, PrepareIn};
use crate::reply::ClientError;
use crate::setting::Setting;

/// The client that sample requests come from.
pub(crate) const SAMPLE_PROCESS: ProcessId = ProcessId(0);

/// The field of `binary` that is no program.
pub(crate) const VERSION: &str = "version";

/// The names a template may use, with their values.
pub(crate) type Variables = BTreeMap<&'static str, Value>;

/// How many steps one template may take: a file from elsewhere may never come to an end otherwise.
pub(crate) const STEPS_MAX: u64 = 100_000;

/// How long one rendered text may be, in bytes.
pub(crate) const TEXT_MAX: usize = 1 << 20;

/// A text that could not be rendered for a certain node or request, though it could be for the
/// sample cluster when the target was loaded.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The template itself failed.
    #[error("render `{key}`: {source}")]
    Template {
        /// The key of the target file that holds it.
        key: String,
        /// What the template engine says.
        source: minijinja::Error,
    },
    /// The rendered text is not an address.
    #[error("`{url}` is not a URL: {reason}")]
    Url {
        /// The rendered text.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The rendered text cannot be a header.
    #[error("`{name}: {value}` is not an HTTP header")]
    Header {
        /// The header's name.
        name: String,
        /// The rendered text.
        value: String,
    },
    /// Something is to be run on a node that there is not.
    #[error("run a step of `setup` on {0}: the cluster has {1} nodes")]
    NoNode(NodeId, usize),
    /// There is nothing to send requests with.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// A compiled template of one [`Templates`]: the key of the target file that holds it.
#[derive(Debug, Clone)]
pub(crate) struct Template(String);

/// All templates of a target.
#[derive(Debug)]
pub(crate) struct Templates(Environment<'static>);

impl Templates {
    /// No templates yet.
    pub(crate) fn new() -> Self {
        let mut env = Environment::new();
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        env.set_fuel(Some(STEPS_MAX));
        // A configuration file ends with the line break that its template ends with.
        let syntax = SyntaxConfig::builder().keep_trailing_newline(true).build();
        env.set_syntax(syntax.expect("the delimiters are the usual ones"));
        // By default the name decides: a key that ends in `.json` would have its text escaped.
        env.set_auto_escape_callback(|_| AutoEscape::None);
        env.add_filter("b64encode", |text: String| STANDARD.encode(text));
        Self(env)
    }

    /// Compiles the text found at `key`.
    pub(crate) fn add(&mut self, key: String, text: &str) -> Result<Template, minijinja::Error> {
        self.0.add_template_owned(key.clone(), text.to_owned())?;
        Ok(Template(key))
    }

    /// The variables the text mentions, loop variables left out, as paths such as `node.ip`.
    pub(crate) fn mentioned(&self, template: &Template) -> Vec<String> {
        let compiled = self.0.get_template(&template.0);
        let compiled = compiled.expect("a template is made by adding it");
        let mut names: Vec<String> = compiled.undeclared_variables(true).into_iter().collect();
        names.retain(|name| !self.0.globals().any(|(global, _)| global == name));
        names.sort();
        names
    }

    /// Renders with exactly these variables.
    pub(crate) fn render(
        &self,
        template: &Template,
        variables: &Variables,
    ) -> Result<String, RenderError> {
        self.try_render(template, variables)
            .map_err(|source| RenderError::Template { key: template.0.clone(), source })
    }

    /// As [`Self::render`], with the template engine's own error.
    pub(crate) fn try_render(
        &self,
        template: &Template,
        variables: &Variables,
    ) -> Result<String, minijinja::Error> {
        let mut text = Bounded(Vec::new());
        let compiled = self.0.get_template(&template.0)?;
        compiled.render_captured_to(Value::from(variables.clone()), &mut text)?;
        Ok(String::from_utf8(text.0).expect("templates and values are text"))
    }
}

/// A text that does not grow beyond [`TEXT_MAX`].
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if self.0.len() + more.len() > TEXT_MAX {
            return Err(io::Error::other("the text is too long"));
        }
        self.0.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What stands in a target file itself, and in no template.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fixed<'a> {
    pub(crate) ports: &'a BTreeMap<String, u16>,
    pub(crate) settings: &'a BTreeMap<String, Setting>,
}

/// What every template knows: `set`, the values of the settings.
pub(crate) fn variables_of_settings(settings: &BTreeMap<String, Setting>) -> Variables {
    let value = |(name, setting): (&String, &Setting)| (name.clone(), setting.value.clone());
    let values: BTreeMap<String, String> = settings.iter().map(value).collect();
    Variables::from([("set", Value::from(values))])
}

/// The program of a target, a text. Its fields are the target's other programs, and the version where
/// that is known.
#[derive(Debug)]
pub(crate) struct Binaries {
    program: String,
    fields: BTreeMap<String, String>,
}

impl Binaries {
    /// The value of `binary`: a plain text where there are no fields.
    fn value(binary: &Path, others: &BTreeMap<String, PathBuf>, version: Option<&str>) -> Value {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let program = text(binary);
        let others = others.iter().map(|(name, path)| (name.clone(), text(path)));
        let version = version.map(|version| (VERSION.to_owned(), version.to_owned()));
        let fields: BTreeMap<String, String> = others.chain(version).collect();
        match fields.is_empty() {
            true => Value::from(program),
            false => Value::from_object(Self { program, fields }),
        }
    }

    /// The names of the fields.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().map(String::as_str)
    }
}

impl Object for Binaries {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.fields.get(key.as_str()?).map(|text| Value::from(text.clone()))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.program)
    }
}

/// What the version command knows: `binary`.
pub(crate) fn variables_of_binary(
    binary: &Path,
    others: &BTreeMap<String, PathBuf>,
    settings: &BTreeMap<String, Setting>,
) -> Variables {
    let mut variables = variables_of_settings(settings);
    variables.insert("binary", Binaries::value(binary, others, None));
    variables
}

/// What the command of a client program knows: `target.dir`, where the target file is.
pub(crate) fn variables_of_target(dir: &Path, settings: &BTreeMap<String, Setting>) -> Variables {
    let dir = Value::from(dir.to_string_lossy().into_owned());
    let mut variables = variables_of_settings(settings);
    variables.insert("target", Value::from(BTreeMap::from([("dir", dir)])));
    variables
}

/// What a program on the side of the clients knows: `binary`, `nodes`, `port`, `target.dir`.
pub(crate) fn variables_of_clients(
    cluster: &ClusterSpec,
    fixed: Fixed<'_>,
    dir: &Path,
) -> Variables {
    let mut variables = variables_of_target(dir, fixed.settings);
    variables.extend(variables_of_cluster(cluster, fixed));
    variables
}

/// What a preparation knows: `binary` (with its `version`, where that is known), `port`, `target.dir`
/// and `prepare.dir`.
pub(crate) fn variables_of_prepare(
    cluster: &ClusterSpec,
    fixed: Fixed<'_>,
    around: &PrepareIn<'_>,
) -> Variables {
    let mut variables = variables_of_target(around.target, fixed.settings);
    let binary = Binaries::value(&cluster.binary, &cluster.others, around.version);
    variables.insert("binary", binary);
    let dir = Value::from(around.dir.to_string_lossy().into_owned());
    variables.insert("prepare", Value::from(BTreeMap::from([("dir", dir)])));
    variables.insert("port", of_ports(fixed.ports));
    variables
}

fn of_ports(ports: &BTreeMap<String, u16>) -> Value {
    let ports = ports.iter().map(|(name, port)| (name.clone(), Value::from(*port)));
    Value::from(ports.collect::<BTreeMap<String, Value>>())
}

/// What everything about a node knows: `binary`, `node`, `nodes`, `port`.
pub(crate) fn variables_of_node(
    cluster: &ClusterSpec,
    node: &NodeSpec,
    fixed: Fixed<'_>,
) -> Variables {
    let mut variables = variables_of_cluster(cluster, fixed);
    variables.insert("node", describe(node));
    variables
}

/// What all nodes have in common.
fn variables_of_cluster(cluster: &ClusterSpec, fixed: Fixed<'_>) -> Variables {
    let nodes: Vec<Value> = cluster.nodes.iter().map(describe).collect();
    let mut variables = variables_of_binary(&cluster.binary, &cluster.others, fixed.settings);
    variables.insert("nodes", Value::from(nodes));
    variables.insert("port", of_ports(fixed.ports));
    variables
}

/// What a change of the membership knows: what a node knows, which node is asked, and what the node is
/// called as a member.
pub(crate) fn variables_of_member(node: &Variables, via: &Variables, member: &str) -> Variables {
    let mut variables = node.clone();
    variables.insert("via", via.get("node").cloned().unwrap_or_default());
    variables.insert("member", Value::from(member));
    variables
}

fn describe(node: &NodeSpec) -> Value {
    Value::from(BTreeMap::from([
        ("id", Value::from(node.id.to_string())),
        ("ip", Value::from(node.ip.to_string())),
        ("dir", Value::from(node.dir.to_string_lossy().into_owned())),
    ]))
}

/// What a request knows beside its node: `process`, `op.id` (different for every request), and the
/// operation's own arguments.
pub(crate) fn variables_of_op(
    node: &Variables,
    process: ProcessId,
    id: String,
    op: &Op,
) -> Variables {
    let mut variables = node.clone();
    variables.insert("process", Value::from(process.0));
    variables.insert("op", Value::from(BTreeMap::from([("id", Value::from(id))])));
    variables.extend(arguments::<Value>(op));
    variables
}

impl Argument for Value {
    fn forever() -> Option<Self> {
        Some(0.into())
    }

    fn json(json: serde_json::Value) -> Self {
        Serde(json).into()
    }
}
