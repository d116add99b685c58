//! Pools of connections, and how their statements and transactions are sent.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    ExecResult, QueryResult, RuntimeErr, SqlxError, Statement, TransactionOptions,
    TransactionTrait, sqlx::pool::PoolConnection,
};

use super::error_class::{NO_CONNECTION, class_of};
use super::servers::{READ_ONLY_SETTING, Servers};
use crate::outage::ErrorClass;

use crate::settings::Pooler;

/// Shortest time for which one of several servers is tried.
const ROTATION_PAUSE: Duration = Duration::from_secs(1);

/// A pool of connections to a database. Clones share it.
///
/// Behind a pooler in transaction mode a server's connection is kept for one transaction only, and may have been used by
/// others before. So every statement is sent in a transaction, which first removes the prepared statements that are there.
#[derive(Clone, Debug)]
pub struct Pool {
    connections: DatabaseConnection,
    pooler: Pooler,
    freshness: Freshness,
    servers: Option<Rotation>,
}

/// The servers that a pool of Postgres may connect to, one at a time.
#[derive(Clone, Debug)]
struct Rotation {
    servers: Servers,
    current: Arc<Mutex<Current>>,
}

/// The server in use.
#[derive(Debug)]
struct Current {
    number: usize,
    since: Instant,
}

/// Removes the statements that the driver has prepared in earlier transactions, which may have been another client's: the
/// driver numbers its statements by client.
pub(crate) const FORGET_STATEMENTS: &str = "DEALLOCATE ALL";

impl Pool {
    /// A pool of connections to SQLite.
    pub(crate) fn sqlite(connections: DatabaseConnection) -> Self {
        Self {
            connections,
            pooler: Pooler::None,
            freshness: Freshness::new(),
            servers: None,
        }
    }

    /// A pool of connections to Postgres, which are made when first used.
    pub(crate) async fn postgres(
        servers: Servers,
        pooler: Pooler,
        max_connections: u32,
        timeout: Duration,
    ) -> Result<Self, DbErr> {
        let freshness = Freshness::new();
        let options = servers.nth(0).clone();
        // sea-orm traces the options it is given, so the true ones, with their password, come by the closure.
        let mut pool = ConnectOptions::new("postgres://localhost/weir");
        let checked = freshness.clone();
        pool.max_connections(max_connections)
            .acquire_timeout(timeout)
            .sqlx_logging(false)
            .record_stmt_in_spans(false)
            .connect_lazy(true)
            .map_sqlx_postgres_opts(move |_| options.clone())
            .map_sqlx_postgres_pool_opts(move |pool| {
                let checked = checked.clone();
                pool.before_acquire(move |_, connection| {
                    let is_fresh = checked.allows(connection.age);
                    Box::pin(async move { Ok(is_fresh) })
                })
            });
        Ok(Self {
            connections: sea_orm::Database::connect(pool).await?,
            pooler,
            freshness,
            servers: Some(Rotation {
                servers,
                current: Arc::new(Mutex::new(Current {
                    number: 0,
                    since: Instant::now(),
                })),
            }),
        })
    }

    /// Begins a transaction.
    pub(crate) async fn begin(
        &self,
        options: TransactionOptions,
    ) -> Result<DatabaseTransaction, DbErr> {
        if self.pooler == Pooler::None {
            return self.connections.begin_with_options(options).await;
        }
        // The driver prepares a statement for the options, whose name another client may have used.
        let transaction = self.connections.begin().await?;
        if let Some(level) = options.isolation_level {
            let set = format!("SET TRANSACTION ISOLATION LEVEL {level}");
            transaction.execute_unprepared(&set).await?;
        }
        if let Some(mode) = options.access_mode {
            let set = format!("SET TRANSACTION {mode}");
            transaction.execute_unprepared(&set).await?;
        }
        // After the options, which no statement may come before.
        transaction.execute_unprepared(FORGET_STATEMENTS).await?;
        Ok(transaction)
    }

    /// Lets every statement from now on find a connection made from now on: to the next of several servers, and with the
    /// address resolved again.
    pub(crate) fn reconnect(&self) {
        // Many statements fail at once, and go on with one and the same server.
        self.leave_server(ROTATION_PAUSE);
        self.freshness.renew();
        self.drop_idle();
    }

    /// Those in use are dropped when they come back.
    fn drop_idle(&self) {
        if self.servers.is_none() {
            return;
        }
        let pool = self.connections.get_postgres_connection_pool();
        for _ in 0..pool.num_idle() {
            drop(pool.try_acquire().map(PoolConnection::detach));
        }
    }

