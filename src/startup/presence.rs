use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use crate::results::{Instance, Results, StoreLocation};
use crate::settings::Settings;
use crate::telemetry::LogLimiter;

/// How soon the store is asked again that was unavailable.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// Announces this instance on a results store that others may use, until Weir stops, and warns once if others run while this
/// one has scrapers: each instance runs all of its scrapers.
pub(super) struct Presence {
    pub(super) results: Results,
    /// The identity of the data folder, and the instance's name.
    pub(super) identity: (String, String),
    pub(super) settings: watch::Receiver<Arc<Settings>>,
    pub(super) stopping: watch::Receiver<bool>,
}

impl Presence {
    /// Whether other instances may use the store at `location`: others have no data folder in common with this one.
    pub(super) fn is_of_use(location: &StoreLocation) -> bool {
        matches!(
            location,
            StoreLocation::ExternalRedis { .. } | StoreLocation::Postgres { .. }
        )
    }

    pub(super) async fn keep(self) {
        let mut stopping = self.stopping.clone();
        let stopped = async move {
            // An error means that the process ends.
            let _ = stopping.wait_for(|&stopping| stopping).await;
        };
        tokio::select! {
            () = stopped => {
                let _ = self.results.leave(&self.identity.0).await;
            }
            () = self.announce() => {}
        }
    }

    async fn announce(&self) {
        let troubles = LogLimiter::new();
        let mut has_warned = false;
        loop {
            let (id, name) = self.identity.clone();
            let scrapers = self.settings.borrow().scrapers.len() as u64;
            let instance = Instance { id, name, scrapers };
            let mut pause = Results::ANNOUNCED_EVERY;
            match self.results.announce(&instance).await {
                Ok(others) if scrapers > 0 && !others.is_empty() && !has_warned => {
                    has_warned = true;
                    warn(scrapers, &others);
                }
                Ok(_) => {}
                Err(error) if error.is_unavailable() => pause = STORE_RETRY,
                Err(error) => {
                    if let Some(suppressed) = troubles.admit(()) {
                        tracing::warn!(%error, suppressed, "this instance cannot be announced to others");
                    }
                }
            }
            sleep(pause).await;
        }
    }
}

fn warn(scrapers: u64, others: &[Instance]) {
    let others: Vec<&str> = others.iter().map(|other| other.name.as_str()).collect();
    tracing::warn!(
        scrapers,
        others = others.join(", "),
        "another instance uses the same results store, and every instance runs all of its scrapers: configure each scraper \
         on one instance only, or each source is asked by all of them"
    );
}
