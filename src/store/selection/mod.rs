//! Which store the settings mean: decided by what is set and what is present, never by what answers.

mod environment;
mod error;
mod location;
mod previous;

pub use self::environment::Environment;
pub use self::error::{PreviousStoreError, SelectionError};
pub use self::location::{StoreKind, StoreLocation};
use self::previous::StoreMarker;
use super::error::StoreError;
use crate::settings::Backend;

/// A decision, with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSelection {
    /// The store to use.
    pub location: StoreLocation,
    /// Why this one.
    pub why: &'static str,
}

impl StoreSelection {
    /// Decides.
    pub fn resolve(environment: &Environment<'_>) -> Result<Self, SelectionError> {
        use Backend::{Auto, Embedded, Redis};
        let url = !environment.settings.redis_url.is_empty();
        let program = environment.redis_server.is_some();
        let (kind, why) = match environment.settings.backend {
            Embedded => (environment.embedded(), "store.backend is embedded"),
            Redis if url => (StoreKind::ExternalRedis, "store.backend is redis"),
            Redis => (
                StoreKind::ManagedRedis,
                "store.backend is redis, without a url",
            ),
            Auto if url => (StoreKind::ExternalRedis, "store.redis_url is set"),
            Auto if program => (StoreKind::ManagedRedis, "redis-server is on PATH"),
            Auto => (
                environment.embedded(),
                "store.redis_url is not set and redis-server is not on PATH",
            ),
        };
        let location = environment.locate(kind)?.ok_or(StoreError::Setting {
            key: "store.backend",
            why: "redis needs store.redis_url, or redis-server on PATH",
        })?;
        Ok(Self { location, why })
    }

    /// Says which store is used and why, and notes it in the data folder. A change is refused while the store before
    /// holds unfinished jobs, and while nobody can tell; only then is any store asked.
    pub async fn commit(&self, environment: &Environment<'_>) -> Result<(), SelectionError> {
        let path = environment.data_dir.results_note();
        let unusable = |source| SelectionError::Marker {
            path: path.clone(),
            source,
        };
        let now = StoreMarker::new(&self.location);
        let before = StoreMarker::read(&path).map_err(unusable)?;
        if let Some(before) = before.filter(|before| *before != now) {
            previous::check_previous_store(&before, environment).await?;
            tracing::warn!(%before, %now, "the store changed since the last start; previous results are not migrated");
        }
        now.write(&path).map_err(unusable)?;
        tracing::info!(store = %now, why = self.why, "store selected");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::data_dir::DataDir;
    use crate::settings::{DatabaseSettings, StoreConfig};

    const SQLITE: &str = "sqlite://data/weir.db";
    const POSTGRES: &str = "postgres://u:hunter2@localhost/weir";

    struct Case {
        backend: Backend,
        redis_url: &'static str,
        database_url: &'static str,
        redis_server: Option<&'static str>,
    }

    impl Case {
        fn resolve(&self) -> Result<StoreLocation, SelectionError> {
            let folder = tempfile::tempdir().unwrap();
            let settings = StoreConfig {
                backend: self.backend,
                redis_url: self.redis_url.into(),
                ..StoreConfig::default()
            };
            let environment = Environment {
                settings: &settings,
                database: &DatabaseSettings::with_url(self.database_url),
                redis_server: self.redis_server.map(PathBuf::from),
                data_dir: &DataDir::open(folder.path()).unwrap(),
            };
            StoreSelection::resolve(&environment).map(|selection| selection.location)
        }
    }

    #[test]
    fn configuration_and_presence_decide() {
        use Backend::{Auto, Embedded, Redis};
        let url = "redis://localhost:1";
        let program = Some("/usr/bin/redis-server");
        for (backend, redis_url, database_url, redis_server, expected) in [
            (Auto, url, SQLITE, program, StoreKind::ExternalRedis),
            (Auto, "", SQLITE, program, StoreKind::ManagedRedis),
            (Auto, "", SQLITE, None, StoreKind::Sqlite),
            (Auto, "", POSTGRES, None, StoreKind::Postgres),
            (Redis, url, SQLITE, None, StoreKind::ExternalRedis),
            (Redis, "", SQLITE, program, StoreKind::ManagedRedis),
            (Embedded, url, SQLITE, program, StoreKind::Sqlite),
            (Embedded, url, POSTGRES, program, StoreKind::Postgres),
        ] {
            let case = Case {
                backend,
                redis_url,
                database_url,
                redis_server,
            };
            assert_eq!(case.resolve().unwrap().kind(), expected);
        }
    }

    #[test]
    fn redis_without_url_and_program_is_refused_by_key() {
        let case = Case {
            backend: Backend::Redis,
            redis_url: "",
            database_url: SQLITE,
            redis_server: None,
        };
        assert!(
            case.resolve()
                .unwrap_err()
                .to_string()
                .starts_with("store.backend")
        );
    }

    #[test]
    fn no_password_prints_or_is_noted() {
        let case = Case {
            backend: Backend::Embedded,
            redis_url: "",
            database_url: POSTGRES,
            redis_server: None,
        };
        let location = case.resolve().unwrap();
        assert!(!format!("{location:?} {:?}", StoreMarker::new(&location)).contains("hunter2"));
    }
}
