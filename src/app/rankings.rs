use tokio::sync::watch;

use crate::actors::{DecisionLogDeps, DecisionLogHandle};
use crate::db::Database;
use crate::settings::Settings;
use weir_supervision::ActorSystem;

/// Starts the decision log, if it is enabled; it writes once `prepared`.
pub(super) fn start(
    settings: &Settings,
    database: &Database,
    prepared: watch::Receiver<bool>,
    system: &ActorSystem,
) -> Option<DecisionLogHandle> {
    if !settings.rankings.enabled {
        return None;
    }
    let deps = DecisionLogDeps::new(database.clone(), prepared, &settings.rankings);
    let log = system.spawn("decision_log", deps.counters(), deps.clone());
    Some(DecisionLogHandle::new(log, deps))
}
