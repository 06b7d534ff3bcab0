//! A name for an anomaly that stays the same over seeds and nights.
//!
//! It is a hash of the check, which names the kind of object, of the class, and of the hallmarks
//! that the checker tells of the anomaly. Times, names, values, and how many operations a witness
//! has never enter: the same defect never strikes twice in the same way.

use fracas_checker::verdict::Anomaly;
use sha2::{Digest, Sha256};

/// Begins every fingerprint; changes when the recipe does.
const RECIPE: &str = "f5-";

/// How many bytes of the hash are kept.
const BYTES: usize = 6;

/// The fingerprint of an anomaly that `check` found, with these hallmarks.
pub(crate) fn fingerprint(check: &str, anomaly: &Anomaly, hallmarks: &[String]) -> String {
    let text = format!("{check}\n{}\n{}", anomaly.class, hallmarks.join("\n"));
    RECIPE.to_owned() + &hex(&Sha256::digest(text.as_bytes())[..BYTES])
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
