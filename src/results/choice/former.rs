//! Leaving a former store.

use super::error::AskError;
use super::note::Note;
use super::{ChoiceError, StoreLocation, Surroundings};
use crate::results::Results;
use crate::results::jobs::Limits;
use crate::results::redis_server::RedisServer;

/// Makes sure that no unfinished job is left behind in the store of the note.
pub(super) async fn leave(
    before: &Note,
    surroundings: &Surroundings<'_>,
) -> Result<(), ChoiceError> {
    let note = surroundings.data_dir.results_note();
    let unknown = |source| ChoiceError::Unknown {
        before: before.to_string(),
        note: note.clone(),
        source,
    };
    let location = surroundings.locate(before.store)?;
    let Some(location) = location.filter(|location| Note::of(location) == *before) else {
        return Err(unknown(None));
    };
    match unfinished(&location, surroundings).await {
        Ok(0) => Ok(()),
        Ok(count) => Err(ChoiceError::Unfinished {
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
    surroundings: &Surroundings<'_>,
) -> Result<u64, AskError> {
    let server = match location {
        StoreLocation::ManagedRedis { program, socket } => {
            let options = surroundings.redis_server_options(program.clone(), socket.clone());
            Some(RedisServer::start_or_adopt(options).await?)
        }
        _ => None,
    };
    let jobs = Results::open(surroundings.settings, location)?.jobs(Limits::default());
    let counts = jobs.counts().await;
    if let Some(mut server) = server {
        server.shut_down().await?;
    }
    Ok(counts?.unfinished())
}
