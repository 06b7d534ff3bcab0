//! Judging `[prepare]`: what is made once on a machine, for all nodes and runs.

use std::time::Duration;

use super::file::{File, Prepare};
use super::paths::path_of_node;
use super::places::Text;
use super::setup::command;
use super::try_template::{Compiler, Scope};
use super::values::duration;
use crate::diagnostic::Problem;
use crate::prepare::PrepareRule;
use crate::template::Template;

/// How long it may take where the file does not say.
const WITHIN: Duration = Duration::from_secs(300);

/// The variable of the server's version, and what is looked at for it.
const VERSION: &str = "binary.version";

/// Compiles what is prepared, if anything is.
pub(super) fn prepare(
    compiler: &mut Compiler<'_>,
    file: &File,
) -> Result<Option<PrepareRule>, Problem> {
    let Some(written) = &file.prepare else { return Ok(None) };
    let Prepare { command: words, key, into, within } = written;
    let (key, by_version) = keys(compiler, key, file.binary.version.is_some())?;
    Ok(Some(PrepareRule {
        command: command(compiler, words, Scope::Prepare)?,
        key,
        by_version,
        into: match into {
            Some(into) => path_of_node(compiler, into)?,
            None => compiler.own("prepare.into", "{{ node.dir }}"),
        },
        within: within.as_ref().map_or(Ok(WITHIN), duration)?,
    }))
}

/// What the command depends on; and whether the server's version is in it.
fn keys(
    compiler: &mut Compiler<'_>,
    texts: &[Text],
    tells_version: bool,
) -> Result<(Vec<Template>, bool), Problem> {
    let (mut key, mut by_version) = (Vec::new(), false);
    for text in texts {
        let template = compiler.template(text, Scope::PrepareKey)?;
        let mentions = compiler.templates.mentioned(&template).iter().any(|name| name == VERSION);
        if mentions && !tells_version {
            let label = "needs `binary.version`, the command that tells it";
            return Err(Problem::new(text.span(), "nothing tells the server's version", label));
        }
        by_version |= mentions;
        key.push(template);
    }
    Ok((key, by_version))
}
