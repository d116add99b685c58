use serde::Deserialize;

use super::Check;
use super::Secret;

/// Group of routes that share keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// `/rank` and `/score`.
    Rank,
    /// `/data/scraper`, for outside scrapers.
    Ingest,
    /// Jobs, schedules, results, scrapers and actors.
    Admin,
}

impl Scope {
    /// The name in the settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rank => "rank",
            Self::Ingest => "ingest",
            Self::Admin => "admin",
        }
    }
}

/// `[auth]`: the keys that open each scope. Any key of a list opens its scope, and an admin key opens every scope.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthSettings {
    /// For `/rank` and `/score`, which are open while this is empty.
    pub rank: Vec<Secret>,
    /// For outside scrapers.
    pub ingest: Vec<Secret>,
    /// For jobs, schedules, results, scrapers and actors, and for every other scope. While this is empty, the key in
    /// `admin.key` of the data folder takes its place.
    pub admin: Vec<Secret>,
    /// Scopes that need no key.
    pub open: Vec<Scope>,
}

impl AuthSettings {
    /// The configured keys of a scope.
    pub fn keys(&self, scope: Scope) -> &[Secret] {
        match scope {
            Scope::Rank => &self.rank,
            Scope::Ingest => &self.ingest,
            Scope::Admin => &self.admin,
        }
    }

    pub(super) fn check(&self, check: &mut Check) {
        for scope in [Scope::Rank, Scope::Ingest, Scope::Admin] {
            check.require_each(
                scope.as_str(),
                self.keys(scope),
                Secret::fits_a_header,
                "a key is made of visible ASCII characters, without spaces",
            );
        }
        check.require_each(
            "open",
            &self.open,
            |scope| self.keys(*scope).is_empty(),
            "a scope with keys cannot be open: remove its keys, or its name here",
        );
    }
}
