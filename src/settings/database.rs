use std::time::Duration;

use serde::Deserialize;

use super::ConnectionUrl;
use super::check::Check;

/// `[database]`: where the posts are.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseSettings {
    /// `sqlite://PATH` or `postgres://USER:PASSWORD@HOST/NAME`.
    pub url: ConnectionUrl,
    /// Where ad hoc queries go, with a role that may read the posts and nothing else. Empty: to the SQLite file, which a
    /// query cannot leave, and on Postgres nowhere.
    pub query_url: ConnectionUrl,
    /// Most connections open at once.
    pub max_connections: u32,
    /// Longest wait for a connection, in milliseconds.
    pub connect_timeout_ms: u64,
}

impl DatabaseSettings {
    pub(super) fn check(&self, check: &mut Check) {
        let known = ["sqlite:", "postgres://", "postgresql://"];
        check.require(
            "url",
            known
                .iter()
                .any(|scheme| self.url.expose().starts_with(scheme)),
            || "expected sqlite://PATH or postgres://USER:PASSWORD@HOST/NAME".to_owned(),
        );
        check.require(
            "query_url",
            self.query_url.is_empty()
                || known
                    .iter()
                    .any(|scheme| self.query_url.expose().starts_with(scheme)),
            || "expected sqlite://PATH, postgres://USER:PASSWORD@HOST/NAME or nothing".to_owned(),
        );
        check.within("max_connections", self.max_connections, 1..=10_000);
        check.lasting("connect_timeout_ms", self.connect_timeout());
    }

    /// The defaults with another URL.
    pub fn with_url(url: impl AsRef<str>) -> Self {
        Self {
            url: url.as_ref().into(),
            ..Self::default()
        }
    }

    /// `connect_timeout_ms` as a duration.
    pub fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self {
            url: "sqlite://data/weir.db".into(),
            query_url: "".into(),
            max_connections: 8,
            connect_timeout_ms: 5_000,
        }
    }
}
