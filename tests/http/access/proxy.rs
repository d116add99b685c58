use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use reqwest::Method;
use weir_test_support::Weir;

use super::{ADMIN_ROUTES, QUIET, status};

/// A proxy on this host as nginx is by default: it puts the server's own address in `Host` and adds no header. Returns its
/// address; its threads end with the test.
fn proxy_in_front_of(address: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, address) = (client.unwrap(), address.clone());
            thread::spawn(move || pass_on(&client, &address));
        }
    });
    base
}

/// Passes one request on and its answer back.
fn pass_on(mut client: &TcpStream, address: &str) {
    let mut server = TcpStream::connect(address).unwrap();
    let mut request = BufReader::new(client);
    let mut body_bytes = 0;
    loop {
        let mut line = String::new();
        if request.read_line(&mut line).unwrap() == 0 {
            return;
        }
        let lower = line.to_lowercase();
        if lower.starts_with("host:") {
            line = format!("Host: {address}\r\n");
        }
        if let Some(bytes) = lower.strip_prefix("content-length:") {
            body_bytes = bytes.trim().parse().unwrap();
        }
        if line == "\r\n" {
            line.insert_str(0, "Connection: close\r\n");
        }
        server.write_all(line.as_bytes()).unwrap();
        if lower == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; body_bytes];
    request.read_exact(&mut body).unwrap();
    server.write_all(&body).unwrap();
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).unwrap();
    client.write_all(&answer).unwrap();
    client.shutdown(Shutdown::Both).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_on_the_same_host_nobody_is_an_admin_without_a_key() {
    let weir = Weir::start(QUIET);
    let base = proxy_in_front_of(weir.url("").replace("http://", ""));
    let outside = ("host", "ranking.example");
    for (method, path) in ADMIN_ROUTES {
        let answered = status(&base, method.clone(), path, &[outside]).await;
        assert_eq!(answered, 401, "{method} {path}");
    }
    let ingested = status(&base, Method::POST, "/data/scraper", &[outside]).await;
    assert_eq!(ingested, 401);

    let ready = status(&base, Method::GET, "/health/ready", &[outside]).await;
    assert_eq!(ready, 200);
    let key = weir.key();
    let admin = [outside, ("x-api-key", key.as_str())];
    assert_eq!(status(&base, Method::GET, "/actors", &admin).await, 200);
}
