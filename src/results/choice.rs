//! Which store a configuration means: decided by what is set and what is present, never by what answers.

use std::path::PathBuf;
use std::{env, fmt, fs, io};

use serde::{Deserialize, Serialize};

use super::error::ResultsError;
use super::redis_server::socket_path;
use crate::data_dir::DataDir;
use crate::settings::{Backend, ConnectionUrl, ResultsSettings};

/// A store, and how to reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreLocation {
    /// A Redis server that others run.
    ExternalRedis {
        /// Its address and credentials.
        url: ConnectionUrl,
    },
    /// A Redis server that Weir runs in the data folder.
    ManagedRedis {
        /// The `redis-server` to run.
        program: PathBuf,
        /// The unix socket on which it listens.
        socket: PathBuf,
    },
    /// A file in the data folder.
    Sqlite {
        /// The file.
        file: PathBuf,
    },
    /// Tables beside the posts.
    Postgres {
        /// The database of the posts.
        url: String,
    },
}

impl StoreLocation {
    /// The name under which the choice is logged and noted.
    pub fn kind(&self) -> StoreKind {
        match self {
            Self::ExternalRedis { .. } => StoreKind::ExternalRedis,
            Self::ManagedRedis { .. } => StoreKind::ManagedRedis,
            Self::Sqlite { .. } => StoreKind::Sqlite,
            Self::Postgres { .. } => StoreKind::Postgres,
        }
    }
}

/// The kinds of stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreKind {
    /// A Redis server that others run.
    ExternalRedis,
    /// A Redis server that Weir runs.
    ManagedRedis,
    /// Embedded, in a file.
    Sqlite,
    /// Embedded, beside the posts.
    Postgres,
}

impl fmt::Display for StoreKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ExternalRedis => "redis at results.redis_url",
            Self::ManagedRedis => "a redis-server of our own",
            Self::Sqlite => "embedded, in sqlite",
            Self::Postgres => "embedded, in postgres",
        })
    }
}

/// A decision, with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The store to use.
    pub location: StoreLocation,
    /// Why this one.
    pub why: &'static str,
}

/// Why no store could be settled on.
#[derive(Debug, thiserror::Error)]
pub enum ChoiceError {
    /// The configuration asks for what is not there.
    #[error(transparent)]
    Settings(#[from] ResultsError),
    /// No socket can be made for the managed server.
    #[error("there is no place for the socket of redis-server")]
    Socket(#[source] io::Error),
    /// The note in the data folder cannot be read or written.
    #[error("the note {} cannot be used", path.display())]
    Note {
        /// The note.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Choice {
    /// Decides for `settings`; `database_url` is that of the posts, `redis_server` the program found on PATH, if any.
    pub fn make(
        settings: &ResultsSettings,
        database_url: &str,
        redis_server: Option<PathBuf>,
        data_dir: &DataDir,
    ) -> Result<Self, ChoiceError> {
        use Backend::{Auto, Embedded, Redis};
        let external = || StoreLocation::ExternalRedis {
            url: settings.redis_url.clone(),
        };
        let managed = |program| {
            let socket = socket_path(&data_dir.redis()).map_err(ChoiceError::Socket)?;
            Ok::<_, ChoiceError>(StoreLocation::ManagedRedis { program, socket })
        };
        let url = !settings.redis_url.is_empty();
        let (location, why) = match (settings.backend, redis_server) {
            (Embedded, _) => (
                embedded(database_url, data_dir),
                "results.backend is embedded",
            ),
            (Redis, _) if url => (external(), "results.backend is redis"),
            (Auto, _) if url => (external(), "results.redis_url is set"),
            (Redis, Some(program)) => {
                (managed(program)?, "results.backend is redis, without a url")
            }
            (Auto, Some(program)) => (managed(program)?, "redis-server is on PATH"),
            (Auto, None) => {
                let why = "results.redis_url is not set and redis-server is not on PATH";
                (embedded(database_url, data_dir), why)
            }
            (Redis, None) => {
                return Err(ChoiceError::Settings(ResultsError::Setting {
                    key: "results.backend",
                    why: "redis needs results.redis_url, or redis-server on PATH",
                }));
            }
        };
        Ok(Self { location, why })
    }

    /// Says which store is used and why, notes it in the data folder, and says when it is another than before.
    pub fn settle(&self, data_dir: &DataDir) -> Result<(), ChoiceError> {
        let path = data_dir.results_note();
        let unusable = |source| ChoiceError::Note {
            path: path.clone(),
            source,
        };
        let store = self.location.kind();
        tracing::info!(%store, why = self.why, "results store chosen");
        let note = Note { store };
        let before = Note::read(&path).map_err(unusable)?;
        if let Some(before) = before.filter(|before| *before != note) {
            tracing::warn!(
                before = %before.store, now = %store,
                "the results store is another than before: earlier results are not in it"
            );
        }
        note.write(&path).map_err(unusable)
    }
}

fn embedded(database_url: &str, data_dir: &DataDir) -> StoreLocation {
    if database_url.starts_with("postgres") {
        StoreLocation::Postgres {
            url: database_url.to_owned(),
        }
    } else {
        StoreLocation::Sqlite {
            file: data_dir.results_db(),
        }
    }
}

/// The `redis-server` that a shell would run.
pub fn redis_server_on_path() -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders)
        .map(|folder| folder.join("redis-server"))
        .find(|file| file.is_file())
}

/// What the data folder remembers of the last choice.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    store: StoreKind,
}

