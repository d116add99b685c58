use std::borrow::Cow;
use std::io;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::net::TcpStream;

use super::PreparedFeed;

/// Address of the server under load.
#[derive(Debug, Clone)]
pub struct Target {
    authority: String,
    uri: Uri,
    host: HeaderValue,
}

/// Reason why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// An address that is not `http://HOST[:PORT]/PATH`.
    #[error("invalid target {0:?}: expected an http:// URL with a host")]
    Target(String),
    /// Failure to connect.
    #[error("cannot connect")]
    Connect(#[from] io::Error),
    /// Failure of an open connection.
    #[error("the connection failed")]
    Connection(#[from] hyper::Error),
    /// Status 503, by which the server sheds load.
    #[error("status 503 Service Unavailable")]
    Refused,
    /// Any other status than 200.
    #[error("status {0}")]
    Status(StatusCode),
    /// Response that is not a ranking of the request.
    #[error("invalid response: {0}")]
    Response(&'static str),
}

/// Completeness of a valid response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Completeness {
    Complete,
    /// The response names a part that was missing.
    Degraded,
}

/// Client with one persistent connection.
pub(super) struct Client {
    target: Target,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Target {
    /// Parses an address; the default path is `/rank`.
    pub fn parse(address: &str) -> Result<Self, ClientError> {
        let invalid = || ClientError::Target(address.to_owned());
        let uri: Uri = address.parse().map_err(|_| invalid())?;
        let (Some("http"), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return Err(invalid());
        };
        let authority = format!("{host}:{}", uri.port_u16().unwrap_or(80));
        let path = match uri.path_and_query().map(ToString::to_string).as_deref() {
            None | Some("/") => "/rank".to_owned(),
            Some(path) => path.to_owned(),
        };
        Ok(Self {
            host: HeaderValue::from_str(&authority).map_err(|_| invalid())?,
            uri: path.parse().map_err(|_| invalid())?,
            authority,
        })
    }
}

impl Client {
    pub(super) fn new(target: Target) -> Self {
        Self {
            target,
            connection: None,
        }
    }

    /// Sends the feed and verifies the response. A failed connection is closed; the next call opens a new one.
    pub(super) async fn rank(&mut self, feed: &PreparedFeed) -> Result<Completeness, ClientError> {
        use ClientError::{Refused, Status};
        let response = self.exchange(feed.body.clone()).await;
        if !matches!(response, Ok(_) | Err(Refused | Status(_))) {
            self.connection = None;
        }
        verify(&response?, &feed.ids)
    }

    async fn exchange(&mut self, body: Bytes) -> Result<Bytes, ClientError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.target.uri.clone();
        request.headers_mut().insert(HOST, self.target.host.clone());
        request
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let connection = self.connected().await?;
        connection.ready().await?;
        let response = connection.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        match status {
            StatusCode::OK => Ok(body),
            StatusCode::SERVICE_UNAVAILABLE => Err(ClientError::Refused),
            status => Err(ClientError::Status(status)),
        }
    }

    async fn connected(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, ClientError> {
        let kept = self
            .connection
            .take()
            .filter(|connection| !connection.is_closed());
        let connection = match kept {
            Some(connection) => connection,
            None => connect(&self.target.authority).await?,
        };
        Ok(self.connection.insert(connection))
    }
}

async fn connect(authority: &str) -> Result<SendRequest<Full<Bytes>>, ClientError> {
    let stream = TcpStream::connect(authority).await?;
    stream.set_nodelay(true)?;
    let (sender, driver) = handshake(TokioIo::new(stream)).await?;
    // The request that a failure concerns returns its error.
    tokio::spawn(async move { drop(driver.await) });
    Ok(sender)
}

/// Verifies that the response contains every id of the feed exactly once, and no other.
fn verify(response: &[u8], ids: &[String]) -> Result<Completeness, ClientError> {
    #[derive(Deserialize)]
    struct Response<'a> {
        #[serde(borrow)]
        ranked_ids: Vec<Cow<'a, str>>,
        #[serde(default)]
        metadata: Metadata,
    }
    #[derive(Default, Deserialize)]
    struct Metadata {
        #[serde(default)]
        degraded: Vec<IgnoredAny>,
    }
    let response: Response<'_> = serde_json::from_slice(response)
        .map_err(|_| ClientError::Response("not the JSON of a ranking"))?;
    let mut ranked = response.ranked_ids;
    ranked.sort_unstable();
    if !ranked.iter().eq(ids) {
        return Err(ClientError::Response("not every id exactly once"));
    }
    if response.metadata.degraded.is_empty() {
        Ok(Completeness::Complete)
    } else {
        Ok(Completeness::Degraded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_needs_a_host_and_defaults_to_the_path_of_rank() {
        let uri = |address: &str| {
            Target::parse(address).map(|target| (target.authority, target.uri.to_string()))
        };
        assert_eq!(
            uri("http://127.0.0.1:8001").unwrap(),
            ("127.0.0.1:8001".to_owned(), "/rank".to_owned())
        );
        assert_eq!(
            uri("http://a.example/floor?x=1").unwrap(),
            ("a.example:80".to_owned(), "/floor?x=1".to_owned())
        );
        assert!(
            uri("127.0.0.1:8001").is_err() && uri("https://a.example").is_err() && uri("").is_err()
        );
    }

    #[test]
    fn a_valid_response_contains_every_id_exactly_once() {
        let ids = ["a".to_owned(), "b".to_owned()];
        let verify = |response: &str| verify(response.as_bytes(), &ids).ok();
        let complete = r#"{"ranked_ids": ["b", "a"], "metadata": {"intervention_on": true}}"#;
        assert_eq!(verify(complete), Some(Completeness::Complete));
        let degraded = r#"{"ranked_ids": ["b", "a"], "metadata": {"degraded": [{"part": "x"}]}}"#;
        assert_eq!(verify(degraded), Some(Completeness::Degraded));
        for bad in [
            r#"["b", "a"]"#,
            r#"{"ranked_ids": ["b"]}"#,
            r#"{"ranked_ids": ["b", "b"]}"#,
            r#"{"ranked_ids": ["b", "a", "a"]}"#,
        ] {
            assert_eq!(verify(bad), None, "{bad}");
        }
    }
}
