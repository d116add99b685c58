use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::{Server, ServerHandle};
use actix_web::web::Data;
use arc_swap::ArcSwap;
use tokio::task::JoinHandle;

use super::StartupError;
use super::ingestion::Ingestion;
use super::jobs::Jobs;
use super::preparation::{InitialData, prepare};
use super::runtime::Runtime;
use super::shutdown::Shutdown;
use super::stores::Stores;
use crate::actors::ConfigStatus;
use crate::data_dir::DataDir;
use crate::http::{
    self, Access, AppState, BodyReader, Health, IngestState, JobsState, RankState, SchedulesState,
    ScoreState,
};
use crate::programs::RunningPrograms;
use crate::serving::{ServingConfig, SideEffects};
use crate::settings::Settings;
use crate::telemetry;

/// Parts of an instance that run, and the settings that they were started with.
pub(super) struct Running {
    pub(super) settings: Settings,
    pub(super) stores: Stores,
    pub(super) runtime: Runtime,
    pub(super) jobs: Jobs,
    pub(super) ingestion: Ingestion,
    pub(super) side_effects: SideEffects,
    pub(super) programs: RunningPrograms,
}

impl Running {
    /// Returns the state of the HTTP handlers, each concern by itself.
    pub(super) fn state(
        &self,
        access: Access,
        serving: Arc<ArcSwap<ServingConfig>>,
        status: Arc<ConfigStatus>,
    ) -> Result<AppState, StartupError> {
        let metrics = telemetry::start(&self.stores.health)?;
        Ok(AppState {
            access: Data::new(access),
            bodies: Data::new(BodyReader::new(&self.settings.server)),
            rank: Data::new(RankState::new(
                &self.settings.server,
                &self.settings.recorder,
            )),
            score: Data::new(ScoreState::new(&self.settings.server)),
            serving: Data::from(serving),
            jobs: Data::new(JobsState::new(
                self.jobs.registry.clone(),
                &self.jobs.resources,
                self.jobs.context.known().clone(),
                self.runtime.stopping(),
            )),
            job_queue: Data::new(self.jobs.queue.clone()),
            schedules: Data::new(SchedulesState {
                configured: self.jobs.configured_schedules.clone(),
                schedules: self.jobs.schedules.clone(),
                known: self.jobs.context.known().clone(),
            }),
            store: Data::new(self.stores.store.clone()),
            ingest: Data::new(IngestState::new(self.ingestion.ingester.clone())),
            scrapers: Data::new(self.ingestion.scrapers.clone()),
            programs: Data::new(self.programs.clone()),
            health: Data::new(Health::new(
                self.stores.health.clone(),
                self.stores.database.clone(),
                status,
                self.runtime.stopping(),
            )),
            system: Data::new(self.runtime.system.clone()),
            prometheus: Data::new(metrics),
        })
    }

    /// Serves on `listener`.
    pub(super) fn serve(
        &self,
        listener: TcpListener,
        state: AppState,
    ) -> Result<Server, StartupError> {
        let grace = self.settings.shutdown.grace;
        http::serve(listener, state, &self.settings.server, grace).map_err(StartupError::Server)
    }

    /// Brings the database up to date in the background, then lets everything begin that waits for it.
    pub(super) fn prepare(&self, initial: InitialData) {
        let (database, health) = (self.stores.database.clone(), self.stores.health.clone());
        let prepared = self.runtime.prepared.clone();
        let preparation = prepare(database, initial, prepared, health);
        self.runtime.background.handle().spawn(preparation);
    }

    pub(super) fn announce(&self, port: u16) {
        let (address, policy) = (self.settings.server.bind, &self.settings.ranking.policy);
        let config_version = self.settings.config_version();
        tracing::info!(%address, port, policy, config_version, "weir is listening");
    }

    /// Returns what shuts all parts down.
    pub(super) fn into_shutdown(
        self,
        server: ServerHandle,
        presence: Option<JoinHandle<()>>,
        data_dir: DataDir,
    ) -> Shutdown {
        Shutdown {
            server,
            grace: self.settings.shutdown.grace,
            runtime: self.runtime,
            stores: self.stores,
            jobs: self.jobs.context,
            side_effects: self.side_effects,
            presence,
            _data_dir: data_dir,
        }
    }
}
