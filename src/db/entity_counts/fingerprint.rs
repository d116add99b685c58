use std::fmt;

use xxhash_rust::xxh3::Xxh3;

/// What the posts of a bucket are recognized by: how many rows there are, and the sum of their versions.
///
/// Versions are 64-bit hashes, so different sets of rows have the same fingerprint with a chance of about 2^-64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint {
    rows: u64,
    sum: i128,
}

impl Fingerprint {
    /// A fingerprint of `rows` rows whose versions add up to `sum`.
    pub(super) fn new(rows: u64, sum: i128) -> Self {
        Self { rows, sum }
    }

    /// The number of rows.
    pub fn rows(self) -> u64 {
        self.rows
    }

    /// Adds one row.
    pub fn add(&mut self, version: i64) {
        self.merge(Self::new(1, version.into()));
    }

    /// Adds other rows.
    pub(super) fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.sum += other.sum;
    }
}

/// The form in which fingerprints are stored.
impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.rows, self.sum)
    }
}

/// The columns of a row of SQLite that counts depend on.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowContent<'r> {
    pub(super) id: i64,
    pub(super) post_id: Option<&'r str>,
    pub(super) platform: &'r str,
    pub(super) created_at: &'r str,
    pub(super) post_blob: &'r str,
}

impl RowContent<'_> {
    /// Returns the version of the row, which differs from that of every other content.
    pub(super) fn version(self) -> i64 {
        let mut hash = Xxh3::new();
        hash.update(&self.id.to_le_bytes());
        hash.update(&[u8::from(self.post_id.is_some())]);
        let texts = [
            self.post_id.unwrap_or_default(),
            self.platform,
            self.created_at,
        ];
        for text in texts {
            hash.update(&(text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        hash.update(self.post_blob.as_bytes());
        hash.digest().cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: RowContent<'static> = RowContent {
        id: 1,
        post_id: Some("a"),
        platform: "reddit",
        created_at: "2017-05-31 23:00:00",
        post_blob: "{}",
    };

    #[test]
    fn rows_of_different_content_have_different_versions() {
        let rows = [
            ROW,
            RowContent { id: 2, ..ROW },
            RowContent {
                post_id: None,
                ..ROW
            },
            RowContent {
                post_id: Some(""),
                ..ROW
            },
            RowContent {
                post_id: Some("ar"),
                platform: "eddit",
                ..ROW
            },
            RowContent {
                created_at: "2017-05-31 23:00:01",
                ..ROW
            },
            RowContent {
                post_blob: "[]",
                ..ROW
            },
            RowContent {
                created_at: "2017-05-31 23:00:00{}",
                post_blob: "",
                ..ROW
            },
        ];
        let mut versions: Vec<i64> = rows.iter().map(|row| row.version()).collect();
        versions.sort_unstable();
        versions.dedup();
        assert_eq!(versions.len(), rows.len());
    }

    #[test]
    fn the_order_of_rows_does_not_matter() {
        let fingerprint = |versions: &[i64]| {
            let mut fingerprint = Fingerprint::default();
            for &version in versions {
                fingerprint.add(version);
            }
            fingerprint
        };
        assert_eq!(
            fingerprint(&[1, i64::MAX, 2]),
            fingerprint(&[2, 1, i64::MAX])
        );
        assert_eq!(fingerprint(&[1, -3]).to_string(), "2:-2");
    }
}
