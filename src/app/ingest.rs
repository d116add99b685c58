use tokio::sync::watch;

use crate::actors::{IngestHandle, IngesterDeps};
use crate::db::Database;
use weir_supervision::ActorSystem;

/// Starts the ingester, which stores once `prepared`.
pub(super) fn start(
    database: &Database,
    prepared: &watch::Receiver<bool>,
    system: &ActorSystem,
) -> IngestHandle {
    let deps = IngesterDeps {
        database: database.clone(),
        prepared: prepared.clone(),
    };
    IngestHandle::new(system.spawn("ingester", Default::default(), deps))
}
