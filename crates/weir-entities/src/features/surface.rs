//! The name inside a surface form.

/// `form` without a leading `@` or `#`, a possessive ending, and quotation or punctuation around it.
///
/// A stop inside or after an abbreviation stays: "U.S." is a name.
pub(crate) fn name(form: &str) -> &str {
    let trimmed = form.trim_matches(|c: char| !(c.is_alphanumeric() || c == '.'));
    let plain = ["'s", "’s", "'S", "’S", "´s", "`s"]
        .iter()
        .find_map(|ending| trimmed.strip_suffix(ending))
        .unwrap_or(trimmed);
    let plain = plain
        .trim_matches(|c: char| !(c.is_alphanumeric() || c == '.'))
        .trim_start_matches('.')
        .trim_start();
    let body = plain.trim_end_matches('.');
    if body.contains('.') {
        &plain[..plain.len().min(body.len() + 1)]
    } else {
        body
    }
}

/// What two spellings of one name have in common: lower case, single spaces, straight apostrophes.
pub(crate) fn key(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    push_key(name, &mut key);
    key
}

/// Appends the [`key`] of a name to an empty text.
pub(crate) fn push_key(name: &str, key: &mut String) {
    for word in name.split_whitespace() {
        if !key.is_empty() {
            key.push(' ');
        }
        if word.is_ascii() {
            let start = key.len();
            key.push_str(word);
            key[start..].make_ascii_lowercase();
        } else {
            let straight = |c| if c == '\u{2019}' { '\'' } else { c };
            key.extend(word.chars().map(straight).flat_map(char::to_lowercase));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn possessives_signs_and_punctuation_come_off() {
        assert_eq!(name("Obama's"), "Obama");
        assert_eq!(name("\u{201c}Trump\u{2019}s\u{201d},"), "Trump");
        assert_eq!(name("#London"), "London");
        assert_eq!(name("@BBCNews:"), "BBCNews");
        assert_eq!(name("Bush."), "Bush");
        assert_eq!(name("U.S."), "U.S.");
        assert_eq!(name("George W. Bush"), "George W. Bush");
        assert_eq!(name("..."), "");
    }

    #[test]
    fn spellings_meet_in_one_key() {
        assert_eq!(key("NEW  York"), key("new york"));
        assert_eq!(key("O’Brien"), key("O'BRIEN"));
    }
}
