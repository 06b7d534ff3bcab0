//! Just enough of a parser for HTML and XML to prove what is in a file: tags, attributes, texts.

/// One piece of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// A tag's name, its attributes, and whether it closes itself.
    Open(&'a str, Vec<(&'a str, &'a str)>, bool),
    Close(&'a str),
    Text(&'a str),
}

/// Cuts a file into pieces. Within `script` and `style` everything up to their end is text.
///
/// # Panics
///
/// On anything that a strict parser would refuse: bare `<`, unquoted attributes, unclosed tags.
pub(crate) fn pieces(mut rest: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let raw = match pieces.last() {
            Some(Piece::Open(name @ ("script" | "style"), ..)) => format!("</{name}"),
            _ => "<".to_owned(),
        };
        let at = rest.find(&raw).unwrap_or(rest.len());
        if at > 0 {
            pieces.push(Piece::Text(&rest[..at]));
        }
        rest = &rest[at..];
        if !rest.is_empty() {
            let (piece, after) = tag(rest);
            pieces.extend(piece);
            rest = after;
        }
    }
    pieces
}

fn tag(text: &str) -> (Option<Piece<'_>>, &str) {
    if text.starts_with("<!") || text.starts_with("<?") {
        return (None, &text[text.find('>').expect("a declaration ends") + 1..]);
    }
    if let Some(closing) = text.strip_prefix("</") {
        let (name, after) = closing.split_once('>').expect("a closing tag ends");
        return (Some(Piece::Close(name)), after);
    }
    let end = |char: char| char.is_whitespace() || matches!(char, '>' | '/');
    let (name, mut rest) = text[1..].split_at(text[1..].find(end).expect("a tag ends"));
    assert!(
        !name.is_empty() && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '-'),
        "{name:?}"
    );
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix("/>") {
            return (Some(Piece::Open(name, attributes, true)), after);
        }
        if let Some(after) = rest.strip_prefix('>') {
            return (Some(Piece::Open(name, attributes, false)), after);
        }
        let (key, after) = rest.split_once("=\"").expect("an attribute has a quoted value");
        let (value, after) = after.split_once('"').expect("a value ends");
        assert!(!value.contains('<'), "a value holds a bare `<`: {value}");
        attributes.push((key, value));
        rest = after;
    }
}

/// Asserts that every tag is closed, in the right order. `void` tags need no end.
#[track_caller]
pub(crate) fn balanced(pieces: &[Piece<'_>], void: &[&str]) {
    let mut open = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Open(name, _, false) if !void.contains(name) => open.push(*name),
            Piece::Close(name) => assert_eq!(open.pop(), Some(*name), "open: {open:?}"),
            Piece::Open(..) | Piece::Text(_) => {}
        }
    }
    assert!(open.is_empty(), "never closed: {open:?}");
}

/// A page has these tags only, no attribute that acts or fetches, and no link but to itself.
#[track_caller]
pub(crate) fn inert(pieces: &[Piece<'_>], tags: &str) {
    for piece in pieces {
        let Piece::Open(name, attributes, _) = piece else { continue };
        assert!(tags.contains(&format!(" {name} ")), "<{name}> is none of ours");
        for (key, value) in attributes {
            assert!(!key.starts_with("on") && *key != "style" && *key != "src", "{key}");
            assert!(*key != "href" || value.starts_with('#'), "{value}");
        }
    }
}