    /// Goes to the next of several servers, unless that was done within `pause`.
    fn leave_server(&self, pause: Duration) {
        let Some(Rotation { servers, current }) = &self.servers else {
            return;
        };
        let mut current = current.lock().unwrap_or_else(PoisonError::into_inner);
        if servers.len() > 1 && current.since.elapsed() >= pause {
            *current = Current {
                number: current.number + 1,
                since: Instant::now(),
            };
            let pool = self.connections.get_postgres_connection_pool();
            pool.set_connect_options(servers.nth(current.number).clone());
        }
    }

    /// Does so after an error by which the connections are of no use, or the server.
    pub(crate) fn reconnect_after(&self, class: ErrorClass) {
        let servers = self.servers.as_ref();
        let has_others = servers.is_some_and(|rotation| rotation.servers.len() > 1);
        if class.reconnect || class == NO_CONNECTION && has_others {
            self.reconnect();
        }
    }

    /// Takes note of an error in what a statement has met.
    pub(super) fn note<T>(&self, outcome: Result<T, DbErr>) -> Result<T, DbErr> {
        if let Err(error) = &outcome {
            self.reconnect_after(class_of(error));
        }
        outcome
    }

    /// Finds the first server that answers, and that takes writes if it must.
    pub(crate) async fn find_server(&self) -> Result<(), DbErr> {
        let Some(Rotation { servers, .. }) = &self.servers else {
            return self.ping().await;
        };
        let mut outcome = Ok(());
        for _ in 0..servers.len() {
            outcome = self.check_server(servers.must_take_writes()).await;
            if outcome.is_ok() {
                break;
            }
            self.leave_server(Duration::ZERO);
            self.freshness.renew();
        }
        outcome
    }

    async fn check_server(&self, must_take_writes: bool) -> Result<(), DbErr> {
        self.connections.ping().await?;
        if must_take_writes {
            let setting = Statement::from_string(DbBackend::Postgres, READ_ONLY_SETTING);
            let row = self.query_one_alone(setting).await?;
            let setting: Option<String> = row.map(|row| row.try_get_by_index(0)).transpose()?;
            if setting.as_deref() != Some("off") {
                let read_only = io::Error::other("the server is read-only");
                return Err(DbErr::Conn(RuntimeErr::SqlxError(Arc::new(SqlxError::Io(
                    read_only,
                )))));
            }
        }
        Ok(())
    }

    /// Asks for an answer.
    pub(crate) async fn ping(&self) -> Result<(), DbErr> {
        self.note(self.connections.ping().await)
    }

    /// Waits for the statements under way and closes every connection.
    pub(crate) async fn close(self) -> Result<(), DbErr> {
        self.connections.close().await
    }

    /// The connections themselves, which know of no pooler.
    pub(crate) fn inner(&self) -> &DatabaseConnection {
        &self.connections
    }

    pub(crate) fn pooler(&self) -> Pooler {
        self.pooler
    }

    async fn execute_alone(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let Some(transaction) = self.transaction().await? else {
            return self.connections.execute_raw(statement).await;
        };
        let executed = transaction.execute_raw(statement).await?;
        transaction.commit().await?;
        Ok(executed)
    }

    async fn query_one_alone(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let Some(transaction) = self.transaction().await? else {
            return self.connections.query_one_raw(statement).await;
        };
        let row = transaction.query_one_raw(statement).await?;
        transaction.commit().await?;
        Ok(row)
    }

    async fn query_all_alone(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let Some(transaction) = self.transaction().await? else {
            return self.connections.query_all_raw(statement).await;
        };
        let rows = transaction.query_all_raw(statement).await?;
        transaction.commit().await?;
        Ok(rows)
    }

    /// The transaction that a single statement needs, if it does.
    async fn transaction(&self) -> Result<Option<DatabaseTransaction>, DbErr> {
        Ok(match self.pooler {
            Pooler::None => None,
            Pooler::Transaction => Some(self.begin(TransactionOptions::default()).await?),
        })
    }
}

#[async_trait]
impl ConnectionTrait for Pool {
    fn get_database_backend(&self) -> DbBackend {
        self.connections.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.note(self.execute_alone(statement).await)
    }

    /// The server takes it in one message, in which nothing is prepared.
    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.note(self.connections.execute_unprepared(sql).await)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.note(self.query_one_alone(statement).await)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.note(self.query_all_alone(statement).await)
    }
}

/// The time before which no connection is of use any more. Clones share it.
#[derive(Clone, Debug)]
struct Freshness(Arc<Mutex<Instant>>);

impl Freshness {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    fn renew(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn allows(&self, age: Duration) -> bool {
        let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        since.elapsed() >= age
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_made_before_the_renewal_is_not_used_again() {
        let freshness = Freshness::new();
        assert!(freshness.allows(Duration::ZERO));
        freshness.renew();
        assert!(!freshness.allows(Duration::from_mins(1)));
        assert!(freshness.allows(Duration::ZERO));
    }
}
