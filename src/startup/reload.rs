use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::arms::ArmsLedger;
use super::roster::Roster;
use super::{check_scrapers, prepare_schedules, scorers};
use crate::actors::supervision::ActorSystem;
use crate::actors::{ConfigParts, ConfigStatus, ConfigWatcher, Serving};
use crate::settings::{Settings, WatchedFile};

/// Publishes what each edit of `file` makes of the settings to `newest`.
pub(super) fn watch(
    file: PathBuf,
    newest: watch::Sender<Arc<Settings>>,
    arms: ArmsLedger,
    status: Arc<ConfigStatus>,
    system: &ActorSystem,
) {
    let started_with = Arc::clone(&newest.borrow());
    let parts = ConfigParts {
        file: Arc::new(Mutex::new(WatchedFile::new(file))),
        started_with,
        admit: Arc::new(move |settings: &Settings| {
            scorers::check(settings)?;
            prepare_schedules(settings)?;
            check_scrapers(settings)?;
            Ok(arms.admit(&settings.arms)?)
        }),
        newest,
        status: Arc::clone(&status),
    };
    system.supervise("config_watcher", status, move |_, _| {
        ConfigWatcher::new(parts.clone())
    });
}

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
