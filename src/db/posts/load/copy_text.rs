use std::io::Write;

use super::super::{
    json_text::{storable_json, storable_text},
    new_post::NewPost,
};

/// Posts in the text format of COPY, in the order of the columns.
/// <https://www.postgresql.org/docs/current/sql-copy.html>
#[derive(Default)]
pub(super) struct CopyText(Vec<u8>);

impl CopyText {
    pub(super) fn push(&mut self, post: &NewPost) {
        self.text(&storable_text(&post.post_id), b'\t');
        self.time(post.session_timestamp);
        self.text(&storable_text(&post.session_user_id), b'\t');
        self.text(&storable_text(&post.platform), b'\t');
        self.text(&storable_text(&post.kind), b'\t');
        self.text(&storable_text(&post.author_name_hash), b'\t');
        self.time(post.created_at);
        self.text(&storable_json(post.post_blob.get()), b'\n');
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn text(&mut self, text: &str, end: u8) {
        let mut rest = text.as_bytes();
        while let Some(at) = rest
            .iter()
            .position(|byte| matches!(byte, b'\\' | b'\t' | b'\n' | b'\r'))
        {
            self.0.extend_from_slice(&rest[..at]);
            self.0.push(b'\\');
            self.0.push(match rest[at] {
                b'\t' => b't',
                b'\n' => b'n',
                b'\r' => b'r',
                other => other,
            });
            rest = &rest[at + 1..];
        }
        self.0.extend_from_slice(rest);
        self.0.push(end);
    }

    fn time(&mut self, time: chrono::DateTime<chrono::Utc>) {
        // Writing to memory does not fail.
        let _ = write!(self.0, "{}\t", time.format("%Y-%m-%d %H:%M:%S%.6f+00"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_field_or_a_row_is_escaped() {
        let mut rows = CopyText::default();
        rows.text("a\tb\\c\r\nd", b'\t');
        rows.text("", b'\n');
        assert_eq!(rows.into_bytes(), b"a\\tb\\\\c\\r\\nd\t\n");
    }
}
