//! Who may use which routes, and with which key.

mod command_line;
mod compose;
mod keys;
mod proxy;

use reqwest::{Method, StatusCode};
use weir_test_support::http_client;

/// No schedule runs a job and nothing is asked of a Redis.
const QUIET: &str = "store.backend = \"embedded\"\nschedules.top_named_entities.enabled = false\n";

/// Every route that needs an admin key.
const ADMIN_ROUTES: [(Method, &str); 13] = [
    (Method::GET, "/actors"),
    (Method::GET, "/jobs"),
    (Method::POST, "/jobs"),
    (Method::GET, "/jobs/0190c0de-0000-7000-8000-000000000000"),
    (Method::DELETE, "/jobs/0190c0de-0000-7000-8000-000000000000"),
    (
        Method::GET,
        "/jobs/0190c0de-0000-7000-8000-000000000000/result",
    ),
    (
        Method::POST,
        "/jobs/0190c0de-0000-7000-8000-000000000000/retry",
    ),
    (Method::GET, "/schedules"),
    (Method::POST, "/schedules/none/run"),
    (Method::GET, "/results/key"),
    (Method::GET, "/scrapers"),
    (Method::POST, "/scrapers/none/run"),
    (Method::POST, "/rank?policy=calm"),
];

/// Status of a request with these headers to the server at `base`.
async fn status(base: &str, method: Method, path: &str, headers: &[(&str, &str)]) -> StatusCode {
    let mut request = http_client()
        .request(method.clone(), format!("{base}{path}"))
        .header("content-type", "application/json");
    if method == Method::POST {
        request = request.body("{}");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap().status()
}
