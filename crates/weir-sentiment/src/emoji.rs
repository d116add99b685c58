//! Emoji become the words that describe them.

use std::{borrow::Cow, sync::LazyLock};

use super::key::FixedMap;

const TABLE: &str = include_str!("../data/emoji_utf8_lexicon.txt");

/// The emoji of one code point. Those of several never match: the text is read by single code points.
static DESCRIPTIONS: LazyLock<FixedMap<char, &'static str>> =
    LazyLock::new(|| TABLE.lines().filter_map(row).collect());

fn row(line: &'static str) -> Option<(char, &'static str)> {
    let mut columns = line.trim().split('\t');
    let mut emoji = columns.next()?.chars();
    match (emoji.next(), emoji.next()) {
        (Some(emoji), None) => Some((emoji, columns.next()?)),
        _ => None,
    }
}

/// `text` with each emoji replaced by its description, which is set off from what stands before it but not from
/// what follows. At most 13 times as long as `text`.
pub(super) fn spelled_out(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut spelled: Option<String> = None;
    let mut copied = 0;
    let mut after_space = true;
    for (at, c) in text.char_indices() {
        let description = if c.is_ascii() {
            None
        } else {
            DESCRIPTIONS.get(&c)
        };
        if let Some(description) = description {
            let spelled = spelled.get_or_insert_with(|| String::with_capacity(2 * text.len()));
            spelled.push_str(&text[copied..at]);
            if !after_space {
                spelled.push(' ');
            }
            spelled.push_str(description);
            copied = at + c.len_utf8();
        }
        after_space = c == ' ';
    }
    match spelled {
        Some(mut spelled) => {
            spelled.push_str(&text[copied..]);
            Cow::Owned(spelled)
        }
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_emoji_is_borrowed() {
        assert!(matches!(
            spelled_out("na\u{ef}ve “quotes”"),
            Cow::Borrowed(_)
        ));
    }

    #[test]
    fn an_emoji_is_set_off_before_but_not_after() {
        assert_eq!(
            spelled_out("so😀😂good 😁"),
            "so grinning face face with tears of joygood beaming face with smiling eyes"
        );
    }

    #[test]
    fn a_description_is_at_most_thirteen_times_as_long_as_its_emoji() {
        assert!(
            DESCRIPTIONS
                .iter()
                .all(|(emoji, words)| words.len() < 13 * emoji.len_utf8())
        );
    }
}
