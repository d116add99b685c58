use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde_json::json;

use crate::actors::{RunNow, RunNowAnswer, RunningScrapers};
use crate::http::ApiError;
use crate::http::middleware::{AdminScope, Authorized};

/// Time that a scraper may take to answer.
const ASK_LIMIT: Duration = Duration::from_secs(1);

/// `GET /scrapers`: how each scraper fares.
pub(super) async fn list(
    _: Authorized<AdminScope>,
    scrapers: Data<RunningScrapers>,
) -> HttpResponse {
    let scrapers = scrapers.all();
    let reports: Vec<_> = scrapers
        .iter()
        .map(|scraper| scraper.log.report())
        .collect();
    HttpResponse::Ok().json(json!({ "scrapers": reports }))
}

/// `POST /scrapers/{name}/run`: a pass now. 202, or 503 while the source wants to be left alone.
pub(super) async fn run(
    _: Authorized<AdminScope>,
    name: Path<String>,
    scrapers: Data<RunningScrapers>,
) -> Result<HttpResponse, ApiError> {
    let scrapers = scrapers.all();
    let scraper = scrapers
        .iter()
        .find(|scraper| scraper.log.name() == *name)
        .ok_or_else(|| ApiError::not_found(format!("scraper {:?} not found", *name)))?;
    let accepted =
        |state: &str| HttpResponse::Accepted().json(json!({ "scraper": *name, "state": state }));
    match scraper.actor.ask(RunNow, ASK_LIMIT).await {
        Ok(RunNowAnswer::Started) => Ok(accepted("started")),
        Ok(RunNowAnswer::AlreadyRunning) => Ok(accepted("already_running")),
        Ok(RunNowAnswer::HeldOff(wait)) => Err(ApiError::unavailable(
            "the source asked to be called later",
            u32::try_from(wait.as_secs() + 1).unwrap_or(u32::MAX),
        )),
        Err(why) => Err(ApiError::unavailable(why.to_string(), 1)),
    }
}
