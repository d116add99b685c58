use std::{fmt, time::Duration};

use serde::Deserialize;

/// Where the posts are and how to reach them.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `sqlite://PATH` (the file and its folder are made when absent) or `postgres://USER:PASSWORD@HOST/NAME`.
    pub url: String,
    /// Most connections open at once; on SQLite one more writes.
    pub max_connections: u32,
    /// Longest wait for a connection, in milliseconds.
    pub connect_timeout_ms: u64,
}

impl DatabaseConfig {
    /// The defaults with another URL.
    pub fn with_url(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            ..Self::default()
        }
    }

    pub(super) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            url: "sqlite://data/weir.db".to_owned(),
            max_connections: 8,
            connect_timeout_ms: 5_000,
        }
    }
}

/// The URL may hold a password: only its scheme prints.
impl fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseConfig")
            .field(
                "url",
                &self.url.split_once(':').map_or("", |(scheme, _)| scheme),
            )
            .field("max_connections", &self.max_connections)
            .field("connect_timeout_ms", &self.connect_timeout_ms)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_never_prints() {
        let config = DatabaseConfig::with_url("postgres://weir:hunter2@db/weir");
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let parsed: Result<DatabaseConfig, _> = serde_json::from_str(r#"{"uri": "sqlite://x"}"#);
        assert!(parsed.is_err());
    }
}
