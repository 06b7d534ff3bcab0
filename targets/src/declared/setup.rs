//! Judging `[[setup]]`: steps between the start of a cluster and its load.

use std::time::Duration;

use fracas_checker::NodeId;
use toml::Spanned;

use super::file::{File, Step, StepExpect};
use super::places::Text;
use super::status::regex;
use super::try_template::{Compiler, Scope};
use super::values::duration;
use crate::diagnostic::Problem;
use crate::setup::{EXIT_MAX, Expect, Side, StepRule};
use crate::template::Template;

/// The word for the side of the clients.
const CLIENTS: &str = "clients";

/// How long one attempt may take where the file does not say.
const WITHIN: Duration = Duration::from_secs(30);

/// Compiles all steps.
pub(super) fn steps(compiler: &mut Compiler<'_>, file: &File) -> Result<Vec<StepRule>, Problem> {
    let nodes = *file.cluster.nodes.get_ref();
    file.setup.iter().map(|written| step(compiler, written, nodes)).collect()
}

fn step(compiler: &mut Compiler<'_>, written: &Step, nodes: u16) -> Result<StepRule, Problem> {
    let on = side(&written.on, nodes)?;
    let scope = if on == Side::Clients { Scope::Clients } else { Scope::Node };
    let command = command(compiler, &written.command, scope)?;
    let expect =
        written.expect.as_ref().map_or(Ok(Expect { exit: Some(0), text: None }), expect)?;
    let within = written.within.as_ref().map(duration).transpose()?;
    let again_for = written.again_for.as_ref().map(duration).transpose()?;
    Ok(StepRule {
        on,
        command,
        expect,
        within: within.unwrap_or(WITHIN),
        again_for: again_for.unwrap_or_default(),
    })
}

/// A program and its arguments, in templates of this scope.
pub(super) fn command(
    compiler: &mut Compiler<'_>,
    words: &Spanned<Vec<Text>>,
    scope: Scope,
) -> Result<Vec<Template>, Problem> {
    if words.get_ref().is_empty() {
        let label = "expected the program and its arguments";
        return Err(Problem::new(words.span(), "the command is empty", label));
    }
    words.get_ref().iter().map(|word| compiler.template(word, scope)).collect()
}

/// The place that a word means, in a cluster of so many nodes.
fn side(on: &Text, nodes: u16) -> Result<Side, Problem> {
    let word = on.get_ref();
    if word == CLIENTS {
        return Ok(Side::Clients);
    }
    if let Ok(node) = word.parse::<NodeId>()
        && (1..=nodes).contains(&node.0)
    {
        return Ok(Side::Node(node));
    }
    let names: Vec<String> = (1..=nodes).map(|number| NodeId(number).to_string()).collect();
    let (first, last) = (names.first().cloned(), names.last().cloned());
    let range = match (first, last) {
        (Some(first), Some(last)) if first != last => format!("a node from `{first}` to `{last}`"),
        (first, _) => format!("`{}`", first.unwrap_or_default()),
    };
    let title = format!("nothing is run on `{word}`");
    let words = names.iter().map(String::as_str).chain([CLIENTS]);
    Err(Problem::new(on.span(), title, format!("expected `{CLIENTS}`, or {range}"))
        .did_you_mean(word, words))
}

fn expect(written: &Spanned<StepExpect>) -> Result<Expect, Problem> {
    let StepExpect { exit, text } = written.get_ref();
    if exit.is_none() && text.is_none() {
        let label = "expected `exit`, `text` or both";
        return Err(Problem::new(written.span(), "nothing is expected", label));
    }
    let exit = exit.as_ref().map(|exit| match u8::try_from(*exit.get_ref()) {
        Ok(status) if status <= EXIT_MAX => Ok(status),
        _ => {
            let title = format!("`{}` is not a status that a step can expect", exit.get_ref());
            Err(Problem::new(exit.span(), title, format!("expected a number from 0 to {EXIT_MAX}")))
        }
    });
    Ok(Expect { exit: exit.transpose()?, text: text.as_ref().map(regex).transpose()? })
}
