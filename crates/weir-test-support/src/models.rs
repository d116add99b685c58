//! Model servers that work, and some that do not.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use serde_json::json;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// A server that sends `answers` in turn, and then the last of them again and again.
pub async fn model_server(answers: Vec<ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    let (last, others) = answers.split_last().unwrap();
    for answer in others {
        Mock::given(method("POST"))
            .respond_with(answer.clone())
            .up_to_n_times(1)
            .mount(&server)
            .await;
    }
    Mock::given(method("POST"))
        .respond_with(last.clone())
        .mount(&server)
        .await;
    server
}

/// Returns how many requests `server` has received.
pub async fn call_count(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

/// An answer with these scores.
pub fn scores_response(scores: &[f64]) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "scores": scores }))
}

/// Starts a server that sends `bytes` to each caller and then hangs, or closes the connection; returns its URL.
pub fn raw_server(bytes: &'static str, hangs: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4_096]);
            let _ = stream.write_all(bytes.as_bytes());
            if hangs {
                held.push(stream);
            }
        }
    });
    url
}
