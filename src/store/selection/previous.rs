//! Leaving a former store.

use super::error::PreviousStoreError;
use super::marker::StoreMarker;
use super::{Environment, SelectionError, StoreLocation};
use crate::queue::{JobQueue, QueueLimits};
use crate::redis_server::RedisServer;
use crate::store::Store;

/// Makes sure that no unfinished job is left behind in the store of the note.
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
    let Some(location) = location.filter(|location| StoreMarker::of(location) == *before) else {
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
