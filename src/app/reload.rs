use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use tokio::sync::{Notify, watch};

use super::arms::ArmsLedger;
use super::serving::ServingReconciler;
use super::{check_scrapers, prepare_schedules};
use crate::actors::{ConfigStatus, ConfigWatcher, ConfigWatcherDeps, Reread};
use crate::scoring::check_scorers;
use crate::serving::ServingConfig;
use crate::settings::{Settings, WatchedFile};
use weir_supervision::ActorSystem;

/// Publishes what each edit of `file` makes of the settings to `newest`. It is read at once when `reread` is notified.
pub(super) fn watch(
    file: PathBuf,
    newest: watch::Sender<Arc<Settings>>,
    arms: ArmsLedger,
    status: Arc<ConfigStatus>,
    reread: Arc<Notify>,
    system: &ActorSystem,
) {
    let started_with = Arc::clone(&newest.borrow());
    let name = file.display().to_string();
    let file = WatchedFile::new(file);
    if file.is_blank() {
        tracing::warn!(
            file = name,
            "the settings file is empty, all of it is left to the defaults"
        );
    }
    let parts = ConfigWatcherDeps {
        file: Arc::new(Mutex::new(file)),
        started_with,
        admit: Arc::new(move |settings: &Settings| {
            check_scorers(&settings.scorers)?;
            prepare_schedules(settings)?;
            check_scrapers(settings)?;
            Ok(arms.admit(&settings.arms)?)
        }),
        newest,
        status: Arc::clone(&status),
    };
    let watcher = system.spawn::<ConfigWatcher>("config_watcher", status, parts);
    actix_rt::spawn(async move {
        loop {
            reread.notified().await;
            watcher.tell(Reread);
        }
    });
}

/// Logs each notification of `reread` where there is no file to read.
pub(super) async fn without_file(reread: Arc<Notify>) {
    loop {
        reread.notified().await;
        tracing::info!("there is no settings file to read again");
    }
}

/// Serves by each new version of the settings, from the next request on.
pub(super) async fn follow(
    mut settings: watch::Receiver<Arc<Settings>>,
    mut reconciler: ServingReconciler,
    serving: Arc<ArcSwap<ServingConfig>>,
) {
    while settings.changed().await.is_ok() {
        let newest = Arc::clone(&settings.borrow_and_update());
        match reconciler.serve(&newest) {
            Ok(newer) => serving.store(Arc::new(newer)),
            Err(error) => tracing::error!(%error, "the edited settings cannot be served by"),
        }
    }
}
