//! Values of normalised items: pseudonyms for ids and names, and the links in a text.

use sha2::{Digest, Sha256};
use weir_feed::is_web_address;

/// Fixed, so that ids are the same in all runs and files.
const ID_SALT: &str = "weir";

/// Salted SHA-256 hash.
pub(super) type Pseudonym = [u8; 32];

/// Hasher of ids and author names.
pub(crate) struct Pseudonyms {
    author_salt: Vec<u8>,
}

impl Pseudonyms {
    /// Creates a hasher with a given salt for author names, or with a random one.
    pub(super) fn new(author_salt: Option<&str>) -> Self {
        let author_salt = match author_salt {
            Some(salt) => salt.as_bytes().to_vec(),
            None => rand::random::<[u8; 16]>().to_vec(),
        };
        Self { author_salt }
    }

    /// Returns the pseudonym of an item's id, ignoring Reddit's prefixes `t1_` and `t3_`.
    pub(super) fn id(id: &str) -> Pseudonym {
        let id = id
            .strip_prefix("t1_")
            .or_else(|| id.strip_prefix("t3_"))
            .unwrap_or(id);
        salted(ID_SALT.as_bytes(), &[id])
    }

    /// Returns the pseudonym of something that has no id and is identified by `fields`.
    pub(crate) fn for_fields(fields: &[&str]) -> Pseudonym {
        salted(ID_SALT.as_bytes(), fields)
    }

    /// Returns the hexadecimal pseudonym of an author's name.
    pub(super) fn author(&self, name: &str) -> String {
        hex(&salted(&self.author_salt, &[name]))
    }
}

fn salted(salt: &[u8], fields: &[&str]) -> Pseudonym {
    let mut hash = Sha256::new();
    hash.update(salt);
    for field in fields {
        hash.update([0]);
        hash.update(field);
    }
    hash.finalize().into()
}

/// Returns the hexadecimal digits of a hash.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(DIGITS[usize::from(digit)]));
        }
    }
    text
}

/// Returns the first half of a pseudonym, as a key for sorting and lookup.
pub(super) fn key(pseudonym: &Pseudonym) -> u128 {
    pseudonym
        .iter()
        .take(16)
        .fold(0, |key, &byte| key << 8 | u128::from(byte))
}

/// Returns the distinct `http` and `https` links in a text, in order, without trailing punctuation.
pub(super) fn links(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("http") {
        let address = &rest[start..];
        let end = address
            .find(|c: char| {
                c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '`')
            })
            .unwrap_or(address.len());
        let link = address[..end]
            .trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}', '\'', '…', '*']);
        let is_link = link.starts_with("http://") || link.starts_with("https://");
        if is_link && is_web_address(link) && !found.iter().any(|known| known == link) {
            found.push(link.to_owned());
        }
        rest = &address[end.max("http".len())..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_distinct_and_end_before_punctuation() {
        let text = "See https://a.org/x?y=1, (http://b.org) and https://a.org/x?y=1. Not httpd, http://, https://a b";
        assert_eq!(
            links(text),
            ["https://a.org/x?y=1", "http://b.org", "https://a"]
        );
        assert!(links("nothing").is_empty());
    }
}
