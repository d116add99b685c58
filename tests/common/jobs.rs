//! Jobs of a Weir, over HTTP.

use std::time::{Duration, Instant};

use reqwest::Response;
use serde_json::Value;

use super::weir::{PATIENCE, Weir};

/// What tests do with jobs.
pub(crate) trait Background {
    async fn post_json(&self, path: &str, body: &Value) -> Response;
    async fn delete(&self, path: &str) -> Response;
    /// Submits and answers what the server says, which must be 202.
    async fn submit(&self, body: &Value) -> Value;
    async fn submit_id(&self, body: &Value) -> String;
    /// Waits for the end of a job.
    async fn finished(&self, id: &str) -> Value;
    /// Waits until a program has written a line on its stderr, and answers it.
    async fn said_by_program(&self) -> String;
}

impl Background for Weir {
    async fn post_json(&self, path: &str, body: &Value) -> Response {
        let request = self.client.post(self.url(path)).json(body);
        request.send().await.unwrap()
    }

    async fn delete(&self, path: &str) -> Response {
        self.client.delete(self.url(path)).send().await.unwrap()
    }

    async fn submit(&self, body: &Value) -> Value {
        let taken = self.post_json("/jobs", body).await;
        let status = taken.status();
        let answer = taken.json().await.unwrap();
        assert_eq!(status, 202, "{answer}");
        answer
    }

    async fn submit_id(&self, body: &Value) -> String {
        self.submit(body).await["id"].as_str().unwrap().to_owned()
    }

    async fn finished(&self, id: &str) -> Value {
        let is_finished = |job: &Value| {
            let state = job["state"].as_str().unwrap_or_default();
            ["succeeded", "dead", "cancelled"].contains(&state)
        };
        self.when(&format!("/jobs/{id}?wait_ms=5000"), is_finished)
            .await
    }

    async fn said_by_program(&self) -> String {
        let mut said = None;
        eventually(|| {
            let line = |line: &str| {
                let line: Value = serde_json::from_str(line).ok()?;
                let fields = &line["fields"];
                (fields["message"] == "program says")
                    .then(|| fields["line"].as_str())?
                    .map(str::to_owned)
            };
            said = self.log().lines().find_map(line);
            said.is_some()
        })
        .await;
        said.unwrap()
    }
}

/// Waits for what nothing announces.
pub(crate) async fn eventually(mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "never came to pass");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
