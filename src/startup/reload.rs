use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::roster::Roster;
use crate::actors::Serving;
use crate::settings::Settings;

/// Serves by each new version of the settings, from the next request on.
pub(super) async fn follow(
    mut settings: watch::Receiver<Arc<Settings>>,
    mut roster: Roster,
    serving: Arc<ArcSwap<Serving>>,
) {
    while settings.changed().await.is_ok() {
        let newest = Arc::clone(&settings.borrow_and_update());
        match roster.serve(&newest) {
            Ok(newer) => serving.store(Arc::new(newer)),
            Err(error) => tracing::error!(%error, "the edited settings cannot be served by"),
        }
    }
}
