use sha2::{Digest, Sha256};

/// The same in every run, so that ids keep their meaning across runs and files.
const ID_SALT: &str = "weir";

/// A salted SHA-256 hash.
pub(in crate::seeding) type Pseudonym = [u8; 32];

/// Stands hashes in place of ids and names.
pub(in crate::seeding) struct Pseudonyms {
    author_salt: Vec<u8>,
}

impl Pseudonyms {
    /// With a given salt for names, or one that is forgotten with this value.
    pub(in crate::seeding) fn new(author_salt: Option<&str>) -> Self {
        let author_salt = match author_salt {
            Some(salt) => salt.as_bytes().to_vec(),
            None => rand::random::<[u8; 16]>().to_vec(),
        };
        Self { author_salt }
    }

    /// Of a post's or comment's id, without Reddit's `t1_` or `t3_`.
    pub(in crate::seeding) fn id(id: &str) -> Pseudonym {
        let id = id
            .strip_prefix("t1_")
            .or_else(|| id.strip_prefix("t3_"))
            .unwrap_or(id);
        salted(ID_SALT.as_bytes(), &[id])
    }

    /// Of something that has no id but is told apart by these fields.
    pub(in crate::seeding) fn of_fields(fields: &[&str]) -> Pseudonym {
        salted(ID_SALT.as_bytes(), fields)
    }

    /// Of an author's name, as hexadecimal digits.
    pub(in crate::seeding) fn author(&self, name: &str) -> String {
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

/// Hexadecimal digits, as they stand in a content item.
pub(in crate::seeding) fn hex(pseudonym: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * pseudonym.len());
    for byte in pseudonym {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(DIGITS[usize::from(digit)]));
        }
    }
    text
}

/// The first half, as a key to sort or look up by.
pub(in crate::seeding) fn key(pseudonym: &Pseudonym) -> u128 {
    pseudonym
        .iter()
        .take(16)
        .fold(0, |key, &byte| key << 8 | u128::from(byte))
}
