//! The protocols: a file each, and a line in the table for those in which an operation is one
//! request and one answer.

mod http;
mod lines;
pub(crate) mod program;
mod resp;

use crate::declared::places::Text;
use crate::declared::try_template::{Compiler, Scope};
use crate::diagnostic::Problem;
use crate::protocol::{Exchange, Speech, Spoken};
use crate::template::Template;

/// A protocol, as the beginning of an address chooses it.
struct Row {
    scheme: &'static str,
    is_address: fn(&str) -> bool,
    speech: fn() -> Box<dyn Speech>,
}

const fn row<E: Exchange>() -> Row {
    Row {
        scheme: E::FORM.scheme,
        is_address: E::is_address,
        speech: || Box::new(Spoken::<E>::default()),
    }
}

/// Every protocol.
const PROTOCOLS: &[Row] = &[
    // In the order in which messages name them.
    row::<http::Http>(),
    row::<resp::Resp>(),
    row::<lines::Lines>(),
];

/// Where a node is spoken to, and in which protocol.
pub(crate) fn spoken(
    compiler: &mut Compiler<'_>,
    base: &Text,
) -> Result<(Template, Box<dyn Speech>), Problem> {
    let tried = compiler.tried(base, Scope::Node)?;
    let fits = |row: &&Row| tried.samples.iter().all(|base| (row.is_address)(base));
    if let Some(row) = PROTOCOLS.iter().find(fits) {
        return Ok((tried.template, (row.speech)()));
    }
    let schemes: Vec<String> = PROTOCOLS.iter().map(|row| format!("`{}://`", row.scheme)).collect();
    let label = format!("expected a URL that starts with {}", schemes.join(" or "));
    Err(Problem::new(base.span(), "not an address", label)
        .help("write it like `http://{{ node.ip }}:{{ port.client }}`"))
}
