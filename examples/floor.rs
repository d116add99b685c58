//! The floor that `weir bench` results are compared with: a bare actix-web handler that reads the same request into the
//! same types and answers its ids in the incoming order. `cargo run --release --example floor -- 127.0.0.1:8002`

use std::borrow::Cow;

use actix_web::web::{Bytes, PayloadConfig};
use actix_web::{App, HttpResponse, HttpServer, web};
use mimalloc::MiMalloc;
use weir_feed::{Metadata, RankRequest, RankResponse};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

async fn rank(body: Bytes) -> HttpResponse {
    match RankRequest::from_json(&body) {
        Ok(feed) => HttpResponse::Ok().json(RankResponse {
            ranked_ids: feed
                .items
                .iter()
                .map(|item| Cow::Borrowed(item.id.as_str()))
                .collect(),
            new_items: Vec::new(),
            metadata: Metadata::default(),
        }),
        Err(error) => HttpResponse::BadRequest().body(error.to_string()),
    }
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:8002".to_owned());
    let app = || {
        App::new()
            .app_data(PayloadConfig::new(4 << 20))
            .route("/rank", web::post().to(rank))
    };
    HttpServer::new(app).workers(2).bind(address)?.run().await
}
