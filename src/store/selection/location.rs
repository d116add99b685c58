//! Where a store is.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::settings::{ConnectionUrl, DatabaseSettings};

/// A store, and how to reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreLocation {
    /// A Redis server that others run.
    ExternalRedis {
        /// Its address and credentials.
        url: ConnectionUrl,
    },
    /// A Redis server that Weir runs in the data folder.
    ManagedRedis {
        /// The `redis-server` to run.
        program: PathBuf,
        /// The unix socket on which it listens.
        socket: PathBuf,
    },
    /// A file in the data folder.
    Sqlite {
        /// The file.
        file: PathBuf,
    },
    /// Tables beside the posts.
    Postgres {
        /// The database of the posts.
        database: DatabaseSettings,
    },
}

impl StoreLocation {
    /// The name under which the choice is logged and noted.
    pub fn kind(&self) -> StoreKind {
        match self {
            Self::ExternalRedis { .. } => StoreKind::ExternalRedis,
            Self::ManagedRedis { .. } => StoreKind::ManagedRedis,
            Self::Sqlite { .. } => StoreKind::Sqlite,
            Self::Postgres { .. } => StoreKind::Postgres,
        }
    }

    /// What tells two stores of one kind apart, without credentials; empty where the data folder does.
    pub fn address(&self) -> String {
        match self {
            Self::ExternalRedis { url } => url.to_string(),
            Self::Postgres { database } => database.url.to_string(),
            Self::ManagedRedis { .. } | Self::Sqlite { .. } => String::new(),
        }
    }
}

/// The kinds of stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreKind {
    /// A Redis server that others run.
    ExternalRedis,
    /// A Redis server that Weir runs.
    ManagedRedis,
    /// Embedded, in a file.
    Sqlite,
    /// Embedded, beside the posts.
    Postgres,
}

impl fmt::Display for StoreKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ExternalRedis => "redis at store.redis_url",
            Self::ManagedRedis => "a redis-server of our own",
            Self::Sqlite => "embedded, in sqlite",
            Self::Postgres => "embedded, in postgres",
        })
    }
}
