//! What a choice depends on.

use std::path::PathBuf;

use super::{SelectionError, StoreKind, StoreLocation};
use crate::data_dir::DataDir;
use crate::redis_server::{RedisServerOptions, socket_path};
use crate::settings::{DatabaseSettings, StoreConfig};

/// Settings, and what is present on this machine.
#[derive(Clone, Debug)]
pub struct Environment<'a> {
    /// The section `[store]`.
    pub settings: &'a StoreConfig,
    /// The database of the posts.
    pub database: &'a DatabaseSettings,
    /// The `redis-server` found on PATH, if any.
    pub redis_server: Option<PathBuf>,
    /// The open data folder.
    pub data_dir: &'a DataDir,
}

impl Environment<'_> {
    /// Where a store of this kind would be; `None` if the environment does not tell.
    pub(crate) fn locate(&self, kind: StoreKind) -> Result<Option<StoreLocation>, SelectionError> {
        Ok(match kind {
            StoreKind::ExternalRedis => {
                let url = self.settings.redis_url.clone();
                (!url.is_empty()).then_some(StoreLocation::ExternalRedis { url })
            }
            StoreKind::ManagedRedis => match self.redis_server.clone() {
                Some(program) => {
                    let socket =
                        socket_path(&self.data_dir.redis()).map_err(SelectionError::Socket)?;
                    Some(StoreLocation::ManagedRedis { program, socket })
                }
                None => None,
            },
            StoreKind::Sqlite => Some(StoreLocation::Sqlite {
                file: self.data_dir.results_db(),
            }),
            StoreKind::Postgres => self.has_postgres().then(|| StoreLocation::Postgres {
                database: self.database.clone(),
            }),
        })
    }

    /// The embedded store goes where the posts are, if that is a server.
    pub(crate) fn embedded(&self) -> StoreKind {
        if self.has_postgres() {
            StoreKind::Postgres
        } else {
            StoreKind::Sqlite
        }
    }

    /// How the managed server is started here.
    pub(crate) fn redis_server_options(
        &self,
        program: PathBuf,
        socket: PathBuf,
    ) -> RedisServerOptions {
        RedisServerOptions {
            program,
            folder: self.data_dir.redis(),
            socket,
            durability: self.settings.durability,
        }
    }

    fn has_postgres(&self) -> bool {
        self.database.url.expose().starts_with("postgres")
    }
}