impl Note {
    fn read(path: &std::path::Path) -> io::Result<Option<Self>> {
        match fs::read(path) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&self, path: &std::path::Path) -> io::Result<()> {
        fs::write(path, serde_json::to_vec(self)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQLITE: &str = "sqlite://data/weir.db";
    const POSTGRES: &str = "postgres://localhost/weir";

    struct Case {
        backend: Backend,
        redis_url: &'static str,
        database_url: &'static str,
        redis_server: Option<&'static str>,
    }

    impl Case {
        fn choose(&self) -> Result<StoreKind, ChoiceError> {
            let folder = tempfile::tempdir().unwrap();
            let data_dir = DataDir::open(folder.path()).unwrap();
            let settings = ResultsSettings {
                backend: self.backend,
                redis_url: self.redis_url.into(),
                ..ResultsSettings::default()
            };
            let program = self.redis_server.map(PathBuf::from);
            Choice::make(&settings, self.database_url, program, &data_dir)
                .map(|choice| choice.location.kind())
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
            assert_eq!(case.choose().unwrap(), expected);
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
            case.choose()
                .unwrap_err()
                .to_string()
                .starts_with("results.backend")
        );
    }

    #[test]
    fn the_choice_is_noted_in_the_data_folder() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = DataDir::open(folder.path()).unwrap();
        let choose = |redis_server: Option<&str>| {
            let program = redis_server.map(PathBuf::from);
            Choice::make(&ResultsSettings::default(), SQLITE, program, &data_dir).unwrap()
        };
        choose(None).settle(&data_dir).unwrap();
        assert_eq!(
            Note::read(&data_dir.results_note()).unwrap().unwrap().store,
            StoreKind::Sqlite
        );

        choose(Some("/usr/bin/redis-server"))
            .settle(&data_dir)
            .unwrap();
        let note = Note::read(&data_dir.results_note()).unwrap().unwrap();
        assert_eq!(note.store, StoreKind::ManagedRedis);
    }

    #[test]
    fn an_unreadable_note_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = DataDir::open(folder.path()).unwrap();
        fs::write(data_dir.results_note(), "{").unwrap();
        let choice = Choice::make(&ResultsSettings::default(), SQLITE, None, &data_dir).unwrap();
        let error = choice.settle(&data_dir).unwrap_err();
        assert!(error.to_string().contains("results.json"), "{error}");
    }
}
