use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// Longest message that is kept, in characters.
const MESSAGE_CHARS: usize = 1_000;
/// Longest name of a type, a file or a function that is kept, in characters.
const NAME_CHARS: usize = 200;

/// Codes of JSON-RPC errors.
pub mod code {
    /// The line is no JSON.
    pub const PARSE: i64 = -32_700;
    /// The method is unknown.
    pub const METHOD: i64 = -32_601;
    /// Parameters or arguments do not fit.
    pub const PARAMS: i64 = -32_602;
    /// A fault of the program's own machinery.
    pub const INTERNAL: i64 = -32_603;
    /// The function failed.
    pub const FAILED: i64 = -32_000;
    /// There is no such function.
    pub const NO_FUNCTION: i64 = -32_001;
    /// Loading failed.
    pub const LOADING: i64 = -32_002;
    /// The function returned something that does not fit.
    pub const BAD_RESULT: i64 = -32_003;
    /// The version of the protocol is not supported.
    pub const VERSION: i64 = -32_004;
    /// The request was cancelled.
    pub const CANCELLED: i64 = -32_005;
}

/// Error that a program returns.
///
/// [`Display`](fmt::Display) leaves out the message, which may quote a post unless it is the response to `initialize`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, thiserror::Error)]
pub struct RpcError {
    /// Kind of the error, of [`code`].
    pub code: i64,
    /// One line for the developer.
    #[serde(default, deserialize_with = "first_line")]
    pub message: String,
    /// Details.
    #[serde(default, deserialize_with = "lenient")]
    pub data: ErrorData,
}

/// Details of an [`RpcError`]; all are optional.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ErrorData {
    /// Type of the exception.
    pub r#type: Option<String>,
    /// File of the program in which it happened.
    pub file: Option<String>,
    /// Line of that file.
    pub line: Option<u64>,
    /// Function that does not exist.
    pub function: Option<String>,
    /// Functions that do exist.
    pub known: Vec<String>,
    /// Versions of the protocol that are supported.
    pub supported: Vec<String>,
    /// Path of the argument that does not fit.
    pub path: Option<String>,
    /// True if another attempt may succeed.
    pub retry: Option<bool>,
    /// Time until another attempt, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.code {
            code::PARSE => "the program could not read a request",
            code::METHOD => "the program does not know the method",
            code::PARAMS => "the program refused the arguments",
            code::FAILED => "the function failed",
            code::NO_FUNCTION => "the program has no such function",
            code::LOADING => "loading failed",
            code::BAD_RESULT => "the function returned something that does not fit",
            code::VERSION => "the program does not support this version of the protocol",
            code::CANCELLED => "cancelled",
            _ => "the program failed",
        };
        f.write_str(what)?;
        let ErrorData {
            r#type,
            file,
            line,
            path,
            ..
        } = &self.data;
        if let Some(path) = path {
            write!(f, " at {path}")?;
        }
        if let Some(name) = r#type {
            write!(f, " with {name}")?;
        }
        if let Some(file) = file {
            write!(f, " in {file}")?;
        }
        if let Some(line) = line {
            write!(f, ", line {line}")?;
        }
        Ok(())
    }
}

fn first_line<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let message = String::deserialize(deserializer)?;
    let line = message.lines().next().unwrap_or_default();
    Ok(line.chars().take(MESSAGE_CHARS).collect())
}

/// Reads what it can: details of other types than expected are left out.
fn lenient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ErrorData, D::Error> {
    let mut value = Value::deserialize(deserializer)?;
    if let Value::Object(fields) = &mut value {
        for (key, value) in fields.iter_mut() {
            let fits = match key.as_str() {
                "line" | "retry_after_ms" => value.is_u64(),
                "retry" => value.is_boolean(),
                "known" | "supported" => value
                    .as_array()
                    .is_some_and(|names| names.iter().all(Value::is_string)),
                _ => value.is_string(),
            };
            match value {
                Value::String(text) if fits => {
                    *text = text
                        .chars()
                        .filter(|sign| !sign.is_control())
                        .take(NAME_CHARS)
                        .collect();
                }
                _ if fits => {}
                _ => *value = Value::Null,
            }
        }
        fields.retain(|_, value| !value.is_null());
    }
    Ok(serde_json::from_value(value).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(json: &str) -> RpcError {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_text_names_type_file_and_line_but_not_the_message() {
        let failed = error(
            r#"{"code": -32000, "message": "a secret post", "data": {"type": "KeyError", "file": "mine.py", "line": 7}}"#,
        );
        assert_eq!(
            failed.to_string(),
            "the function failed with KeyError in mine.py, line 7"
        );
    }

    #[test]
    fn details_of_other_types_are_left_out() {
        let odd =
            r#"{"code": -32000, "data": {"type": 3, "line": "x", "known": [1], "file": "a\nb"}}"#;
        let data = ErrorData {
            file: Some("ab".to_owned()),
            ..ErrorData::default()
        };
        assert_eq!(error(odd).data, data);
        assert_eq!(
            error(r#"{"code": 1, "data": [1]}"#).data,
            ErrorData::default()
        );
    }
}
