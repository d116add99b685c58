//! Content codings of request bodies.

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use futures_util::future::join_all;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use weir_test_support::Weir;
use weir_test_support::models::model_server;
use wiremock::ResponseTemplate;

use super::{bodies, metric, request, start};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn post(weir: &Weir, path: &str, coding: &str, body: Vec<u8>) -> Response {
    request(weir, Method::POST, path)
        .header("content-type", "application/json")
        .header("content-encoding", coding)
        .body(body)
        .send()
        .await
        .unwrap()
}

/// The status and message of a refusal.
async fn refusal(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let error: Value = response.json().await.unwrap();
    (status, error["detail"].as_str().unwrap().to_owned())
}

/// The most memory that the process has held so far, in bytes.
fn peak_memory(weir: &Weir) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", weir.pid())).unwrap();
    let peak = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kib: usize = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

#[tokio::test]
async fn every_route_reads_every_coding() {
    let weir = start("");
    for (path, body, status) in bodies() {
        let (first, second) = body.split_at(body.len() / 2);
        for (coding, encoded) in [
            ("identity", body.clone()),
            ("gzip", gzip(&body)),
            ("GZIP", gzip(&body)),
            ("x-gzip", gzip(&body)),
            ("gzip", [gzip(first), gzip(b""), gzip(second)].concat()),
            ("deflate", zlib(&body)),
            ("deflate", deflate(&body)),
        ] {
            let answer = post(&weir, path, coding, encoded).await;
            assert_eq!(answer.status(), status, "{path} in {coding}");
        }
    }
}

#[tokio::test]
async fn an_undecodable_body_is_reported() {
    let weir = start("");
    for (path, body, _) in bodies() {
        let whole = gzip(&body);
        for (body, told) in [
            (whole[..whole.len() - 9].to_vec(), "truncated"),
            (Vec::new(), "truncated"),
            ([&whole[..], b"garbage"].concat(), "bytes follow the end"),
            (body.clone(), "corrupt"),
            (gzip(b""), "JSON"),
        ] {
            let (status, message) = refusal(post(&weir, path, "gzip", body).await).await;
            assert_eq!(status, 400, "{path}: {message}");
            let is_told = message.contains(told) || told == "JSON";
            assert!(is_told, "{path}: {message:?}, expected {told:?}");
        }
        for coding in ["br", "zstd", "compress", "gzip, gzip", "no-such"] {
            let refused = post(&weir, path, coding, whole.clone()).await;
            assert_eq!(
                refused.headers()["accept-encoding"],
                "gzip, deflate, identity"
            );
            assert_eq!(refusal(refused).await.0, 415, "{path} in {coding}");
        }
    }
    assert_eq!(
        metric(&weir, "weir_bodies_refused_total", "\"content_coding\"")
            .await
            .to_string(),
        "20"
    );
}

#[tokio::test]
async fn a_compression_bomb_costs_no_more_than_the_longest_body() {
    let weir = start("server.max_body_bytes = 1000000\nserver.workers = 2");
    let zeros = vec![b' '; 64 << 20];
    let bombs = [
        ("gzip", gzip(&zeros)),
        ("deflate", zlib(&zeros)),
        ("deflate", deflate(&zeros)),
    ];
    let before = peak_memory(&weir);
    for (path, _, _) in bodies() {
        for (coding, bomb) in &bombs {
            let refused = join_all((0..4).map(|_| post(&weir, path, coding, bomb.clone()))).await;
            for refused in refused {
                assert_eq!(refused.status(), 413, "{path} in {coding}");
            }
        }
    }
    let grown = peak_memory(&weir) - before;
    assert!(grown < 48 << 20, "{} MiB", grown >> 20);
}

#[tokio::test]
async fn a_compression_bomb_from_a_model_server_is_an_error() {
    let bomb = ResponseTemplate::new(200)
        .insert_header("content-type", "application/json")
        .insert_header("content-encoding", "gzip")
        .set_body_bytes(gzip(&vec![b' '; 64 << 20]));
    let server = model_server(vec![bomb]).await;
    let weir = start(&format!(
        "[scorers.model]\nkind = \"http\"\ntime_limit = \"20s\"\n\
         http = {{ url = {:?}, timeout = \"20s\", retries = 0 }}",
        server.uri()
    ));
    let before = peak_memory(&weir);
    let texts = json!({"data": [{"item_id": "a", "text": "so happy"}], "scorers": ["model"],
                       "deadline_ms": 20000});
    for _ in 0..3 {
        let scored = request(&weir, Method::POST, "/score").json(&texts).send();
        let scored: Value = scored.await.unwrap().json().await.unwrap();
        assert_eq!(scored["data"][0]["errors"]["model"], "error", "{scored}");
    }
    let grown = peak_memory(&weir) - before;
    assert!(grown < 32 << 20, "{} MiB", grown >> 20);
}
