//! Judging `[client]`: by what means operations are performed.

use std::collections::BTreeSet;
use std::time::Duration;

use fracas_checker::OpKind;
use toml::Spanned;

use super::file::Client;
use super::one_of_several::Redirects;
use super::places::Text;
use super::requests::missing;
use super::try_template::{Compiler, Scope};
use super::values::{duration, installed};
use crate::choices::Route;
use crate::diagnostic::Problem;
use crate::protocol::Speech;
use crate::protocols::spoken;
use crate::spec::ProgramRule;
use crate::template::Template;

/// How nodes are spoken to, before any request is compiled.
pub(super) struct Means {
    /// Where and how nodes are asked.
    pub(super) asked: Option<(Template, Box<dyn Speech>)>,
    pub(super) program: Option<ProgramRule>,
    pub(super) connect_timeout: Duration,
    pub(super) timeout: Duration,
    pub(super) route: Route,
    pub(super) follows: bool,
}

/// Compiles how a node is spoken to; `serves` is what a client program said that it serves.
pub(super) fn client(
    compiler: &mut Compiler<'_>,
    section: &Spanned<Client>,
    serves: &BTreeSet<OpKind>,
) -> Result<Means, Problem> {
    let client = section.get_ref();
    let moved = client.redirects.as_ref().filter(|it| *it.get_ref() == Redirects::Moved);
    if let (Some(redirects), Some(_)) = (moved, &client.program) {
        let label = "expected no `redirects`: a client program answers `fail` where a node sends an operation away";
        return Err(Problem::new(redirects.span(), "redirects of a client program", label));
    }
    if client.base.is_none() && client.program.is_none() {
        return Err(missing(section.span(), "base", "\"http://…\"")
            .help("add `base = \"http://…\"`, or `program = [\"…\"]` for a client program"));
    }
    let timeout = duration(&client.timeout)?;
    let connect_timeout = match (&client.connect_timeout, &client.base) {
        (Some(time), _) => duration(time)?,
        (None, None) => timeout,
        (None, Some(_)) => return Err(missing(section.span(), "connect-timeout", "\"500ms\"")),
    };
    let asked = client.base.as_ref().map(|base| spoken(compiler, base)).transpose()?;
    let never = asked.as_ref().map(|(_, speech)| speech.form()).filter(|form| !form.redirects);
    if let (Some(redirects), Some(form)) = (moved, never) {
        let label =
            format!("`{}://` has no answer that sends an operation to another node", form.scheme);
        return Err(Problem::new(redirects.span(), "redirects that never come", label));
    }
    Ok(Means {
        asked,
        program: program(compiler, client, serves)?,
        connect_timeout,
        timeout,
        route: client.route.as_ref().map_or(Route::Node, |route| *route.get_ref()),
        follows: moved.is_some(),
    })
}

fn program(
    compiler: &mut Compiler<'_>,
    client: &Client,
    serves: &BTreeSet<OpKind>,
) -> Result<Option<ProgramRule>, Problem> {
    let Some(program) = &client.program else {
        let parameter = client.parameters.values().next().map(|first| (first, "parameters"));
        let install = client.install.as_ref().map(|install| (install, "install"));
        return match parameter.or(install) {
            Some((first, key)) => Err(program_only(first, key)),
            None => Ok(None),
        };
    };
    if program.get_ref().is_empty() {
        let label = "expected the program and its arguments";
        return Err(Problem::new(program.span(), "the command is empty", label));
    }
    let words = program.get_ref().iter().map(|word| compiler.template(word, Scope::Target));
    let argv = words.collect::<Result<_, _>>()?;
    let parameters = client.parameters.iter();
    let parameters = parameters
        .map(|(name, text)| Ok((name.clone(), compiler.template(text, Scope::Settings)?)))
        .collect::<Result<_, _>>()?;
    let install = client.install.as_ref().map(installed).transpose()?;
    Ok(Some(ProgramRule { argv, parameters, install, serves: serves.clone() }))
}

/// A key that means something to client programs only.
fn program_only(text: &Text, key: &str) -> Problem {
    let label = "needs `program = [\"…\"]` beside it";
    Problem::new(text.span(), format!("`{key}` without `program`"), label)
}
