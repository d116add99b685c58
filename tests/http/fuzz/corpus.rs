use rand::seq::IndexedRandom;
use rand::{RngExt, rngs::StdRng};
use serde_json::{Value, json};
use weir_test_support::feed_of;

/// A route with the method that it takes and a body that it accepts. `*` in the path is made up.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) body: fn(&mut StdRng) -> Value,
}

const fn route(method: &'static str, path: &'static str, body: fn(&mut StdRng) -> Value) -> Route {
    Route { method, path, body }
}

pub(crate) const ROUTES: [Route; 23] = [
    route("POST", "/rank", feed),
    route("POST", "/rank", feed),
    route("POST", "/rank", feed),
    route("POST", "/score", texts),
    route("POST", "/score", texts),
    route("POST", "/data/scraper", scraped),
    route("POST", "/data/scraper", scraped),
    route("POST", "/jobs", job),
    route("POST", "/jobs", job),
    route("POST", "/jobs", group),
    route("GET", "/jobs", nothing),
    route("GET", "/jobs/*", nothing),
    route("DELETE", "/jobs/*", nothing),
    route("GET", "/jobs/*/result", nothing),
    route("POST", "/jobs/*/retry", nothing),
    route("GET", "/schedules", nothing),
    route("POST", "/schedules/*/run", nothing),
    route("GET", "/results/*", nothing),
    route("GET", "/scrapers", nothing),
    route("POST", "/scrapers/*/run", nothing),
    route("GET", "/actors", nothing),
    route("GET", "/health/ready", nothing),
    route("GET", "/metrics", nothing),
];

fn nothing(_: &mut StdRng) -> Value {
    Value::Null
}

fn feed(rng: &mut StdRng) -> Value {
    let texts: Vec<String> = (0..rng.random_range(0..12))
        .map(|_| string(rng).to_owned())
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    json!(feed_of(&texts))
}

fn texts(rng: &mut StdRng) -> Value {
    let items: Vec<Value> = (0..rng.random_range(0..8))
        .map(|nth| json!({"item_id": format!("i{nth}"), "text": string(rng)}))
        .collect();
    json!({
        "data": items,
        "scorers": ["sentiment", "noise"],
        "mode": if rng.random() { "partial" } else { "all_or_nothing" },
        "deadline_ms": rng.random_range(1..500),
    })
}

fn scraped(rng: &mut StdRng) -> Value {
    if rng.random_ratio(1, 4) {
        return json!({"success": false, "task_id": string(rng), "timestamp": "2026-11-20T10:00:00Z",
                      "error": {"message": string(rng)}});
    }
    let mut items = feed(rng)["items"].take();
    for item in items.as_array_mut().unwrap() {
        item["platform"] = "reddit".into();
        item["url"] = "https://example.org/a".into();
    }
    let tweet = json!({"id_str": rng.random::<u32>().to_string(), "rawContent": string(rng), "user": {},
                       "date": "2026-11-20 10:00:00+00:00"});
    items.as_array_mut().unwrap().push(tweet);
    json!({"success": true, "task_id": "fuzz", "timestamp": "2026-11-20T10:00:00Z", "source_id": "fuzz",
           "data": {"content_items": items}, "metrics": {"requests_left": 17}})
}

fn job(rng: &mut StdRng) -> Value {
    let jobs = [
        json!({"job": "count_top_named_entities", "args": {"k": 3, "window": "7d"}}),
        json!({"job": "substring_matches_by_platform", "args": {"match": string(rng), "window": "7d"}}),
        json!({"job": "query_posts_db", "args": {"query": "SELECT count(*) FROM posts", "max_rows": 3}}),
        json!({"job": "post_statistics", "args": {"window": "7d", "platform": "reddit"}, "unique_key": "a",
               "priority": 3, "then": {"job": "post_statistics", "unique_key": "a"}}),
        json!({"job": "post_statistics", "delay_ms": 10}),
        json!({"job": "prune_posts", "args": {"older_than": "90d"}, "eta": "2026-11-20T10:00:00Z"}),
        json!({"job": "refresh_candidates", "args": {"max_age": "7d", "bounds": {"sentiment": {"min": 0.2}}}}),
        json!({"job": "program", "args": {"program": "none", "args": {}}}),
    ];
    jobs.choose(rng).unwrap().clone()
}

