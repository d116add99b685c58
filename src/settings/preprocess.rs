use serde::Deserialize;

use super::Secret;

/// `[preprocess]`: what `weir preprocess` goes by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PreprocessSettings {
    /// Salt for author names, to have the same hashes in every run; empty, each run has its own.
    pub author_salt: Secret,
}
