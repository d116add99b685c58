//! The store that the data folder was last used with, and the check that no job is left behind in it.

use std::path::Path;
use std::{fmt, fs, io};

use serde::{Deserialize, Serialize};

use super::error::PreviousStoreError;
use super::{Environment, SelectionError, StoreKind, StoreLocation};
use crate::durable_file;
use crate::queue::{JobQueue, QueueLimits};
use crate::redis_server::RedisServer;
use crate::store::Store;

/// Record in the data folder of the store that was used last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoreMarker {
    pub(crate) store: StoreKind,
    #[serde(default)]
    pub(crate) address: String,
}

impl StoreMarker {
    pub(crate) fn new(location: &StoreLocation) -> Self {
        Self {
            store: location.kind(),
            address: location.address(),
        }
    }

    pub(crate) fn read(path: &Path) -> io::Result<Option<Self>> {
        match fs::read(path) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the whole note or nothing.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        durable_file::replace(path, &serde_json::to_vec(self)?)
    }
}

impl fmt::Display for StoreMarker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { store, address } = self;
        if address.is_empty() {
            write!(formatter, "{store}")
        } else {
            write!(formatter, "{store} ({address})")
        }
    }
}

/// Makes sure that no unfinished job is left behind in the store of the marker.
pub(super) async fn check_previous_store(
    before: &StoreMarker,
    environment: &Environment<'_>,
) -> Result<(), SelectionError> {
    let note = environment.data_dir.results_note();
    let unknown = |source| SelectionError::Unknown {
        before: before.to_string(),
        note: note.clone(),
        source,
    };
    let location = environment.locate(before.store)?;
    let Some(location) = location.filter(|location| StoreMarker::new(location) == *before) else {
        return Err(unknown(None));
    };
    match unfinished(&location, environment).await {
        Ok(0) => Ok(()),
        Ok(count) => Err(SelectionError::Unfinished {
            before: before.to_string(),
            count,
            note,
        }),
        Err(error) => Err(unknown(Some(error))),
    }
}

/// How many jobs at `location` have not finished. A managed server is started for the question.
async fn unfinished(
    location: &StoreLocation,
    environment: &Environment<'_>,
) -> Result<u64, PreviousStoreError> {
    let server = match location {
        StoreLocation::ManagedRedis { program, socket } => {
            let options = environment.redis_server_options(program.clone(), socket.clone());
            Some(RedisServer::start_or_adopt(options).await?)
        }
        _ => None,
    };
    let jobs = JobQueue::new(
        &Store::open(environment.settings, location)?,
        QueueLimits::default(),
    );
    let counts = jobs.counts().await;
    if let Some(mut server) = server {
        server.shut_down().await?;
    }
    Ok(counts?.unfinished())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_of_earlier_versions_are_read_and_written_the_same() {
        for (text, kind, address) in [
            (
                r#"{"store":"external_redis","address":"redis://cache:6379"}"#,
                StoreKind::ExternalRedis,
                "redis://cache:6379",
            ),
            (
                r#"{"store":"managed_redis","address":""}"#,
                StoreKind::ManagedRedis,
                "",
            ),
            (r#"{"store":"sqlite","address":""}"#, StoreKind::Sqlite, ""),
            (
                r#"{"store":"postgres","address":"postgres://db/weir"}"#,
                StoreKind::Postgres,
                "postgres://db/weir",
            ),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("results.json");
            fs::write(&path, text).unwrap();
            let marker = StoreMarker::read(&path).unwrap().unwrap();
            assert_eq!((marker.store, marker.address.as_str()), (kind, address));
            marker.write(&path).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        let without_address: StoreMarker = serde_json::from_str(r#"{"store":"sqlite"}"#).unwrap();
        assert_eq!(without_address.address, "");
    }
}
