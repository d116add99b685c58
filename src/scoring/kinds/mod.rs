//! Kinds of scorers, one file each: configuration, validation, construction and behaviour.

mod engagement;
mod http;
mod kind;
mod lexicon;
mod lookup;
mod program;
mod random;
mod recency;
mod sentiment;

pub use self::engagement::EngagementConfig;
pub use self::http::{
    Field as HttpField, Format as HttpFormat, HttpConfig, HttpOptions, HttpScorer,
};
pub(super) use self::kind::read;
pub use self::kind::{BuildContext, BuildError, KindConfig, ScorerKind, WatchedTable};
pub use self::lexicon::LexiconConfig;
pub use self::lookup::{LookupConfig, LookupTable, LookupTableError};
pub use self::program::{ProgramConfig, ProgramUse};
pub use self::random::RandomScorer;
pub use self::recency::RecencyConfig;
pub use self::sentiment::SentimentScorer;

use self::kind::Kind;

/// The kinds, in the order in which messages list them.
const KINDS: &[Kind] = &[
    Kind::of::<SentimentScorer>(),
    Kind::of::<RandomScorer>(),
    Kind::of::<EngagementConfig>(),
    Kind::of::<RecencyConfig>(),
    Kind::of::<LookupConfig>(),
    Kind::of::<LexiconConfig>(),
    Kind::of::<HttpConfig>(),
    Kind::of::<ProgramConfig>(),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;

    /// A feed of one post.
    pub(super) fn feed() -> weir_feed::RankRequest {
        use rand::SeedableRng;

        weir_lab::FakeFeed {
            posts: 1,
            comments: 0,
            platform: weir_feed::Platform::Twitter,
            now: chrono::Utc::now(),
        }
        .request(&mut rand_chacha::ChaCha8Rng::seed_from_u64(5))
    }

    /// The keys of each kind with the defaults that the comments of the default file give them.
    fn documented_defaults() -> BTreeMap<String, Value> {
        let file = include_str!("../../../config/default.toml");
        let is_before = |line: &&str| !line.starts_with("#   kind = ");
        let lines = file.lines().skip_while(is_before);
        let lines = lines.map_while(|line| line.strip_prefix("#   "));
        let mut kinds: Vec<(String, String)> = Vec::new();
        for line in lines {
            match line
                .strip_prefix("kind = \"")
                .map(|rest| rest.split_once("\":"))
            {
                Some(Some((name, keys))) => kinds.push((name.to_owned(), keys.to_owned())),
                _ => kinds.last_mut().unwrap().1.push_str(line),
            }
        }
        let read = |(name, keys): (String, String)| {
            let table: toml_edit::DocumentMut = format!("keys = {{ {keys} }}").parse().unwrap();
            let table: Value = toml_edit::de::from_document(table).unwrap();
            (name, table["keys"].clone())
        };
        kinds.into_iter().map(read).collect()
    }

    #[test]
    fn the_default_file_gives_every_key_of_every_kind_with_its_default() {
        let mut documented = documented_defaults();
        for kind in KINDS {
            let keys = Value::Object((kind.default)().to_keys());
            let expected = documented.remove(kind.name).unwrap_or_else(|| json!({}));
            assert_eq!(keys, expected, "kind {}", kind.name);
        }
        assert_eq!(documented, BTreeMap::new());
    }

    #[test]
    fn the_manual_names_every_key_of_every_kind() {
        let root = env!("CARGO_MANIFEST_DIR");
        let manual = std::fs::read_to_string(format!("{root}/docs/configuration.md")).unwrap();
        for kind in KINDS {
            for (key, _) in (kind.default)().to_keys() {
                assert!(
                    manual.contains(&format!("`{key}`")),
                    "{key} of the kind {}",
                    kind.name
                );
            }
        }
    }
}
