use actix_web::web::{Data, ServiceConfig};
use arc_swap::ArcSwap;
use metrics_exporter_prometheus::PrometheusHandle;

use super::{
    Access, BodyReader, Health, IngestState, JobsState, RankState, SchedulesState, ScoreState,
};
use crate::actors::{JobQueueActor, RunningScrapers};
use crate::programs::RunningPrograms;
use crate::serving::ServingConfig;
use crate::store::Store;
use weir_supervision::{ActorRef, ActorSystem};

/// Application state: one typed `Data` per concern, so that the signature of a handler names what it uses.
#[derive(Clone)]
pub struct AppState {
    /// Rules of who may use which routes.
    pub access: Data<Access>,
    /// Reader of request bodies.
    pub bodies: Data<BodyReader>,
    /// State of `POST /rank`.
    pub rank: Data<RankState>,
    /// State of `POST /score`.
    pub score: Data<ScoreState>,
    /// Configuration that `/rank` and `/score` are served by.
    pub serving: Data<ArcSwap<ServingConfig>>,
    /// State of the routes of jobs.
    pub jobs: Data<JobsState>,
    /// Actor that stores new jobs.
    pub job_queue: Data<ActorRef<JobQueueActor>>,
    /// State of the routes of schedules.
    pub schedules: Data<SchedulesState>,
    /// Store that holds the results of jobs.
    pub store: Data<Store>,
    /// State of `POST /data/scraper`.
    pub ingest: Data<IngestState>,
    /// Scrapers that run in this process.
    pub scrapers: Data<RunningScrapers>,
    /// Programs that run.
    pub programs: Data<RunningPrograms>,
    /// Conditions that `/health/ready` reports.
    pub health: Data<Health>,
    /// All actors.
    pub system: Data<ActorSystem>,
    /// Recorder of all metrics.
    pub prometheus: Data<PrometheusHandle>,
}

impl AppState {
    /// Gives each part to the handlers that ask for it.
    pub(super) fn configure(self, config: &mut ServiceConfig) {
        config
            .app_data(self.access)
            .app_data(self.bodies)
            .app_data(self.rank)
            .app_data(self.score)
            .app_data(self.serving)
            .app_data(self.jobs)
            .app_data(self.job_queue)
            .app_data(self.schedules)
            .app_data(self.store)
            .app_data(self.ingest)
            .app_data(self.scrapers)
            .app_data(self.programs)
            .app_data(self.health)
            .app_data(self.system)
            .app_data(self.prometheus);
    }
}
