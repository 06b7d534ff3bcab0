//! From tokens to values: one flat list of nodes per value, each followed by its parts.
//!
//! Nesting is kept on a list of our own and bounded by [`DEPTH`], so that no file can exhaust the
//! stack. What is discarded (`#_`) and what is said about a value (`^`) leaves no trace.

use std::borrow::Cow;
use std::ops::Range;

use super::kind::Kind;
use super::lexer::{Lexer, Syntax, Token, unreadable};
use super::refused::Refused;
use super::string::unescape;

/// How deep values may be nested. Histories need five levels or so.
pub(crate) const DEPTH: usize = 200;

/// A value or a part of one.
#[derive(Debug, Clone, Copy)]
struct Node<'a> {
    kind: Kind,
    /// Its text, parts included.
    text: &'a str,
    /// Where it begins, in bytes.
    at: usize,
    /// How many nodes it takes, parts included.
    size: usize,
}

/// A value within the text it was read from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form<'t, 'a>(&'t [Node<'a>]);

impl<'t, 'a> Form<'t, 'a> {
    pub(crate) fn kind(self) -> Kind {
        self.0[0].kind
    }

    /// Its text, as it was written.
    pub(crate) fn text(self) -> &'a str {
        self.0[0].text
    }

    /// Where it begins, in bytes.
    pub(crate) fn at(self) -> usize {
        self.0[0].at
    }

    /// Its parts, in order: the elements of a collection, the value of a tag.
    pub(crate) fn parts(self) -> impl Iterator<Item = Form<'t, 'a>> + Clone {
        let mut rest = &self.0[1..];
        std::iter::from_fn(move || {
            let size = rest.first()?.size;
            let (part, others) = rest.split_at(size);
            rest = others;
            Some(Form(part))
        })
    }

    /// The keys and values of a map.
    pub(crate) fn entries(self) -> impl Iterator<Item = (Form<'t, 'a>, Form<'t, 'a>)> {
        let mut parts = self.parts();
        std::iter::from_fn(move || Some((parts.next()?, parts.next()?)))
    }

    /// The two parts of a vector or list of two.
    pub(crate) fn pair(self) -> Option<(Form<'t, 'a>, Form<'t, 'a>)> {
        let mut parts = self.sequence()?;
        let pair = (parts.next()?, parts.next()?);
        parts.next().is_none().then_some(pair)
    }

    /// The parts of a vector or list.
    pub(crate) fn sequence(self) -> Option<impl Iterator<Item = Form<'t, 'a>> + Clone> {
        matches!(self.kind(), Kind::Vector | Kind::List).then(|| self.parts())
    }

    /// The tag of a tagged value, and the value.
    pub(crate) fn tagged(self) -> Option<(&'a str, Form<'t, 'a>)> {
        let value = self.parts().next().filter(|_| self.kind() == Kind::Tagged)?;
        let name = &self.text()[1..value.at() - self.at()];
        let end = name.find(|letter: char| letter.is_whitespace() || ",;#^".contains(letter));
        Some((&name[..end.unwrap_or(name.len())], value))
    }

    /// The namespace that a map's keys share, `name` in `#:name{…}`.
    pub(crate) fn namespace(self) -> Option<&'a str> {
        let name = self.text().strip_prefix("#:").filter(|_| self.kind() == Kind::Map)?;
        name.split('{').next()
    }

    /// The number, if it is a whole one of 64 bits.
    pub(crate) fn int(self) -> Option<i64> {
        let digits = self.text().strip_suffix('N').unwrap_or(self.text());
        digits.parse().ok().filter(|_| self.kind() == Kind::Int)
    }

    /// What kind of value it is, in words.
    pub(crate) fn described(self) -> &'static str {
        match self.kind() {
            Kind::Nil => "nil",
            Kind::Bool => "a boolean",
            Kind::Int => "a whole number",
            Kind::Float | Kind::Decimal | Kind::Ratio => "a number",
            Kind::Pattern => "a pattern",
            Kind::Unreadable => "something that cannot be read",
            Kind::Char => "a character",
            Kind::Str => "a string",
            Kind::Keyword => "a keyword",
            Kind::Symbol => "a symbol",
            Kind::List => "a list",
            Kind::Vector => "a vector",
            Kind::Set => "a set",
            Kind::Map => "a map",
            Kind::Tagged => "a tagged value",
        }
    }

    /// The number, rounded, if it is one of any notation that fits into 64 bits.
    pub(crate) fn rounded(self) -> Option<i64> {
        let fits = |number: &f64| number.abs() < 9.0e18;
        let float = || self.text().trim_end_matches('M').parse().ok().filter(fits);
        match self.kind() {
            Kind::Float | Kind::Decimal => float().map(|number| number.round() as i64),
            _ => self.int(),
        }
    }

    /// What a string says.
    pub(crate) fn said(self) -> Result<Cow<'a, str>, Refused> {
        inside(self)
    }

    /// Where it stands, in bytes.
    pub(crate) fn range(self) -> Range<usize> {
        self.at()..self.at() + self.text().len()
    }

    /// The refusal of this, if it cannot be read.
    pub(crate) fn unreadable(self) -> Option<Refused> {
        (self.kind() == Kind::Unreadable).then(|| self.refused(unreadable(self.text())))
    }

    pub(crate) fn refused(self, reason: impl Into<String>) -> Refused {
        Refused::new(self.at(), reason)
    }
}

