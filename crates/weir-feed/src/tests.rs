//! The request vocabulary against the pydantic models of `ranking-challenge`.

use std::borrow::Cow;

use crate::{
    ContentItem, Degraded, Engagements, FeedError, Metadata, RankRequest, RankResponse, raw_items,
};
use serde::Deserialize;

const CASES: &str = include_str!("../golden/feed_cases.jsonl");

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Edit {
        base: usize,
        from: usize,
        to: usize,
        put: String,
        #[serde(flatten)]
        verdict: Verdict,
    },
    Whole {
        text: String,
        #[serde(flatten)]
        verdict: Verdict,
    },
    Base {
        base: String,
    },
}

/// What the models made of a request.
#[derive(Deserialize)]
struct Verdict {
    accepts: bool,
    #[serde(default)]
    engagements: Vec<String>,
    #[serde(default)]
    times: Vec<i64>,
}

fn cases(lines: &str) -> Vec<(String, Verdict)> {
    let mut bases = Vec::new();
    let mut cases = Vec::new();
    for line in lines.lines() {
        match serde_json::from_str(line).unwrap() {
            Line::Base { base } => bases.push(base),
            Line::Whole { text, verdict } => cases.push((text, verdict)),
            Line::Edit {
                base,
                from,
                to,
                put,
                verdict,
            } => {
                let base: &String = &bases[base];
                cases.push((format!("{}{put}{}", &base[..from], &base[to..]), verdict));
            }
        }
    }
    cases
}

/// Differences that the module's docs name: numbers past `i64`, and an absent `embedded_urls`.
fn is_deliberate(text: &str) -> bool {
    let absent_urls =
        text.matches("\"embedded_urls\"").count() < text.matches("\"created_at\"").count();
    absent_urls
        || ["1e30", "1e19", "-1e30"]
            .iter()
            .any(|number| text.contains(number))
}

fn disagreement(text: &str, verdict: &Verdict) -> Option<String> {
    match RankRequest::from_json(text.as_bytes()) {
        Err(error) => verdict.accepts.then(|| format!("refused: {error}\n{text}")),
        Ok(_) if !verdict.accepts => (!is_deliberate(text)).then(|| format!("accepted:\n{text}")),
        Ok(request) => {
            let engagements: Vec<_> = request
                .items
                .iter()
                .map(|item| model(&item.engagements))
                .collect();
            let times: Vec<_> = request
                .items
                .iter()
                .map(|item| item.created_at.timestamp_micros())
                .collect();
            (engagements != verdict.engagements || times != verdict.times).then(|| {
                format!(
                    "read as {engagements:?} {times:?}, not {:?} {:?}\n{text}",
                    verdict.engagements, verdict.times
                )
            })
        }
    }
}

fn model(engagements: &Engagements) -> &'static str {
    match engagements {
        Engagements::Twitter(_) => "twitter",
        Engagements::Reddit(_) => "reddit",
        Engagements::Facebook(_) => "facebook",
    }
}

fn assert_agreement(cases: &[(String, Verdict)]) {
    let complaints: Vec<_> = cases
        .iter()
        .filter_map(|(text, verdict)| disagreement(text, verdict))
        .collect();
    let (count, first) = (
        complaints.len(),
        complaints
            .iter()
            .take(20)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n\n"),
    );
    assert!(
        complaints.is_empty(),
        "{count} of {} cases differ:\n{first}",
        cases.len()
    );
}

#[test]
fn requests_are_accepted_and_read_as_the_pydantic_models_do() {
    let cases = cases(CASES);
    assert!(cases.len() > 1000);
    assert_agreement(&cases);
}

/// For a run over many more cases than are kept: `make_feed_cases.py --cases 50000 --seed 2 > FILE`, then `FEED_CASES=FILE`.
#[test]
#[ignore = "needs a file of cases in FEED_CASES"]
fn a_larger_set_of_cases_agrees_as_well() {
    let path = std::env::var("FEED_CASES").unwrap();
    assert_agreement(&cases(&std::fs::read_to_string(path).unwrap()));
}

