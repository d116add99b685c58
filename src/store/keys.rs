//! Key spaces: ours under the prefix, and those shared with other programs.

use super::error::StoreError;
use crate::settings::StoreConfig;

/// The prefix also begins the names of tables and indexes, of which Postgres reads 63 bytes.
const MAX_PREFIX_BYTES: usize = 32;

/// A key as the store holds it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    name: String,
    shared: bool,
}

impl Key {
    /// The key in full, prefix included.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether other programs read and write it, as plain text.
    pub fn is_shared(&self) -> bool {
        self.shared
    }
}

/// Turns the names that callers use into keys of the store.
#[derive(Clone, Debug)]
pub struct KeySpace {
    prefix: String,
    shared: Vec<String>,
}

impl KeySpace {
    /// The spaces that `settings` name, unless these make no sense.
    pub fn new(settings: &StoreConfig) -> Result<Self, StoreError> {
        if !settings.prefix.is_ascii() || settings.prefix.len() > MAX_PREFIX_BYTES {
            return Err(StoreError::Setting {
                key: "store.prefix",
                why: "at most 32 ASCII characters",
            });
        }
        if settings
            .shared_keys
            .iter()
            .any(|pattern| pattern.starts_with('*'))
        {
            return Err(StoreError::Setting {
                key: "store.shared_keys",
                why: "a pattern begins with the name it shares, not with *",
            });
        }
        Ok(Self {
            prefix: settings.prefix.clone(),
            shared: settings.shared_keys.clone(),
        })
    }

    /// The key for `name`: as it is if it matches a shared pattern, else `<prefix>result:<name>`.
    pub fn key(&self, name: &str) -> Result<Key, StoreError> {
        check(name)?;
        let shared = self.shared.iter().any(|pattern| matches(pattern, name));
        let name = if shared {
            name.to_owned()
        } else {
            format!("{}result:{name}", self.prefix)
        };
        Ok(Key { name, shared })
    }

    /// The key of a claim, which is Weir's alone: `<prefix>claim:<name>`.
    pub fn claim(&self, name: &str) -> Result<Key, StoreError> {
        check(name)?;
        let name = format!("{}claim:{name}", self.prefix);
        Ok(Key {
            name,
            shared: false,
        })
    }
}

/// Whether a text can be a key: 1 to 512 bytes without control characters.
pub fn is_key(name: &str) -> bool {
    (1..=512).contains(&name.len()) && !name.chars().any(char::is_control)
}

fn check(name: &str) -> Result<(), StoreError> {
    if is_key(name) {
        return Ok(());
    }
    Err(StoreError::InvalidKey { key: name.into() })
}

/// Whether `name` matches `pattern`, in which `*` stands for any characters.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(rest) = name.strip_prefix(head) else {
        return false;
    };
    let mut starts = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    starts.any(|at| matches(tail, &rest[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, name, expected) in [
            ("my_worker:*", "my_worker:scheduled:top", true),
            ("my_worker:*", "my_worker:", true),
            ("my_worker:*", "weir:my_worker:x", false),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("a*b*d", "aébcd", true),
            ("exact", "exact", true),
            ("exact", "exactly", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn shared_keys_stay_as_they_are_and_ours_get_the_prefix() {
        let keys = KeySpace::new(&StoreConfig::default()).unwrap();
        let shared = keys.key("my_worker:scheduled:top").unwrap();
        assert_eq!(
            (shared.name(), shared.is_shared()),
            ("my_worker:scheduled:top", true)
        );
        let ours = keys.key("report").unwrap();
        assert_eq!(
            (ours.name(), ours.is_shared()),
            ("weir:result:report", false)
        );
    }

    #[test]
    fn spaces_that_make_no_sense_are_refused_by_setting() {
        let long = StoreConfig {
            prefix: "p".repeat(33),
            ..StoreConfig::default()
        };
        let everything = StoreConfig {
            shared_keys: vec!["*".into()],
            ..StoreConfig::default()
        };
        for (settings, key) in [(long, "store.prefix"), (everything, "store.shared_keys")] {
            let refusal = KeySpace::new(&settings).unwrap_err();
            assert!(refusal.to_string().starts_with(key), "{refusal}");
        }
    }

    #[test]
    fn an_empty_long_or_unprintable_key_is_refused() {
        let keys = KeySpace::new(&StoreConfig::default()).unwrap();
        for name in ["", "a\0b", &"k".repeat(513)] {
            assert!(
                matches!(keys.key(name), Err(StoreError::InvalidKey { .. })),
                "{name:?}"
            );
        }
    }
}
