//! From text to tokens. A token is checked as far as it can be alone; how tokens nest is the
//! business of [`super::tree`].

use super::kind::Kind;
use super::refused::Refused;
use super::string;

/// How many characters of a bad token are shown.
const SHOWN: usize = 40;

/// Which of the two notations a text is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// EDN.
    Edn,
    /// JSON: `:` only separates, and `null` is nil.
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// A value without parts.
    Atom(Kind),
    /// The begin of a collection that `close` ends.
    Open(Kind, u8),
    Close(u8),
    /// `#name`: belongs to the value that follows.
    Tag,
    /// `#_`: the value that follows does not count.
    Discard,
    /// `^`: the value that follows is about the one after it.
    Metadata,
    End,
}

pub(super) struct Lexer<'a> {
    pub(super) text: &'a str,
    /// The next byte to read.
    pub(super) at: usize,
    pub(super) syntax: Syntax,
}

impl<'a> Lexer<'a> {
    /// The next token, and where it begins. It ends at `self.at`.
    pub(super) fn next(&mut self) -> Result<(Token, usize), Refused> {
        self.skip_blank();
        let start = self.at;
        let token = match self.peek(0) {
            None => Token::End,
            Some(byte @ (b')' | b']' | b'}')) => self.over(1, Token::Close(byte)),
            Some(b'(') => self.over(1, Token::Open(Kind::List, b')')),
            Some(b'[') => self.over(1, Token::Open(Kind::Vector, b']')),
            Some(b'{') => self.over(1, Token::Open(Kind::Map, b'}')),
            Some(b'^') => self.over(1, Token::Metadata),
            Some(b'"') => {
                self.string()?;
                Token::Atom(Kind::Str)
            }
            Some(b'#') => self.dispatch()?,
            Some(b'\\') => {
                let letter = self.text[start + 1..].chars().next();
                self.at += 1 + letter.map_or(0, char::len_utf8);
                self.word();
                self.checked(start, Kind::Char)?
            }
            Some(_) => {
                self.word();
                let kind = self.kind_of(&self.text[start..self.at]);
                self.checked(start, kind)?
            }
        };
        Ok((token, start))
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn over(&mut self, bytes: usize, token: Token) -> Token {
        self.at += bytes;
        token
    }

    fn skip_blank(&mut self) {
        while let Some(byte) = self.peek(0) {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | b',' => self.at += 1,
                b':' if self.syntax == Syntax::Json => self.at += 1,
                b';' => {
                    let rest = &self.text.as_bytes()[self.at..];
                    self.at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                }
                _ => return,
            }
        }
    }

    /// Goes to the end of a word.
    fn word(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        let json = self.syntax == Syntax::Json;
        let ends = |byte: &u8| is_delimiter(*byte) || (json && *byte == b':');
        self.at += rest.iter().position(ends).unwrap_or(rest.len());
    }

    fn string(&mut self) -> Result<(), Refused> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut place = start + 1;
        let mut escaped = false;
        loop {
            match bytes.get(place) {
                None => return Err(Refused::new(start, "a string without an end, expected `\"`")),
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    place += 2;
                }
                Some(_) => place += 1,
            }
        }
        self.at = place + 1;
        // In EDN an escape that nobody knows is refused where the string is needed.
        if escaped && self.syntax == Syntax::Json {
            string::check(&self.text[start + 1..place])
                .map_err(|refused| Refused { at: start + 1 + refused.at, ..refused })?;
        }
        Ok(())
    }

    /// What begins with `#`.
    fn dispatch(&mut self) -> Result<Token, Refused> {
        let start = self.at;
        match self.peek(1) {
            Some(b'{') => Ok(self.over(2, Token::Open(Kind::Set, b'}'))),
            Some(b'_') => Ok(self.over(2, Token::Discard)),
            Some(b'"') => self.pattern(),
            Some(b'<') if self.syntax == Syntax::Edn => self.old_object(),
            Some(b'#') => {
                self.at += 2;
                self.word();
                match &self.text[start..self.at] {
                    "##NaN" | "##Inf" | "##-Inf" => Ok(Token::Atom(Kind::Float)),
                    _ => self.unreadable(start),
                }
            }
            Some(b':') => {
                self.at += 2;
                self.word();
                if self.peek(0) != Some(b'{') || !is_name(&self.text[start + 2..self.at]) {
                    return Err(self.bad(start, "expected a map with a namespace, `#:name{…}`"));
                }
                Ok(self.over(1, Token::Open(Kind::Map, b'}')))
            }
            _ => {
                self.at += 1;
                self.word();
                if self.at == start + 1 {
                    return Err(self.bad(start, "expected `#` before a set, a tag or `_`"));
                }
                match is_name(&self.text[start + 1..self.at]) {
                    true => Ok(Token::Tag),
                    false => self.unreadable(start),
                }
            }
        }
    }

    /// A pattern, `#"a.*"`: what is escaped in it is not escaped as in a string.
    fn pattern(&mut self) -> Result<Token, Refused> {
        let start = self.at;
        let (bytes, mut place) = (self.text.as_bytes(), start + 2);
        loop {
            match bytes.get(place) {
                None => return Err(Refused::new(start, "a pattern without an end, expected `\"`")),
                Some(b'"') => break,
                Some(b'\\') => place += 2,
                Some(_) => place += 1,
            }
        }
        self.at = place + 1;
        Ok(Token::Atom(Kind::Pattern))
    }

    /// An object as Clojure printed it before 1.7, `#<Client app.Client@5e1>`. It says nothing that
    /// could be read, so it only has to end: with the bracket that closes it, within its line.
    fn old_object(&mut self) -> Result<Token, Refused> {
        let start = self.at;
        let (mut depth, mut before) = (0_usize, b' ');
        for (offset, byte) in self.text.as_bytes()[start..].iter().copied().enumerate() {
            let arrow = matches!(before, b'-' | b'=');
            match byte {
                b'<' => depth += 1,
                b'>' if !arrow => depth -= 1,
                b'\n' => break,
                _ => {}
            }
            if depth == 0 && offset > 0 {
                self.at = start + offset + 1;
                return Ok(Token::Atom(Kind::Unreadable));
            }
            before = byte;
        }
        Err(Refused::new(start, "`#<` without an end, expected `>` in the same line"))
    }

    /// What stands from `start` to here and cannot be read. In EDN it is kept, because Clojure
    /// prints much that no reader takes, and most of it in fields that nobody needs: it is refused
    /// where it is needed.
    fn unreadable(&self, start: usize) -> Result<Token, Refused> {
        match self.syntax {
            Syntax::Edn => Ok(Token::Atom(Kind::Unreadable)),
            Syntax::Json => {
                let word = &self.text[start..self.at];
                Err(Refused::new(start, unreadable(word)))
            }
        }
    }

    fn kind_of(&self, word: &str) -> Kind {
        let bytes = word.as_bytes();
        let digit = |place: usize| bytes.get(place).is_some_and(u8::is_ascii_digit);
        match word {
            "nil" => Kind::Nil,
            "null" if self.syntax == Syntax::Json => Kind::Nil,
            "true" | "false" => Kind::Bool,
            _ if bytes[0] == b':' => Kind::Keyword,
            _ if digit(0) || (matches!(bytes[0], b'+' | b'-') && digit(1)) => number(word),
            _ => Kind::Symbol,
        }
    }

    /// The word from `start` to here as a `kind`, if it is a whole one.
    fn checked(&self, start: usize, kind: Kind) -> Result<Token, Refused> {
        let word = &self.text[start..self.at];
        let whole = match kind {
            Kind::Char => string::character(word).is_some(),
            Kind::Keyword => is_name(&word[1..]),
            Kind::Symbol => is_name(word),
            other => other != Kind::Unreadable,
        };
        if whole { Ok(Token::Atom(kind)) } else { self.unreadable(start) }
    }

    fn bad(&self, start: usize, expected: &str) -> Refused {
        Refused::new(start, format!("`{}`, {expected}", shown(&self.text[start..self.at])))
    }
}

