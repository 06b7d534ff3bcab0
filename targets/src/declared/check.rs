//! Judging a whole file: its sections, and what they demand of each other.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use fracas_checker::OpKind;
use toml::Spanned;

use super::client::Means;
use super::faults::{Has, faults};
use super::file::{Cluster, File, Node, Ready};
use super::membership::membership as membership_of;
use super::places::Text;
use super::requests::{Keys, missing};
use super::try_template::{Compiler, Scope};
use super::values::{duration, installed, name, status as http_status};
use super::{by_word, client, file, node, ops, prepare, process, settings, setup, status};
use crate::answer::Answer;
use crate::choices::Route;
use crate::diagnostic::{Problem, Source};
use crate::known::Known;
use crate::promises::{LEADERS, LEASES, PROMISES, Promise, Promises, TOKENS, UNPROMISED};
use crate::protocol::{Declared, Purpose, Speech};
use crate::ready::ClusterReady;
use crate::spec::{Asked, ClientRule, NodeReady, Process, ProcessReady, ReadyBy, Spec};
use crate::status::StatusRule;
use crate::template::{Template, Templates, VERSION};

/// The version of the file format.
const SCHEMA: u32 = 1;

/// The most nodes of a cluster: all must have room on one machine. The lab has no more ports.
const MAX_NODES: u16 = 32;

/// Judges a file and compiles it.
pub(super) fn spec(source: &Source<'_>, mut file: File, known: Known<'_>) -> Result<Spec, Problem> {
    let serves = known.serves;
    schema(&file.schema)?;
    let ports = ports(&file.cluster)?;
    let settings = settings::settings(&file.settings, known.settings)?;
    let others = others(&file.binary.others)?;
    let names = others.keys().cloned().collect();
    let mut compiler =
        Compiler { source, templates: Templates::new(), ports, settings, others: names };
    file.promises.made = worded(&mut compiler, file.promises.made)?;
    let mut launch = node::launch(&mut compiler, &file.node, &file.faults)?;
    let setup = setup::steps(&mut compiler, &file)?;
    let prepare = prepare::prepare(&mut compiler, &file)?;
    let served = serves.map(|serves| serves.ops.clone()).unwrap_or_default();
    let mut means = client::client(&mut compiler, &file.client, &served)?;
    route(file.client.get_ref().route.as_ref(), file.status.is_some())?;
    let ops = ops(&mut compiler, &file, &mut means)?;
    let node_ready = node_ready(&mut compiler, file.ready.as_ref(), &mut means)?;
    processes_ready(&mut compiler, file.node.get_ref(), (&mut means, &mut launch.processes))?;
    let cluster_ready = cluster_ready(file.ready.as_ref(), file.status.is_some())?;
    let status_rule = status_rule(&mut compiler, &file, &mut means)?;
    status::told_by_program(status_rule.as_ref(), &file, serves)?;
    let status = file.status.as_ref().map(Spanned::get_ref);
    let membership = file.membership.as_ref();
    let membership =
        membership.map(|section| membership_of(&mut compiler, section, &mut means)).transpose()?;
    let log_rules = compiler.log_rules(status, &launch.logs)?;
    let version = version(&mut compiler, file.binary.version.as_deref())?;
    let needs = needs(&mut compiler, &file.binary.needs)?;
    let install = file.binary.install.as_ref().map(installed).transpose()?;
    tokens(&file.promises, &ops)?;
    let has = Has { data: !file.node.get_ref().data.is_empty(), membership: membership.is_some() };
    let asked = ops.keys().copied().collect();
    let served = match &means.program {
        None => Served { kinds: Some(&asked), by_program: false },
        Some(_) => Served { kinds: serves.map(|serves| &serves.ops), by_program: true },
    };
    Ok(Spec {
        name: name(&file.name)?,
        description: file.description.into_inner(),
        binary: file.binary.path.into_inner(),
        install,
        needs,
        others,
        version,
        nodes: nodes(&file.cluster.nodes)?,
        launch,
        setup,
        prepare,
        node_ready,
        cluster_ready,
        status: status_rule,
        log_rules,
        promises: promises(&file.promises, served, status)?,
        client: rule(means),
        ops,
        faults: faults(&file.faults, known.faults, has)?,
        membership,
        ports: compiler.ports,
        settings: compiler.settings,
        templates: compiler.templates,
    })
}

