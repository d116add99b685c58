use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Decompress;
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::StreamExt;

use super::ApiError;

/// Reads a request's body, decompressed, up to `max_bytes` and within `limit`.
///
/// A body announced as longer is refused before any of it is read.
pub(super) async fn read(
    request: &HttpRequest,
    payload: Payload,
    max_bytes: usize,
    limit: Duration,
) -> Result<Bytes, ApiError> {
    let announced = announced_bytes(request);
    if announced.is_some_and(|bytes| bytes > max_bytes) {
        return Err(too_large(max_bytes));
    }
    let body = collect(request, payload, announced.unwrap_or_default(), max_bytes);
    tokio::time::timeout(limit, body)
        .await
        .unwrap_or_else(|_| Err(ApiError::body_timeout(limit.as_millis())))
}

fn announced_bytes(request: &HttpRequest) -> Option<usize> {
    request
        .headers()
        .get(CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

async fn collect(
    request: &HttpRequest,
    payload: Payload,
    announced: usize,
    max_bytes: usize,
) -> Result<Bytes, ApiError> {
    let mut chunks = Decompress::from_headers(payload, request.headers());
    let mut body = BytesMut::with_capacity(announced);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| unreadable(&error))?;
        if body.len() + chunk.len() > max_bytes {
            return Err(too_large(max_bytes));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn too_large(max_bytes: usize) -> ApiError {
    ApiError::too_large(format!("the body is longer than {max_bytes} bytes"))
}

fn unreadable(error: &PayloadError) -> ApiError {
    ApiError::invalid("body", format!("the body cannot be read: {error}"))
}
