//! Jobs of a server, over HTTP.

use reqwest::Response;
use serde_json::Value;

use crate::eventually;
use crate::weir::Weir;

impl Weir {
    /// Sends `POST path` with a JSON body.
    pub async fn post_json(&self, path: &str, body: &Value) -> Response {
        let request = self.client.post(self.url(path)).json(body);
        request.send().await.unwrap()
    }

    /// Sends `DELETE path`.
    pub async fn delete(&self, path: &str) -> Response {
        self.client.delete(self.url(path)).send().await.unwrap()
    }

    /// Submits a job or a group, which must be accepted with 202, and returns the answer.
    pub async fn submit(&self, body: &Value) -> Value {
        let response = self.post_json("/jobs", body).await;
        let status = response.status();
        let answer = response.json().await.unwrap();
        assert_eq!(status, 202, "{answer}");
        answer
    }

    /// Submits a job and returns its id.
    pub async fn submit_id(&self, body: &Value) -> String {
        self.submit(body).await["id"].as_str().unwrap().to_owned()
    }

    /// Waits for the end of a job and returns it.
    pub async fn finished(&self, id: &str) -> Value {
        let is_finished = |job: &Value| {
            let state = job["state"].as_str().unwrap_or_default();
            ["succeeded", "dead", "cancelled"].contains(&state)
        };
        self.when(&format!("/jobs/{id}?wait_ms=5000"), is_finished)
            .await
    }

    /// Waits until a program has written a line to its stderr, and returns the line.
    pub async fn program_line(&self) -> String {
        let mut found = None;
        eventually(|| {
            let line = |line: &str| {
                let line: Value = serde_json::from_str(line).ok()?;
                let fields = &line["fields"];
                (fields["message"] == "program says")
                    .then(|| fields["line"].as_str())?
                    .map(str::to_owned)
            };
            found = self.log().lines().find_map(line);
            found.is_some()
        })
        .await;
        found.unwrap()
    }
}
