use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use reqwest::{Method, RequestBuilder, Response, StatusCode, redirect};
use serde_json::Value;

use super::endpoint::{Endpoint, EndpointArgs, Key};
use crate::settings::ConnectionUrl;

/// How long an answer may take, longer than the longest long poll.
const TIME_LIMIT: Duration = Duration::from_secs(90);
/// How long one long poll lasts.
const POLL_MS: &str = "30000";

/// A client of a running Weir.
pub(super) struct Client {
    endpoint: Endpoint,
    http: reqwest::Client,
}

impl EndpointArgs {
    /// Runs a conversation with the server to its end.
    pub(super) fn talk<T>(
        self,
        conversation: impl AsyncFnOnce(&Client) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let endpoint = self.locate()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        // Weir redirects nobody, and the key is for nobody else.
        let mut http = reqwest::Client::builder()
            .timeout(TIME_LIMIT)
            .redirect(redirect::Policy::none());
        if endpoint.is_direct {
            http = http.no_proxy();
        }
        let client = Client {
            endpoint,
            http: http.build()?,
        };
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
        let mut url = self
            .endpoint
            .url
            .join(&format!("/v1{path}"))
            .context("not a path")?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.http.request(method, url);
        Ok(match &self.endpoint.key {
            Key::Found { key, .. } => request.bearer_auth(key.expose()),
            Key::NotFound(_) => request,
        })
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Value> {
        let response = request
            .send()
            .await
            .with_context(|| format!("no weir answers at {}", self.address()))?;
        let status = response.status();
        if [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status) {
            return Err(self.refusal(status));
        }
        answer(response).await
    }

    fn refusal(&self, status: StatusCode) -> anyhow::Error {
        let (address, status) = (self.address(), status.as_u16());
        match &self.endpoint.key {
            Key::Found { source, .. } => anyhow!(
                "{address} refused the key from {source} ({status}): give an admin key of that server with --key or WEIR_KEY"
            ),
            Key::NotFound(why) => anyhow!(
                "{address} needs a key ({status}), and none was found: {why}; give one with --key or WEIR_KEY, or name the \
                 server's configuration with --config"
            ),
        }
    }

    fn address(&self) -> ConnectionUrl {
        self.endpoint.url.as_str().into()
    }
}

/// Returns the body, or the error that a problem document describes.
async fn answer(response: Response) -> anyhow::Result<Value> {
    let status = response.status();
    let body = response.bytes().await?;
    let body: Value = serde_json::from_slice(&body)
        .with_context(|| format!("{status}, and the answer is not JSON: is this a weir?"))?;
    if status.is_success() {
        return Ok(body);
    }
    let detail = body["detail"].as_str().unwrap_or("no detail given");
    match body["path"].as_str() {
        Some(path) => bail!("{path}: {detail}"),
        None => bail!("{detail} ({})", status.as_u16()),
    }
}
