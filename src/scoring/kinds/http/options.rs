use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use super::request::{Field, RequestWriter};
use super::{Format, HttpScorer, answer};
use crate::scoring::kinds::{BuildContext, BuildError, ScorerKind};
use crate::scoring::pool::PoolConfig;
use crate::scoring::{OutputKind, Outputs, Scorer};
use crate::settings::{Check, ConnectionUrl, text};

/// Keys of a scorer of the kind `http`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    http: HttpOptions,
}

/// How a model server is called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpOptions {
    /// Address of the server.
    pub url: String,
    /// Variable of the environment that holds the token; empty for none.
    pub token_env: String,
    /// Header that holds the token. In `authorization` it is a bearer token.
    pub token_header: String,
    /// Wire format of the server.
    pub format: Format,
    /// Fields of an item that are sent, and by which its scores are cached.
    pub reads: Vec<Field>,
    /// Name of the texts in the request, where the format leaves it open.
    pub texts_field: String,
    /// Model that the request names; empty for the server's default.
    pub model: String,
    /// Template of the request in place of that of the format; empty for none.
    pub body: String,
    /// JSONPath of the nodes in the answer, one for each text in their order; empty for those of the format.
    pub items: String,
    /// JSONPath of each output, relative to the node of an item; without any, `score` is the node itself.
    pub outputs: BTreeMap<String, String>,
    /// Key of the version before, which is refused with the keys that replace it, unless it had its default.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "unless_default"
    )]
    pub score_path: Option<String>,
    /// Longest time of one call, its wait for the rate limit included and its answer read whole.
    #[serde(with = "text::duration")]
    pub timeout: Duration,
    /// Most retries of a call that timed out, could not connect or met a fault of the server.
    pub retries: u32,
    /// Most retries as a share of all calls, 0 to 1.
    pub retry_budget: f64,
    /// Most characters of a text that are sent; 0 for all.
    pub truncate_chars: usize,
    /// Calls per second; 0 for no limit.
    pub rate: f64,
    /// Calls that may come at once after a pause, if there is a rate.
    pub burst: u32,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            url: String::new(),
            token_env: String::new(),
            token_header: "authorization".to_owned(),
            format: Format::default(),
            reads: vec![Field::Text],
            texts_field: "inputs".to_owned(),
            model: String::new(),
            body: String::new(),
            items: String::new(),
            outputs: BTreeMap::new(),
            score_path: None,
            timeout: Duration::from_millis(90),
            retries: 1,
            retry_budget: 0.1,
            truncate_chars: 0,
            rate: 0.0,
            burst: 1,
        }
    }
}

impl ScorerKind for HttpConfig {
    const NAME: &'static str = "http";

    fn validate(&self, check: &mut Check, pool: &PoolConfig) {
        check.under("http", |check| self.http.check(check, pool.time_limit));
    }

    fn outputs(&self) -> Outputs {
        self.http.outputs()
    }

    fn build(&self, _: &BuildContext) -> Result<Box<dyn Scorer>, BuildError> {
        Ok(Box::new(HttpScorer::new(&self.http)?))
    }
}

impl HttpOptions {
    pub(super) fn outputs(&self) -> Outputs {
        if self.outputs.is_empty() {
            return Outputs::default();
        }
        let names = self.outputs.keys();
        Outputs::new(names.map(|name| (name.as_str(), OutputKind::Number)))
    }