/// Why `word` cannot be read, and what would be in its place.
pub(super) fn unreadable(word: &str) -> String {
    let mut letters = word.trim_start_matches(['+', '-']).chars();
    let expected = match letters.next() {
        Some('\\') => "a character, such as `\\a`, `\\newline` or `\\u0041`",
        Some(':') => "a keyword",
        Some(digit) if digit.is_ascii_digit() => "a number",
        Some('#') if word.starts_with("##") => "`##NaN`, `##Inf` or `##-Inf`",
        _ => "a value",
    };
    format!("`{}`, expected {expected}", shown(word))
}

/// The beginning of a bad token, made plain.
fn shown(word: &str) -> String {
    word.chars().take(SHOWN).collect::<String>().escape_debug().to_string()
}

fn is_delimiter(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t'
            | b'\n'
            | b'\r'
            | 0x0b
            | 0x0c
            | b','
            | b';'
            | b'"'
            | b'('
            | b')'
            | b'['
            | b']'
            | b'{'
            | b'}'
            | b'\\'
            | b'^'
    )
}

/// Whether `word` can be the name of something. Generous: Clojure prints names that EDN forbids.
fn is_name(word: &str) -> bool {
    let allowed = |letter: char| letter.is_alphanumeric() || ".*+!-_?$%&=<>/#:'|".contains(letter);
    word.chars().next().is_some_and(|first| !"#:'".contains(first)) && word.chars().all(allowed)
}

/// Which kind of number `word` is, that begins like one.
fn number(word: &str) -> Kind {
    let unsigned = word.trim_start_matches(['+', '-']);
    let (digits, rest) = split_digits(unsigned);
    let zero_first = digits.len() > 1 && digits.starts_with('0');
    if zero_first || word.len() > unsigned.len() + 1 {
        return Kind::Unreadable; // octal in Clojure, or two signs
    }
    match rest.chars().next() {
        None => Kind::Int,
        Some('N') if rest.len() == 1 => Kind::Int,
        Some('M') if rest.len() == 1 => Kind::Decimal,
        Some('/') if is_below(&rest[1..]) => Kind::Ratio,
        Some('.' | 'e' | 'E') => fraction(rest),
        Some(_) => Kind::Unreadable,
    }
}

/// Whether `digits` can stand below the line of a ratio.
fn is_below(digits: &str) -> bool {
    split_digits(digits).1.is_empty() && digits.bytes().any(|digit| digit != b'0')
}

/// Which kind of number goes on with `rest` after its whole part.
fn fraction(rest: &str) -> Kind {
    let rest = match rest.strip_prefix('.') {
        Some(after) => split_digits(after).1,
        None => rest,
    };
    let rest = match rest.strip_prefix(['e', 'E']) {
        Some(power) => {
            let (digits, after) = split_digits(power.strip_prefix(['+', '-']).unwrap_or(power));
            if digits.is_empty() {
                return Kind::Unreadable;
            }
            after
        }
        None => rest,
    };
    match rest {
        "" => Kind::Float,
        "M" => Kind::Decimal,
        _ => Kind::Unreadable,
    }
}

fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len()))
}