fn request(items: &str) -> String {
    let session = r#"{"session_id":"s","user_id":"u","user_name_hash":"h","platform":"reddit","url":"https://reddit.com/","current_time":"2024-05-14 08:00:00"}"#;
    format!(r#"{{"session":{session},"items":{items}}}"#)
}

fn item(id: &str, created_at: &str) -> String {
    format!(
        r#"{{"id":"{id}","text":"t","author_name_hash":"a","type":"post","embedded_urls":[],"created_at":{created_at},"engagements":{{"comment":1,"award":0}},"extra":{{"kept":[1, 2]}}}}"#
    )
}

fn error(body: impl AsRef<[u8]>) -> FeedError {
    RankRequest::from_json(body.as_ref()).unwrap_err()
}

#[test]
fn an_error_names_the_place_and_what_was_expected() {
    let items = [
        item("1", "0"),
        item("2", "0"),
        item("3", "0"),
        item("4", r#""yesterday""#),
    ];
    let wrong_time = error(request(&format!("[{}]", items.join(","))));
    assert_eq!(wrong_time.path, "items[3].created_at");
    assert!(
        wrong_time
            .message
            .contains("expected a time as `YYYY-MM-DD hh:mm:ss`"),
        "{wrong_time}"
    );

    let unknown_platform = error(request("[]").replace("reddit\"", "myspace\""));
    assert_eq!(unknown_platform.path, "session.platform");
    assert!(
        unknown_platform
            .message
            .contains("expected one of facebook, reddit, twitter"),
        "{unknown_platform}"
    );

    let negative = error(request(&format!(
        "[{}]",
        item("1", "0").replace("\"comment\":1", "\"comment\":-1")
    )));
    assert_eq!(negative.path, "items[0].engagements");
    assert!(
        negative
            .message
            .contains("`comment` is not a whole number of 0 or more"),
        "{negative}"
    );

    let no_items = error(request("[]").replace("items", "posts"));
    assert_eq!(no_items.to_string(), "missing field `items`");
}

#[test]
fn a_body_that_is_no_request_gets_a_short_error_and_no_panic() {
    for (body, message) in [
        (b"".as_slice(), "empty body, expected a JSON object"),
        (b" \n", "empty body, expected a JSON object"),
        (
            b"{not json",
            "not JSON: key must be a string at line 1 column 2",
        ),
        (
            b"{\"session\": \"\xff\xfe\"}",
            "not JSON: invalid UTF-8 at byte 13",
        ),
        (b"[1]", "invalid type: sequence, expected an object"),
        (b"null", "invalid type: null, expected an object"),
    ] {
        assert_eq!(
            error(body),
            FeedError {
                path: String::new(),
                message: message.to_owned()
            }
        );
    }
    for open in ["[", "{\"session\":", "{\"items\":[", "{\"x\":["] {
        let nested = error(open.repeat(100_000));
        assert!(nested.message.starts_with("not JSON"), "{nested}");
    }
    let long = error(
        request(&format!("[{}]", item(&"x".repeat(10_000), "true")))
            .replace("\"text\":\"t\"", "\"text\":1"),
    );
    assert!(long.message.len() < 300, "{long}");
    let quoted = error(request(&format!("\"{}\"", "x".repeat(10_000))));
    assert!(
        quoted.message.ends_with("…, expected a sequence") && quoted.message.len() < 300,
        "{quoted}"
    );
}

#[test]
fn trailing_text_after_a_request_is_refused() {
    let body = request("[]");
    RankRequest::from_json(format!("{body} \n").as_bytes()).unwrap();
    error(format!("{body}x"));
    error(format!("{body}{body}"));
}

#[test]
fn a_repeated_id_counts_at_its_first_place() {
    let items = ["a", "b", "a", "c", "b"].map(|id| item(id, "0"));
    let request =
        RankRequest::from_json(request(&format!("[{}]", items.join(","))).as_bytes()).unwrap();
    assert_eq!(request.distinct_items(), [0, 1, 3]);
}

#[test]
fn raw_items_keep_unknown_fields_and_spacing() {
    let first = item("a", "0").replace("\"text\"", "  \"text\"");
    let body = request(&format!("[{first}, {}]", item("b", "1")));
    let raw = raw_items(body.as_bytes()).unwrap();
    assert_eq!(
        raw.iter().map(|raw| raw.get()).collect::<Vec<_>>(),
        [first, item("b", "1")]
    );

    let escaped_key = body.replace("\"items\"", "\"\\u0069tems\"");
    assert_eq!(raw_items(escaped_key.as_bytes()).unwrap().len(), 2);
    raw_items(b"{}").unwrap_err();
    raw_items("[".repeat(100_000).as_bytes()).unwrap_err();
}

#[test]
fn the_analysed_text_is_title_and_text() {
    let mut item: ContentItem = serde_json::from_str(
        r#"{"id":"1","title":"title","text":"text","author_name_hash":"a","type":"post","created_at":"2024-06-01","engagements":{"upvote":1,"downvote":0,"comment":0,"award":0}}"#,
    )
    .unwrap();
    assert_eq!(item.analysed_text(), "title\ntext");
    item.title = Some(String::new());
    assert!(matches!(item.analysed_text(), Cow::Borrowed("text")));
    item.title = None;
    assert!(matches!(item.analysed_text(), Cow::Borrowed("text")));
}

#[test]
fn a_response_shows_what_is_known_and_no_more() {
    let response = RankResponse {
        ranked_ids: vec!["b".into(), "a".into()],
        new_items: Vec::new(),
        metadata: Metadata {
            intervention_on: true,
            policy: Some("calm".into()),
            arm: None,
            degraded: vec![Degraded {
                part: "scorers.sentiment".into(),
                missed: 2,
                why: "deadline".into(),
            }],
        },
    };
    let json = serde_json::to_string(&response).unwrap();
    assert_eq!(
        json,
        r#"{"ranked_ids":["b","a"],"new_items":[],"metadata":{"intervention_on":true,"policy":"calm","degraded":[{"part":"scorers.sentiment","missed":2,"why":"deadline"}]}}"#
    );
    assert_eq!(
        serde_json::from_str::<RankResponse<'_>>(&json).unwrap(),
        response
    );
    assert_eq!(
        serde_json::to_string(&response.metadata.minimal()).unwrap(),
        r#"{"intervention_on":true}"#
    );
}
