//! What the HTTP server takes from its clients, whatever they send and however slowly.

mod encodings;
mod methods;
mod problems;
mod slow_bodies;
mod surrogates;

use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use weir_test_support::{PATIENCE, Weir, feed_of};

const KEY: &str = "open-sesame";

/// Settings of a Weir that needs no other server, with a key for every scope but `rank`.
fn settings(more: &str) -> String {
    format!(
        "store.backend = \"embedded\"\nschedules.top_named_entities.enabled = false\n\
         auth.admin = [{KEY:?}]\nauth.ingest = [{KEY:?}]\n{more}\n"
    )
}

/// A Weir whose database has its tables.
fn start(more: &str) -> Weir {
    let weir = Weir::start(&settings(more));
    let deadline = Instant::now() + PATIENCE;
    while !weir.log().contains("the database is ready") {
        assert!(Instant::now() < deadline, "{}", weir.log());
        std::thread::sleep(Duration::from_millis(10));
    }
    weir
}

fn request(weir: &Weir, method: Method, path: &str) -> RequestBuilder {
    weir.client.request(method, weir.url(path)).bearer_auth(KEY)
}

/// A valid body of each route that reads one, and the status of its answer.
fn bodies() -> Vec<(&'static str, Vec<u8>, u16)> {
    let report = json!({"success": false, "task_id": "t", "timestamp": "2026-11-20T10:00:00Z",
                        "error": {"message": "m"}});
    let texts = json!({"data": [{"item_id": "a", "text": "so happy"}]});
    let job = json!({"job": "post_statistics"});
    vec![
        (
            "/rank",
            serde_json::to_vec(&feed_of(&["a", "b"])).unwrap(),
            200,
        ),
        ("/score", texts.to_string().into_bytes(), 200),
        ("/jobs", job.to_string().into_bytes(), 202),
        ("/data/scraper", report.to_string().into_bytes(), 200),
    ]
}

/// A connection that has sent `bytes`.
async fn connection(weir: &Weir, bytes: &[u8]) -> TcpStream {
    let address = weir.url("").replace("http://", "");
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(bytes).await.unwrap();
    connection
}

/// Everything that the server sends until it closes the connection.
async fn until_closed(mut connection: TcpStream) -> String {
    let mut answer = Vec::new();
    let end = tokio::time::timeout(PATIENCE, connection.read_to_end(&mut answer));
    // A reset ends the connection as well.
    let _ = end.await.expect("the connection stays open");
    String::from_utf8_lossy(&answer).into_owned()
}

/// The sum of a counter or gauge over the series that contain `labels`.
async fn metric(weir: &Weir, name: &str, labels: &str) -> f64 {
    let text = weir.get("/metrics").await.text().await.unwrap();
    let series = text
        .lines()
        .filter(|line| line.starts_with(name) && line.contains(labels));
    series
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}
