use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::StartupError;
use super::runtime::Runtime;
use super::stores::Stores;
use crate::data_dir::DataDir;
use crate::jobs::KnownJobs;
use crate::settings::Settings;
use crate::store::{Instance, Store, StoreLocation};
use crate::telemetry::LogLimiter;

/// Time after which the store is asked again that was unavailable.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// An instance on a store that others may use.
struct Presence {
    store: Store,
    /// The identity of the data folder, and the instance's name.
    identity: (String, String),
    settings: watch::Receiver<Arc<Settings>>,
    jobs: KnownJobs,
    stopping: watch::Receiver<bool>,
}

/// Announces this instance, with the jobs that it can run, until it stops, and takes note of the jobs of others. Warns once if
/// others run while this one has scrapers: each instance runs all of its scrapers. On a store that no other can use there is
/// nothing to do.
pub(super) fn start(
    stores: &Stores,
    data_dir: &DataDir,
    settings: watch::Receiver<Arc<Settings>>,
    jobs: KnownJobs,
    runtime: &Runtime,
) -> Result<Option<JoinHandle<()>>, StartupError> {
    let is_shared = matches!(
        stores.location,
        StoreLocation::ExternalRedis { .. } | StoreLocation::Postgres { .. }
    );
    if !is_shared {
        jobs.set_others(BTreeSet::new());
        return Ok(None);
    }
    let presence = Presence {
        store: stores.store.clone(),
        identity: (data_dir.identity()?, data_dir.instance()?),
        settings,
        jobs,
        stopping: runtime.stopping(),
    };
    Ok(Some(runtime.background.handle().spawn(presence.run())))
}

impl Presence {
    async fn run(self) {
        let mut stopping = self.stopping.clone();
        let stopped = async move {
            // An error means that the process ends.
            let _ = stopping.wait_for(|&stopping| stopping).await;
        };
        tokio::select! {
            () = stopped => {
                let _ = self.store.withdraw(&self.identity.0).await;
            }
            () = self.announce() => {}
        }
    }

    async fn announce(&self) {
        let failures = LogLimiter::new();
        let mut has_warned = false;
        loop {
            let (id, name) = self.identity.clone();
            let scrapers = self.settings.borrow().scrapers.len() as u64;
            let names_changed = self.jobs.changed();
            let instance = Instance {
                id,
                name,
                scrapers,
                jobs: (*self.jobs.own()).clone(),
            };
            let mut pause = Store::ANNOUNCE_INTERVAL;
            match self.store.announce(&instance).await {
                Ok(others) => {
                    if scrapers > 0 && !others.is_empty() && !has_warned {
                        has_warned = true;
                        warn(scrapers, &others);
                    }
                    let names = others.into_iter().flat_map(|other| other.jobs);
                    self.jobs.set_others(names.collect());
                }
                Err(error) if error.is_unavailable() => pause = STORE_RETRY,
                Err(error) => {
                    if let Some(suppressed) = failures.admit(()) {
                        tracing::warn!(%error, suppressed, "failed to announce this instance to others");
                    }
                }
            }
            tokio::select! {
                () = sleep(pause) => {}
                () = names_changed => {}
            }
        }
    }
}

fn warn(scrapers: u64, others: &[Instance]) {
    let others: Vec<&str> = others.iter().map(|other| other.name.as_str()).collect();
    tracing::warn!(
        scrapers,
        others = others.join(", "),
        "another instance uses the same store, and every instance runs all of its scrapers: configure each scraper \
         on one instance only, or each source is asked by all of them"
    );
}
