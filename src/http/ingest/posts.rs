use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use tokio::sync::Semaphore;

use super::report::Scraped;
use crate::actors::{IngestError, IngestHandle};
use crate::http::body::read_json;
use crate::http::middleware::{Authorized, IngestScope};
use crate::http::{ApiError, BodyReader};

/// Requests in flight; they wait for the database, and are counted apart from those that rank.
const MAX_IN_FLIGHT: usize = 256;
/// Most series in all: each stays in memory, and in every answer of `/metrics`.
const MAX_SERIES: usize = 1_000;

/// State of `POST /data/scraper`.
pub struct IngestState {
    ingester: IngestHandle,
    limiter: Semaphore,
    reported: ReportedMetrics,
}

impl IngestState {
    /// Creates the state; posts go to `ingester`.
    pub fn new(ingester: IngestHandle) -> Self {
        Self {
            ingester,
            limiter: Semaphore::new(MAX_IN_FLIGHT),
            reported: ReportedMetrics::default(),
        }
    }
}

#[derive(Serialize)]
struct Accepted {
    /// Posts that are in the database.
    accepted: usize,
    /// Those that it refuses; they are written down as errors.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rejected: Vec<Rejected>,
}

#[derive(Serialize)]
struct Rejected {
    path: String,
}

/// `POST /data/scraper`: stores what a scraper found, or the error that kept it. 200 means committed.
pub(super) async fn ingest(
    _: Authorized<IngestScope>,
    request: HttpRequest,
    payload: Payload,
    bodies: Data<BodyReader>,
    state: Data<IngestState>,
) -> Result<HttpResponse, ApiError> {
    let body = bodies.read(&request, payload).await?;
    let _permit = state.limiter.try_acquire()?;
    let (scraped, _) = read_json(&body, Scraped::from_json)?;
    let Scraped {
        source_id,
        batch,
        metrics,
    } = scraped;
    let posts = batch.posts.len();
    let ingested = state.ingester.ingest(batch, body.len()).await?;
    state.reported.publish(&source_id, &metrics);
    let rejected = ingested.rejected.into_iter().map(|index| Rejected {
        path: format!("data.content_items[{index}]"),
    });
    let rejected: Vec<Rejected> = rejected.collect();
    Ok(HttpResponse::Ok().json(Accepted {
        accepted: posts - rejected.len(),
        rejected,
    }))
}

impl From<IngestError> for ApiError {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::Unavailable { retry_after_s } => {
                Self::unavailable(error.to_string(), retry_after_s)
            }
            IngestError::Failed => Self::internal(),
        }
    }
}

/// Numbers that outside scrapers report of themselves, shown as `weir_scraper_reported`.
#[derive(Default)]
struct ReportedMetrics {
    series: Mutex<HashSet<(String, String)>>,
}

impl ReportedMetrics {
    /// Shows the newest numbers of a source. Series past the limit are left out and counted.
    fn publish(&self, source_id: &str, numbers: &BTreeMap<String, f64>) {
        for (name, &number) in numbers {
            if self.admits(source_id, name) {
                let (source, name) = (source_id.to_owned(), name.clone());
                metrics::gauge!("weir_scraper_reported", "source" => source, "metric" => name)
                    .set(number);
            } else {
                metrics::counter!("weir_scraper_reported_left_out_total").increment(1);
            }
        }
    }

    fn admits(&self, source_id: &str, name: &str) -> bool {
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let one = (source_id.to_owned(), name.to_owned());
        if series.contains(&one) {
            return true;
        }
        series.len() < MAX_SERIES && series.insert(one)
    }
}
