use sea_orm::sqlx::{ConnectOptions, SqlitePool};

use crate::{
    db::{DbError, postgres, raw_transaction::RawTransaction, sqlite},
    settings::DatabaseSettings,
    sql::SqliteTransaction,
};

/// A database to read from, as it was when it was opened; nothing is written to it, and a missing file is not made.
pub(super) async fn open(settings: &DatabaseSettings) -> Result<RawTransaction, DbError> {
    if settings.url.expose().starts_with("sqlite:") {
        let options = sqlite::options_of(settings.url.expose())?.read_only(true);
        let pool = SqlitePool::connect_with(options.disable_statement_logging()).await?;
        let transaction = SqliteTransaction::reading(pool.begin().await?);
        return Ok(RawTransaction::Sqlite(transaction));
    }
    let servers = postgres::servers(&settings.url, settings, "weir")?;
    let connection = servers.connect(settings.connect_timeout).await?;
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    RawTransaction::on_postgres(connection, begin, settings.pooler).await
}