/// How nodes are spoken to, once every request is compiled.
fn rule(means: Means) -> ClientRule {
    let Means { asked, program, connect_timeout, timeout, route, follows } = means;
    let asked = asked.map(|(base, speech)| Asked { base, speech: speech.into() });
    ClientRule { asked, program, connect_timeout, timeout, route, follows }
}

/// The operations, where no client program performs them.
fn ops(
    compiler: &mut Compiler<'_>,
    file: &File,
    means: &mut Means,
) -> Result<BTreeMap<OpKind, Vec<Answer>>, Problem> {
    let client = file.client.get_ref();
    match (&file.ops, &client.program, &mut means.asked) {
        (Some(ops), Some(_), _) => {
            let label = "the client program performs all operations: expected no `[ops]`";
            Err(Problem::new(ops.span(), "operations are given twice", label))
        }
        (Some(ops), None, Some((_, speech))) => {
            ops::all(compiler, ops, &mut **speech, &client.headers)
        }
        (None, None, _) => {
            Err(Problem::new(0..0, "missing key", "missing field `ops`")
                .help("add a section `[ops]`"))
        }
        (_, _, _) => Ok(BTreeMap::new()),
    }
}

/// What asks nodes for something else than operations.
fn speech<'a>(means: &'a mut Means, place: &Range<usize>) -> Result<&'a mut dyn Speech, Problem> {
    match &mut means.asked {
        Some((_, speech)) => Ok(&mut **speech),
        None => Err(Problem::new(
            place.clone(),
            "nobody says where nodes are asked",
            "needs \
            `client.base`, which may stand beside `client.program`",
        )),
    }
}

fn status_rule(
    compiler: &mut Compiler<'_>,
    file: &File,
    means: &mut Means,
) -> Result<Option<StatusRule>, Problem> {
    let Some(section) = &file.status else { return Ok(None) };
    let ways = status::Ways {
        speaks_commands: means.asked.as_ref().map(|(_, speech)| !speech.form().has_status),
        has_program: means.program.is_some(),
    };
    if let Some(asked) = status::aside(compiler, section, ways)? {
        return status::rule(section, asked).map(Some);
    }
    let speech = speech(means, &section.span())?;
    let keys = Keys::of_status(section);
    let headers = Some(&file.client.get_ref().headers);
    let declared = Declared { keys, scope: Scope::Node, headers };
    speech.declare(Purpose::Status, compiler, &declared)?;
    status::rule(section, crate::status::Means::Request).map(Some)
}

fn schema(schema: &Spanned<u32>) -> Result<(), Problem> {
    match schema.get_ref() {
        &SCHEMA => Ok(()),
        other => Err(Problem::new(
            schema.span(),
            format!("unknown schema `{other}`"),
            format!("this version reads schema {SCHEMA}"),
        )),
    }
}

/// A leader that nobody tells of cannot be asked.
fn route(route: Option<&Spanned<Route>>, status: bool) -> Result<(), Problem> {
    match route {
        Some(route) if !status && route.get_ref().needs_status() => {
            let title = "clients cannot follow a leader without a status";
            Err(Problem::new(route.span(), title, "needs a section `[status]`, or `node` or `any`"))
        }
        _ => Ok(()),
    }
}

