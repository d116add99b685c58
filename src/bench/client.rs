use std::borrow::Cow;
use std::io;

use actix_web::web::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::net::TcpStream;

use super::PreparedFeed;

/// Where the load goes.
#[derive(Debug, Clone)]
pub struct Target {
    authority: String,
    uri: Uri,
    host: HeaderValue,
}

/// Why a request did not end well.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is not `http://HOST[:PORT]/PATH`.
    #[error("{0:?} is no http:// address with a host")]
    Address(String),
    /// There is no connection to be had.
    #[error("cannot connect")]
    Connect(#[from] io::Error),
    /// The connection failed.
    #[error("the connection failed")]
    Connection(#[from] hyper::Error),
    /// The server says that it has too much to do: 503.
    #[error("status 503 Service Unavailable")]
    Refused,
    /// The answer has another status than 200.
    #[error("status {0}")]
    Status(StatusCode),
    /// The answer is not what was asked for.
    #[error("the answer {0}")]
    Answer(&'static str),
}

/// An answer that is a ranking of what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answered {
    /// Nothing was missing.
    Whole,
    /// It says that something was missing when it was made.
    Degraded,
}

/// One connection, kept alive.
pub(super) struct Client {
    target: Target,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Target {
    /// Reads an address; without a path it is `/rank`.
    pub fn parse(address: &str) -> Result<Self, ClientError> {
        let refuse = || ClientError::Address(address.to_owned());
        let uri: Uri = address.parse().map_err(|_| refuse())?;
        let (Some("http"), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return Err(refuse());
        };
        let authority = format!("{host}:{}", uri.port_u16().unwrap_or(80));
        let path = match uri.path_and_query().map(ToString::to_string).as_deref() {
            None | Some("/") => "/rank".to_owned(),
            Some(path) => path.to_owned(),
        };
        Ok(Self {
            host: HeaderValue::from_str(&authority).map_err(|_| refuse())?,
            uri: path.parse().map_err(|_| refuse())?,
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

    /// Sends the feed and checks the answer. A failed connection is made anew for the next.
    pub(super) async fn rank(&mut self, feed: &PreparedFeed) -> Result<Answered, ClientError> {
        use ClientError::{Refused, Status};
        let answered = self.exchange(feed.body.clone()).await;
        if !matches!(answered, Ok(_) | Err(Refused | Status(_))) {
            self.connection = None;
        }
        check(&answered?, &feed.ids)
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
    // Its errors come back with the request that they concern.
    tokio::spawn(async move { drop(driver.await) });
    Ok(sender)
}

/// Every id of the feed must be there, once, and no other.
fn check(answer: &[u8], ids: &[String]) -> Result<Answered, ClientError> {
    #[derive(Deserialize)]
    struct Answer<'a> {
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
    let answer: Answer<'_> = serde_json::from_slice(answer)
        .map_err(|_| ClientError::Answer("is not JSON of a ranking"))?;
    let mut ranked = answer.ranked_ids;
    ranked.sort_unstable();
    if !ranked.iter().eq(ids) {
        return Err(ClientError::Answer("does not hold every id once"));
    }
    if answer.metadata.degraded.is_empty() {
        Ok(Answered::Whole)
    } else {
        Ok(Answered::Degraded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_needs_a_host_and_gets_the_path_of_rank() {
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
    fn an_answer_holds_every_id_once_and_no_other() {
        let ids = ["a".to_owned(), "b".to_owned()];
        let verdict = |answer: &str| check(answer.as_bytes(), &ids).ok();
        let whole = r#"{"ranked_ids": ["b", "a"], "metadata": {"intervention_on": true}}"#;
        assert_eq!(verdict(whole), Some(Answered::Whole));
        let degraded = r#"{"ranked_ids": ["b", "a"], "metadata": {"degraded": [{"part": "x"}]}}"#;
        assert_eq!(verdict(degraded), Some(Answered::Degraded));
        for bad in [
            r#"["b", "a"]"#,
            r#"{"ranked_ids": ["b"]}"#,
            r#"{"ranked_ids": ["b", "b"]}"#,
            r#"{"ranked_ids": ["b", "a", "a"]}"#,
        ] {
            assert_eq!(verdict(bad), None, "{bad}");
        }
    }
}
