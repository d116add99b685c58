use std::error::Error;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler, Message, Supervised};
use serde::Serialize;
use tokio::sync::watch;

use crate::settings::{Settings, SettingsError, WatchedFile};
use weir_supervision::{Incarnation, SupervisedActor, counters};

/// How often the file is looked at. An edit counts at the second look that finds it, so within a second.
const PAUSE: Duration = Duration::from_millis(400);

/// Says what of new settings cannot be served by, beyond what is wrong with the file itself.
pub type Admit = dyn Fn(&Settings) -> Result<(), Box<dyn Error + Send + Sync>> + Send + Sync;

/// Looks at the settings file and publishes what an edit makes of it. A bad edit changes nothing and is told.
pub struct ConfigWatcher {
    deps: ConfigWatcherDeps,
}

/// What a config watcher works with.
#[derive(Clone)]
pub struct ConfigWatcherDeps {
    /// The file, shared by the watcher's incarnations so that none judges an edit twice.
    pub file: Arc<Mutex<WatchedFile>>,
    /// The settings that Weir was started with.
    pub started_with: Arc<Settings>,
    /// Asked about each edit before it is taken.
    pub admit: Arc<Admit>,
    /// Takes the settings in force.
    pub newest: watch::Sender<Arc<Settings>>,
    /// Kept up to date.
    pub status: Arc<ConfigStatus>,
}

counters! {
    /// How the running settings stand to the file.
    #[derive(Debug, Default, Serialize)]
    pub struct ConfigStatus {
        /// Edits of the settings file that took effect.
        pub taken: Counter "weir_config_watcher_edits_taken_total",
        /// Edits of the settings file that were refused.
        pub refused: Counter "weir_config_watcher_edits_refused_total",
        ..
        /// What is wrong with the file as it is now; the settings before it stay in force.
        error: Mutex<Option<String>>,
        /// Keys that were edited and take effect at the next start.
        needs_restart: Mutex<Vec<&'static str>>,
    }
}

impl ConfigStatus {
    /// What is wrong with the file as it is now.
    pub fn error(&self) -> Option<String> {
        self.error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Keys that were edited and take effect at the next start.
    pub fn needs_restart(&self) -> Vec<&'static str> {
        self.needs_restart
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn take(&self, needs_restart: Vec<&'static str>) {
        self.taken.fetch_add(1, Ordering::Relaxed);
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *self
            .needs_restart
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = needs_restart;
    }

    /// The file holds what is in force.
    fn confirm(&self) {
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn refuse(&self, error: String) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }
}

/// Look at the file.
#[derive(Message)]
#[rtype(result = "()")]
struct Tick;

/// Reads the file at once, and judges it although it may not be new.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Reread;

impl SupervisedActor for ConfigWatcher {
    type Deps = ConfigWatcherDeps;
    type Counters = ConfigStatus;

    fn new(deps: ConfigWatcherDeps, _: Arc<ConfigStatus>, _: Incarnation) -> Self {
        Self { deps }
    }
}

impl ConfigWatcher {
    fn run_once(&self) {
        let looked = self.file().look();
        if let Some(found) = looked {
            self.judge(found);
        }
    }

    fn reread(&self) {
        let found = self.file().reread();
        if found
            .as_ref()
            .is_ok_and(|settings| *settings == **self.deps.newest.borrow())
        {
            tracing::info!("settings read again, nothing has changed");
            self.deps.status.confirm();
        } else {
            self.judge(found);
        }
    }

    fn file(&self) -> MutexGuard<'_, WatchedFile> {
        let file = self.deps.file.lock();
        file.unwrap_or_else(PoisonError::into_inner)
    }

    fn judge(&self, found: Result<Settings, SettingsError>) {
        match found {
            Ok(settings) => match (self.deps.admit)(&settings) {
                Ok(()) => self.take(settings),
                Err(error) => self.refuse(error.as_ref()),
            },
            Err(error) => self.refuse(&error),
        }
    }

    fn take(&self, settings: Settings) {
        let needs_restart = self.deps.started_with.needing_restart(&settings);
        let config_version = settings.config_version();
        tracing::info!(?needs_restart, config_version, "edited settings taken");
        self.deps.status.take(needs_restart);
        self.deps.newest.send_replace(Arc::new(settings));
    }

    fn refuse(&self, error: &dyn Error) {
        let error = with_causes(error);
        tracing::error!(error, "edited settings refused, those before stay in force");
        self.deps.status.refuse(error);
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
        self.run_once();
        ctx.notify_later(Tick, PAUSE);
    }
}

impl Handler<Reread> for ConfigWatcher {
    type Result = ();

    fn handle(&mut self, Reread: Reread, _: &mut Self::Context) {
        self.reread();
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