    /// `time_limit` is that of a batch, which all tries together must not exceed.
    fn check(&self, check: &mut Check, time_limit: Duration) {
        let is_http = self.url.starts_with("http://") || self.url.starts_with("https://");
        check.require("url", is_http, || {
            format!(
                "expected an http:// or https:// address, found {:?}",
                ConnectionUrl::from(self.url.as_str())
            )
        });
        let header = self.token_header.parse::<reqwest::header::HeaderName>();
        check.require("token_header", header.is_ok(), || {
            format!(
                "expected the name of a header, found {:?}",
                self.token_header
            )
        });
        self.check_exchange(check);
        check.lasting("timeout", self.timeout);
        let tries = self.retries.saturating_add(1);
        let longest = self.timeout.saturating_mul(tries);
        check.require("timeout", longest <= time_limit, || {
            format!(
                "{tries} tries of {:?} are more than time_limit = {time_limit:?}",
                self.timeout
            )
        });
        check.within("retry_budget", self.retry_budget, 0.0..=1.0);
        check.require("rate", self.rate.is_finite() && self.rate >= 0.0, || {
            format!("expected 0 or a number above it, found {}", self.rate)
        });
        check.within("burst", self.burst, 1..=1_000_000);
    }

    /// Checks what is sent and what is read.
    fn check_exchange(&self, check: &mut Check) {
        check.not_empty("texts_field", &self.texts_field);
        if let Some(path) = &self.score_path {
            check.require("score_path", false, || replacement(path));
        }
        let is_text_alone = self.reads == [Field::Text];
        let is_open = self.format == Format::Weir || !self.body.is_empty();
        check.require("reads", is_text_alone || is_open, || {
            format!("the format {} sends the text alone", self.format.name())
        });
        check.require("reads", self.reads.contains(&Field::Text), || {
            "expected \"text\" among the fields".to_owned()
        });
        check.require(
            "outputs",
            !self.outputs.is_empty() || self.format == Format::Weir,
            || {
                let example = self.format.example_output();
                format!(
                    "expected the JSONPath of each output, such as {{ toxicity = \"{example}\" }}"
                )
            },
        );
        check.require(
            "items",
            self.items.is_empty() || self.format != Format::KserveV2,
            || "the format kserve-v2 has its own".to_owned(),
        );
        if let Err(error) = RequestWriter::new(self) {
            check.require("body", false, || error.to_string());
        }
        if let Err(error) = answer::parse(self.items_path()) {
            check.require("items", false, || error.to_string());
        }
        self.outputs().check(check, "outputs");
        check.under("outputs", |check| {
            for (output, path) in &self.outputs {
                if let Err(error) = answer::parse(path) {
                    check.require(output, false, || error.to_string());
                }
            }
        });
    }

    /// Returns the JSONPath of the nodes of the items.
    pub(super) fn items_path(&self) -> &str {
        if self.items.is_empty() {
            self.format.items()
        } else {
            &self.items
        }
    }

    /// Reads the token from the environment.
    pub(super) fn token(&self) -> Result<Option<String>, BuildError> {
        if self.token_env.is_empty() {
            return Ok(None);
        }
        std::env::var(&self.token_env).map(Some).map_err(|_| {
            let name = &self.token_env;
            BuildError::new(
                "http.token_env",
                format!("there is no variable {name} in the environment"),
            )
        })
    }
}

fn unless_default<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let path = String::deserialize(deserializer)?;
    Ok(Some(path).filter(|path| path != "/scores/*"))
}

/// Returns what to write in place of a `score_path` of earlier versions.
fn replacement(path: &str) -> String {
    let steps = |part: &str| -> String {
        let steps = part.split('/').filter(|step| !step.is_empty());
        let step = |step: &str| match step.parse::<usize>() {
            Ok(index) => format!("[{index}]"),
            Err(_) => format!("['{step}']"),
        };
        steps.map(step).collect()
    };
    let (items, score) = path.split_once('*').unwrap_or((path, ""));
    format!(
        "replaced by items and outputs: items = \"${}[*]\", outputs = {{ score = \"${}\" }}",
        steps(items),
        steps(score)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_path_is_answered_with_what_replaces_it() {
        assert_eq!(
            replacement("/*/0/score"),
            "replaced by items and outputs: items = \"$[*]\", outputs = { score = \"$[0]['score']\" }"
        );
        assert_eq!(
            replacement("/scores/*"),
            "replaced by items and outputs: items = \"$['scores'][*]\", outputs = { score = \"$\" }"
        );
    }
}
