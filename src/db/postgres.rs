//! How Postgres is reached.

use sea_orm::{ConnectOptions, DatabaseConnection, sqlx::postgres::PgConnectOptions};

use super::DbError;
use crate::settings::DatabaseSettings;

/// Prepares the pool; the server is not spoken to before the first statement.
pub(super) async fn open(settings: &DatabaseSettings) -> Result<DatabaseConnection, DbError> {
    let options = settings
        .url
        .expose()
        .parse::<PgConnectOptions>()
        .map_err(DbError::Url)?
        .application_name("weir");
    // sea-orm traces the options it is given, so the true URL, with its password, comes by the closure.
    let mut pool = ConnectOptions::new("postgres://localhost/weir");
    pool.max_connections(settings.max_connections)
        .acquire_timeout(settings.connect_timeout())
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .connect_lazy(true)
        .map_sqlx_postgres_opts(move |_| options.clone());
    Ok(sea_orm::Database::connect(pool).await?)
}
