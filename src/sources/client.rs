use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Client, Response, StatusCode, Url, redirect};

use super::public_addresses::PublicAddresses;
use super::{OpenError, SourceError};
use crate::rate_limit::retry_after;

/// The longest answer that is read, in bytes after decompression.
pub const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;
const MAX_REDIRECTS: usize = 5;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Few connections wait for the next pass; most passes are minutes apart.
const IDLE: Duration = Duration::from_secs(30);
const USER_AGENT: &str = concat!("weir/", env!("CARGO_PKG_VERSION"));

/// The way out, shared by all sources that may reach the same private hosts.
#[derive(Clone)]
pub struct Outside {
    client: Client,
}

/// The way out for one source: to its own hosts, for so long and so much.
#[derive(Clone)]
pub struct SourceClient {
    client: Client,
    allowed: Arc<BTreeSet<String>>,
    time_limit: Duration,
}

/// What a host answered, in full.
#[derive(Debug)]
pub struct Answer {
    /// The status: 2xx, 304 or 4xx but for 429.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

impl Outside {
    /// A way out that leads to private addresses only by the names in `private`. Needs a crypto provider of rustls to be
    /// installed.
    pub fn new(private: BTreeSet<String>) -> Result<Self, OpenError> {
        let client = Client::builder()
            .user_agent(USER_AGENT)
            // A proxy would look up names for itself.
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(1)
            .dns_resolver(PublicAddresses {
                named: Arc::new(private),
            })
            .build()?;
        Ok(Self { client })
    }

    /// Returns a way out that leads to these private hosts. Unless there are none, neither its look-ups nor its connections
    /// are shared, so that nobody else gets there.
    pub fn leading_to(&self, private: BTreeSet<String>) -> Result<Self, OpenError> {
        if private.is_empty() {
            return Ok(self.clone());
        }
        Self::new(private)
    }

    /// A client whose redirects lead to `allowed` hosts, and whose answers are there within `time_limit`.
    pub fn client_for(&self, allowed: BTreeSet<String>, time_limit: Duration) -> SourceClient {
        SourceClient {
            client: self.client.clone(),
            allowed: Arc::new(allowed),
            time_limit,
        }
    }
}

impl SourceClient {
    /// GETs `url`, following redirects on its host and to allowed ones. `headers` go to the first host alone.
    pub async fn get(&self, url: &Url, headers: HeaderMap) -> Result<Answer, SourceError> {
        let answer = tokio::time::timeout(self.time_limit, self.follow(url, headers)).await;
        answer.unwrap_or_else(|_| {
            Err(SourceError::TooSlow {
                host: host_of(url),
                limit: self.time_limit,
            })
        })
    }

    async fn follow(&self, first: &Url, headers: HeaderMap) -> Result<Answer, SourceError> {
        let mut url = first.clone();
        for _ in 0..=MAX_REDIRECTS {
            let mut request = self.client.get(url.clone());
            if url.origin() == first.origin() {
                request = request.headers(headers.clone());
            }
            let response = request.send().await.map_err(|why| unreachable(&url, why))?;
            match redirection(&response, &url) {
                Some(to) => url = self.permitted(first, to)?,
                None => return read(response, &url).await,
            }
        }
        Err(refused(first, &url, "too many redirects"))
    }

    fn permitted(&self, first: &Url, to: Url) -> Result<Url, SourceError> {
        if !matches!(to.scheme(), "http" | "https") {
            return Err(refused(first, &to, "only http and https are followed"));
        }
        if first.scheme() == "https" && to.scheme() == "http" {
            return Err(refused(first, &to, "https does not lead to http"));
        }
        let host = host_of(&to);
        if host != host_of(first) && !self.allowed.contains(&host) {
            return Err(refused(first, &to, "another host, not in allow_hosts"));
        }
        Ok(to)
    }
}

/// The host in lower case, without its port.
pub(super) fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_ascii_lowercase()
}

fn redirection(response: &Response, from: &Url) -> Option<Url> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    from.join(location).ok()
}

async fn read(mut response: Response, url: &Url) -> Result<Answer, SourceError> {
    let host = host_of(url);
    let (status, headers) = (response.status(), response.headers().clone());
    match status.as_u16() {
        429 | 503 => {
            return Err(SourceError::RateLimited {
                host,
                status: status.as_u16(),
                retry_after: retry_after(&headers, Utc::now()),
            });
        }
        200..=299 | 304 | 400..=499 => {}
        status => return Err(SourceError::Status { host, status }),
    }
    let too_long = |bytes: usize| bytes > MAX_BODY_BYTES;
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|why| unreachable(url, why))?
    {
        if too_long(body.len() + chunk.len()) {
            return Err(SourceError::TooLong {
                host,
                limit: MAX_BODY_BYTES,
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status,
        headers,
        body,
    })
}

/// The innermost cause; the URL, whose query may say much, is left out.
fn unreachable(url: &Url, error: reqwest::Error) -> SourceError {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    SourceError::Unreachable {
        host: host_of(url),
        why: cause.to_string(),
    }
}

fn refused(from: &Url, to: &Url, why: &'static str) -> SourceError {
    SourceError::Redirect {
        host: host_of(from),
        to: host_of(to),
        why,
    }
}
