//! The servers of a Postgres database.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::SqlxError;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::{ConnectOptions, Executor, PgConnection, Row};
use tokio::time::timeout;

/// Answers `on` where nothing can be written.
pub(super) const READ_ONLY_SETTING: &str = "SHOW transaction_read_only";

/// The servers that a URL names, in the order in which they are tried, and how to connect to each.
#[derive(Clone, Debug)]
pub(crate) struct Servers {
    options: Arc<[PgConnectOptions]>,
    must_take_writes: bool,
}

impl Servers {
    /// At least one server.
    pub(crate) fn new(options: Vec<PgConnectOptions>, must_take_writes: bool) -> Self {
        Self {
            options: options.into(),
            must_take_writes,
        }
    }

    /// Another database of the same servers, where it can be written.
    pub(crate) fn of_another_database(&self, name: &str) -> Self {
        let all = self.options.iter().cloned();
        Self {
            options: all.map(|server| server.database(name)).collect(),
            must_take_writes: true,
        }
    }

    /// How to connect to one of them, for any number that counts them round and round.
    pub(crate) fn nth(&self, number: usize) -> &PgConnectOptions {
        &self.options[number % self.options.len()]
    }

    pub(crate) fn len(&self) -> usize {
        self.options.len()
    }

    pub(crate) fn must_take_writes(&self) -> bool {
        self.must_take_writes
    }

    /// Connects to the first that takes connections, and writes if it must; each may take as long as `limit`.
    pub(crate) async fn connect(&self, limit: Duration) -> Result<PgConnection, SqlxError> {
        let mut outcome = Err(SqlxError::PoolTimedOut);
        for options in self.options.iter() {
            let connecting = async {
                let mut connection = options.connect().await?;
                if self.must_take_writes && takes_no_writes(&mut connection).await? {
                    return Err(SqlxError::Io(io::Error::other("the server is read-only")));
                }
                Ok(connection)
            };
            outcome = timeout(limit, connecting)
                .await
                .unwrap_or(Err(SqlxError::PoolTimedOut));
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }
}

async fn takes_no_writes(connection: &mut PgConnection) -> Result<bool, SqlxError> {
    let setting = connection.fetch_one(READ_ONLY_SETTING).await?;
    Ok(setting.try_get::<String, _>(0)? == "on")
}
