use serde_json::Value;
use serde_json_path::{JsonPath, ParseError};

use super::error::CallError;
use super::{Format, HttpOptions};
use crate::scoring::{OutputValue, ScoreRow};

/// Finds the rows of a batch in an answer.
pub(super) struct AnswerReader {
    format: Format,
    items: JsonPath,
    /// Path of each output, in the order of their names.
    outputs: Vec<JsonPath>,
}

/// A text that is no JSONPath.
#[derive(Debug, thiserror::Error)]
#[error(
    "expected a JSONPath (RFC 9535) such as \"$[?@.label=='toxic'].score\", found {path:?}: {source}"
)]
pub(super) struct PathError {
    path: String,
    source: ParseError,
}

/// Reads a JSONPath.
pub(super) fn parse(path: &str) -> Result<JsonPath, PathError> {
    JsonPath::parse(path).map_err(|source| PathError {
        path: path.to_owned(),
        source,
    })
}

impl AnswerReader {
    pub(super) fn new(options: &HttpOptions) -> Result<Self, PathError> {
        let outputs = options.outputs.values().map(|path| parse(path));
        let mut outputs = outputs.collect::<Result<Vec<_>, _>>()?;
        if outputs.is_empty() {
            outputs.push(parse("$")?);
        }
        Ok(Self {
            format: options.format,
            items: parse(options.items_path())?,
            outputs,
        })
    }

    /// Returns a row for each of `texts`, in their order. An answer with another number of items is nobody's, because which
    /// texts they belong to cannot be known.
    pub(super) fn rows(
        &self,
        answer: Value,
        texts: usize,
    ) -> Result<Vec<Result<ScoreRow, CallError>>, CallError> {
        let answer = self.format.regroup(answer, texts);
        let nodes = self.items.query(&answer).all();
        if nodes.len() != texts {
            let items = nodes.len();
            return Err(CallError::Number { items, texts });
        }
        Ok(nodes.into_iter().map(|node| self.row(node)).collect())
    }

    fn row(&self, node: &Value) -> Result<ScoreRow, CallError> {
        let value = |path: &JsonPath| match *path.query(node).all() {
            [Value::Null] => Ok(None),
            [found] => match found.as_f64() {
                Some(number) => Ok(Some(OutputValue::Number(number))),
                None => Err(CallError::NotANumber(kind(found))),
            },
            [] => Err(CallError::NotANumber("missing")),
            _ => Err(CallError::NotANumber("several nodes")),
        };
        let values: Result<Vec<_>, _> = self.outputs.iter().map(value).collect();
        values.map(ScoreRow::from_values)
    }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows(
        items: &str,
        outputs: &[&str],
        answer: Value,
    ) -> Result<Vec<Result<ScoreRow, String>>, String> {
        let numbered = outputs.iter().enumerate();
        let options = HttpOptions {
            items: items.to_owned(),
            outputs: numbered
                .map(|(n, path)| (format!("o{n}"), (*path).to_owned()))
                .collect(),
            ..HttpOptions::default()
        };
        let rows = AnswerReader::new(&options).unwrap().rows(answer, 2);
        let rows = rows.map_err(|error| error.to_string())?.into_iter();
        Ok(rows
            .map(|row| row.map_err(|error| error.to_string()))
            .collect())
    }

    fn numbers(numbers: &[f64]) -> ScoreRow {
        let values = numbers
            .iter()
            .map(|&number| Some(OutputValue::Number(number)));
        ScoreRow::from_values(values.collect())
    }

    #[test]
    fn a_label_is_found_wherever_it_stands() {
        let answer = json!([
            [{"label": "toxic", "score": 0.9}, {"label": "insult", "score": 0.1}],
            [{"label": "insult", "score": 0.7}, {"label": "toxic", "score": 0.3}],
        ]);
        let paths = ["$[?@.label=='insult'].score", "$[?@.label=='toxic'].score"];
        let expected = vec![Ok(numbers(&[0.1, 0.9])), Ok(numbers(&[0.7, 0.3]))];
        assert_eq!(rows("$[*]", &paths, answer), Ok(expected));
    }

    #[test]
    fn an_output_is_exactly_one_number_or_null() {
        let answer = json!({"scores": [{"x": null, "y": 1}, {"x": 2, "y": 3}]});
        let row = ScoreRow::from_values(vec![None, Some(OutputValue::Number(1.0))]);
        let expected = vec![Ok(row), Ok(numbers(&[2.0, 3.0]))];
        assert_eq!(rows("$.scores[*]", &["$.x", "$.y"], answer), Ok(expected));

        let answer = json!([{"x": "0.5"}, {}]);
        let refused = |what: &str| Err(format!("a score is {what}, expected a number"));
        let expected = vec![refused("a string"), refused("missing")];
        assert_eq!(rows("$[*]", &["$.x"], answer.clone()), Ok(expected));
        let expected = vec![refused("a string"), refused("missing")];
        assert_eq!(rows("$[*]", &["$.*"], answer), Ok(expected));
        let answer = json!([[1, 2], [3]]);
        let expected = vec![refused("several nodes"), Ok(numbers(&[3.0]))];
        assert_eq!(rows("$[*]", &["$[*]"], answer), Ok(expected));
    }

    #[test]
    fn another_number_of_items_than_of_texts_is_nobodys() {
        for answer in [
            json!({"scores": [1]}),
            json!({"scores": [1, 2, 3]}),
            json!({"results": []}),
        ] {
            assert!(rows("$.scores[*]", &["$"], answer).is_err());
        }
    }

    #[test]
    fn an_error_in_a_path_has_its_position() {
        let error = parse("$[?@.label='x']").unwrap_err().to_string();
        assert!(error.contains("at position"), "{error}");
    }
}
