//! One run of a series, before it is decided.

use std::rc::Rc;

use fracas_engine::plan::RunPlan;

use super::from_spec;
use super::run::decide;
use super::run_args::RunArgs;

/// A run that is to be carried out.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// What it is made from.
    pub(super) args: Rc<RunArgs>,
    /// The system under test.
    pub(super) target: String,
    /// The number that all random choices come from.
    pub(super) seed: u64,
}

impl Item {
    /// Merges flags, plan and target into a run.
    ///
    /// # Errors
    /// A text for the user: what is wrong with it.
    pub(super) fn decide(&self) -> Result<RunPlan, String> {
        let decided = match &self.args.spec {
            Some(path) => from_spec::decide(&self.args, path),
            None => decide(&self.args, &self.target, self.seed),
        };
        decided.map_err(|error| match &self.args.planned {
            None => error,
            Some(planned) => format!("{error}\nnote: in the row `{}` of the plan", planned.row),
        })
    }

    /// What it is called in a list of several.
    pub(super) fn name(&self) -> &str {
        self.args.planned.as_ref().map_or(&self.target, |planned| &planned.row)
    }
}
