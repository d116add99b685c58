//! `/rank` and `/score`.

mod handler;
mod options;
mod perspective;
mod score;

pub use handler::RankState;
pub use score::ScoreState;

use actix_cors::Cors;
use actix_web::middleware::Condition;
use actix_web::web::ServiceConfig;

use super::method_route::{at, post};

pub(super) fn routes(config: &mut ServiceConfig, cors_origins: &[String]) {
    let cors = Condition::new(!cors_origins.is_empty(), cors_for(cors_origins));
    config
        .service(at("/rank", [post(handler::rank)]).wrap(cors))
        .service(at("/score", [post(score::score)]));
}

/// Adds the routes that are in the wire formats of other services, and so have no version of ours.
pub(super) fn foreign_routes(config: &mut ServiceConfig) {
    config.service(at(
        "/v1alpha1/comments:analyze",
        [post(perspective::analyze)],
    ));
}

/// Lets web pages of these origins call `/rank`, or of any for `*`.
fn cors_for(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["POST"])
        .allow_any_header()
        .expose_headers(["x-request-id"])
        .block_on_origin_mismatch(false)
        .max_age(3600);
    if origins.iter().any(|origin| origin == "*") {
        return cors.allow_any_origin().send_wildcard();
    }
    origins
        .iter()
        .fold(cors, |cors, origin| cors.allowed_origin(origin))
}
