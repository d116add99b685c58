use std::borrow::Cow;
use std::fmt::Write;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{MAX_LINE_BYTES, RpcError, code};

/// Words for numbers that are not finite, as Python and JavaScript write them.
const NOT_FINITE: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

/// Message of a program.
#[derive(Debug)]
pub(crate) enum Incoming {
    Response {
        id: u64,
        outcome: Result<Box<RawValue>, RpcError>,
    },
    Log {
        level: String,
        message: String,
    },
    Progress {
        id: u64,
        done: u64,
        total: u64,
    },
    /// Notification of an unknown method, or of one whose parameters do not fit.
    Ignored,
    /// Request, which a program does not send.
    Request {
        id: Box<RawValue>,
    },
}

/// A line is no message of the protocol. It does not say which, since a line may hold a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a line is no message")]
pub(crate) struct NotAMessage;

/// Parameters of `initialize`.
#[derive(Debug, Serialize)]
pub(crate) struct Initialize<'s> {
    pub(crate) protocol: &'static str,
    pub(crate) role: crate::Role,
    pub(crate) functions: Vec<&'s str>,
    pub(crate) device: Option<&'s str>,
}

#[derive(Deserialize)]
struct Envelope<'l> {
    #[serde(borrow)]
    jsonrpc: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'l RawValue>,
    #[serde(borrow, default)]
    method: Option<Cow<'l, str>>,
    #[serde(borrow, default)]
    params: Option<&'l RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'l RawValue>,
    #[serde(default)]
    error: Option<RpcError>,
}

#[derive(Deserialize)]
struct LogParams {
    #[serde(default)]
    level: String,
    message: String,
}

#[derive(Deserialize)]
struct ProgressParams {
    id: u64,
    done: u64,
    total: u64,
}

/// Reads a field that is there, also if it is `null`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl Incoming {
    /// Reads a line.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, NotAMessage> {
        let line = std::str::from_utf8(line).map_err(|_| NotAMessage)?;
        // Skipping a string does not look at its escapes.
        if line.contains("\\ud") || line.contains("\\uD") {
            let finite = without_not_finite(line).map_or(Cow::Borrowed(line), Cow::Owned);
            serde_json::from_str::<Value>(&finite).map_err(|_| NotAMessage)?;
        }
        if let Ok(envelope) = serde_json::from_str::<Envelope<'_>>(line) {
            return Self::from_envelope(envelope);
        }
        let finite = without_not_finite(line).ok_or(NotAMessage)?;
        let envelope = serde_json::from_str(&finite).map_err(|_| NotAMessage)?;
        Self::from_envelope(envelope)
    }

    fn from_envelope(envelope: Envelope<'_>) -> Result<Self, NotAMessage> {
        if envelope.jsonrpc != "2.0" {
            return Err(NotAMessage);
        }
        match envelope {
            Envelope {
                method: Some(_),
                id: Some(id),
                ..
            } => Ok(Self::Request { id: id.to_owned() }),
            Envelope {
                method: Some(method),
                params,
                ..
            } => Ok(Self::notification(&method, params)),
            Envelope {
                id: Some(id),
                result,
                error,
                ..
            } => {
                let outcome = match (result, error) {
                    (Some(result), None) => Ok(result.to_owned()),
                    (None, Some(error)) => Err(error),
                    _ => return Err(NotAMessage),
                };
                let id = id.get().parse().map_err(|_| NotAMessage)?;
                Ok(Self::Response { id, outcome })
            }
            _ => Err(NotAMessage),
        }
    }

    fn notification(method: &str, params: Option<&RawValue>) -> Self {
        let params = params.map_or("null", RawValue::get);
        let read = match method {
            "log" => serde_json::from_str(params)
                .map(|LogParams { level, message }| Self::Log { level, message }),
            "progress" => serde_json::from_str(params)
                .map(|ProgressParams { id, done, total }| Self::Progress { id, done, total }),
            _ => return Self::Ignored,
        };
        read.unwrap_or(Self::Ignored)
    }
}

