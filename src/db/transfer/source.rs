use std::str::FromStr;

use sea_orm::{
    SqlxError,
    sqlx::{ConnectOptions, SqlitePool, postgres::PgConnectOptions, sqlite::SqliteConnectOptions},
};

use crate::{
    db::{DbError, raw_transaction::RawTransaction},
    settings::DatabaseSettings,
    sql::SqliteTransaction,
};

/// A database to read from, as it was when it was opened; nothing is written to it, and a missing file is not made.
pub(super) async fn open(settings: &DatabaseSettings) -> Result<RawTransaction, DbError> {
    let url = settings.url.expose();
    if url.starts_with("sqlite:") {
        let options = parsed::<SqliteConnectOptions>(url)?.read_only(true);
        let pool = SqlitePool::connect_with(options).await?;
        let transaction = SqliteTransaction::reading(pool.begin().await?);
        return Ok(RawTransaction::Sqlite(transaction));
    }
    if !url.starts_with("postgres:") && !url.starts_with("postgresql:") {
        return Err(DbError::Scheme);
    }
    let options = parsed::<PgConnectOptions>(url)?.application_name("weir");
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    RawTransaction::on_postgres(options.connect().await?, begin).await
}

fn parsed<T: FromStr<Err = SqlxError>>(url: &str) -> Result<T, DbError> {
    url.parse().map_err(DbError::Url)
}
