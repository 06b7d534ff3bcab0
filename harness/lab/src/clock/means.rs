//! By what means wall clocks are made wrong, as data.

use serde::{Deserialize, Serialize};

/// The name of the first of these means in records.
pub const MECHANISM: &str = "vdso-redirect";

/// The means by which a wall clock is made wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Means {
    /// The vDSO functions of every program are redirected.
    #[default]
    Redirect,
    /// libfaketime, where a program loads libraries.
    Faketime,
}

impl Means {
    /// Its name in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Redirect => MECHANISM,
            Self::Faketime => "faketime",
        }
    }
}
