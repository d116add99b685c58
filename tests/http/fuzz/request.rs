use std::fmt::Write;
use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt, rngs::StdRng};
use serde_json::Value;
use weir_feed::repair_lone_surrogates;
use weir_test_support::{PATIENCE, Weir};

use super::{KEY, corpus, mutate};

/// Methods, the odd ones more rarely.
const METHODS: [&str; 12] = [
    "GET", "GET", "GET", "POST", "POST", "POST", "POST", "DELETE", "HEAD", "PUT", "OPTIONS",
    "PURGE",
];

/// A request that is well formed as HTTP.
#[derive(Debug)]
pub(crate) struct Request {
    method: &'static str,
    target: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn random(rng: &mut StdRng) -> Self {
        let route = corpus::ROUTES.choose(rng).unwrap();
        let method = if rng.random_ratio(4, 5) {
            route.method
        } else {
            METHODS.choose(rng).unwrap()
        };
        let mut headers = Vec::new();
        if rng.random_ratio(9, 10) {
            headers.push(("authorization", format!("Bearer {KEY}")));
        }
        for _ in 0..rng.random_range(0..3) {
            headers.push(corpus::header(rng));
        }
        let mut body = Vec::new();
        if method != "GET" && method != "HEAD" {
            body = body_for(route.body, rng);
            if rng.random_ratio(1, 8) {
                headers.push(("content-encoding", "gzip".to_owned()));
                if rng.random_ratio(7, 8) {
                    body = gzip(&body);
                }
                if rng.random_ratio(1, 4) {
                    mutate::bytes(&mut body, rng);
                }
            }
        }
        Self {
            method,
            target: target(route.path, rng),
            headers,
            body,
        }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nhost: localhost\r\n",
            self.method, self.target
        );
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        write!(head, "content-length: {}\r\n\r\n", self.body.len()).unwrap();
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Sends it, checks the answer and returns its status.
    pub(crate) async fn check(&self, weir: &Weir, case: u64) -> u16 {
        let method = self.method.parse().unwrap();
        let mut request = weir.client.request(method, weir.url(&self.target));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let response = request
            .body(self.body.clone())
            .timeout(PATIENCE)
            .send()
            .await;
        let response =
            response.unwrap_or_else(|error| panic!("case {case}: no answer: {error:?}\n{self}"));
        let status = response.status().as_u16();
        let is_json = response
            .headers()
            .get("content-type")
            .is_some_and(|kind| kind.to_str().unwrap().contains("json"));
        let body = response.bytes().await.unwrap();
        // An id with a lone surrogate comes back as it was sent, which serde_json does not read.
        let json = repair_lone_surrogates(&body).map_or(body.to_vec(), |repaired| repaired.body);
        let answer: Value = serde_json::from_slice(&json).unwrap_or_default();
        let text = String::from_utf8_lossy(&body);
        // All or nothing: that a score is missing is the answer.
        let is_incomplete = status == 503 && text.contains("\"incomplete\"");
        assert!(
            status < 500 || is_incomplete,
            "case {case}: {status} {text}\n{self}"
        );
        if is_json && self.method != "HEAD" {
            assert!(
                !answer.is_null() || text == "null",
                "case {case}: no JSON: {text}\n{self}"
            );
        }
        status
    }
}

impl std::fmt::Display for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.to_bytes()))
    }
}

fn target(path: &str, rng: &mut StdRng) -> String {
    let version = if rng.random() { "/v1" } else { "" };
    let mut target = format!("{version}{path}");
    while let Some(at) = target.find('*') {
        let part = corpus::path_part(rng);
        target.replace_range(at..=at, &part);
    }
    if rng.random_ratio(1, 20) {
        target = format!("/{}{target}", corpus::path_part(rng));
    }
    for nth in 0..rng.random_range(0..3) {
        target.push(if nth == 0 { '?' } else { '&' });
        target += &corpus::parameter(rng);
    }
    target
}

fn body_for(valid: fn(&mut StdRng) -> Value, rng: &mut StdRng) -> Vec<u8> {
    let mut body = valid(rng);
    for _ in 0..[0, 1, 1, 2, 4].choose(rng).copied().unwrap_or_default() {
        mutate::json(&mut body, rng);
    }
    let mut bytes = mutate::text_of(&body).into_bytes();
    if rng.random_ratio(1, 6) {
        mutate::bytes(&mut bytes, rng);
    }
    if rng.random_ratio(1, 100) {
        bytes = vec![0; rng.random_range(0..64)];
        rng.fill_bytes(&mut bytes);
    }
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
