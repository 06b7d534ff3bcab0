//! What requests and answers of a protocol have, for what judges target files. Data only.

/// What requests and answers of a protocol have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    /// The beginning of an address.
    pub(crate) scheme: &'static str,
    /// Whether answers have an HTTP status, and headers.
    pub(crate) has_status: bool,
    /// Whether an answer is a text that may be looked at as a whole.
    pub(crate) is_text: bool,
    /// Whether there are answers that send an operation to another node.
    pub(crate) redirects: bool,
}
