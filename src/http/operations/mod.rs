//! Health, metrics and actors, for those who operate the server.

mod health;
mod metrics;
mod programs;

pub use health::Health;

use actix_web::HttpResponse;
use actix_web::web::{Data, ServiceConfig};
use arc_swap::ArcSwap;
use serde_json::json;

use super::method_route::{at, get, post};
use super::middleware::{AdminScope, Authorized};
use crate::serving::ServingConfig;
use weir_supervision::ActorSystem;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(at("/health/live", [get(health::live)]))
        .service(at("/health/ready", [get(health::ready)]))
        .service(at("/metrics", [get(metrics::render)]))
        .service(at("/actors", [get(actors)]))
        .service(at("/programs", [get(programs::list)]))
        .service(at("/programs/{name}/reload", [post(programs::reload)]));
}

/// `GET /actors`: every actor's state, counters, restarts and last exit, and which settings rank.
async fn actors(
    _: Authorized<AdminScope>,
    system: Data<ActorSystem>,
    serving: Data<ArcSwap<ServingConfig>>,
) -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "actors": system.statuses(),
        "config_version": &*serving.load().config_version,
    }))
}
