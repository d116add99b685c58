use serde::Deserialize;

use super::ConnectionUrl;

/// `[results]`: the store of what outlives a message.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResultsSettings {
    /// Which store.
    pub backend: Backend,
    /// An external Redis, `redis://` or `rediss://`; empty means a `redis-server` child of Weir's own.
    pub redis_url: ConnectionUrl,
    /// What every key begins with.
    pub prefix: String,
    /// Patterns of keys that are shared with other programs: written and read without the prefix.
    pub shared_keys: Vec<String>,
    /// What a write has reached when it is acknowledged.
    pub durability: Durability,
}

/// Which store keeps the results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// Redis by URL; without one a `redis-server` found on PATH; without that the embedded store.
    #[default]
    Auto,
    /// Redis: by URL, or as a child process.
    Redis,
    /// A database file in the data folder, or tables beside the posts when these are in Postgres.
    Embedded,
}

/// What a write has reached when it is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// The store: survives a kill of Weir; the host's death may lose the last two seconds.
    #[default]
    Store,
    /// The disk: survives the host's death, at the cost of a sync for each write.
    Disk,
}

impl Default for ResultsSettings {
    fn default() -> Self {
        Self {
            backend: Backend::default(),
            redis_url: ConnectionUrl::default(),
            prefix: "weir:".to_owned(),
            shared_keys: vec!["my_worker:*".to_owned()],
            durability: Durability::default(),
        }
    }
}
