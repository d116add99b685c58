use std::panic::AssertUnwindSafe;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use futures_util::FutureExt;

use super::ApiError;

/// Answers 500 where a handler panics; actix-web by itself would drop the connection. The panic hook logs it.
pub(super) async fn answered<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let handled = AssertUnwindSafe(next.call(request)).catch_unwind().await;
    handled.unwrap_or_else(|_| Err(ApiError::internal().into()))
}
