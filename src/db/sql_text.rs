//! The text of statements and of rows as the databases read it.

use sea_orm::DbBackend;

/// A name as both databases take any name.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The placeholders of `rows` rows of `columns` values, as `(?, ?), (?, ?)`.
///
/// SQLite takes numbered ones as well, but looks each of them up in a list of all.
pub(super) fn placeholders(backend: DbBackend, rows: usize, columns: usize) -> String {
    let mut number = 0;
    let mut next = || {
        number += 1;
        match backend {
            DbBackend::Postgres => format!("${number}"),
            _ => "?".to_owned(),
        }
    };
    let mut row = || (0..columns).map(|_| next()).collect::<Vec<_>>().join(", ");
    let rows: Vec<String> = (0..rows).map(|_| format!("({})", row())).collect();
    rows.join(", ")
}

/// Rows in the text format of COPY, field by field. <https://www.postgresql.org/docs/current/sql-copy.html>
#[derive(Debug, Default)]
pub(super) struct CopyText(Vec<u8>);

impl CopyText {
    /// Adds a field to the row.
    pub(super) fn field(&mut self, text: &str) {
        let mut rest = text.as_bytes();
        let is_special = |byte: &u8| matches!(byte, b'\\' | b'\t' | b'\n' | b'\r');
        while let Some(at) = rest.iter().position(is_special) {
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
        self.0.push(b'\t');
    }

    /// Adds a field without a value.
    pub(super) fn null(&mut self) {
        self.0.extend_from_slice(b"\\N\t");
    }

    /// Ends a row that has fields.
    pub(super) fn end_row(&mut self) {
        if let Some(last) = self.0.last_mut() {
            *last = b'\n';
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// The fields of a row as COPY writes it, without the end of its line.
pub(super) fn fields(row: &str) -> impl Iterator<Item = Option<String>> {
    row.split('\t')
        .map(|field| (field != "\\N").then(|| unescaped(field)))
}

fn unescaped(field: &str) -> String {
    let mut text = String::with_capacity(field.len());
    let mut rest = field;
    while let Some((before, escaped)) = rest.split_once('\\') {
        text.push_str(before);
        let mut characters = escaped.chars();
        match characters.next() {
            Some('b') => text.push('\u{8}'),
            Some('f') => text.push('\u{c}'),
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some('v') => text.push('\u{b}'),
            Some(other) => text.push(other),
            None => {}
        }
        rest = characters.as_str();
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_numbers_them_and_sqlite_does_not() {
        assert_eq!(placeholders(DbBackend::Sqlite, 2, 2), "(?, ?), (?, ?)");
        assert_eq!(
            placeholders(DbBackend::Postgres, 2, 2),
            "($1, $2), ($3, $4)"
        );
    }

    #[test]
    fn what_ends_a_field_or_a_row_is_escaped() {
        let mut rows = CopyText::default();
        rows.field("a\tb\\c\r\nd");
        rows.null();
        rows.field("");
        rows.end_row();
        assert_eq!(rows.into_bytes(), b"a\\tb\\\\c\\r\\nd\t\\N\t\n");
    }

    #[test]
    fn a_row_is_read_as_it_was_written() {
        let row = "a\\tb\\\\c\\r\\nd\\be\t\\N\t\t\\\\N";
        let read: Vec<_> = fields(row).collect();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            read,
            [text("a\tb\\c\r\nd\u{8}e"), None, text(""), text("\\N")]
        );
    }
}