/// What has begun and not ended.
enum Frame {
    Collection {
        node: usize,
        close: u8,
    },
    Tag {
        node: usize,
    },
    /// The next value is dropped.
    Discard {
        node: usize,
    },
    /// The next value is dropped, and another one must follow.
    Metadata {
        node: usize,
    },
    /// The next value is what metadata stood before.
    Described,
}

/// Reads one value after the other.
pub(crate) struct Reader<'a> {
    lexer: Lexer<'a>,
    nodes: Vec<Node<'a>>,
    frames: Vec<Frame>,
    /// What ends the collection whose elements are read as if they stood alone, and its begin.
    around: Option<(u8, usize)>,
}

impl<'a> Reader<'a> {
    /// Reads `text` from the byte `at` on.
    pub(crate) fn new(text: &'a str, at: usize, syntax: Syntax) -> Self {
        let lexer = Lexer { text, at, syntax };
        Self { lexer, nodes: Vec::new(), frames: Vec::new(), around: None }
    }

    /// Steps into the collection that comes next, if it is a vector or list: its elements are read
    /// as if they stood alone, so that a history in one vector needs no more memory than one line.
    pub(crate) fn enter(&mut self) -> Result<bool, Refused> {
        let before = self.lexer.at;
        if let (Token::Open(Kind::Vector | Kind::List, close), at) = self.lexer.next()? {
            self.around = Some((close, at));
            return Ok(true);
        }
        self.lexer.at = before;
        Ok(false)
    }

