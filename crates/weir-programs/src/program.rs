use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::time::sleep;

use crate::folder::fingerprint;
use crate::host::ProgramHost;
use crate::log::ProgramLog;
use crate::pool::ProgramPool;
use crate::process::StartError;
use crate::spec::ProgramSpec;

/// Time between two looks at a watched folder.
const WATCH_PERIOD: Duration = Duration::from_secs(1);

/// A program whose pool can be replaced while it serves.
#[derive(Debug)]
pub struct Program {
    host: ProgramHost,
    log: ProgramLog,
    pool: ArcSwap<ProgramPool>,
    reload_error: Mutex<Option<String>>,
}

impl Program {
    /// Starts a pool of processes, and watches the folder if the specification says so.
    pub fn start(host: &ProgramHost, spec: ProgramSpec, log: ProgramLog) -> Arc<Self> {
        let pool = ProgramPool::start(host, spec, log.clone());
        let program = Arc::new(Self {
            host: host.clone(),
            log,
            pool: ArcSwap::from_pointee(pool),
            reload_error: Mutex::default(),
        });
        host.handle().spawn(watch(Arc::downgrade(&program)));
        program
    }

    /// Returns the pool that takes calls.
    pub fn pool(&self) -> Arc<ProgramPool> {
        self.pool.load_full()
    }

    /// Starts new processes for `spec`, and returns their pool once one is ready.
    pub async fn prepare(&self, spec: ProgramSpec) -> Result<ProgramPool, StartError> {
        let pool = ProgramPool::start(&self.host, spec, self.log.clone());
        pool.warm().await?;
        Ok(pool)
    }

    /// Has `pool` take the calls from now on.
    pub fn replace(&self, pool: ProgramPool) {
        self.pool.store(Arc::new(pool));
    }

    /// Starts new processes, which take over once one is ready. If none becomes ready the old ones go on.
    pub async fn reload(&self) -> Result<(), StartError> {
        let spec = self.pool.load().spec().clone();
        let program = spec.name.clone();
        let reloaded = self.prepare(spec).await.map(|pool| self.replace(pool));
        let error = reloaded.as_ref().err().map(ToString::to_string);
        match &error {
            None => tracing::info!(program, "program was reloaded"),
            Some(why) => tracing::warn!(
                program,
                why,
                "program could not be reloaded, the old one goes on"
            ),
        }
        *self
            .reload_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = error;
        reloaded
    }

    /// Returns the log of the program.
    pub fn log(&self) -> ProgramLog {
        self.log.clone()
    }

    /// Returns why the newest reload failed, if it did.
    pub fn reload_error(&self) -> Option<String> {
        let error = self.reload_error.lock();
        error.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Reloads the program when files in its folder have changed and rest for a moment, as long as there is a program.
async fn watch(program: Weak<Program>) {
    let (mut loaded, mut newest) = (None, None);
    while let Some(strong) = program.upgrade() {
        let folder = strong.pool().spec().watched_folder.clone();
        let now = match folder {
            Some(folder) => tokio::task::spawn_blocking(move || fingerprint(&folder))
                .await
                .ok(),
            None => None,
        };
        if loaded.is_some() && now != loaded && now == newest {
            loaded = now;
            let _ = strong.reload().await;
        }
        if loaded.is_none() || now.is_none() {
            loaded = now;
        }
        newest = now;
        drop(strong);
        sleep(WATCH_PERIOD).await;
    }
}