fn nodes(nodes: &Spanned<u16>) -> Result<u16, Problem> {
    match *nodes.get_ref() {
        count if (1..=MAX_NODES).contains(&count) => Ok(count),
        count => Err(Problem::new(
            nodes.span(),
            format!("a cluster cannot have {count} nodes"),
            format!("expected a number from 1 to {MAX_NODES}"),
        )),
    }
}

/// All ports of a node share one address, so they must differ.
fn ports(cluster: &Cluster) -> Result<BTreeMap<String, u16>, Problem> {
    let mut taken = BTreeMap::new();
    for (name, port) in &cluster.ports {
        if *port.get_ref() == 0 {
            return Err(Problem::new(port.span(), "`0` is not a port", "expected 1 to 65535"));
        }
        if let Some(other) = taken.insert(*port.get_ref(), name) {
            let title = format!("port {} is given twice", port.get_ref());
            return Err(Problem::new(port.span(), title, format!("`{other}` has it already")));
        }
    }
    Ok(taken.into_iter().map(|(port, name)| (name.clone(), port)).collect())
}

/// The other programs. A template names each behind a dot.
fn others(declared: &BTreeMap<Spanned<String>, Text>) -> Result<BTreeMap<String, String>, Problem> {
    let named = |(name, path): (&Spanned<String>, &Text)| {
        if name.get_ref() == VERSION {
            let title = "`version` cannot be the name of a program";
            let label =
                "expected another name: `binary.version` is what the server says of its version";
            return Err(Problem::new(name.span(), title, label));
        }
        let letter = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
        let plain = name.get_ref().chars().all(|it| letter(it) || it == '_');
        if plain && name.get_ref().starts_with(|first: char| first.is_ascii_lowercase()) {
            return Ok((name.get_ref().clone(), path.get_ref().clone()));
        }
        let title = format!("`{}` cannot be the name of a program", name.get_ref());
        let label = "expected a lower-case letter, then lower-case letters, digits and `_`";
        Err(Problem::new(name.span(), title, label).help("templates have it as `binary.NAME`"))
    };
    declared.iter().map(named).collect()
}

fn version(
    compiler: &mut Compiler<'_>,
    command: Option<&[Text]>,
) -> Result<Option<Vec<Template>>, Problem> {
    let compile = |command: &[Text]| {
        command.iter().map(|part| compiler.template(part, Scope::Binary)).collect()
    };
    command.map(compile).transpose()
}

/// The files that servers need beside their program: whole paths, as each is looked for here and is
/// shown to servers.
fn needs(compiler: &mut Compiler<'_>, texts: &[Text]) -> Result<Vec<Template>, Problem> {
    let whole = |path: &str| node::is_narrow(path.strip_suffix("/*").unwrap_or(path));
    let compile = |text: &Text| {
        let tried = compiler.tried(text, Scope::Server)?;
        let fits = |sample: &String| sample.split(':').all(whole);
        match tried.samples.iter().all(fits) {
            true => Ok(tried.template),
            false => {
                let label = "expected absolute paths of files without `..`, with `:` between them";
                Err(Problem::new(text.span(), "not paths that servers can be shown", label))
            }
        }
    };
    texts.iter().map(compile).collect()
}

fn node_ready(
    compiler: &mut Compiler<'_>,
    ready: Option<&Ready>,
    means: &mut Means,
) -> Result<Option<NodeReady>, Problem> {
    let Some(place) = ready.and_then(|ready| ready.node.as_ref()) else { return Ok(None) };
    let node = place.get_ref();
    let speech = speech(means, &place.span())?;
    // Headers are those of clients' requests: a probe has none.
    let declared = Declared { keys: Keys::of_ready(place), scope: Scope::Node, headers: None };
    speech.declare(Purpose::Ready, compiler, &declared)?;
    let code = node.status.as_ref().map(|code| http_status(*code.get_ref(), code)).transpose()?;
    if speech.form().has_status && code.is_none() {
        return Err(missing(place.span(), "status", "200"));
    }
    Ok(Some(NodeReady { status: code, within: duration(&node.within)? }))
}

