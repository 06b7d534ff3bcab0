//! What a user can choose of a target. Data only.

/// A setting with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// What it decides, for people.
    pub description: String,
    /// Its value, chosen or by default.
    pub value: String,
    /// The values that it may have; any where there are none.
    pub one_of: Vec<String>,
}
