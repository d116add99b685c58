//! Live reload: one owner, which plans every part of an edit before it applies any.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use tokio::sync::{Notify, mpsc, watch};

use super::StartupError;
use crate::actors::{ConfigStatus, ConfigWatcher, ConfigWatcherDeps, Edit, Reread};
use crate::settings::{Settings, WatchedFile};
use weir_supervision::ActorSystem;

/// Planned change of one part. Applying it cannot fail; dropping it leaves the part as it is.
pub(super) type Change<'a> = Box<dyn FnOnce() + 'a>;

/// Preparation of one part.
pub(super) type Preparation<'a> = Pin<Box<dyn Future<Output = Result<(), StartupError>> + 'a>>;

/// A part of the running instance that follows the settings.
pub(super) trait Reconcile {
    /// Builds everything that `settings` change, without letting it take effect.
    fn plan<'a>(&'a mut self, settings: &Settings) -> Result<Change<'a>, StartupError>;

    /// Starts what needs time to become ready, without letting it take effect, before anything is planned. A future that is dropped
    /// leaves the part as it is.
    fn prepare<'a>(&'a mut self, _: &'a Settings) -> Preparation<'a> {
        Box::pin(async { Ok(()) })
    }
}

/// Owner of the settings in force. An edit is taken whole or refused whole.
pub(super) struct Reloader {
    parts: Vec<Box<dyn Reconcile>>,
    in_force: watch::Sender<Arc<Settings>>,
}

impl Reloader {
    /// The owner of `settings`, without parts.
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            parts: Vec::new(),
            in_force: watch::Sender::new(Arc::new(settings.clone())),
        }
    }

    /// Adds a part that follows the settings already. Parts are planned and applied in the order in which they are added.
    #[must_use]
    pub(super) fn with(mut self, part: impl Reconcile + 'static) -> Self {
        self.parts.push(Box::new(part));
        self
    }

    /// Returns the settings in force, now and after each edit.
    pub(super) fn in_force(&self) -> watch::Receiver<Arc<Settings>> {
        self.in_force.subscribe()
    }

    /// Prepares every part.
    async fn prepare(&mut self, settings: &Settings) -> Result<(), StartupError> {
        for part in &mut self.parts {
            part.prepare(settings).await?;
        }
        Ok(())
    }

    /// Plans the change of every part, then applies all of them.
    fn reconcile(&mut self, settings: Settings) -> Result<(), StartupError> {
        let parts = self.parts.iter_mut();
        let changes = parts
            .map(|part| part.plan(&settings))
            .collect::<Result<Vec<_>, _>>()?;
        for apply in changes {
            apply();
        }
        self.in_force.send_replace(Arc::new(settings));
        Ok(())
    }

    /// Takes or refuses each edit of `file`, and has it read again when `reread` is notified.
    pub(super) fn follow(
        mut self,
        file: Option<PathBuf>,
        reread: Arc<Notify>,
        status: Arc<ConfigStatus>,
        system: &ActorSystem,
    ) {
        let Some(file) = file else {
            actix_rt::spawn(log_rereads(reread, self));
            return;
        };
        let (edits, mut submitted) = mpsc::channel(1);
        watch_file(file, &self, edits, reread, status, system);
        actix_rt::spawn(async move {
            let mut next = submitted.recv().await;
            while let Some(Edit {
                settings,
                mut reply,
            }) = next
            {
                let prepared = tokio::select! {
                    prepared = self.prepare(&settings) => Some(prepared),
                    // The file holds something else by now.
                    () = reply.closed() => None,
                };
                let Some(prepared) = prepared else {
                    next = submitted.recv().await;
                    continue;
                };
                let taken = prepared.and_then(|()| self.reconcile(*settings));
                // An error means that the watcher was replaced; the edit is taken all the same.
                let _ = reply.send(taken.map_err(Into::into));
                next = submitted.recv().await;
            }
        });
    }
}

fn watch_file(
    file: PathBuf,
    reloader: &Reloader,
    edits: mpsc::Sender<Edit>,
    reread: Arc<Notify>,
    status: Arc<ConfigStatus>,
    system: &ActorSystem,
) {
    let name = file.display().to_string();
    let file = WatchedFile::new(file);
    if file.is_blank() {
        tracing::warn!(
            file = name,
            "the settings file is empty, all of it is left to the defaults"
        );
    }
    let in_force = reloader.in_force();
    let started_with = Arc::clone(&in_force.borrow());
    let deps = ConfigWatcherDeps {
        file: Arc::new(Mutex::new(file)),
        started_with,
        in_force,
        edits,
        status: Arc::clone(&status),
    };
    let watcher = system.spawn::<ConfigWatcher>("config_watcher", status, deps);
    actix_rt::spawn(async move {
        loop {
            reread.notified().await;
            watcher.tell(Reread);
        }
    });
}

/// Logs each request to read the settings again where there is no file. Keeps the parts, which live as long as it does.
async fn log_rereads(reread: Arc<Notify>, _parts: Reloader) {
    loop {
        reread.notified().await;
        tracing::info!("there is no settings file to read again");
    }
}
