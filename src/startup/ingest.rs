use std::sync::Arc;

use tokio::sync::watch;

use crate::actors::{IngestInbox, Ingester, IngesterCounters};
use crate::db::Database;
use weir_supervision::ActorSystem;

/// Starts the ingester, which stores once `prepared`.
pub(super) fn start(
    database: &Database,
    prepared: &watch::Receiver<bool>,
    system: &ActorSystem,
) -> IngestInbox {
    let counters = Arc::<IngesterCounters>::default();
    let shown = Arc::clone(&counters);
    let (database, prepared) = (database.clone(), prepared.clone());
    let ingester = system.supervise("ingester", shown, move |_, _| {
        Ingester::new(database.clone(), prepared.clone(), Arc::clone(&counters))
    });
    IngestInbox::new(ingester)
}
