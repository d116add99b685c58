use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::{ApiError, Front, Scope};

/// `GET /actors`: every actor's state, counters, restarts and last exit, and which settings rank.
pub(super) async fn list(
    request: HttpRequest,
    front: web::Data<Front>,
) -> Result<HttpResponse, ApiError> {
    front.access.check(Scope::Admin, &request)?;
    Ok(HttpResponse::Ok().json(json!({
        "actors": front.system.statuses(),
        "config_version": &*front.serving.load().config_version,
    })))
}
