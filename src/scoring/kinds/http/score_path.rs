use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// Where the scores are in an answer: `/scores/*` in `{"scores": [0.1, 0.2]}`, `/*/0/score` in `[[{"score": 0.1}], ..]`. Names
/// and numbers lead on as in a JSON pointer (RFC 6901, without its escapes); `*` stands for each of the texts, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ScorePath {
    before: Vec<String>,
    after: Vec<String>,
}

/// A text that is no path of scores.
#[derive(Debug, thiserror::Error)]
#[error("expected a path such as \"/scores/*\", with one \"*\", found {0:?}")]
pub(super) struct ScorePathError(String);

impl ScorePath {
    /// Returns the scores in `answer`, as many as there are, or `None` if there is no list of them. In place of one that is
    /// no number there is the name of what it is.
    pub(super) fn scores(&self, answer: &Value) -> Option<Vec<Result<f64, &'static str>>> {
        let each = follow(answer, &self.before).and_then(Value::as_array)?;
        let score = |item| match follow(item, &self.after) {
            Some(found) => found.as_f64().ok_or_else(|| kind(found)),
            None => Err("missing"),
        };
        Some(each.iter().map(score).collect())
    }
}

fn follow<'v>(value: &'v Value, steps: &[String]) -> Option<&'v Value> {
    steps.iter().try_fold(value, |value, step| match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        Value::Object(fields) => fields.get(step),
        _ => None,
    })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

impl FromStr for ScorePath {
    type Err = ScorePathError;

    fn from_str(path: &str) -> Result<Self, Self::Err> {
        let wrong = || ScorePathError(path.to_owned());
        let steps: Vec<&str> = path
            .strip_prefix('/')
            .ok_or_else(wrong)?
            .split('/')
            .collect();
        let mut halves = steps.split(|&step| step == "*");
        let owned = |half: &[&str]| half.iter().map(|&step| step.to_owned()).collect();
        match (halves.next(), halves.next(), halves.next()) {
            (Some(before), Some(after), None) => Ok(Self {
                before: owned(before),
                after: owned(after),
            }),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for ScorePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = "*".to_owned();
        let steps = self.before.iter().chain([&each]).chain(&self.after);
        steps.into_iter().try_for_each(|step| write!(f, "/{step}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scores(path: &str, answer: &Value) -> Option<Vec<Result<f64, &'static str>>> {
        let parsed: ScorePath = path.parse().unwrap();
        assert_eq!(parsed.to_string(), path);
        parsed.scores(answer)
    }

    #[test]
    fn scores_are_found_where_servers_put_them() {
        let both = || Some(vec![Ok(0.5), Ok(-1.0)]);
        assert_eq!(scores("/scores/*", &json!({"scores": [0.5, -1]})), both());
        assert_eq!(scores("/*", &json!([0.5, -1])), both());
        let classified = json!([[{"label": "a", "score": 0.5}], [{"label": "b", "score": -1}]]);
        assert_eq!(scores("/*/0/score", &classified), both());
    }

    #[test]
    fn what_is_no_number_or_not_there_is_no_score() {
        let answer = json!({"scores": [{"x": "0.5"}, null, {"x": 1}]});
        assert_eq!(
            scores("/scores/*/x", &answer),
            Some(vec![Err("a string"), Err("missing"), Ok(1.0)])
        );
        assert_eq!(scores("/results/*", &answer), None);
        assert_eq!(scores("/scores/*", &json!({"scores": 3})), None);
    }

    #[test]
    fn a_path_has_one_star() {
        for path in ["scores/*", "/scores", "/*/a/*", ""] {
            assert!(path.parse::<ScorePath>().is_err(), "{path}");
        }
    }
}
