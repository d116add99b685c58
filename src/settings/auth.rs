use serde::Deserialize;

use super::Secret;
use super::check::Check;

/// `[auth]`: the keys that open each scope. Any key of a list opens its scope.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthSettings {
    /// For `/rank`; without a key it is open to everybody.
    pub rank: Vec<Secret>,
    /// For outside scrapers; without a key only loopback callers are let in.
    pub ingest: Vec<Secret>,
    /// For jobs, schedules, results and actors; without a key only loopback callers are let in.
    pub admin: Vec<Secret>,
}

impl AuthSettings {
    pub(super) fn check(&self, check: &mut Check) {
        for (scope, keys) in [
            ("rank", &self.rank),
            ("ingest", &self.ingest),
            ("admin", &self.admin),
        ] {
            check.require_each(
                scope,
                keys,
                Secret::fits_a_header,
                "a key is made of visible ASCII characters, without spaces",
            );
        }
    }
}
