use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use url::Url;

/// How long an answer may take, longer than the longest long poll.
const TIME_LIMIT: Duration = Duration::from_secs(90);
/// How long one long poll lasts.
const POLL_MS: &str = "30000";

/// Which running Weir to talk to.
#[derive(Debug, Args)]
pub(super) struct Server {
    /// Where it listens.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "WEIR_URL",
        default_value = "http://127.0.0.1:8001"
    )]
    url: Url,
    /// An admin key, where it asks for one.
    #[arg(
        long,
        global = true,
        value_name = "KEY",
        env = "WEIR_KEY",
        hide_env_values = true
    )]
    key: Option<String>,
}

/// A client of a running Weir.
pub(super) struct Client {
    server: Server,
    http: reqwest::Client,
}

impl Server {
    /// Runs a conversation with the server to its end.
    pub(super) fn talk<T>(
        self,
        conversation: impl AsyncFnOnce(&Client) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let http = reqwest::Client::builder().timeout(TIME_LIMIT).build()?;
        let client = Client { server: self, http };
        runtime.block_on(conversation(&client))
    }
}

impl Client {
    pub(super) async fn get(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Value> {
        self.send(self.request(Method::GET, path, query)?).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send(self.request(Method::POST, path, &[])?.json(body))
            .await
    }

    pub(super) async fn delete(&self, path: &str) -> anyhow::Result<Value> {
        self.send(self.request(Method::DELETE, path, &[])?).await
    }

    /// Waits for the end of a job and answers all that is known of it.
    pub(super) async fn finished(&self, id: &str) -> anyhow::Result<Value> {
        loop {
            let job = self
                .get(&format!("/jobs/{id}"), &[("wait_ms", POLL_MS)])
                .await?;
            if job.get("finished_at").is_some() {
                return Ok(job);
            }
        }
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
    ) -> anyhow::Result<RequestBuilder> {
        let mut url = self.server.url.join(path).context("not a path")?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.http.request(method, url);
        Ok(match &self.server.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        })
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Value> {
        let response = request
            .send()
            .await
            .with_context(|| format!("no weir answers at {}", self.server.url))?;
        answer(response).await
    }
}

/// The body, or the error that it tells of.
async fn answer(response: Response) -> anyhow::Result<Value> {
    let status = response.status();
    let body = response.bytes().await?;
    let body: Value = serde_json::from_slice(&body)
        .with_context(|| format!("{status}, and the answer is not JSON: is this a weir?"))?;
    if status.is_success() {
        return Ok(body);
    }
    let error = &body["error"];
    let message = error["message"].as_str().unwrap_or("no reason given");
    match error["path"].as_str() {
        Some(path) => bail!("{path}: {message}"),
        None => bail!("{message} ({})", status.as_u16()),
    }
}
