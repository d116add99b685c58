use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use actix_web::dev::Server;
use tokio::sync::Notify;

use super::ingestion::{self, try_sources};
use super::preparation::InitialData;
use super::programs::ProgramReconciler;
use super::reload::Reloader;
use super::running::Running;
use super::runtime::Runtime;
use super::shutdown::Shutdown;
use super::stores::Stores;
use super::{StartupError, jobs, prepare_schedules, presence, recording, serving};
use crate::actors::ConfigStatus;
use crate::data_dir::DataDir;
use crate::http::Access;
use crate::programs::RunningPrograms;
use crate::serving::AssignmentHistory;
use crate::settings::{AuthSettings, Scope, Settings};
use crate::telemetry;

/// Options that an instance is started with.
#[derive(Debug)]
pub struct StartOptions {
    /// The settings, loaded and checked.
    pub settings: Settings,
    /// File that they came from, watched from now on.
    pub file: Option<PathBuf>,
    /// Posts that an empty database begins with.
    pub initial_data: InitialData,
    /// Notified when the file is to be read again at once.
    pub reread: Arc<Notify>,
}

/// An instance that listens and is ready to run.
pub struct Application {
    server: Server,
    port: u16,
    shutdown: Shutdown,
}

impl Application {
    /// Locks the data folder, listens, and starts every actor. Waits for neither the store nor the database: both are
    /// retried behind the running server. Must run in an actix system; errors are those of the configuration.
    pub async fn build(options: StartOptions) -> Result<Self, StartupError> {
        let settings = options.settings;
        try_sources(&settings)?;
        prepare_schedules(&settings)?;
        let data_dir = DataDir::open(&settings.data_dir)?;
        let assignments = AssignmentHistory::new(&data_dir.arms());
        assignments.check(&settings.arms)?;
        let (listener, port) = listen(settings.server.bind)?;
        // Install the recorder before any part starts: metrics that are counted earlier are lost.
        telemetry::metrics()?;
        let access = open_access(&settings.auth, &data_dir)?;
        let runtime = Runtime::start(&settings)?;
        let stores = Stores::open(&settings, &data_dir, &runtime.system).await?;
        let programs = ProgramReconciler::start(&settings, &stores.health, &data_dir, &runtime)?;
        let directory = programs.directory();
        let (jobs, workers) = jobs::start(&settings, &stores, &data_dir, &directory, &runtime)?;
        let (ingestion, scrapers) =
            ingestion::start(&settings, &stores, &data_dir, jobs.announcing(), &runtime)?;
        let side_effects = recording::start(&settings, &stores, &runtime);
        let (serving, config) =
            serving::start(&settings, &stores, &side_effects, &directory, &runtime)?;
        let reloader = Reloader::new(&settings);
        let in_force = reloader.in_force();
        let running_programs = RunningPrograms {
            scoring: directory,
            jobs: jobs.announcing(),
        };
        jobs.start_programs(in_force, &programs, &stores, &data_dir, &runtime);
        let reloader = reloader
            .with(programs)
            .with(serving)
            .with(workers)
            .with(scrapers)
            .with(assignments.clone());
        let presence = presence::start(
            &stores,
            &data_dir,
            reloader.in_force(),
            jobs.context.known().clone(),
            &runtime,
        )?;
        let running = Running {
            settings,
            stores,
            runtime,
            jobs,
            ingestion,
            side_effects,
            programs: running_programs,
        };
        let status = Arc::<ConfigStatus>::default();
        let state = running.state(access, config, Arc::clone(&status))?;
        // A start that failed by now has served nobody, and leaves the version free.
        assignments.record(&running.settings.arms)?;
        let server = running.serve(listener, state)?;
        running.prepare(options.initial_data);
        running.announce(port);
        reloader.follow(
            options.file,
            options.reread,
            status,
            &running.runtime.system,
        );
        let shutdown = running.into_shutdown(server.handle(), presence, data_dir);
        Ok(Self {
            server,
            port,
            shutdown,
        })
    }

    /// Returns the port that the instance listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Serves until `shutdown` resolves, then shuts every part down in order.
    pub async fn run_until_stopped(
        self,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), StartupError> {
        let mut server = actix_rt::spawn(self.server);
        let ended = tokio::select! {
            ended = &mut server => ended.unwrap_or_else(|error| Err(io::Error::other(error))),
            () = shutdown => Ok(()),
        };
        tracing::info!("weir is stopping");
        self.shutdown.run().await;
        tracing::info!("weir has stopped");
        ended.map_err(StartupError::Server)
    }
}

fn listen(address: SocketAddr) -> Result<(TcpListener, u16), StartupError> {
    let bind_failed = |source| StartupError::Bind { address, source };
    let listener = TcpListener::bind(address).map_err(bind_failed)?;
    let port = listener.local_addr().map_err(bind_failed)?.port();
    Ok((listener, port))
}

/// Makes the admin key if it is needed, and logs which routes need no key.
fn open_access(settings: &AuthSettings, data_dir: &DataDir) -> Result<Access, StartupError> {
    let generated = if settings.admin.is_empty() {
        Some(data_dir.admin_key()?.key)
    } else {
        None
    };
    for scope in &settings.open {
        let scope = scope.as_str();
        tracing::warn!(
            scope,
            "open to everybody who reaches this server (auth.open)"
        );
    }
    if settings.rank.is_empty() && !settings.open.contains(&Scope::Rank) {
        tracing::info!("/rank and /score are open, since auth.rank holds no key");
    }
    Ok(Access::new(settings, generated))
}