/// Compiles when each process of a node is ready, where it says.
fn processes_ready(
    compiler: &mut Compiler<'_>,
    node: &Node,
    (means, processes): (&mut Means, &mut [Process]),
) -> Result<(), Problem> {
    let sections = node.process.iter().flat_map(Spanned::get_ref);
    for ((place, section), process) in sections.enumerate().zip(processes) {
        let Some(ready) = &section.get_ref().ready else { continue };
        process.ready = match process::by_port(compiler, ready)? {
            Some(by_port) => Some(by_port),
            None => Some(by_request(compiler, ready, (means, place))?),
        };
    }
    Ok(())
}

/// When a process is ready that answers a request in the protocol of the target.
fn by_request(
    compiler: &mut Compiler<'_>,
    ready: &Spanned<file::ProcessReady>,
    (means, process): (&mut Means, usize),
) -> Result<ProcessReady, Problem> {
    let speech = speech(means, &ready.span())?;
    let declared = Declared { keys: Keys::of_process(ready), scope: Scope::Node, headers: None };
    speech.declare(Purpose::Process(process), compiler, &declared)?;
    let section = ready.get_ref();
    let code =
        section.status.as_ref().map(|code| http_status(*code.get_ref(), code)).transpose()?;
    if speech.form().has_status && code.is_none() {
        return Err(missing(ready.span(), "status", "200"));
    }
    Ok(ProcessReady { by: ReadyBy::Request(code), within: process::within(section)? })
}

fn cluster_ready(ready: Option<&Ready>, status: bool) -> Result<Option<ClusterReady>, Problem> {
    match ready.and_then(|ready| ready.cluster.as_ref()) {
        None => Ok(None),
        Some(cluster) if !status => Err(needs_status(cluster.leader.span(), "majority-agrees")),
        Some(cluster) => Ok(Some(ClusterReady { within: duration(&cluster.within)? })),
    }
}

/// What can be asked of a target, and by whom.
#[derive(Clone, Copy)]
struct Served<'a> {
    /// None while nobody has asked the client program.
    kinds: Option<&'a BTreeSet<OpKind>>,
    by_program: bool,
}

