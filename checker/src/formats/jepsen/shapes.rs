//! What a value looks like, before anything is known of what it means.

use crate::formats::edn::{Form, Kind};

/// Whether `form` is a tuple of jepsen.independent that says so itself.
pub(super) fn is_tuple(form: Form<'_, '_>) -> bool {
    form.tagged().is_some_and(|(tag, _)| {
        ["Tuple", "/tuple", "MapEntry"].iter().any(|ending| tag.ends_with(ending))
    })
}

/// The key and value that `form` consists of.
pub(super) fn pair_of<'t, 'a>(form: Form<'t, 'a>) -> Option<(Form<'t, 'a>, Form<'t, 'a>)> {
    match form.tagged() {
        Some((_, pair)) if is_tuple(form) => pair.pair(),
        _ => form.pair(),
    }
}

/// Whether `form` is a vector of nothing but small reads and writes.
pub(super) fn looks_like_one(form: Form<'_, '_>) -> bool {
    let mut micros = form.sequence().into_iter().flatten().peekable();
    micros.peek().is_some() && micros.all(|micro| function(micro).is_some())
}

/// What a part of a transaction does, by one name for each, if that is what `form` is.
pub(super) fn function(form: Form<'_, '_>) -> Option<&'static str> {
    let name = form.sequence()?.next()?;
    let bare = name.text().trim_matches([':', '"']);
    let named = matches!(name.kind(), Kind::Keyword | Kind::Str);
    let function = match bare {
        "r" | "read" => "r",
        "w" | "write" => "w",
        "append" => "append",
        _ => return None,
    };
    named.then_some(function)
}
