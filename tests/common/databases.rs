//! One suite of tests on both databases.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use sea_orm::ConnectionTrait;
use tempfile::TempDir;
use weir::{db::Database, settings::DatabaseSettings};
use weir_test_support::Postgres;

/// The default settings with another URL.
pub(crate) fn database_at(url: impl AsRef<str>) -> DatabaseSettings {
    DatabaseSettings {
        url: url.as_ref().into(),
        query_program: Some(env!("CARGO_BIN_EXE_weir").into()),
        ..DatabaseSettings::default()
    }
}

/// An empty, migrated database of its own.
pub(crate) struct TestDatabase {
    pub(crate) database: Database,
    pub(crate) settings: DatabaseSettings,
    _folder: Option<TempDir>,
}

impl TestDatabase {
    pub(crate) async fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite://{}", folder.path().join("new/weir.db").display());
        Self::migrated(url, Some(folder)).await
    }

    pub(crate) async fn postgres() -> Self {
        Self::postgres_of(Postgres::shared()).await
    }

    pub(crate) async fn postgres_of(server: &Postgres) -> Self {
        Self::migrated(server.fresh_database(), None).await
    }

    /// The 379 real posts of others, migrated; `None`, said aloud, when they are not there.
    pub(crate) async fn of_real_posts() -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let file = unpack_real_posts(folder.path())?;
        let url = format!("sqlite://{}", file.display());
        Some(Self::migrated(url, Some(folder)).await)
    }

    async fn migrated(url: String, folder: Option<TempDir>) -> Self {
        Self {
            _folder: folder,
            ..Self::over(database_at(url)).await
        }
    }

    /// The database of these settings, migrated.
    pub(crate) async fn over(settings: DatabaseSettings) -> Self {
        let database = Database::connect(&settings).await.unwrap();
        database.migrate().await.unwrap();
        Self {
            database,
            settings,
            _folder: None,
        }
    }
}

/// Makes a test for SQLite and one for Postgres of each `async fn(TestDatabase)` named.
macro_rules! on_both_databases {
    ($($(#[$attribute:meta])* $test:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test] $(#[$attribute])*
            async fn $test() {
                super::$test(crate::common::databases::TestDatabase::sqlite().await).await;
            })+
        }
        mod on_postgres {
            $(#[tokio::test] $(#[$attribute])*
            async fn $test() {
                super::$test(crate::common::databases::TestDatabase::postgres().await).await;
            })+
        }
    };
}
pub(crate) use on_both_databases;

/// The folder of real data beside the project, or `None`, said aloud.
pub(crate) fn shared_data() -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let named = std::env::var_os("WEIR_SHARED_DATA").map(PathBuf::from);
    let found = named
        .into_iter()
        .chain(["../shared/data", "../../shared/data"].map(|beside| root.join(beside)))
        .find(|folder| folder.is_dir());
    if found.is_none() {
        eprintln!("skipped: no real data at ../shared/data; WEIR_SHARED_DATA names another place");
    }
    found
}

/// Puts a database of others, 379 real posts of 2017-05-31, into `folder`.
pub(crate) fn unpack_real_posts(folder: &Path) -> Option<PathBuf> {
    let packed = shared_data()?.join("facebook_2017-05-31.sqlite.gz");
    let unpacked = Command::new("gunzip")
        .arg("-c")
        .arg(packed)
        .output()
        .unwrap();
    assert!(unpacked.status.success(), "gunzip failed");
    let file = folder.join("real.db");
    std::fs::write(&file, unpacked.stdout).unwrap();
    Some(file)
}

/// Runs statements, without arguments or answer.
pub(crate) async fn sql(database: &Database, statement: &str) {
    let transaction = database.begin().await.unwrap();
    transaction.execute_unprepared(statement).await.unwrap();
    transaction.commit().await.unwrap();
}
