//! What a choice depends on.

use std::env;
use std::path::PathBuf;

use super::{ChoiceError, StoreKind, StoreLocation};
use crate::data_dir::DataDir;
use crate::results::redis_server::{RedisServerOptions, socket_path};
use crate::settings::{DatabaseSettings, ResultsSettings};

/// Settings, and what is present on this machine.
#[derive(Clone, Debug)]
pub struct Surroundings<'a> {
    /// The section `[results]`.
    pub settings: &'a ResultsSettings,
    /// The database of the posts.
    pub database: &'a DatabaseSettings,
    /// The `redis-server` found on PATH, if any.
    pub redis_server: Option<PathBuf>,
    /// The open data folder.
    pub data_dir: &'a DataDir,
}

impl Surroundings<'_> {
    /// Where a store of this kind would be; `None` if these surroundings do not tell.
    pub(super) fn locate(&self, kind: StoreKind) -> Result<Option<StoreLocation>, ChoiceError> {
        Ok(match kind {
            StoreKind::ExternalRedis => {
                let url = self.settings.redis_url.clone();
                (!url.is_empty()).then_some(StoreLocation::ExternalRedis { url })
            }
            StoreKind::ManagedRedis => match self.redis_server.clone() {
                Some(program) => {
                    let socket =
                        socket_path(&self.data_dir.redis()).map_err(ChoiceError::Socket)?;
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
    pub(super) fn embedded(&self) -> StoreKind {
        if self.has_postgres() {
            StoreKind::Postgres
        } else {
            StoreKind::Sqlite
        }
    }

    /// How the managed server is started here.
    pub(super) fn redis_server_options(
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

/// The `redis-server` that a shell would run.
pub fn redis_server_on_path() -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders)
        .map(|folder| folder.join("redis-server"))
        .find(|file| file.is_file())
}
