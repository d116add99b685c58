//! Scraped posts: reports of outside scrapers, and the scrapers of this process.

mod posts;
mod report;
mod scrapers;

pub use posts::IngestState;

use actix_web::web::ServiceConfig;

use super::method_route::{at, get, post};

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(at("/data/scraper", [post(posts::ingest)]))
        .service(at("/scrapers", [get(scrapers::list)]))
        .service(at("/scrapers/{name}/run", [post(scrapers::run)]));
}
