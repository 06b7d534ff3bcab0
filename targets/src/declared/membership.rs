//! Judging `[membership]`: how the cluster removes a node, and adds it again.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;

use super::client::Means;
use super::file::{Member, MemberList, Membership};
use super::places::Text;
use super::requests::{Keys, missing};
use super::status::regex;
use super::try_template::{Compiler, Scope};
use super::values::{duration, pointer, status as http_status};
use crate::diagnostic::Problem;
use crate::members::{Listed, MemberRules, MemberStep, StepRule};
use crate::protocol::{Declared, Purpose};

/// How long a change may take unless the file says so.
const WITHIN: Duration = Duration::from_secs(10);
/// The HTTP status of success unless the file says so.
const SUCCESS: u16 = 200;

/// Compiles the section; requests in it are those of the target's protocol.
pub(super) fn membership(
    compiler: &mut Compiler<'_>,
    section: &Spanned<Membership>,
    means: &mut Means,
) -> Result<MemberRules, Problem> {
    let file = section.get_ref();
    let mut steps = BTreeMap::new();
    let declared = [
        (MemberStep::List, file.list.as_ref()),
        (MemberStep::Remove, Some(&file.remove)),
        (MemberStep::Add, Some(&file.add)),
    ];
    for (step, member) in declared {
        if let Some(member) = member {
            steps.insert(step, rule(compiler, (step, member), means)?);
        }
    }
    let listed = match (&file.list, &file.listed) {
        (Some(_), Some(listed)) => Some(of_list(compiler, listed)?),
        (None, None) => None,
        (Some(list), None) => {
            return Err(missing(list.span(), "listed", "{ at = \"/members\", … }"));
        }
        (None, Some(listed)) => return Err(missing(listed.span(), "list", "{ path = \"…\" }")),
    };
    let args = file.args.iter().map(|argument| compiler.template(argument, Scope::Node));
    Ok(MemberRules {
        steps,
        listed,
        args: args.collect::<Result<_, _>>()?,
        forget: file.forget,
        within: file.within.as_ref().map_or(Ok(WITHIN), duration)?,
    })
}

/// A step: a program, or a request.
fn rule(
    compiler: &mut Compiler<'_>,
    (step, member): (MemberStep, &Spanned<Member>),
    means: &mut Means,
) -> Result<StepRule, Problem> {
    let keys = Keys::of_member(member);
    let Member { exec, status, text, .. } = member.get_ref();
    let request = keys.command.map(Spanned::span).or(keys.http.first().map(|(_, at)| at.clone()));
    let text = text.as_ref().map(regex).transpose()?;
    if let Some(words) = exec {
        if let Some(stray) = request.or(status.as_ref().map(Spanned::span)) {
            return Err(twice(stray, step));
        }
        return Ok(StepRule { exec: Some(program(compiler, words)?), status: None, text });
    }
    if request.is_none() {
        let title = format!("nothing says how members are asked to {}", step.word());
        return Err(Problem::new(member.span(), title, "expected a request, or `exec`"));
    }
    let Some((_, speech)) = &mut means.asked else {
        let label = "needs `client.base`, which may stand beside `client.program`; or `exec`";
        return Err(Problem::new(member.span(), "nobody says where nodes are asked", label));
    };
    let declared = Declared { keys, scope: Scope::Member, headers: None };
    speech.declare(Purpose::Member(step), compiler, &declared)?;
    let code = status.as_ref().map(|code| http_status(*code.get_ref(), code)).transpose()?;
    match (speech.form().has_status, code) {
        (false, Some(_)) => {
            let place = status.as_ref().map_or(member.span(), Spanned::span);
            let title = "`status` is a word of HTTP";
            Err(Problem::new(place, title, "expected `text` instead"))
        }
        (has_status, code) => {
            let status = has_status.then(|| code.unwrap_or(SUCCESS));
            Ok(StepRule { exec: None, status, text })
        }
    }
}

fn program(
    compiler: &mut Compiler<'_>,
    words: &Spanned<Vec<Text>>,
) -> Result<Vec<crate::template::Template>, Problem> {
    if words.get_ref().is_empty() {
        let label = "expected a program and its arguments";
        return Err(Problem::new(words.span(), "the step names no program", label));
    }
    words.get_ref().iter().map(|word| compiler.template(word, Scope::Member)).collect()
}

fn of_list(compiler: &mut Compiler<'_>, listed: &Spanned<MemberList>) -> Result<Listed, Problem> {
    let MemberList { at, node, is, id } = listed.get_ref();
    Ok(Listed {
        at: pointer(at)?,
        node: pointer(node)?,
        is: compiler.template(is, Scope::Node)?,
        id: id.as_ref().map(pointer).transpose()?,
    })
}

fn twice(place: Range<usize>, step: MemberStep) -> Problem {
    let title = format!("members are asked to {} in two ways", step.word());
    Problem::new(place, title, "expected a request or `exec`, and not both")
}
