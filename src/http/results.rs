use actix_web::http::header;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::de::IgnoredAny;

use super::{ApiError, Front, Scope};

/// `GET /results/{key}`: a stored result as it was written; `Last-Modified` says when, where that is known.
pub(super) async fn show(
    request: HttpRequest,
    key: Path<String>,
    front: Data<Front>,
) -> Result<HttpResponse, ApiError> {
    front.access.check(Scope::Admin, &request)?;
    let Some(stored) = front.resources.store.get(&key).await? else {
        let unknown = format!("there is no result {:?}", *key);
        return Err(ApiError::not_found(unknown));
    };
    let mut response = HttpResponse::Ok();
    response.content_type(match stored.json::<IgnoredAny>() {
        Ok(_) => "application/json",
        Err(_) => "application/octet-stream",
    });
    if let Some(written_at) = stored.written_at() {
        let written_at = header::HttpDate::from(std::time::SystemTime::from(written_at));
        response.insert_header(header::LastModified(written_at));
    }
    Ok(response.body(stored.bytes().to_vec()))
}
