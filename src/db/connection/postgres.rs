//! How Postgres is reached.

use std::{fs::File, path::PathBuf, time::Duration};

use sea_orm::{
    SqlxError,
    sqlx::{
        AssertSqlSafe, ConnectOptions, Connection, Executor,
        postgres::{PgConnectOptions, PgSslMode},
    },
};
use tokio::time::timeout;

use crate::db::{DbError, sql_text::quoted};
use crate::settings::{ConnectionUrl, DatabaseSettings, Pooler, PostgresUrl, UrlError};
use crate::sql::{Pool, Servers};

/// Longest time to make a database.
const CREATION_LIMIT: Duration = Duration::from_mins(1);

/// Prepares the pool; the server is not spoken to before the first statement.
pub(super) async fn open(settings: &DatabaseSettings) -> Result<Pool, DbError> {
    let servers = servers(&settings.url, settings, "weir")?;
    let (most, limit) = (settings.max_connections, settings.connect_timeout);
    Ok(Pool::postgres(servers, settings.pooler, most, limit).await?)
}

/// The servers of `url`, reached in the way of `settings`. No statement is logged, since statements may hold data.
pub(crate) fn servers(
    url: &ConnectionUrl,
    settings: &DatabaseSettings,
    application_name: &str,
) -> Result<Servers, DbError> {
    let url = PostgresUrl::parse(url.expose())?;
    if settings.pooler == Pooler::Transaction && url.has_options() {
        return Err(UrlError::UnsupportedParameter {
            name: "options",
            hint: "a pooler refuses startup options: ALTER ROLE ... SET gives a role its own",
        }
        .into());
    }
    let tls = Tls::new(&url, settings)?;
    let options = url.for_driver().into_iter().map(|server| {
        // What the driver says of a URL may quote it.
        let unreadable = |_| UrlError::Part {
            part: "text",
            expected: "postgres://USER:PASSWORD@HOST/NAME",
        };
        let options: PgConnectOptions = server.parse().map_err(unreadable)?;
        let options = tls.apply(options).disable_statement_logging();
        Ok(match settings.pooler {
            Pooler::None => options,
            // A pooler refuses startup parameters that it does not track.
            Pooler::Transaction => options.extra_float_digits(None).statement_cache_capacity(0),
        }
        .application_name(application_name))
    });
    let options: Vec<_> = options.collect::<Result<_, UrlError>>()?;
    Ok(Servers::new(options, url.must_take_writes()))
}

/// Makes the database of the settings, by way of the database `postgres`. One that is there by now is left alone.
pub(super) async fn create_database(settings: &DatabaseSettings) -> Result<(), DbError> {
    let servers = servers(&settings.url, settings, "weir")?;
    let first = servers.nth(0);
    let name = first.get_database().unwrap_or(first.get_username());
    let create = AssertSqlSafe(format!("CREATE DATABASE {}", quoted(name)));
    let elsewhere = servers.of_another_database("postgres");
    let creating = async {
        let mut connection = elsewhere.connect(settings.connect_timeout).await?;
        let created = connection.execute(create).await;
        connection.close().await?;
        created
    };
    let created = timeout(CREATION_LIMIT, creating).await;
    match created.unwrap_or(Err(SqlxError::PoolTimedOut)) {
        Err(SqlxError::Database(error)) if is_there(error.code().as_deref()) => Ok(()),
        created => Ok(created.map(drop)?),
    }
}

/// Returns whether another process has made the database at the same time.
fn is_there(code: Option<&str>) -> bool {
    const DUPLICATE_DATABASE: &str = "42P04";
    const UNIQUE_VIOLATION: &str = "23505";
    matches!(code, Some(DUPLICATE_DATABASE | UNIQUE_VIOLATION))
}

/// How the server's certificate is checked.
struct Tls {
    mode: Option<PgSslMode>,
    ca_file: Option<PathBuf>,
}

impl Tls {
    /// As libpq, a file of certificate authorities makes `require` check the certificate. In contrast to libpq it makes
    /// `verify-full` the default.
    fn new(url: &PostgresUrl, settings: &DatabaseSettings) -> Result<Self, DbError> {
        let (of_url, of_settings) = (url.ssl_root_cert(), &settings.ca_file);
        let uses_system = of_url == Some("system");
        let of_url = of_url.filter(|_| !uses_system).map(PathBuf::from);
        let of_settings = Some(of_settings.clone()).filter(|file| !file.as_os_str().is_empty());
        let ca_file = of_url.or(of_settings);
        let checks = uses_system || ca_file.is_some();
        let mode = match url.ssl_mode() {
            None if checks => Some(PgSslMode::VerifyFull),
            None => None,
            Some("verify-full") => Some(PgSslMode::VerifyFull),
            Some("verify-ca") => Some(PgSslMode::VerifyCa),
            Some("require") if checks => Some(PgSslMode::VerifyCa),
            Some("require") => Some(PgSslMode::Require),
            Some(mode) if checks => return Err(DbError::CaFileUnused { mode }),
            // The driver does not know the second try of `allow`.
            Some("disable" | "allow") => Some(PgSslMode::Disable),
            Some(_) => Some(PgSslMode::Prefer),
        };
        if let Some(path) = &ca_file {
            File::open(path).map_err(|source| DbError::CaFile {
                path: path.clone(),
                source,
            })?;
        }
        Ok(Self { mode, ca_file })
    }

    fn apply(&self, options: PgConnectOptions) -> PgConnectOptions {
        let options = match self.mode {
            Some(mode) => options.ssl_mode(mode),
            None => options,
        };
        match &self.ca_file {
            Some(file) => options.ssl_root_cert(file),
            None => options,
        }
    }
}