    /// The next value; none at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Form<'_, 'a>>, Refused> {
        self.nodes.clear();
        self.frames.clear();
        loop {
            let (token, at) = self.lexer.next()?;
            let whole = match token {
                Token::Atom(kind) => {
                    self.push(kind, at);
                    self.ended()
                }
                Token::Close(byte) => {
                    if self.frames.is_empty() && self.around.is_some_and(|(close, _)| close == byte)
                    {
                        self.around = None;
                        self.nothing_more()?;
                        return Ok(None);
                    }
                    self.close(byte, at)?;
                    self.ended()
                }
                Token::End => return self.end(at).map(|()| None),
                opens => self.open(opens, at)?,
            };
            if whole {
                return Ok(Some(Form(&self.nodes)));
            }
        }
    }

    fn push(&mut self, kind: Kind, at: usize) {
        let text = &self.lexer.text[at..self.lexer.at];
        self.nodes.push(Node { kind, text, at, size: 1 });
    }

    /// Begins something; nothing is whole by that.
    fn open(&mut self, token: Token, at: usize) -> Result<bool, Refused> {
        if self.frames.len() == DEPTH {
            return Err(Refused::new(at, format!("nested deeper than {DEPTH} levels")));
        }
        let node = self.nodes.len();
        let frame = match token {
            Token::Open(kind, close) => {
                self.push(kind, at);
                Frame::Collection { node, close }
            }
            Token::Tag => {
                self.push(Kind::Tagged, at);
                Frame::Tag { node }
            }
            Token::Discard => Frame::Discard { node },
            _ => Frame::Metadata { node },
        };
        self.frames.push(frame);
        Ok(false)
    }

    fn close(&mut self, byte: u8, at: usize) -> Result<(), Refused> {
        let closer = char::from(byte);
        match self.frames.pop() {
            Some(Frame::Collection { node, close }) if close == byte => {
                self.size(node);
                let form = Form(&self.nodes[node..]);
                if form.kind() == Kind::Map && form.parts().count() % 2 == 1 {
                    return Err(Refused::new(at, "a map whose last key has no value"));
                }
                Ok(())
            }
            Some(Frame::Collection { node, close }) => {
                let (expected, begun) = (char::from(close), self.nodes[node].at);
                let line = 1 + self.lexer.text[..begun].matches('\n').count();
                Err(Refused::new(at, format!("`{closer}`, expected `{expected}` for line {line}")))
            }
            Some(_) => Err(Refused::new(at, format!("`{closer}`, expected a value first"))),
            None => Err(Refused::new(at, format!("`{closer}`, expected a value: nothing is open"))),
        }
    }

    /// Says how far the node goes, now that all its parts are there.
    fn size(&mut self, node: usize) {
        let size = self.nodes.len() - node;
        let text = &self.lexer.text[self.nodes[node].at..self.lexer.at];
        let node = &mut self.nodes[node];
        (node.size, node.text) = (size, text);
    }

    /// A value has ended: what ends with it? True if that is all there was.
    fn ended(&mut self) -> bool {
        loop {
            match self.frames.last() {
                None => return !self.nodes.is_empty(),
                Some(Frame::Collection { .. }) => return false,
                Some(Frame::Tag { node }) => {
                    let node = *node;
                    self.size(node);
                    self.frames.pop();
                }
                Some(Frame::Described) => drop(self.frames.pop()),
                Some(Frame::Discard { node }) => {
                    self.nodes.truncate(*node);
                    self.frames.pop();
                    return false; // nothing has ended but what does not count
                }
                Some(Frame::Metadata { node }) => {
                    self.nodes.truncate(*node);
                    self.frames.pop();
                    self.frames.push(Frame::Described);
                    return false;
                }
            }
        }
    }

    fn end(&self, at: usize) -> Result<(), Refused> {
        let open = self.frames.iter().rev().find_map(|frame| match frame {
            Frame::Collection { node, close } => Some((*close, self.nodes[*node].at)),
            _ => None,
        });
        match open.or(self.around) {
            Some((close, begun)) => {
                let close = char::from(close);
                Err(Refused::new(begun, format!("begun here and never ended, expected `{close}`")))
            }
            None if !self.frames.is_empty() => {
                Err(Refused::new(at, "the end of the file, expected a value"))
            }
            None => Ok(()),
        }
    }

    /// Makes sure that nothing follows.
    pub(crate) fn nothing_more(&mut self) -> Result<(), Refused> {
        match self.next()? {
            Some(form) => Err(form.refused(format!("{}, expected nothing more", form.described()))),
            None => Ok(()),
        }
    }
}

/// What the string `form` says.
pub(super) fn inside<'a>(form: Form<'_, 'a>) -> Result<Cow<'a, str>, Refused> {
    let text = form.text();
    let inside = text.get(1..text.len() - 1).unwrap_or_default();
    unescape(inside).map_err(|refused| Refused { at: form.at() + 1 + refused.at, ..refused })
}
