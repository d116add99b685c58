use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use arc_swap::ArcSwap;
use serde_json::json;

use super::{ApiError, Front, Scope};
use crate::actors::{RunNow, RunNowAnswer, Scraper};
use crate::ingestion::ScraperLog;
use weir_supervision::ActorRef;

/// How long a scraper may take to answer.
const ASK_LIMIT: Duration = Duration::from_secs(1);

/// A scraper, and what it says of itself.
#[derive(Clone)]
pub struct KnownScraper {
    /// Where to ask.
    pub actor: ActorRef<Scraper>,
    /// How it fares.
    pub log: Arc<ScraperLog>,
}

/// The scrapers that run now.
#[derive(Clone, Default)]
pub struct KnownScrapers(Arc<ArcSwap<Vec<KnownScraper>>>);

impl KnownScrapers {
    /// Shows these from now on.
    pub fn show(&self, scrapers: Vec<KnownScraper>) {
        self.0.store(Arc::new(scrapers));
    }

    pub(super) fn all(&self) -> Arc<Vec<KnownScraper>> {
        self.0.load_full()
    }
}

/// `GET /scrapers`: how each scraper fares.
pub(super) async fn list(
    request: HttpRequest,
    front: web::Data<Front>,
) -> Result<HttpResponse, ApiError> {
    front.access.check(Scope::Admin, &request)?;
    let scrapers = front.scrapers.all();
    let reports: Vec<_> = scrapers
        .iter()
        .map(|scraper| scraper.log.report())
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "scrapers": reports })))
}

/// `POST /scrapers/{name}/run`: a pass now. 202, or 503 while the source wants to be left alone.
pub(super) async fn run(
    request: HttpRequest,
    name: web::Path<String>,
    front: web::Data<Front>,
) -> Result<HttpResponse, ApiError> {
    front.access.check(Scope::Admin, &request)?;
    let known = front.scrapers.all();
    let scraper = known
        .iter()
        .find(|scraper| scraper.log.name() == *name)
        .ok_or_else(|| ApiError::not_found(format!("there is no scraper named {:?}", *name)))?;
    let accepted =
        |state: &str| HttpResponse::Accepted().json(json!({ "scraper": *name, "state": state }));
    match scraper.actor.ask(RunNow, ASK_LIMIT).await {
        Ok(RunNowAnswer::Started) => Ok(accepted("started")),
        Ok(RunNowAnswer::AlreadyRunning) => Ok(accepted("already_running")),
        Ok(RunNowAnswer::HeldOff(wait)) => Err(ApiError::unavailable(
            "the source wants to be left alone",
            u32::try_from(wait.as_secs() + 1).unwrap_or(u32::MAX),
        )),
        Err(why) => Err(ApiError::unavailable(why.to_string(), 1)),
    }
}
