use std::path::PathBuf;

use serde::Deserialize;

use super::Check;
use super::ConnectionUrl;
use super::redis_url;

/// `[store]`: the store of what outlives a message.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// Which store.
    pub backend: Backend,
    /// An external Redis, `redis://`, `rediss://` or `unix://`; empty means a `redis-server` child of Weir's own.
    pub redis_url: ConnectionUrl,
    /// The certificates of the authorities that `rediss://` trusts, in PEM format; empty means those that the system trusts.
    pub redis_ca_file: PathBuf,
    /// The certificate that Weir shows to a Redis that asks for one, in PEM format; empty for none.
    pub redis_cert_file: PathBuf,
    /// The private key of that certificate.
    pub redis_key_file: PathBuf,
    /// What every key begins with.
    pub prefix: String,
    /// Patterns of keys that are shared with other programs: written and read without the prefix.
    pub shared_keys: Vec<String>,
    /// What a write has reached when it is acknowledged.
    pub durability: Durability,
    /// The largest value, in bytes.
    pub max_value_bytes: usize,
}

/// Which store keeps the results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// Redis by URL; without one a `redis-server` found on PATH; without that the embedded store.
    #[default]
    Auto,
    /// Redis: by URL, or as a child process.
    Redis,
    /// A database file in the data folder, or tables beside the posts when these are in Postgres.
    Embedded,
}

/// What a write has reached when it is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// Memory, and the disk within a second: when Redis or the host dies, the last two seconds may be lost.
    #[default]
    Second,
    /// The disk: survives the host's death, at the cost of a sync for each write.
    Disk,
}

impl StoreConfig {
    pub(super) fn check(&self, check: &mut Check) {
        if let Err(expected) = redis_url::check(self.redis_url.expose()) {
            check.require("redis_url", self.redis_url.is_empty(), || {
                expected.to_owned()
            });
        }
        let files = [&self.redis_cert_file, &self.redis_key_file];
        let both_or_none = files[0].as_os_str().is_empty() == files[1].as_os_str().is_empty();
        check.require("redis_key_file", both_or_none, || {
            "redis_cert_file and redis_key_file need each other".to_owned()
        });
        let has_tls = self.redis_url.expose().starts_with("rediss://");
        let has_files = [&self.redis_ca_file]
            .into_iter()
            .chain(files)
            .any(|file| !file.as_os_str().is_empty());
        check.require("redis_url", has_tls || !has_files, || {
            "redis_ca_file, redis_cert_file and redis_key_file need rediss://".to_owned()
        });
        check.require(
            "prefix",
            self.prefix.is_ascii() && (1..=32).contains(&self.prefix.len()),
            || format!("expected 1 to 32 ASCII characters, found {:?}", self.prefix),
        );
        let begins_with_a_name =
            |pattern: &String| !pattern.is_empty() && !pattern.starts_with('*');
        check.require_each(
            "shared_keys",
            &self.shared_keys,
            begins_with_a_name,
            "a pattern begins with the name it shares, not with *",
        );
        check.within("max_value_bytes", self.max_value_bytes, 1..=512 << 20);
    }
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            backend: Backend::default(),
            redis_url: ConnectionUrl::default(),
            redis_ca_file: PathBuf::new(),
            redis_cert_file: PathBuf::new(),
            redis_key_file: PathBuf::new(),
            prefix: "weir:".to_owned(),
            shared_keys: vec!["my_worker:*".to_owned()],
            durability: Durability::default(),
            max_value_bytes: 1024 * 1024,
        }
    }
}
