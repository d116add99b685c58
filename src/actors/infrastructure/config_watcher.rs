use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler, Message, SpawnHandle, Supervised, WrapFuture};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot, watch};

use crate::settings::{Settings, SettingsError, WatchedFile};
use weir_supervision::{Incarnation, SupervisedActor, counters};

/// Time between two reads of the file. An edit counts at the second read that finds it, so within a second.
const PAUSE: Duration = Duration::from_millis(400);

/// Watches the settings file and submits each edit. A bad edit changes nothing and is reported.
pub struct ConfigWatcher {
    deps: ConfigWatcherDeps,
    /// Newest edit that was submitted.
    submitted: Option<SpawnHandle>,
}

/// Dependencies of the config watcher.
#[derive(Clone)]
pub struct ConfigWatcherDeps {
    /// The file, shared by the watcher's incarnations so that none judges an edit twice.
    pub file: Arc<Mutex<WatchedFile>>,
    /// Settings that the instance was started with.
    pub started_with: Arc<Settings>,
    /// Settings in force.
    pub in_force: watch::Receiver<Arc<Settings>>,
    /// Receives each edit that is valid by itself.
    pub edits: mpsc::Sender<Edit>,
    /// Status of the file, for operators.
    pub status: Arc<ConfigStatus>,
}

/// Edited settings that are to take effect.
pub struct Edit {
    /// The settings, valid by themselves.
    pub settings: Box<Settings>,
    /// Receives whether they are in force now.
    pub reply: oneshot::Sender<Result<(), EditError>>,
}

/// Reason for which an edit is refused.
pub type EditError = Box<dyn Error + Send + Sync>;

counters! {
    /// Status of the settings file.
    #[derive(Debug, Default, Serialize)]
    pub struct ConfigStatus {
        /// Edits of the settings file that took effect.
        pub taken: Counter "weir_config_watcher_edits_taken_total",
        /// Edits of the settings file that were refused.
        pub refused: Counter "weir_config_watcher_edits_refused_total",
        ..
        /// Error in the file as it is now; the settings before it stay in force.
        error: Mutex<Option<String>>,
        /// Keys that were edited and take effect at the next start.
        needs_restart: Mutex<Vec<&'static str>>,
        /// True while an edit waits for what it starts to become ready.
        pending: AtomicBool,
    }
}

impl ConfigStatus {
    /// Returns the error in the file as it is now.
    pub fn error(&self) -> Option<String> {
        self.error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Returns the keys that were edited and take effect at the next start.
    pub fn needs_restart(&self) -> Vec<&'static str> {
        self.needs_restart
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Returns whether an edit waits for programs to become ready.
    pub fn is_pending(&self) -> bool {
        self.pending.load(Ordering::Relaxed)
    }

    fn set_pending(&self, pending: bool) {
        self.pending.store(pending, Ordering::Relaxed);
    }

    fn take(&self, needs_restart: Vec<&'static str>) {
        self.taken.fetch_add(1, Ordering::Relaxed);
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *self
            .needs_restart
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = needs_restart;
    }

    /// Records that the file holds the settings in force.
    fn confirm(&self) {
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn refuse(&self, error: String) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }
}

/// Read the file.
#[derive(Message)]
#[rtype(result = "()")]
struct Tick;

/// Read the file at once, and judge it although it may not be new.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Reread;

impl SupervisedActor for ConfigWatcher {
    type Deps = ConfigWatcherDeps;
    type Counters = ConfigStatus;

    fn new(deps: ConfigWatcherDeps, _: Arc<ConfigStatus>, _: Incarnation) -> Self {
        Self {
            deps,
            submitted: None,
        }
    }
}

impl ConfigWatcher {
    fn file(&self) -> MutexGuard<'_, WatchedFile> {
        let file = self.deps.file.lock();
        file.unwrap_or_else(PoisonError::into_inner)
    }

    /// Submits what was found in the file, in place of an edit that is still pending.
    fn judge(&mut self, found: Result<Settings, SettingsError>, ctx: &mut Context<Self>) {
        if let Some(older) = self.submitted.take() {
            ctx.cancel_future(older);
            self.deps.status.set_pending(false);
        }
        match found {
            Ok(settings) => {
                let deps = self.deps.clone();
                let submit = async move { deps.submit(settings).await };
                self.submitted = Some(ctx.spawn(submit.into_actor(self)));
            }
            Err(error) => self.deps.refuse(&error),
        }
    }
}

impl ConfigWatcherDeps {
    async fn submit(self, settings: Settings) {
        let needs_restart = self.started_with.needing_restart(&settings);
        let config_version = settings.config_version();
        let (reply, taken) = oneshot::channel();
        let settings = Box::new(settings);
        // Errors mean that the instance stops.
        if self.edits.send(Edit { settings, reply }).await.is_err() {
            return;
        }
        self.status.set_pending(true);
        let taken = taken.await;
        self.status.set_pending(false);
        match taken {
            Ok(Ok(())) => {
                tracing::info!(?needs_restart, config_version, "edited settings taken");
                self.status.take(needs_restart);
            }
            Ok(Err(error)) => self.refuse(error.as_ref()),
            Err(_) => {}
        }
    }

    fn refuse(&self, error: &dyn Error) {
        let error = with_causes(error);
        tracing::error!(error, "edited settings refused, those before stay in force");
        self.status.refuse(error);
    }
}

impl Actor for ConfigWatcher {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.notify(Tick);
    }
}

impl Supervised for ConfigWatcher {}

impl Handler<Tick> for ConfigWatcher {
    type Result = ();

    fn handle(&mut self, Tick: Tick, ctx: &mut Self::Context) {
        let looked = self.file().look();
        if let Some(found) = looked {
            self.judge(found, ctx);
        }
        ctx.notify_later(Tick, PAUSE);
    }
}

impl Handler<Reread> for ConfigWatcher {
    type Result = ();

    fn handle(&mut self, Reread: Reread, ctx: &mut Self::Context) {
        let found = self.file().reread();
        let is_in_force = |settings: &Settings| *settings == **self.deps.in_force.borrow();
        if found.as_ref().is_ok_and(is_in_force) {
            tracing::info!("settings read again, nothing has changed");
            self.deps.status.confirm();
        } else {
            self.judge(found, ctx);
        }
    }
}

/// An error and its causes on one line. A cause that the text before ends with is left out.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let further = error.to_string();
        if !text.ends_with(&further) {
            text = format!("{text}: {further}");
        }
        cause = error.source();
    }
    text
}
