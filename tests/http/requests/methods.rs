//! Methods, and the headers that tell of them.

use reqwest::{Method, StatusCode, header};

use super::{KEY, bodies, connection, request, start, until_closed};

const GETS: [&str; 7] = [
    "/health/live",
    "/health/ready",
    "/metrics",
    "/actors",
    "/jobs",
    "/schedules",
    "/scrapers",
];

#[tokio::test]
async fn head_answers_as_get_does_without_a_body() {
    let weir = start("");
    for path in GETS.into_iter().chain([
        "/jobs/019dc9a4-0000-7000-8000-000000000000",
        "/jobs/019dc9a4-0000-7000-8000-000000000000/result",
        "/results/none",
    ]) {
        let get = request(&weir, Method::GET, path).send().await.unwrap();
        let head = request(&weir, Method::HEAD, path).send().await.unwrap();
        assert_eq!(head.status(), get.status(), "{path}");
        let kind = |response: &reqwest::Response| response.headers().get("content-type").cloned();
        assert_eq!(kind(&head), kind(&get), "{path}");
        let allow = |response: &reqwest::Response| response.headers().get("allow").cloned();
        assert_eq!(allow(&head), allow(&get), "{path}");
    }
    let raw = format!(
        "HEAD /health/live HTTP/1.1\r\nhost: a\r\n\r\n\
         HEAD /jobs HTTP/1.1\r\nhost: a\r\nauthorization: bearer \t{KEY}\r\nconnection: close\r\n\r\n"
    );
    let answers = until_closed(connection(&weir, raw.as_bytes()).await).await;
    let heads: Vec<_> = answers.split("\r\n\r\n").collect();
    assert_eq!(
        heads.len(),
        3,
        "two heads and nothing after them: {answers}"
    );
    assert_eq!(heads[2], "");
    assert!(heads[0].contains("content-length: 17"), "{answers}");
    assert!(heads[1].starts_with("HTTP/1.1 200"), "{answers}");
}

#[tokio::test]
async fn an_unsupported_method_is_405_with_the_supported_ones() {
    let weir = start("");
    let allow_of = async |method: Method, path: &str| {
        let response = request(&weir, method, path).send().await.unwrap();
        let allow = response.headers().get(header::ALLOW).cloned();
        let allow = allow.map(|allow| allow.to_str().unwrap().to_owned());
        (response.status().as_u16(), allow.unwrap_or_default())
    };
    for (path, methods) in [
        ("/rank", "POST, OPTIONS"),
        ("/score", "POST, OPTIONS"),
        ("/health/ready", "GET, HEAD, OPTIONS"),
        ("/results/a", "GET, HEAD, OPTIONS"),
        ("/data/scraper", "POST, OPTIONS"),
        (
            "/jobs/019dc9a4-0000-7000-8000-000000000000/retry",
            "POST, OPTIONS",
        ),
    ] {
        assert_eq!(allow_of(Method::PATCH, path).await, (405, methods.into()));
        assert_eq!(allow_of(Method::OPTIONS, path).await, (204, methods.into()));
    }
    let (status, allow) = allow_of(Method::PUT, "/jobs").await;
    let mut methods: Vec<_> = allow.split(", ").collect();
    methods.sort_unstable();
    assert_eq!(
        (status, methods),
        (405, vec!["GET", "HEAD", "OPTIONS", "POST"])
    );
    assert_eq!(allow_of(Method::HEAD, "/rank").await.0, 405);
    assert_eq!(allow_of(Method::HEAD, "/nothing").await.0, 404);
}

#[tokio::test]
async fn a_preflight_request_is_allowed() {
    let weir = start("");
    let preflight = weir
        .client
        .request(Method::OPTIONS, weir.url("/rank"))
        .header(header::ORIGIN, "https://a.example")
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.status(), StatusCode::OK);
    assert!(
        preflight
            .headers()
            .contains_key(header::ACCESS_CONTROL_ALLOW_METHODS)
    );
}

#[tokio::test]
async fn a_request_without_its_key_gets_the_scheme() {
    let weir = start("");
    for path in ["/jobs", "/actors", "/results/a"] {
        let refused = weir.get(path).await;
        assert_eq!(refused.status(), 401, "{path}");
        assert_eq!(refused.headers()[header::WWW_AUTHENTICATE], "Bearer");
    }
    let refused = weir.post("/data/scraper", "{}").await;
    assert_eq!(refused.headers()[header::WWW_AUTHENTICATE], "Bearer");
}

#[tokio::test]
async fn every_route_answers_with_the_version_in_its_path_as_without() {
    let weir = start("");
    let status = async |method: &Method, path: &str, body: &[u8]| {
        let request = request(&weir, method.clone(), path).body(body.to_vec());
        request.send().await.unwrap().status().as_u16()
    };
    for path in GETS
        .into_iter()
        .chain(["/jobs/1", "/results/none", "/nothing"])
    {
        let versioned = status(&Method::GET, &format!("/v1{path}"), b"").await;
        assert_eq!(versioned, status(&Method::GET, path, b"").await, "{path}");
    }
    for (path, body, expected) in bodies() {
        let versioned = status(&Method::POST, &format!("/v1{path}"), &body).await;
        assert_eq!(versioned, expected, "{path}");
    }
    for path in ["/scrapers/none/run", "/schedules/none/run"] {
        let versioned = status(&Method::POST, &format!("/v1{path}"), b"").await;
        assert_eq!(versioned, 404, "{path}");
    }
}
