use std::io;
use std::path::Path;

use actix_web::HttpResponse;
use actix_web::web::Bytes;
use futures_util::stream::try_unfold;
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use super::ApiError;

const CHUNK_BYTES: usize = 64 * 1024;

/// Streams a file of this Weir's data folder.
pub(super) async fn stream(path: &Path) -> Result<HttpResponse, ApiError> {
    let file = match File::open(path).await {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(ApiError::not_found(
                "the large result is past its time, or in the data folder of another Weir",
            ));
        }
        Err(error) => {
            tracing::error!(path = %path.display(), %error, "a large result cannot be read");
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
