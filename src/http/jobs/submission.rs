use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::http::ApiError;
use crate::jobs::{Moment, PrepareError, Registry};
use crate::queue::{NewJob, Start};
use crate::store::is_key;

/// The most jobs in one group.
const LARGEST_GROUP: usize = 1_000;

/// What a body of `POST /jobs` asks for.
pub(super) enum Submission {
    /// One job.
    One(NewJob),
    /// Several, side by side.
    Group(Vec<NewJob>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    group: Vec<Submitted>,
}

/// A job as it is written in a body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Submitted {
    job: String,
    #[serde(default)]
    args: Value,
    delay_ms: Option<u64>,
    eta: Option<Moment>,
    #[serde(default)]
    priority: i8,
    unique_key: Option<String>,
    then: Option<Box<Submitted>>,
}

impl Submission {
    /// Reads a body and checks every job in it, so that all can run. An error names the place, as `group[1].args.k`.
    pub(super) fn read(body: &[u8], registry: &Registry) -> Result<Self, ApiError> {
        let body: Value = parse(body)?;
        let Some(jobs) = body.get("group") else {
            expect_objects(&body, "")?;
            let submitted: Submitted = from_value(&body)?;
            return Ok(Self::One(submitted.check("", registry)?));
        };
        for (place, job) in jobs.as_array().into_iter().flatten().enumerate() {
            expect_objects(job, &format!("group[{place}]."))?;
        }
        let Group { group } = from_value(&body)?;
        if !(1..=LARGEST_GROUP).contains(&group.len()) {
            let expected = format!("expected 1 to {LARGEST_GROUP} jobs");
            return Err(ApiError::invalid("group", expected));
        }
        let jobs = group
            .into_iter()
            .enumerate()
            .map(|(place, submitted)| submitted.check(&format!("group[{place}]."), registry));
        Ok(Self::Group(jobs.collect::<Result<_, _>>()?))
    }
}

impl Submitted {
    fn check(self, place: &str, registry: &Registry) -> Result<NewJob, ApiError> {
        if let Err(error) = registry.prepare(&self.job, &self.args) {
            return Err(refusal(place, &error));
        }
        let start = match (self.delay_ms, self.eta) {
            (Some(_), Some(_)) => {
                return Err(ApiError::invalid(
                    format!("{place}eta"),
                    "expected either delay_ms or eta",
                ));
            }
            (Some(ms), None) => Start::After(Duration::from_millis(ms)),
            (None, Some(eta)) => Start::At(eta.0),
            (None, None) => Start::Now,
        };
        if self.unique_key.as_deref().is_some_and(|key| !is_key(key)) {
            return Err(ApiError::invalid(
                format!("{place}unique_key"),
                "expected 1 to 512 bytes without control characters",
            ));
        }
        let then = self
            .then
            .map(|next| next.check(&format!("{place}then."), registry))
            .transpose()?;
        Ok(NewJob {
            priority: self.priority,
            unique_key: self.unique_key,
            start,
            then: then.map(Box::new),
            ..NewJob::new(self.job, self.args)
        })
    }
}

/// Serde would take a list for the fields of a job in their order.
fn expect_objects(job: &Value, place: &str) -> Result<(), ApiError> {
    let Value::Object(fields) = job else {
        let place = place.strip_suffix('.').unwrap_or("body");
        return Err(ApiError::invalid(place, "expected an object"));
    };
    match fields.get("then") {
        None | Some(Value::Null) => Ok(()),
        Some(next) => expect_objects(next, &format!("{place}then.")),
    }
}

fn refusal(place: &str, error: &PrepareError) -> ApiError {
    match error {
        PrepareError::Unknown(unknown) => {
            ApiError::invalid(format!("{place}job"), unknown.to_string())
        }
        PrepareError::Argument(argument) if argument.argument == "." => {
            ApiError::invalid(format!("{place}args"), &*argument.why)
        }
        PrepareError::Argument(argument) => {
            ApiError::invalid(format!("{place}args.{}", argument.argument), &*argument.why)
        }
    }
}

fn parse(body: &[u8]) -> Result<Value, ApiError> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(&mut reader).map_err(|error| invalid(&error));
    let end = |_| ApiError::invalid("body", "expected one JSON object and nothing after it");
    parsed.and_then(|value| reader.end().map(|()| value).map_err(end))
}

fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(value).map_err(|error| invalid(&error))
}

fn invalid(error: &serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    let path = match error.path().to_string().as_str() {
        "." => "body".to_owned(),
        path => path.to_owned(),
    };
    ApiError::invalid(path, error.inner().to_string())
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError;
    use serde_json::json;

    use super::*;

    fn refused(body: &Value) -> Value {
        let Err(error) = Submission::read(body.to_string().as_bytes(), &Registry::shipped()) else {
            panic!("{body} was taken");
        };
        assert_eq!(error.status_code(), 400);
        json!(error.path())
    }

    #[test]
    fn what_is_wrong_is_named_by_its_place() {
        let good = json!({"job": "post_statistics"});
        let bad = json!({"job": "count_top_named_entities", "args": {"k": 0}});
        for (body, path) in [
            (json!([]), "body"),
            (json!({}), "body"),
            (json!({"job": 7}), "job"),
            (json!({"job": "no_such_job"}), "job"),
            (json!({"job": "post_statistics", "arg": {}}), "arg"),
            (json!({"job": "post_statistics", "args": 7}), "args"),
            (json!({"job": "post_statistics", "args": []}), "args"),
            (
                json!(["post_statistics", {}, null, null, 0, null, null]),
                "body",
            ),
            (json!({"group": [["post_statistics"]]}), "group[0]"),
            (
                json!({"job": "post_statistics", "priority": 200}),
                "priority",
            ),
            (json!({"job": "post_statistics", "eta": "soon"}), "eta"),
            (
                json!({"job": "post_statistics", "delay_ms": 1, "eta": "2026-01-01"}),
                "eta",
            ),
            (
                json!({"job": "post_statistics", "unique_key": ""}),
                "unique_key",
            ),
            (
                json!({"job": "post_statistics", "unique_key": "a\0b"}),
                "unique_key",
            ),
            (
                json!({"job": "program", "args": {"program": "rm"}}),
                "args.program",
            ),
            (bad.clone(), "args.k"),
            (
                json!({"job": "post_statistics", "then": bad}),
                "then.args.k",
            ),
            (json!({"group": []}), "group"),
            (json!({"group": [good], "job": "x"}), "job"),
            (json!({"group": [good, bad]}), "group[1].args.k"),
            (
                json!({"group": [good, {"job": "post_statistics", "then": {"job": "x"}}]}),
                "group[1].then.job",
            ),
        ] {
            assert_eq!(refused(&body), path, "{body}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for body in ["", "{", "{\"job\": \"post_statistics\"} x"] {
            assert!(
                Submission::read(body.as_bytes(), &Registry::shipped()).is_err(),
                "{body}"
            );
        }
    }

    #[test]
    fn what_follows_is_read_to_any_depth() {
        let body = json!({"job": "post_statistics", "delay_ms": 5, "then":
            {"job": "post_statistics", "priority": -1, "then": {"job": "post_statistics"}}});
        let read = Submission::read(body.to_string().as_bytes(), &Registry::shipped());
        let Ok(Submission::One(job)) = read else {
            panic!("good");
        };
        assert_eq!(job.start, Start::After(Duration::from_millis(5)));
        let next = job.then.unwrap();
        assert_eq!((next.priority, next.then.is_some()), (-1, true));
    }
}
