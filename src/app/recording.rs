use std::sync::Arc;

use super::runtime::Runtime;
use super::stores::Stores;
use crate::actors::{
    DecisionLogDeps, DecisionLogHandle, RecorderCounters, RecorderDeps, RecorderHandle,
};
use crate::serving::SideEffects;
use crate::settings::Settings;

/// Starts what records impressions and decisions, as far as they are enabled.
pub(super) fn start(settings: &Settings, stores: &Stores, runtime: &Runtime) -> SideEffects {
    let (recorder, rankings) = (&settings.recorder, &settings.rankings);
    let impressions = recorder.enabled.then(|| {
        let counters = Arc::<RecorderCounters>::default();
        let deps = RecorderDeps {
            database: stores.database.clone(),
            max_rows_per_s: recorder.max_rows_per_s,
        };
        let shared = Arc::clone(&counters);
        let actor = runtime.system.spawn("recorder", shared, deps);
        RecorderHandle::new(actor, recorder, counters)
    });
    let decisions = rankings.enabled.then(|| {
        let database = stores.database.clone();
        let deps = DecisionLogDeps::new(database, runtime.prepared(), rankings);
        let log = runtime
            .system
            .spawn("decision_log", deps.counters(), deps.clone());
        DecisionLogHandle::new(log, deps)
    });
    SideEffects::new(impressions, decisions)
}
