//! The `[results]` section.

use std::fmt;

use serde::Deserialize;

use super::error::ResultsError;

/// Where results, jobs and schedules are kept, and how.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResultsConfig {
    /// `auto`: Redis if `redis_url` is set or `redis-server` is on PATH, else embedded.
    pub backend: BackendSetting,
    /// `redis://`, `rediss://` or `unix://`, credentials included; empty for none.
    pub redis_url: RedisUrl,
    /// Begins every key that is ours, and with `_` for other signs the embedded store's tables.
    pub prefix: String,
    /// Patterns (`*` for any characters) of keys that are written and read without the prefix.
    pub shared_keys: Vec<String>,
    /// What a write waits for.
    pub durability: Durability,
    /// The largest value, in bytes.
    pub max_value_bytes: usize,
}

impl Default for ResultsConfig {
    fn default() -> Self {
        Self {
            backend: BackendSetting::default(),
            redis_url: RedisUrl::default(),
            prefix: "weir:".into(),
            shared_keys: vec!["my_worker:*".into()],
            durability: Durability::default(),
            max_value_bytes: 1024 * 1024,
        }
    }
}

impl ResultsConfig {
    /// Checks what the types cannot, and names the key that is wrong.
    pub fn validate(&self) -> Result<(), ResultsError> {
        let refuse = |key, why: &str| {
            Err(ResultsError::Config {
                key,
                why: why.to_owned(),
            })
        };
        if !self.prefix.is_ascii() || self.prefix.len() > 32 {
            return refuse("results.prefix", "at most 32 ASCII characters");
        }
        if self
            .shared_keys
            .iter()
            .any(|pattern| pattern.starts_with('*'))
        {
            return refuse(
                "results.shared_keys",
                "a pattern begins with the name it shares, not with *",
            );
        }
        if self.max_value_bytes == 0 {
            return refuse("results.max_value_bytes", "at least 1");
        }
        self.redis_url.check()
    }
}

/// `results.backend`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackendSetting {
    /// By configuration and presence, never by reachability.
    #[default]
    Auto,
    /// The server at `redis_url`, or a managed one without.
    Redis,
    /// Tables in the database.
    Embedded,
}

/// `results.durability`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// Written out each second: when Redis or the host dies, the last two seconds may be lost.
    #[default]
    Second,
    /// On disk before the write is acknowledged.
    Disk,
}

/// A Redis URL, which may hold a password and therefore never prints.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct RedisUrl(String);

impl RedisUrl {
    /// Wraps a URL; an empty one is none.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// Whether there is one.
    pub fn is_set(&self) -> bool {
        !self.0.is_empty()
    }

    pub(super) fn client(&self) -> Result<redis::Client, ResultsError> {
        redis::Client::open(self.0.as_str()).map_err(|_| ResultsError::Config {
            key: "results.redis_url",
            why: "not a Redis URL (redis://, rediss:// or unix://)".to_owned(),
        })
    }

    fn check(&self) -> Result<(), ResultsError> {
        if self.is_set() {
            self.client().map(drop)
        } else {
            Ok(())
        }
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.is_set() {
            "RedisUrl(hidden)"
        } else {
            "RedisUrl(none)"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_does_not_print() {
        let config = ResultsConfig {
            redis_url: RedisUrl::new("redis://user:hunter2@localhost"),
            ..ResultsConfig::default()
        };
        assert!(!format!("{config:?}").contains("hunter2"));

        let broken = ResultsConfig {
            redis_url: RedisUrl::new("http://user:hunter2@localhost"),
            ..config
        };
        let refusal = broken.validate().unwrap_err().to_string();
        assert!(refusal.contains("results.redis_url") && !refusal.contains("hunter2"));
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(serde_json::from_str::<ResultsConfig>(r#"{"backnd": "auto"}"#).is_err());
        assert_eq!(
            serde_json::from_str::<ResultsConfig>("{}").unwrap(),
            ResultsConfig::default()
        );
    }

    #[test]
    fn the_defaults_are_valid() {
        ResultsConfig::default().validate().unwrap();
    }
}
