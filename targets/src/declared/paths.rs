//! Paths of files of a node.

use fracas_checker::NodeId;

use super::places::Text;
use super::try_template::{Compiler, Scope, sample_dir};
use crate::diagnostic::Problem;
use crate::template::Template;

/// All nodes share one file system, so each must keep to its own directory.
pub(super) fn path_of_node(compiler: &mut Compiler<'_>, text: &Text) -> Result<Template, Problem> {
    let tried = compiler.tried(text, Scope::Node)?;
    let own = |(number, path): (u16, &String)| {
        let dir = format!("{}/", sample_dir(NodeId(number)));
        path.strip_prefix(&dir).is_some_and(|rest| !rest.split('/').any(|step| step == ".."))
    };
    if (1..).zip(&tried.samples).all(own) {
        return Ok(tried.template);
    }
    let label = "must lie in the node's own directory";
    Err(Problem::new(text.span(), "path outside of the node's directory", label)
        .help("let it start with `{{ node.dir }}/`"))
}
