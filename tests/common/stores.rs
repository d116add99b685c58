//! One suite of tests on every results store.

use std::{collections::BTreeSet, future::Future, ops::Deref, sync::Arc, time::Duration};

use sea_orm::ConnectionTrait;
use tempfile::TempDir;
use tokio::sync::watch;
use weir::{
    settings::{DatabaseSettings, StoreConfig},
    store::{Store, StoreLocation},
};
use weir_test_support::{Postgres, Redis};

/// An empty store of its own.
pub(crate) struct TestStore {
    pub(crate) settings: StoreConfig,
    pub(crate) location: StoreLocation,
    pub(crate) store: Store,
    redis: Option<Redis>,
    _folder: Option<TempDir>,
}

impl TestStore {
    pub(crate) fn redis() -> Self {
        let redis = Redis::start();
        let url = redis.url().as_str().into();
        Self::open(StoreLocation::ExternalRedis { url }, Some(redis), None)
    }

    pub(crate) fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("results 100%?.db");
        Self::open(StoreLocation::Sqlite { file }, None, Some(folder))
    }

    pub(crate) fn postgres() -> Self {
        let database = DatabaseSettings::with_url(Postgres::shared().fresh_database());
        Self::open(StoreLocation::Postgres { database }, None, None)
    }

    fn open(location: StoreLocation, redis: Option<Redis>, folder: Option<TempDir>) -> Self {
        let settings = StoreConfig::default();
        Self {
            store: Store::open(&settings, &location).unwrap(),
            settings,
            location,
            redis,
            _folder: folder,
        }
    }

    /// A handle on the same store under another prefix, so on nothing that was there before.
    pub(crate) fn in_its_own_space(&self, number: u32) -> Store {
        let settings = StoreConfig {
            prefix: format!("space{number}:"),
            ..self.settings.clone()
        };
        Store::open(&settings, &self.location).unwrap()
    }

    /// Changes what the store holds, past Weir: by commands of Redis, or by a statement of SQL.
    pub(crate) async fn edit(&self, redis: &[&[&str]], sql: &str) {
        let url = match (&self.location, &self.redis) {
            (_, Some(server)) => {
                let mut connection = server.connection();
                for command in redis {
                    let mut edit = redis::cmd(command[0]);
                    edit.arg(&command[1..]).exec(&mut connection).unwrap();
                }
                return;
            }
            (StoreLocation::Postgres { database }, _) => database.url.expose().to_owned(),
            (StoreLocation::Sqlite { file }, _) => sqlite_url(file),
            _ => unreachable!("redis stores bring their server"),
        };
        let database = sea_orm::Database::connect(url).await.unwrap();
        database.execute_unprepared(sql).await.unwrap();
    }

    /// A second handle, with connections of its own, as another process would have.
    pub(crate) fn another(&self) -> Store {
        Store::open(&self.settings, &self.location).unwrap()
    }
}

impl Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

/// Makes one test for each store of each `async fn(TestStore)` named.
macro_rules! on_every_store {
    ($($test:ident),+ $(,)?) => {
        mod on_redis {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::common::stores::TestStore::redis()).await;
            })+
        }
        mod on_sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::common::stores::TestStore::sqlite()).await;
            })+
        }
        mod on_postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::common::stores::TestStore::postgres()).await;
            })+
        }
    };
}
pub(crate) use on_every_store;

/// The jobs that a worker of a test can run.
pub(crate) fn job_names(names: &[&str]) -> Arc<BTreeSet<String>> {
    Arc::new(names.iter().copied().map(str::to_owned).collect())
}

/// What `future` gives, if it gives it within `limit`.
pub(crate) async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(limit, future)
        .await
        .expect("took too long")
}

/// Waits until the receiver holds what `wanted` accepts.
pub(crate) async fn sees<T>(
    limit: Duration,
    receiver: &mut watch::Receiver<T>,
    wanted: impl FnMut(&T) -> bool,
) {
    within(limit, receiver.wait_for(wanted)).await.unwrap();
}

impl TestStore {
    /// How many keys of ours that begin with `start` take room, expired or not: not asked through Weir.
    pub(crate) async fn count_keys(&self, start: &str) -> i64 {
        let count =
            format!("SELECT count(*) FROM weir_results WHERE key LIKE 'weir:result:{start}%'");
        match (&self.location, &self.redis) {
            (StoreLocation::Sqlite { file }, _) => query_i64(&sqlite_url(file), &count).await,
            (StoreLocation::Postgres { database }, _) => {
                query_i64(database.url.expose(), &count).await
            }
            (_, Some(redis)) => {
                let mut scan = redis::cmd("KEYS");
                let keys: Vec<String> = scan
                    .arg(format!("weir:result:{start}*"))
                    .query(&mut redis.connection())
                    .unwrap();
                i64::try_from(keys.len()).unwrap()
            }
            _ => unreachable!("redis stores bring their server"),
        }
    }
}

fn sqlite_url(file: &std::path::Path) -> String {
    let file = file.to_str().unwrap();
    format!("sqlite:{}", file.replace('%', "%25").replace('?', "%3F"))
}

async fn query_i64(url: &str, query: &str) -> i64 {
    use sea_orm::{Database, Statement};
    let database = Database::connect(url).await.unwrap();
    let statement = Statement::from_string(database.get_database_backend(), query);
    let row = database.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}
