use xxhash_rust::xxh3::Xxh3;

/// Items of one feed with the inputs of a program, by the keys of its schema.
///
/// A column may be shorter than the feed; the values at its end are missing then. A number that is not finite is missing.
pub trait Feed<'f, K> {
    /// Returns the number of items.
    fn len(&self) -> usize;

    /// Returns whether there are no items.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the id of the user, for `random`.
    fn user_id(&self) -> &str;

    /// Returns the id of an item, for `random`.
    fn item_id(&self, item: usize) -> &str;

    /// Appends the numbers of an input to an empty column.
    fn numbers(&self, key: &K, column: &mut Vec<Option<f64>>);

    /// Appends the texts of an input to an empty column.
    fn texts(&self, key: &K, column: &mut Vec<Option<&'f str>>);

    /// Appends the booleans of an input to an empty column.
    fn booleans(&self, key: &K, column: &mut Vec<Option<bool>>);
}

/// Returns the number in `[0, 1)` that `random(salt)` gives a user and an item.
///
/// It is the top 53 bits of XXH3-64 over the salt, the user's id and the item's id, the first two preceded by their lengths in bytes
/// as 64-bit little-endian integers, divided by 2^53.
pub fn random(salt: &str, user: &str, item: &str) -> f64 {
    let mut hash = Xxh3::new();
    for part in [salt, user] {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.update(item.as_bytes());
    (hash.digest() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Returns whether a language tag matches a range by basic filtering (RFC 4647, 3.3.1).
pub(super) fn matches_language(tag: &str, range: &str) -> bool {
    if range == "*" {
        return !tag.is_empty();
    }
    let (tag, range) = (tag.as_bytes(), range.as_bytes());
    let prefix = tag.get(..range.len());
    prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(range))
        && matches!(tag.get(range.len()), None | Some(b'-'))
}
