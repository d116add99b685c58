//! The body of `POST /data/scraper`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::actors::Batch;
use crate::db::{NewScrapedPost, NewScraperError};
use crate::http::ApiError;
use weir_feed::{ContentItem, Platform, is_web_address, parse_timestamp};

/// Longest name of a source or task, and longest id, in characters.
const MAX_NAME_CHARS: usize = 512;
/// Most numbers in one report.
const MAX_METRICS: usize = 64;
const MAX_METRIC_NAME_CHARS: usize = 64;

/// What a scraper handed in.
pub(super) struct Scraped {
    pub(super) source_id: String,
    pub(super) batch: Batch,
    pub(super) metrics: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct Report {
    success: bool,
    task_id: String,
    timestamp: Value,
    source_id: Option<String>,
    data: Option<Found>,
    error: Option<Failure>,
    #[serde(default)]
    metrics: Option<BTreeMap<String, f64>>,
}

#[derive(Deserialize)]
struct Found {
    content_items: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Failure {
    message: String,
}

/// What tells the two forms of an item apart.
#[derive(Deserialize)]
struct Form {
    id_str: Option<Value>,
}

/// What Weir's form has besides the item.
#[derive(Deserialize)]
struct Shown {
    platform: Platform,
    url: String,
}

impl Scraped {
    /// Reads a report; the error names the field.
    pub(super) fn from_json(body: &[u8]) -> Result<Self, ApiError> {
        let report: Report = read(body, "")?;
        let task_id = name("task_id", report.task_id)?;
        // A task that is named by its schedule names its source as well.
        let source_id = match report.source_id {
            Some(source_id) => name("source_id", source_id)?,
            None => task_id.clone(),
        };
        check_time(&report.timestamp)?;
        let metrics = report.metrics.unwrap_or_default();
        check_metrics(&metrics)?;
        let batch = match (report.success, report.data, report.error) {
            (true, Some(found), _) => posts(&source_id, &task_id, found)?,
            (false, _, Some(failure)) => error(&source_id, &task_id, failure),
            (true, None, _) => {
                return Err(ApiError::invalid(
                    "data",
                    "expected where `success` is true",
                ));
            }
            (false, _, None) => {
                return Err(ApiError::invalid(
                    "error",
                    "expected where `success` is false",
                ));
            }
        };
        Ok(Self {
            source_id,
            batch,
            metrics,
        })
    }
}

fn posts(source_id: &str, task_id: &str, found: Found) -> Result<Batch, ApiError> {
    let items = found.content_items.into_iter().enumerate();
    let posts = items.map(|(index, item)| {
        Ok(NewScrapedPost {
            post_id: post_id(&item, &format!("data.content_items[{index}]"))?,
            source_id: source_id.to_owned(),
            task_id: task_id.to_owned(),
            post_blob: item,
        })
    });
    Ok(Batch {
        posts: posts.collect::<Result<_, ApiError>>()?,
        errors: Vec::new(),
    })
}

fn error(source_id: &str, task_id: &str, failure: Failure) -> Batch {
    let error = NewScraperError {
        source_id: source_id.to_owned(),
        task_id: task_id.to_owned(),
        message: failure.message,
    };
    Batch {
        posts: Vec::new(),
        errors: vec![error],
    }
}

/// A tweet's `id_str` as it is, else the `id` of an item in Weir's form.
fn post_id(item: &RawValue, path: &str) -> Result<String, ApiError> {
    let json = item.get().as_bytes();
    if let Some(id) = read::<Form>(json, path)?.id_str {
        let id = match id {
            Value::String(id) => id,
            _ => String::new(),
        };
        return name(&format!("{path}.id_str"), id);
    }
    let item: ContentItem = read(json, path)?;
    let shown: Shown = read(json, path)?;
    if !is_web_address(&shown.url) {
        let why = "expected an http or https URL with a host";
        return Err(ApiError::invalid(format!("{path}.url"), why));
    }
    let id_path = format!("{path}.id");
    if item.id.bytes().all(|sign| sign.is_ascii_digit()) && shown.platform != Platform::Twitter {
        let why = "an id of digits alone is reserved for tweets; prefix the kind of source, as in reddit:17";
        return Err(ApiError::invalid(id_path, why));
    }
    name(&id_path, item.id)
}

fn read<'de, T: Deserialize<'de>>(json: &'de [u8], path: &str) -> Result<T, ApiError> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let read = serde_path_to_error::deserialize(&mut deserializer);
    read.map_err(|error| {
        let message = error.inner().to_string();
        let missing = message
            .strip_prefix("missing field `")
            .and_then(|rest| rest.split('`').next());
        let inner = error.path().to_string();
        let steps = [path, &inner, missing.unwrap_or_default()];
        let place = steps
            .into_iter()
            .filter(|step| !matches!(*step, "" | "." | "?"))
            .collect::<Vec<_>>()
            .join(".");
        ApiError::invalid(if place.is_empty() { "body" } else { &place }, message)
    })
}

fn name(path: &str, text: String) -> Result<String, ApiError> {
    if (1..=MAX_NAME_CHARS).contains(&text.chars().count()) {
        return Ok(text);
    }
    let why = format!("expected 1 to {MAX_NAME_CHARS} characters");
    Err(ApiError::invalid(path, why))
}

fn check_time(time: &Value) -> Result<(), ApiError> {
    let parsed = match time {
        Value::String(text) => parse_timestamp(text),
        Value::Number(number) => parse_timestamp(&number.to_string()),
        _ => None,
    };
    parsed
        .map(drop)
        .ok_or_else(|| ApiError::invalid("timestamp", "expected a time, as in ISO 8601"))
}

fn check_metrics(metrics: &BTreeMap<String, f64>) -> Result<(), ApiError> {
    if metrics.len() > MAX_METRICS {
        let why = format!("expected at most {MAX_METRICS} numbers");
        return Err(ApiError::invalid("metrics", why));
    }
    let plain = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
    let wrong = |name: &&String| {
        !(1..=MAX_METRIC_NAME_CHARS).contains(&name.len()) || !name.chars().all(plain)
    };
    match metrics.keys().find(wrong) {
        None => Ok(()),
        Some(name) => {
            let why =
                format!("expected a name of at most {MAX_METRIC_NAME_CHARS} letters, digits and _");
            Err(ApiError::invalid(format!("metrics.{name}"), why))
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError;
    use actix_web::body::to_bytes;
    use serde_json::json;

    use super::*;

    fn item() -> Value {
        json!({
            "id": "reddit:1", "text": "t", "author_name_hash": "h", "type": "post", "created_at": "2026-11-20T10:00:00Z",
            "engagements": {"score": 1, "comment": 0, "award": 0, "upvote": null, "downvote": null},
            "platform": "reddit", "url": "https://reddit.example/1", "anything": {"else": 1},
        })
    }

    fn report(items: &Value) -> Value {
        json!({
            "success": true, "task_id": "top", "timestamp": "2026-11-20T10:00:00.5", "data": {"content_items": items},
        })
    }

    fn read_report(report: &Value) -> Result<Scraped, ApiError> {
        Scraped::from_json(report.to_string().as_bytes())
    }

    /// The path that the refusal of this report names.
    async fn path(report: &Value) -> String {
        let Err(refusal) = read_report(report) else {
            panic!("{report} was taken")
        };
        let body = to_bytes(refusal.error_response().into_body())
            .await
            .unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        body["path"].as_str().unwrap().to_owned()
    }

    #[test]
    fn tweets_and_items_in_our_form_are_taken_as_they_are() {
        let tweet = json!({"id": 5, "id_str": "5", "rawContent": "t"});
        let scraped = read_report(&report(&json!([tweet, item()]))).ok().unwrap();
        let posts = &scraped.batch.posts;
        assert_eq!(
            (posts[0].post_id.as_str(), posts[1].post_id.as_str()),
            ("5", "reddit:1")
        );
        let stored: Value = serde_json::from_str(posts[1].post_blob.get()).unwrap();
        assert_eq!(stored, item());
        assert_eq!(posts[0].source_id, "top");
    }

    #[test]
    fn an_error_is_one_whatever_else_there_is() {
        let report = json!({
            "success": false, "task_id": "t", "source_id": "s", "timestamp": 1_732_000_000, "data": null,
            "error": {"message": "no"}, "metrics": {"requests": 3},
        });
        let scraped = read_report(&report).ok().unwrap();
        assert_eq!(scraped.batch.errors[0].source_id, "s");
        assert_eq!(scraped.metrics["requests"].to_bits(), 3.0_f64.to_bits());
    }

    #[actix_web::test]
    async fn what_is_wrong_is_named_by_its_field() {
        let whole = report(&json!([item()]));
        let with = |key: &str, value: Value| {
            let mut report = whole.clone();
            report[key] = value;
            report
        };
        let with_item = |key: &str, value: Value| {
            let mut item = item();
            item[key] = value;
            report(&json!([{"id_str": "1"}, item]))
        };
        for (report, expected) in [
            (json!([]), "body"),
            (json!({}), "success"),
            (with("success", json!("perhaps")), "success"),
            (with("task_id", json!("")), "task_id"),
            (with("timestamp", json!("soon")), "timestamp"),
            (with("data", Value::Null), "data"),
            (with("success", json!(false)), "error"),
            (with("metrics", json!({"a": "b"})), "metrics.a"),
            (with("metrics", json!({"a b": 1})), "metrics.a b"),
            (with("data", json!({})), "data.content_items"),
            (
                with("data", json!({"content_items": [7]})),
                "data.content_items[0]",
            ),
            (
                with("data", json!({"content_items": [{}]})),
                "data.content_items[0].id",
            ),
            (
                with_item("id_str", json!(5)),
                "data.content_items[1].id_str",
            ),
            (
                with_item("created_at", json!("soon")),
                "data.content_items[1].created_at",
            ),
            (
                with_item("platform", json!("myspace")),
                "data.content_items[1].platform",
            ),
            (
                with_item("url", json!("ftp://a")),
                "data.content_items[1].url",
            ),
            (with_item("id", json!("17")), "data.content_items[1].id"),
        ] {
            assert_eq!(path(&report).await, expected, "{report}");
        }
    }
}
