//! A loaded target: what a file declares, validated and compiled, before any cluster exists.
//!
//! It deliberately starts nothing and opens no connection; [`Target::deploy`] only renders.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fracas_checker::fault::FaultKind;
use fracas_checker::{NodeId, OpKind};

use crate::choices::Alone;
use crate::cluster::ClusterSpec;
use crate::declared;
use crate::deploy::Deployment;
use crate::diagnostic::Diagnostic;
use crate::known::{Known, KnownFault, Settings};
use crate::promises::Promises;
use crate::setting::Setting;
use crate::setup::{Side, StepRule};
use crate::spec::Spec;
use crate::status::Means;
use crate::template::{RenderError, variables_of_binary, variables_of_target};

/// A system under test.
#[derive(Debug, Clone)]
pub struct Target {
    spec: Arc<Spec>,
}

impl Target {
    /// Loads a target from the text of its file; `origin` is the file's path as shown to the user,
    /// and `faults` are the kinds that it may allow.
    ///
    /// # Errors
    /// If anything in it is not valid: every key, every template, pointer and pattern is looked at.
    pub fn parse(origin: &str, text: &str, faults: &[KnownFault]) -> Result<Self, Diagnostic> {
        Self::load(origin, text, Known { faults, settings: &Settings::new(), serves: None })
    }

    /// The same with the values of settings. Where its client program said what it serves, its
    /// promises are held against that.
    ///
    /// # Errors
    /// As [`Self::parse`]; if it has no such setting, or a setting no such value; and if something
    /// is promised that the program does not serve.
    pub fn load(origin: &str, text: &str, known: Known<'_>) -> Result<Self, Diagnostic> {
        declared::load(origin, text, known).map(|spec| Self { spec: Arc::new(spec) })
    }

    /// The command of its client program, if one performs the operations; `dir` is where the target
    /// file is.
    #[must_use]
    pub fn client_program(&self, dir: &Path) -> Option<Vec<String>> {
        let variables = variables_of_target(dir, &self.spec.settings);
        let render = |part| {
            let rendered = self.spec.templates.render(part, &variables);
            rendered.expect("it was rendered with another path when the target was loaded")
        };
        Some(self.spec.client.program.as_ref()?.argv.iter().map(render).collect())
    }

    /// Its name, used in the names of run directories.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// One line about it.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.spec.description
    }

    /// How many nodes a cluster has unless the user says otherwise.
    #[must_use]
    pub fn default_nodes(&self) -> u16 {
        self.spec.nodes
    }

    /// The program: a name to look up in `PATH`, or a path relative to the target's file.
    #[must_use]
    pub fn binary_path(&self) -> &str {
        &self.spec.binary
    }

    /// What to install where the program or what it needs is missing, for people.
    #[must_use]
    pub fn install(&self) -> Option<&str> {
        self.spec.install.as_deref()
    }

    /// What to install where its client program is missing, for people.
    #[must_use]
    pub fn client_install(&self) -> Option<&str> {
        self.spec.client.program.as_ref()?.install.as_deref()
    }

    /// The files of the machine that its servers need beside the program.
    #[must_use]
    pub fn needs(&self, binary: &Path) -> Vec<PathBuf> {
        let variables = variables_of_binary(binary, &BTreeMap::new(), &self.spec.settings);
        let rendered = self.spec.needs(&variables);
        rendered.expect("it was rendered with another path when the target was loaded")
    }

    /// Its other programs: how templates name each, and what it is looked up by.
    #[must_use]
    pub fn other_binaries(&self) -> &BTreeMap<String, String> {
        &self.spec.others
    }

    /// The processes of a node, by name, and what each may be hit by alone; none where a node has one
    /// process without a name.
    pub fn processes(&self) -> impl Iterator<Item = (&str, &BTreeSet<Alone>)> {
        let all = self.spec.launch.processes.iter();
        all.filter_map(|process| Some((process.name.as_deref()?, &process.faults)))
    }

    /// The operations that can be asked of it.
    #[must_use]
    pub fn serves(&self) -> BTreeSet<OpKind> {
        self.spec.serves()
    }

    /// What it promises.
    #[must_use]
    pub fn promises(&self) -> &Promises {
        &self.spec.promises
    }

    /// Its settings, by their names.
    #[must_use]
    pub fn settings(&self) -> &BTreeMap<String, Setting> {
        &self.spec.settings
    }

    /// The faults it may be asked to endure.
    #[must_use]
    pub fn allowed_faults(&self) -> BTreeSet<FaultKind> {
        self.spec.faults.clone()
    }

    /// The command whose first line of output names the version; none if the file has no such
    /// command.
    #[must_use]
    pub fn version_command(
        &self,
        binary: &Path,
        others: &BTreeMap<String, PathBuf>,
    ) -> Option<Vec<String>> {
        let variables = variables_of_binary(binary, others, &self.spec.settings);
        let render = |part| {
            let rendered = self.spec.templates.render(part, &variables);
            rendered.expect("it was rendered with another path when the target was loaded")
        };
        Some(self.spec.version.as_ref()?.iter().map(render).collect())
    }

    /// The name of its servers' user, where the file gives them one.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.spec.launch.asks.user.as_deref()
    }

    /// Whether anything is prepared once on a machine.
    #[must_use]
    pub fn has_preparation(&self) -> bool {
        self.spec.prepare.is_some()
    }

    /// Whether that depends on what the server says of its version.
    #[must_use]
    pub fn prepares_by_version(&self) -> bool {
        self.spec.prepare.as_ref().is_some_and(|prepare| prepare.by_version)
    }

    /// Whether anything is run between the start of a cluster and its load.
    #[must_use]
    pub fn has_setup(&self) -> bool {
        !self.spec.setup.is_empty()
    }

    /// The last of the nodes that something is run on then.
    #[must_use]
    pub fn setup_node(&self) -> Option<NodeId> {
        let node = |rule: &StepRule| match rule.on {
            Side::Node(node) => Some(node),
            Side::Clients => None,
        };
        self.spec.setup.iter().filter_map(node).max()
    }

    /// Whether there is any way to see who leads.
    #[must_use]
    pub fn has_leaders(&self) -> bool {
        self.spec.status.is_some()
    }

    /// Whether its client program is asked who leads.
    #[must_use]
    pub fn asks_program_for_status(&self) -> bool {
        self.spec.status.as_ref().is_some_and(|status| matches!(status.means, Means::Program))
    }

    /// Renders all commands, files and addresses for one cluster.
    ///
    /// # Errors
    /// If a template cannot be rendered, though it could be with sample nodes.
    pub fn deploy(&self, cluster: &ClusterSpec) -> Result<Deployment, RenderError> {
        Deployment::render(Arc::clone(&self.spec), cluster)
    }
}
