use std::io;
use std::path::Path as FilePath;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Bytes, Data, Path};
use futures_util::stream::try_unfold;
use serde::de::IgnoredAny;
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use crate::http::ApiError;
use crate::http::middleware::{AdminScope, Authorized};
use crate::store::Store;

const CHUNK_BYTES: usize = 64 * 1024;

/// `GET /results/{key}`: a stored result as it was written; `Last-Modified` says when, where that is known.
pub(super) async fn show(
    _: Authorized<AdminScope>,
    key: Path<String>,
    store: Data<Store>,
) -> Result<HttpResponse, ApiError> {
    let Some(stored) = store.get(&key).await? else {
        let unknown = format!("result {:?} not found", *key);
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

/// Streams a large result from the data folder of the instance.
pub(super) async fn stream_file(path: &FilePath) -> Result<HttpResponse, ApiError> {
    let file = match File::open(path).await {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(ApiError::not_found(
                "the large result has expired, or is in the data folder of another instance",
            ));
        }
        Err(error) => {
            tracing::error!(path = %path.display(), %error, "failed to read a large result");
            return Err(ApiError::internal());
        }
    };
    let chunks = try_unfold(file, |mut file| async move {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        file.read_buf(&mut chunk).await?;
        let chunk = (!chunk.is_empty()).then(|| (Bytes::from(chunk), file));
        Ok::<_, io::Error>(chunk)
    });
    Ok(HttpResponse::Ok()
        .content_type("application/octet-stream")
        .streaming(chunks))
}
