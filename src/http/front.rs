use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::web::Payload;
use arc_swap::ArcSwap;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch;

use super::body::{self, ReceivedBody};
use super::{Access, Admission, ApiError, BodyIntake, Health, IngestDesk, KnownScrapers};
use crate::actors::JobQueueActor;
use crate::jobs::Schedule;
use crate::jobs::{JobResources, Registry};
use crate::queue::Schedules;
use crate::serving::ServingConfig;
use weir_supervision::{ActorRef, ActorSystem};

/// What the handlers share.
pub struct Front {
    /// Who may do what.
    pub access: Access,
    /// How many requests are at work.
    pub admission: Admission,
    /// How many requests have texts scored.
    pub scorings: Admission,
    /// How many requests wait for a job.
    pub waits: Admission,
    /// Bounds on the bodies of all requests together.
    pub intake: Arc<BodyIntake>,
    /// What a request may be like.
    pub limits: Limits,
    /// What `/rank` serves by.
    pub serving: Arc<ArcSwap<ServingConfig>>,
    /// Where outside scrapers hand in what they found.
    pub ingest: IngestDesk,
    /// Weir's own scrapers, by name.
    pub scrapers: KnownScrapers,
    /// Who takes jobs.
    pub desk: ActorRef<JobQueueActor>,
    /// The kinds of jobs.
    pub registry: Registry,
    /// Jobs and results, for reading.
    pub resources: JobResources,
    /// Where the schedules stand.
    pub schedules: Schedules,
    /// What runs when.
    pub planned: watch::Receiver<Arc<Vec<Schedule>>>,
    /// True once Weir stops.
    pub stopping: watch::Receiver<bool>,
    /// All actors.
    pub system: ActorSystem,
    /// What ails.
    pub health: Health,
    /// Everything counted and measured.
    pub metrics: PrometheusHandle,
}

/// Bounds on a request.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of a body, decompressed.
    pub max_body_bytes: usize,
    /// Items of a feed.
    pub max_items: usize,
    /// Time for a body to arrive.
    pub body_timeout: Duration,
    /// Least rate at which a body must arrive; 0 for none.
    pub min_body_bytes_per_second: usize,
    /// Time that a request may ask for to have texts scored.
    pub max_score_deadline: Duration,
}

impl Front {
    /// Reads a request's body within the limits.
    pub(super) async fn read_body(
        &self,
        request: &HttpRequest,
        payload: Payload,
    ) -> Result<ReceivedBody, ApiError> {
        body::read(request, payload, &self.limits, &self.intake).await
    }
}