fn group(rng: &mut StdRng) -> Value {
    let jobs: Vec<Value> = (0..rng.random_range(0..4)).map(|_| job(rng)).collect();
    json!({"group": jobs})
}

/// A string as people and programs write them.
pub(crate) fn string(rng: &mut StdRng) -> &'static str {
    const STRINGS: [&str; 20] = [
        "",
        " ",
        "I love this, thank you Angela Merkel!",
        "This is TERRIBLE :( :( :(",
        "caf\u{e9} e\u{301} \u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} \u{1f1e9}\u{1f1ea}",
        "\u{0}",
        "\u{202e}desrever\u{202c}",
        "\u{feff}bom",
        "\u{fffd}\u{10ffff}",
        "'; DROP TABLE posts; --",
        "{{7*7}} ${7*7} %s %n",
        "../../../../etc/passwd",
        "line\r\nX-Injected: yes",
        "https://[::1]:0/?a=b#c",
        "NaN",
        "-0",
        "9007199254740993",
        "2026-02-30T25:61:61Z",
        "0001-01-01",
        "999999999d",
    ];
    STRINGS.choose(rng).unwrap()
}

/// What stands for `*` in a path.
pub(crate) fn path_part(rng: &mut StdRng) -> String {
    let parts = [
        "019dc9a4-0000-7000-8000-000000000000",
        "00000000-0000-0000-0000-000000000000",
        "top_named_entities",
        "candidates",
        "my_worker%3Ascheduled%3Atop_named_entities",
        "%00",
        "%ff%fe",
        "..%2f..%2fetc%2fpasswd",
        "a%20b",
        "%F0%9F%98%80",
        "-1",
        "*",
    ];
    match rng.random_range(0..12) {
        0 => "a".repeat(rng.random_range(1..2_000)),
        1 => uuid::Uuid::from_u128(rng.random()).to_string(),
        _ => parts.choose(rng).unwrap().replace('*', "star"),
    }
}

pub(crate) fn parameter(rng: &mut StdRng) -> String {
    const NAMES: [&str; 9] = [
        "policy", "explain", "state", "name", "cursor", "limit", "order", "", "%zz",
    ];
    const VALUES: [&str; 16] = [
        "calm",
        "off",
        "true",
        "queued",
        "dead",
        "",
        "0",
        "1",
        "-1",
        "1000",
        "99999999999999999999",
        "1e3",
        "%00",
        "%ff",
        "post_statistics",
        "019dc9a4-0000-7000-8000-000000000000",
    ];
    if rng.random_ratio(1, 6) {
        return format!("wait_ms={}", rng.random_range(0..50));
    }
    format!(
        "{}={}",
        NAMES.choose(rng).unwrap(),
        VALUES.choose(rng).unwrap()
    )
}

pub(crate) fn header(rng: &mut StdRng) -> (&'static str, String) {
    const NAMES: [&str; 12] = [
        "content-type",
        "accept",
        "accept-encoding",
        "x-deadline-ms",
        "x-api-key",
        "authorization",
        "origin",
        "x-request-id",
        "if-modified-since",
        "range",
        "traceparent",
        "access-control-request-method",
    ];
    const VALUES: [&str; 16] = [
        "application/json",
        "text/plain; charset=utf-16",
        "*/*",
        "gzip, br;q=0.5",
        "1",
        "0",
        "-5",
        "99999999999999999999",
        "Bearer",
        "bearer \t fuzz-key ",
        "null",
        "https://a.example",
        "bytes=0-",
        "",
        ";;;",
        "POST",
    ];
    (
        NAMES.choose(rng).unwrap(),
        VALUES.choose(rng).unwrap().to_string(),
    )
}
