use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::body::read_json;
use super::reported_metrics::ReportedMetrics;
use super::scraped::Scraped;
use super::{Admission, ApiError, Front, Scope};
use crate::actors::{IngestError, IngestHandle};

/// Requests at work at once; they wait for the database, and are counted apart from those that rank.
const MAX_IN_FLIGHT: usize = 256;

/// What outside scrapers hand in, and where it goes.
pub struct IngestDesk {
    inbox: IngestHandle,
    admission: Admission,
    reported: ReportedMetrics,
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

impl IngestDesk {
    /// A desk in front of `inbox`.
    pub fn new(inbox: IngestHandle) -> Self {
        Self {
            inbox,
            admission: Admission::new(MAX_IN_FLIGHT),
            reported: ReportedMetrics::default(),
        }
    }
}

/// `POST /data/scraper`: stores what a scraper found, or the error that kept it. 200 means committed.
pub(super) async fn ingest(
    request: HttpRequest,
    payload: Payload,
    front: Data<Front>,
) -> Result<HttpResponse, ApiError> {
    let desk = &front.ingest;
    front.access.check(Scope::Ingest, &request)?;
    let body = front.read_body(&request, payload).await?;
    let _permit = desk.admission.admit()?;
    let (scraped, _) = read_json(&body, Scraped::from_json)?;
    let Scraped {
        source_id,
        batch,
        metrics,
    } = scraped;
    let posts = batch.posts.len();
    let ingested = desk.inbox.ingest(batch, body.len()).await?;
    desk.reported.publish(&source_id, &metrics);
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
