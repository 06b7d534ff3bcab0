//! A target on the lab of a run: its templates filled in, as it is started first and as it may come
//! back after a kill. Nothing is started here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fracas_checker::fault::RestartAs;
use fracas_targets::{ClusterSpec, NodeSpec};

use crate::cluster::Deployments;
use crate::plan::RunPlan;
use crate::run::error::RunError;
use fracas_lab::agent::{Facts, Site};

/// The target as it is started, and as it may come back.
///
/// # Errors
/// When its templates cannot be filled in.
pub fn deployments(plan: &RunPlan, facts: &Facts) -> Result<Deployments, RunError> {
    let nodes = nodes(facts);
    let others = plan.spec.other_binaries.iter();
    let others: BTreeMap<String, PathBuf> =
        others.map(|(name, other)| (name.clone(), other.path.clone())).collect();
    let deployed = |binary: &Path, extra_args: &[String]| {
        let (nodes, extra_args) = (nodes.clone(), extra_args.to_vec());
        let (binary, others) = (binary.to_owned(), others.clone());
        let spec = ClusterSpec { binary, others, nodes, extra_args };
        let deployed = plan.target.deploy(&spec).map(Arc::new);
        deployed.map_err(|error| RunError::Render(error.to_string()))
    };
    let mut again = BTreeMap::new();
    if let Some(next) = &plan.spec.binary_next {
        again.insert(RestartAs::NextBinary, deployed(next, &plan.spec.extra_args)?);
    }
    if !plan.spec.restart_args.is_empty() {
        let arguments = [&plan.spec.extra_args[..], &plan.spec.restart_args].concat();
        again.insert(RestartAs::OtherFlags, deployed(&plan.spec.binary, &arguments)?);
    }
    Ok(Deployments {
        binary: plan.spec.binary.clone(),
        binary_next: plan.spec.binary_next.clone(),
        first: deployed(&plan.spec.binary, &plan.spec.extra_args)?,
        again,
    })
}

/// The nodes as a target is told of them.
#[must_use]
pub fn nodes(facts: &Facts) -> Vec<NodeSpec> {
    let node =
        |(id, site): (&_, &Site)| NodeSpec { id: *id, ip: site.address, dir: site.dir.clone() };
    facts.nodes.iter().map(node).collect()
}
