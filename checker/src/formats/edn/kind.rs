//! What a value of EDN or JSON is.

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Nil,
    Bool,
    /// A whole number of any length.
    Int,
    /// A floating-point number, `##NaN` and the infinities included.
    Float,
    /// A decimal number, exact: `1.50M`.
    Decimal,
    Ratio,
    Char,
    Str,
    Keyword,
    Symbol,
    List,
    Vector,
    Set,
    Map,
    /// A tag with the value that it stands before.
    Tagged,
    /// `#"a.*"`, which is told from others by its text.
    Pattern,
    /// What Clojure prints and no reader takes, such as `0x5e1ab2`: refused where it is needed.
    Unreadable,
}