/// Replaces bare words for numbers that are not finite by `null`. Returns `None` if there is none.
fn without_not_finite(line: &str) -> Option<String> {
    let bytes = line.as_bytes();
    let (mut clean, mut copied, mut at) = (String::new(), 0, 0);
    let mut in_string = false;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if in_string => at += 1,
            b'"' => in_string = !in_string,
            b'N' | b'I' | b'-' if !in_string => {
                let rest = &bytes[at..];
                let word = NOT_FINITE
                    .iter()
                    .find(|word| rest.starts_with(word.as_bytes()));
                if let Some(word) = word {
                    clean.push_str(&line[copied..at]);
                    clean.push_str("null");
                    at += word.len();
                    copied = at;
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    (copied > 0).then(|| clean + &line[copied..])
}

/// Writes a request; `None` if its line would be too long.
pub(crate) fn request(id: u64, method: &str, params: &str) -> Option<Vec<u8>> {
    let mut line = String::with_capacity(params.len() + 96);
    let _ = write!(
        line,
        r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":"#
    );
    line.push_str(params);
    line.push_str("}\n");
    (line.len() <= MAX_LINE_BYTES).then(|| line.into_bytes())
}

/// Writes the notification `cancel` for the request `id`.
pub(crate) fn cancel(id: u64) -> Vec<u8> {
    format!("{{\"jsonrpc\":\"2.0\",\"method\":\"cancel\",\"params\":{{\"id\":{id}}}}}\n")
        .into_bytes()
}

/// Writes the answer to a request of a program.
pub(crate) fn refuse_request(id: &RawValue) -> Vec<u8> {
    let code = code::METHOD;
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":{code},\"message\":\"unknown method\"}}}}\n")
        .into_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(line: &str) -> Result<Incoming, NotAMessage> {
        Incoming::parse(line.as_bytes())
    }

    fn result(line: &str) -> String {
        match parse(line) {
            Ok(Incoming::Response {
                outcome: Ok(result),
                ..
            }) => result.get().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn bare_words_for_numbers_that_are_not_finite_are_null() {
        let line =
            r#"{"jsonrpc":"2.0","id":7,"result":[NaN,-Infinity,Infinity,"NaN \" -Infinity",-1]}"#;
        assert_eq!(result(line), r#"[null,null,null,"NaN \" -Infinity",-1]"#);
        assert_eq!(without_not_finite("[1, -2]"), None);
    }

    #[test]
    fn null_is_a_result_and_unknown_fields_are_ignored() {
        assert_eq!(
            result(r#"{"jsonrpc":"2.0","x":[{}],"id":1,"result":null}"#),
            "null"
        );
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let lines = [
            "",
            "[]",
            "null",
            "{",
            "{}",
            "hello",
            r#"{"jsonrpc":"2.0","id":1}"#,
            r#"{"jsonrpc":"1.0","id":1,"result":1}"#,
            r#"{"jsonrpc":"2.0","id":"1","result":1}"#,
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":1,"error":{"code":1}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":"\ud83d"}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":1} x"#,
        ];
        for line in lines {
            assert!(parse(line).is_err(), "{line}");
        }
        assert!(Incoming::parse(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"\xff\"}").is_err());
    }

    #[test]
    fn notifications_that_are_not_known_are_ignored() {
        let ignored = |line| matches!(parse(line), Ok(Incoming::Ignored));
        assert!(ignored(r#"{"jsonrpc":"2.0","method":"sing"}"#));
        assert!(ignored(
            r#"{"jsonrpc":"2.0","method":"progress","params":{"id":-1}}"#
        ));
        let pair = parse(r#"{"jsonrpc":"2.0","method":"log","params":{"message":"\ud83d\ude00"}}"#);
        assert!(matches!(pair, Ok(Incoming::Log { message, .. }) if message == "😀"));
    }

    #[test]
    fn a_request_of_a_program_is_refused_by_its_id() {
        let Ok(Incoming::Request { id }) = parse(r#"{"jsonrpc":"2.0","id":"a","method":"x"}"#)
        else {
            panic!("no request");
        };
        let refusal = String::from_utf8(refuse_request(&id)).unwrap();
        assert!(
            refusal.contains(r#""id":"a","error":{"code":-32601"#),
            "{refusal}"
        );
    }

    /// 100,000 lines: messages of which random bytes were replaced, left out or doubled.
    #[test]
    fn damaged_messages_are_read_or_refused_and_never_more() {
        let lines = [
            r#"{"jsonrpc":"2.0","id":7,"result":{"columns":{"a":[1,null,NaN,"x"]},"errors":{"1":"e"}}}"#,
            r#"{"jsonrpc":"2.0","id":8,"error":{"code":-32000,"message":"m","data":{"type":"T","line":3}}}"#,
            r#"{"jsonrpc":"2.0","method":"log","params":{"level":"info","message":"\ud83d\ude00"}}"#,
            r#"{"jsonrpc":"2.0","method":"progress","params":{"id":8,"done":1,"total":2}}"#,
        ];
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % below as u64).unwrap()
        };
        let mut refused = 0;
        for turn in 0..100_000 {
            let mut line = lines[turn % lines.len()].as_bytes().to_vec();
            for _ in 0..=random(3) {
                let at = random(line.len());
                match random(3) {
                    0 => line[at] = u8::try_from(random(256)).unwrap(),
                    1 => drop(line.remove(at)),
                    _ => line.insert(at, line[at]),
                }
            }
            refused += usize::from(Incoming::parse(&line).is_err());
        }
        assert!((10_000..100_000).contains(&refused), "{refused}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn cleaning_touches_nothing_but_words_outside_strings(text in "\\PC{0,40}", number in any::<f64>()) {
            let json = serde_json::json!({ "t": text, "n": number }).to_string();
            let line = format!(r#"{{"jsonrpc":"2.0","id":1,"result":[NaN,{json}]}}"#);
            prop_assert_eq!(result(&line), format!("[null,{json}]"));
        }
    }
}
