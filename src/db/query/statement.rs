//! As much of SQL's surface as tells a SELECT from something else and one statement from two.

/// Whether the first word is that of a query, after comments and parentheses.
pub fn is_select(sql: &str) -> bool {
    let mut code = Code::new(sql).skip_while(|c| c.is_whitespace() || *c == '(');
    let first: String = code
        .by_ref()
        .take_while(char::is_ascii_alphabetic)
        .collect();
    ["select", "with", "values"]
        .iter()
        .any(|word| first.eq_ignore_ascii_case(word))
}

/// Whether nothing but space and comments follows the first semicolon, by SQLite's rules of quoting.
pub(super) fn is_single(sql: &str) -> bool {
    let mut code = Code::new(sql).skip_while(|c| *c != ';');
    code.all(|c| c == ';' || c.is_whitespace())
}

/// Returns the length of the first statement without its semicolon, by Postgres' rules of quoting.
pub(super) fn end_of_statement(sql: &str) -> usize {
    let mut rest = sql;
    let (mut before, mut earlier) = (' ', ' ');
    let in_name = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        let skipped = match first {
            ';' => return sql.len() - rest.len(),
            '\'' if matches!(before, 'e' | 'E') && !in_name(earlier) => skip_escaped(after),
            '\'' | '"' => skip_to(after, &first.to_string()),
            '-' if after.starts_with('-') => skip_to(after, "\n"),
            '/' if after.starts_with('*') => skip_comment(&after[1..]),
            '$' if !in_name(before) => skip_dollar_quoted(rest).unwrap_or(after),
            _ => after,
        };
        (earlier, before) = (before, first);
        rest = skipped;
    }
    sql.len()
}

/// Returns what follows the first `end`.
fn skip_to<'s>(rest: &'s str, end: &str) -> &'s str {
    rest.find(end).map_or("", |at| &rest[at + end.len()..])
}

/// Returns what follows the quote that ends `E'...'`, in which a backslash takes the meaning of what follows.
fn skip_escaped(rest: &str) -> &str {
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '\'' => return &rest[at + 1..],
            _ => {}
        }
    }
    ""
}

/// Returns what follows a comment, which may hold others.
fn skip_comment(mut rest: &str) -> &str {
    let mut depth = 1;
    while depth > 0 {
        let Some(at) = rest.find(['/', '*']) else {
            return "";
        };
        let found = &rest[at..];
        (depth, rest) = if let Some(inner) = found.strip_prefix("/*") {
            (depth + 1, inner)
        } else if let Some(outer) = found.strip_prefix("*/") {
            (depth - 1, outer)
        } else {
            (depth, &found[1..])
        };
    }
    rest
}

/// Returns what follows `$TAG$...$TAG$`, if `rest` begins with that.
fn skip_dollar_quoted(rest: &str) -> Option<&str> {
    let end = rest[1..].find('$')? + 2;
    let tag = &rest[..end];
    let name = &tag[1..end - 1];
    let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    is_name.then(|| skip_to(&rest[end..], tag))
}

/// The characters outside quotes and comments; a quoted part counts as `'`, a comment as a space.
struct Code<'s> {
    rest: &'s str,
}

impl<'s> Code<'s> {
    fn new(rest: &'s str) -> Self {
        Self { rest }
    }

    /// Skips to after `end`, or to the end of all.
    fn skip_past(&mut self, end: &str) {
        let after = self
            .rest
            .find(end)
            .map_or(self.rest.len(), |at| at + end.len());
        self.rest = &self.rest[after..];
    }
}

impl Iterator for Code<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let first = self.rest.chars().next()?;
        let whole = self.rest;
        self.rest = &self.rest[first.len_utf8()..];
        // A doubled quote ends one quoted part and begins the next, which comes to the same.
        match first {
            '\'' => self.skip_past("'"),
            '"' => self.skip_past("\""),
            '`' => self.skip_past("`"),
            '[' => self.skip_past("]"),
            '-' if whole.starts_with("--") => {
                self.skip_past("\n");
                return Some(' ');
            }
            '/' if whole.starts_with("/*") => {
                self.rest = &whole[2..];
                self.skip_past("*/");
                return Some(' ');
            }
            _ => return Some(first),
        }
        Some('\'')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_select_is_told_by_its_first_word() {
        for sql in [
            "SELECT 1",
            " -- why\n /* ; */ select 1",
            "WITH a AS (SELECT 1) SELECT * FROM a",
            "(SELECT 1) UNION (SELECT 2)",
            "values (1)",
            "select*from posts",
        ] {
            assert!(is_select(sql), "{sql}");
        }
        for sql in [
            "",
            "DELETE FROM posts",
            "-- SELECT",
            "selection",
            "PRAGMA x",
            "; SELECT 1",
            "'SELECT'",
        ] {
            assert!(!is_select(sql), "{sql}");
        }
    }

    #[test]
    fn the_semicolon_of_postgres_is_found() {
        for (sql, kept) in [
            ("SELECT 1", "SELECT 1"),
            ("SELECT 1;; -- end", "SELECT 1"),
            ("SELECT ';', E'\\';', \";\";", "SELECT ';', E'\\';', \";\""),
            ("SELECT $$;$$, $a$;$$;$a$ ;", "SELECT $$;$$, $a$;$$;$a$ "),
            ("SELECT a$1;$1", "SELECT a$1"),
            ("SELECT 1 LIKE'\\'; --'", "SELECT 1 LIKE'\\'"),
            (
                "SELECT /* ; /* ; */ ; */ 1 -- ;\n;",
                "SELECT /* ; /* ; */ ; */ 1 -- ;\n",
            ),
        ] {
            assert_eq!(&sql[..end_of_statement(sql)], kept);
        }
    }

    #[test]
    fn one_statement_is_told_from_two() {
        for sql in [
            "SELECT 1",
            "SELECT 1;",
            "SELECT 1; -- that was all",
            "SELECT ';' || \"a;b\" || [c;d] || `e;f` || 'it''s; so'",
            "SELECT 1 /* ; SELECT 2 */",
            "SELECT 1;; /* ;",
        ] {
            assert!(is_single(sql), "{sql}");
        }
        for sql in [
            "SELECT 1; SELECT 2",
            "SELECT ''; ATTACH 'x' AS y",
            "SELECT 1 --\n; SELECT 2",
            "SELECT '/*'; SELECT 2 /*'*/",
        ] {
            assert!(!is_single(sql), "{sql}");
        }
    }
}
