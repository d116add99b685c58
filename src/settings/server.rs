use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::Deserialize;

use super::{Check, text};

/// `[server]`: the HTTP front and what it admits.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSettings {
    /// Address and port to listen on; port 0 takes a free one.
    #[serde(deserialize_with = "text::address")]
    pub bind: SocketAddr,
    /// HTTP worker threads; 0 means one per core.
    pub workers: usize,
    /// Longest request body, in bytes after decompression.
    pub max_body_bytes: usize,
    /// Most items in one request.
    pub max_items: usize,
    /// Most requests at work at once, each from when its body is there; past it the answer is 503 with Retry-After.
    pub max_in_flight: usize,
    /// Longest time for a body to arrive.
    #[serde(with = "text::duration")]
    pub body_timeout: Duration,
    /// Least rate at which a body must arrive; 0 for none.
    pub min_body_bytes_per_second: usize,
    /// Most requests whose body is still arriving; one more takes the place of the oldest.
    pub max_bodies_arriving: usize,
    /// Most bytes that the bodies of all requests hold at once.
    pub max_body_bytes_in_flight: usize,
    /// Share of `max_bodies_arriving` and `max_body_bytes_in_flight` that one peer address may take.
    pub max_peer_share: f64,
    /// Longest deadline that a request of `/score` may ask for.
    #[serde(with = "text::duration")]
    pub max_score_deadline: Duration,
    /// Origins that may call `/rank` from a browser; `*` is every origin, an empty list none.
    pub cors_origins: Vec<String>,
}

impl ServerSettings {
    pub(super) fn check(&self, check: &mut Check) {
        check.within("workers", self.workers, 0..=1_024);
        check.within("max_body_bytes", self.max_body_bytes, 1..=1 << 30);
        check.within("max_items", self.max_items, 1..=1_000_000);
        check.within("max_in_flight", self.max_in_flight, 1..=1_000_000);
        check.lasting("body_timeout", self.body_timeout);
        check.within(
            "max_bodies_arriving",
            self.max_bodies_arriving,
            1..=1_000_000,
        );
        check.within("max_peer_share", self.max_peer_share, 0.01..=1.0);
        check.within(
            "max_body_bytes_in_flight",
            self.max_body_bytes_in_flight,
            1..=1 << 40,
        );
        check.lasting("max_score_deadline", self.max_score_deadline);
        check.require_each(
            "cors_origins",
            &self.cors_origins,
            |origin| is_origin(origin),
            "expected * or an origin such as https://example.org",
        );
    }
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 8001)),
            workers: 0,
            max_body_bytes: 4 * 1024 * 1024,
            max_items: 2_000,
            max_in_flight: 256,
            body_timeout: Duration::from_secs(5),
            min_body_bytes_per_second: 1_000,
            max_bodies_arriving: 1_024,
            max_body_bytes_in_flight: 128 * 1024 * 1024,
            max_peer_share: 0.5,
            max_score_deadline: Duration::from_secs(30),
            cors_origins: vec!["*".to_owned()],
        }
    }
}

/// Scheme and host, with neither path nor slash after it: what a browser sends.
fn is_origin(text: &str) -> bool {
    let host = text.split_once("://").map(|(_, host)| host);
    text == "*" || host.is_some_and(|host| !host.is_empty() && !host.contains(['/', ' ', '*']))
}
