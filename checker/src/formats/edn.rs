//! A reader of EDN, the notation of Clojure's data, and of JSON, which it can pass for.
//!
//! It exists because no library at hand reads what Clojure prints without losing something:
//! records (`#jepsen.history.Op{…}`), numbers of more than 64 bits, metadata. It borrows from the
//! text, never recurses while reading, and keeps what it does not understand. It knows nothing of
//! operations; that is the business of [`super::jepsen_edn`].

mod canonical;
mod kind;
mod lexer;
mod refused;
mod string;
mod tree;
mod value;

pub(crate) use kind::Kind;
pub(crate) use lexer::Syntax;
pub(crate) use refused::Refused;
pub(crate) use string::quoted;
pub(crate) use tree::{Form, Reader};
pub(crate) use value::{Strings, from_value, to_value};
