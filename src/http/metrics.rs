use actix_web::{HttpResponse, web};

use super::Front;

/// `GET /metrics`: everything counted and measured, in Prometheus' text format.
pub(super) async fn render(front: web::Data<Front>) -> HttpResponse {
    front
        .scrapers
        .iter()
        .for_each(|scraper| scraper.log.measure());
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(front.metrics.render())
}
