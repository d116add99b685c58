use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::{BuildContext, BuildError, ScorerKind, WatchedTable};
use crate::scoring::pool::PoolConfig;
use crate::scoring::{Formula, Scorer, Subject};
use crate::settings::Check;
use crate::snapshot::{Snapshot, SnapshotValue};
use weir_feed::host;

/// Keys of a scorer of the kind `lookup`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LookupConfig {
    lookup: LookupSource,
}

/// What is looked up, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LookupSource {
    /// Key of the store that holds `{"name": number, ...}`.
    key: String,
    by: LookupBy,
    /// Most names; a larger table is not used.
    max_entries: usize,
}

impl Default for LookupSource {
    fn default() -> Self {
        Self {
            key: String::new(),
            by: LookupBy::Author,
            max_entries: 1_000_000,
        }
    }
}

impl ScorerKind for LookupConfig {
    const NAME: &'static str = "lookup";

    fn validate(&self, check: &mut Check, _: &PoolConfig) {
        check.under("lookup", |check| {
            check.not_empty("key", &self.lookup.key);
            check.within("max_entries", self.lookup.max_entries, 1..=100_000_000);
        });
    }

    fn build(&self, context: &BuildContext) -> Result<Box<dyn Scorer>, BuildError> {
        Ok(Box::new(Lookup {
            by: self.lookup.by,
            table: context.table.clone(),
            absent: context.default,
        }))
    }

    fn watched_table(&self) -> Option<WatchedTable> {
        Some(WatchedTable {
            key: self.lookup.key.clone(),
            max_entries: self.lookup.max_entries,
        })
    }
}

/// Number from a table, by what [`LookupBy`] says of an item: how work done elsewhere reaches the serving path.
#[derive(Debug, Clone)]
struct Lookup {
    by: LookupBy,
    /// The newest table.
    table: Snapshot<LookupTable>,
    /// Score of an item that is not in the table.
    absent: f64,
}

/// What of an item is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum LookupBy {
    /// Its author's name hash.
    Author,
    /// Its id.
    Post,
    /// The host of its links, without `www.`, or a host above it; the first that the table knows.
    Domain,
    /// The user whom the feed is for.
    User,
    /// Its language.
    Language,
}

/// Numbers by name. Names are kept as 64-bit hashes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LookupTable(HashMap<u64, f64>);

/// Why a value is no lookup table.
#[derive(Debug, thiserror::Error)]
pub enum LookupTableError {
    /// It is not an object of numbers. What it is instead is not told, since it may hold user ids.
    #[error("expected an object of numbers, found something else at line {} column {}", .0.line(), .0.column())]
    Json(serde_json::Error),
    /// It has more entries than are allowed.
    #[error("{found} entries are more than {max}")]
    TooLarge {
        /// How many there are.
        found: usize,
        /// The most allowed.
        max: usize,
    },
}

impl LookupTable {
    /// Reads `{"name": number, ...}`, of at most `max` entries.
    pub fn from_json(json: &[u8], max: usize) -> Result<Self, LookupTableError> {
        let entries: HashMap<String, f64> =
            serde_json::from_slice(json).map_err(LookupTableError::Json)?;
        if entries.len() > max {
            return Err(LookupTableError::TooLarge {
                found: entries.len(),
                max,
            });
        }
        let hashed = entries
            .into_iter()
            .map(|(name, number)| (xxh3_64(name.as_bytes()), number));
        Ok(Self(hashed.collect()))
    }

    fn get(&self, name: &str) -> Option<f64> {
        self.0.get(&xxh3_64(name.as_bytes())).copied()
    }

    /// The number of a host, or of the nearest host above it.
    fn of_domain(&self, url: &str) -> Option<f64> {
        let host = host(url)?.to_ascii_lowercase();
        let mut domain = host.strip_prefix("www.").unwrap_or(&host);
        loop {
            match (self.get(domain), domain.split_once('.')) {
                (Some(number), _) => return Some(number),
                (None, Some((_, above))) => domain = above,
                (None, None) => return None,
            }
        }
    }
}

impl SnapshotValue for LookupTable {
    fn entries(&self) -> usize {
        self.0.len()
    }
}

impl Formula for Lookup {
    fn value(&self, Subject { item, session, .. }: Subject<'_>) -> f64 {
        let newest = self.table.load();
        let Some(table) = newest.as_ref() else {
            return self.absent;
        };
        let found = match self.by {
            LookupBy::Author => table.get(&item.author_name_hash),
            LookupBy::Post => table.get(&item.id),
            LookupBy::User => table.get(&session.user_id),
            LookupBy::Language => item.language.as_deref().and_then(|name| table.get(name)),
            LookupBy::Domain => item
                .embedded_urls
                .iter()
                .find_map(|url| table.of_domain(url)),
        };
        found.unwrap_or(self.absent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoring::kinds::tests::feed;

    const TABLE: &[u8] =
        br#"{"ann": 0.25, "example.org": 2, "news.example.org": 3, "en": 4, "u": 5, "p": 6}"#;

    fn lookup(by: LookupBy, url: &str) -> f64 {
        let mut feed = feed();
        let item = &mut feed.items[0];
        item.author_name_hash = "ann".to_owned();
        item.id = "p".to_owned();
        item.language = Some("en".to_owned());
        item.embedded_urls = vec!["no address".to_owned(), url.to_owned()];
        feed.session.user_id = "u".to_owned();
        let table = Snapshot::default();
        table.store(Some(LookupTable::from_json(TABLE, 10).unwrap()));
        let lookup = Lookup {
            by,
            table,
            absent: -1.0,
        };
        lookup.value(Subject::new(&feed, &feed.items[0]))
    }

    #[track_caller]
    fn assert_close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found}");
    }

    #[test]
    fn a_number_is_found_by_author_post_user_and_language() {
        assert_close(lookup(LookupBy::Author, ""), 0.25);
        assert_close(lookup(LookupBy::Post, ""), 6.0);
        assert_close(lookup(LookupBy::User, ""), 5.0);
        assert_close(lookup(LookupBy::Language, ""), 4.0);
    }

    #[test]
    fn the_nearest_known_domain_counts() {
        for (url, expected) in [
            ("https://example.org/a?b", 2.0),
            ("http://me:pw@www.Example.ORG:8080", 2.0),
            ("https://sport.news.example.org/", 3.0),
            ("https://example.com/example.org", -1.0),
            ("https://org", -1.0),
        ] {
            assert_close(lookup(LookupBy::Domain, url), expected);
        }
    }

    #[test]
    fn a_table_that_is_too_large_or_no_table_is_refused() {
        let refusal = LookupTable::from_json(TABLE, 3).unwrap_err();
        assert_eq!(refusal.to_string(), "6 entries are more than 3");
        let refusal = LookupTable::from_json(b"[1]", 3).unwrap_err().to_string();
        assert!(
            refusal.starts_with("expected an object of numbers"),
            "{refusal}"
        );
    }
}
