//! A word about an external server that is set up to lose what it is given.

use std::sync::Arc;
use std::time::Duration;

use ::redis::RedisResult;
use tokio::time::sleep;

use super::Connections;
use crate::store::error::StoreError;

/// Waits for the server, looks at its settings once, and warns.
pub(crate) async fn give(connections: Arc<Connections>) {
    let settings = loop {
        match read(&connections).await.map_err(StoreError::from) {
            Ok(settings) => break settings,
            Err(error) if error.is_unavailable() => sleep(Duration::from_secs(1)).await,
            Err(error) => {
                tracing::debug!(%error, "the settings of redis cannot be read");
                return;
            }
        }
    };
    if !settings.persists() {
        tracing::warn!(
            "redis keeps nothing on disk: a restart of it loses results, jobs and schedules; set appendonly yes"
        );
    }
    if settings.evicts() {
        tracing::warn!(
            maxmemory_policy = settings.eviction,
            "redis may evict results, jobs and schedules; set maxmemory-policy noeviction"
        );
    }
}

#[derive(Debug)]
struct PersistenceSettings {
    append_only: String,
    snapshots: String,
    eviction: String,
}

impl PersistenceSettings {
    fn persists(&self) -> bool {
        self.append_only == "yes" || !self.snapshots.is_empty()
    }

    fn evicts(&self) -> bool {
        self.eviction != "noeviction"
    }
}

async fn read(connections: &Connections) -> RedisResult<PersistenceSettings> {
    let mut settings = ::redis::pipe();
    for name in ["appendonly", "save", "maxmemory-policy"] {
        settings.cmd("CONFIG").arg("GET").arg(name);
    }
    let values: Vec<(String, String)> = connections.run(&settings).await?;
    let mut values = values.into_iter().map(|(_, value)| value);
    let mut next = || values.next().unwrap_or_default();
    Ok(PersistenceSettings {
        append_only: next(),
        snapshots: next(),
        eviction: next(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(append_only: &str, snapshots: &str, eviction: &str) -> PersistenceSettings {
        PersistenceSettings {
            append_only: append_only.into(),
            snapshots: snapshots.into(),
            eviction: eviction.into(),
        }
    }

    #[test]
    fn either_form_of_persistence_will_do() {
        assert!(settings("yes", "", "noeviction").persists());
        assert!(settings("no", "3600 1", "noeviction").persists());
        assert!(!settings("no", "", "noeviction").persists());
    }

    #[test]
    fn any_policy_but_noeviction_evicts() {
        assert!(settings("yes", "", "allkeys-lru").evicts());
        assert!(settings("yes", "", "volatile-ttl").evicts());
        assert!(!settings("yes", "", "noeviction").evicts());
    }
}
