use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::Check;
use super::database_url::{self, PostgresUrl, UrlError};
use super::{ConnectionUrl, text};

/// `[database]`: where the posts are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseSettings {
    /// `sqlite://PATH` or `postgres://USER:PASSWORD@HOST/NAME`.
    pub url: ConnectionUrl,
    /// Where ad hoc queries go, with a role that may read the posts and nothing else. Empty: to the SQLite file, which a
    /// query cannot leave, and on Postgres nowhere.
    pub query_url: ConnectionUrl,
    /// True if a Postgres database that does not exist is made, by a role that may.
    pub create: bool,
    /// PEM file of certificate authorities that Postgres' certificate is checked against, besides those of the system's
    /// trust store. With it the check is on unless the URL says otherwise. Empty: none.
    pub ca_file: PathBuf,
    /// The pooler between Weir and Postgres.
    pub pooler: Pooler,
    /// Most connections open at once.
    pub max_connections: u32,
    /// Longest wait for a connection.
    #[serde(with = "text::duration")]
    pub connect_timeout: Duration,
    /// Program that runs queries of a SQLite file, in place of the running one. Code sets it, no configuration does.
    #[serde(skip)]
    pub query_program: Option<PathBuf>,
}

/// Pooler between Weir and Postgres, by how long it leaves a server's connection to a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooler {
    /// No pooler, or one that leaves it for the whole session.
    #[default]
    None,
    /// One that leaves it for a transaction, as `PgBouncer` does with `pool_mode = transaction`.
    Transaction,
}

impl DatabaseSettings {
    pub(super) fn check(&self, check: &mut Check) {
        let refusal = database_url::check(self.url.expose()).err();
        check.require("url", refusal.is_none(), || shown(refusal));
        if !self.query_url.is_empty() {
            let refusal = database_url::check(self.query_url.expose()).err();
            check.require("query_url", refusal.is_none(), || shown(refusal));
        }
        check.within("max_connections", self.max_connections, 1..=10_000);
        check.lasting("connect_timeout", self.connect_timeout);
    }

    /// The defaults with another URL.
    pub fn with_url(url: impl AsRef<str>) -> Self {
        Self {
            url: url.as_ref().into(),
            ..Self::default()
        }
    }

    /// The settings of a command with a URL of its own, which may lead through a pooler unless it has startup options.
    pub fn for_command(url: impl AsRef<str>) -> Self {
        let parsed = PostgresUrl::parse(url.as_ref());
        let pooler = match parsed {
            Ok(parsed) if !parsed.has_options() => Pooler::Transaction,
            _ => Pooler::None,
        };
        Self {
            pooler,
            ..Self::with_url(url)
        }
    }
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self {
            url: "sqlite://data/weir.db".into(),
            query_url: "".into(),
            create: false,
            ca_file: PathBuf::new(),
            pooler: Pooler::default(),
            max_connections: 8,
            connect_timeout: Duration::from_secs(5),
            query_program: None,
        }
    }
}

fn shown(refusal: Option<UrlError>) -> String {
    refusal
        .map(|refusal| refusal.to_string())
        .unwrap_or_default()
}