/// Promises with their words, which settings may choose.
fn worded(
    compiler: &mut Compiler<'_>,
    declared: Vec<(&'static str, Text)>,
) -> Result<Vec<(&'static str, Text)>, Problem> {
    let worded = |(key, word): (&'static str, Text)| {
        let chosen = compiler.tried(&word, Scope::Settings)?.samples.concat();
        Ok((key, Spanned::new(word.span(), chosen)))
    };
    declared.into_iter().map(worded).collect()
}

/// A promise that nothing could show broken would be an empty one.
fn promises(
    promises: &by_word::Promises,
    served: Served<'_>,
    status: Option<&file::Status>,
) -> Result<Promises, Problem> {
    let mut made = Vec::new();
    for (key, word) in promises.made.iter().filter(|(_, word)| word.get_ref() != UNPROMISED) {
        made.push(promise(key, word, served)?);
        if *key == LEADERS {
            led(word.span(), status)?;
        }
    }
    made.sort_by_key(|promise| PROMISES.iter().position(|known| known == promise));
    let needs = |place: &Option<Text>, key: &str, other: &str| match place {
        Some(place) if !promises.made.iter().any(|(key, _)| *key == other) => {
            let word = PROMISES.iter().find(|promise| promise.key == other);
            let word = word.map_or("", |promise| promise.word);
            let label = format!("needs `{other} = \"{word}\"` beside it");
            Err(Problem::new(place.span(), format!("`{key}` without `{other}`"), label))
        }
        _ => Ok(()),
    };
    needs(&promises.step_down, "step-down", LEADERS)?;
    needs(&promises.new_leader, "new-leader", LEADERS)?;
    needs(&promises.clock_error, "clock-error", LEASES)?;
    Ok(Promises {
        made,
        clock_error: promises.clock_error.as_ref().map(duration).transpose()?,
        step_down: promises.step_down.as_ref().map(duration).transpose()?,
        new_leader: promises.new_leader.as_ref().map(duration).transpose()?,
        recovery: promises.recovery.as_ref().map(duration).transpose()?,
        gives_up_on: promises.gives_up_on.as_ref().map(|all| all.iter().copied().collect()),
    })
}

/// The promise that a key and its word mean. What is promised of operations needs these operations.
fn promise(key: &str, word: &Text, served: Served<'_>) -> Result<Promise, Problem> {
    let of_key: Vec<Promise> =
        PROMISES.iter().filter(|promise| promise.key == key).copied().collect();
    let Some(promise) = of_key.iter().find(|promise| promise.word == word.get_ref()) else {
        let words = of_key.iter().map(|promise| promise.word).chain([UNPROMISED]);
        let words: Vec<String> = words.map(|word| format!("`{word}`")).collect();
        let label =
            format!("unknown variant `{}`, expected {}", word.get_ref(), words.join(" or "));
        return Err(Problem::new(word.span(), "wrong value", label)
            .did_you_mean(word.get_ref(), of_key.iter().map(|promise| promise.word)));
    };
    let lacks = |kind: &&OpKind| served.kinds.is_some_and(|kinds| !kinds.contains(kind));
    match promise.needs.iter().find(lacks) {
        None => Ok(*promise),
        Some(kind) => {
            let title = format!("`{}` cannot be checked without {}", promise.word, asked(*kind));
            let label = match served.by_program {
                false => format!("needs a section `[ops.{kind}]`"),
                true => format!("needs `{kind}`, which the client program does not serve"),
            };
            Err(Problem::new(word.span(), title, label))
        }
    }
}

/// Whether grants have the tokens that are promised, as far as the file says what they have.
fn tokens(
    promises: &by_word::Promises,
    ops: &BTreeMap<OpKind, Vec<Answer>>,
) -> Result<(), Problem> {
    let tokens = promises.made.iter().find(|(key, _)| *key == TOKENS);
    match (tokens, ops.get(&OpKind::Acquire)) {
        (Some((_, word)), Some(grants)) if word.get_ref() != UNPROMISED => {
            granted(word.span(), grants)
        }
        _ => Ok(()),
    }
}

/// Tokens can only be checked where grants have them.
fn granted(promise: Range<usize>, grants: &[Answer]) -> Result<(), Problem> {
    if grants.iter().any(|answer| answer.places.token.is_some()) {
        return Ok(());
    }
    let label = "needs `token = { json = … }` in an answer of `ops.acquire`";
    Err(Problem::new(promise, "`fencing` cannot be checked without tokens", label))
}

/// Operations of this kind, in the plural.
fn asked(kind: OpKind) -> String {
    match kind {
        OpKind::Read => "reads".to_owned(),
        OpKind::GuardedWrite => "guarded writes".to_owned(),
        other => format!("`{other}`"),
    }
}

/// What is promised of leaders needs somebody to tell of them, and in which generation.
fn led(promise: Range<usize>, status: Option<&file::Status>) -> Result<(), Problem> {
    let Some(status) = status else { return Err(needs_status(promise, "one-per-generation")) };
    let by_program = status.program.as_ref().is_some_and(|program| *program.get_ref());
    if status.generation.is_some() || !status.log.is_empty() || by_program {
        return Ok(());
    }
    let title = "`one-per-generation` cannot be checked without a generation";
    let label = "needs `status.generation`, or a `[[status.log]]` whose pattern finds it";
    Err(Problem::new(promise, title, label))
}

fn needs_status(span: Range<usize>, word: &str) -> Problem {
    let title = format!("`{word}` cannot be checked without a status");
    Problem::new(span, title, "needs a section `[status]`")
}
