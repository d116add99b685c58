use std::io;

use tokio::runtime::{self, Builder, Handle};
use tokio::sync::watch;

use super::StartupError;
use crate::priority;
use crate::settings::Settings;
use weir_supervision::ActorSystem;

/// Actor system, background threads and the signals that every part waits for.
pub(super) struct Runtime {
    pub(super) system: ActorSystem,
    pub(super) background: BackgroundRuntime,
    /// True once the database is up to date.
    pub(super) prepared: watch::Sender<bool>,
    /// True once the instance stops.
    pub(super) stopping: watch::Sender<bool>,
}

impl Runtime {
    /// Starts an actor system without actors and the background threads.
    pub(super) fn start(settings: &Settings) -> Result<Self, StartupError> {
        Ok(Self {
            system: ActorSystem::start(settings.supervision.policy()),
            background: BackgroundRuntime::start().map_err(StartupError::Threads)?,
            prepared: watch::Sender::new(false),
            stopping: watch::Sender::new(false),
        })
    }

    pub(super) fn prepared(&self) -> watch::Receiver<bool> {
        self.prepared.subscribe()
    }

    pub(super) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }
}

/// Runtime of jobs, on threads of a lower priority than those that serve. Threads and programs that they start inherit it.
pub(super) struct BackgroundRuntime {
    handle: Handle,
    /// `None` only while it is dropped.
    runtime: Option<runtime::Runtime>,
}

impl BackgroundRuntime {
    /// Starts two threads, and more for work that blocks.
    fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("weir-background")
            .on_thread_start(priority::lower)
            .enable_all()
            .build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    pub(super) fn handle(&self) -> Handle {
        self.handle.clone()
    }
}

impl Drop for BackgroundRuntime {
    /// Waits for nothing: what still executes by then has been abandoned.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
