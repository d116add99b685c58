//! Splits social text into words, handles, tags, links and signs.

pub(crate) mod handle;

/// Outward form of a token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum TokenKind {
    #[default]
    Word,
    Number,
    Sign,
    Url,
    Mention,
    Hashtag,
    Symbol,
}

impl TokenKind {
    /// Classifies a token, wherever it was cut.
    pub(crate) fn of(token: &str) -> Self {
        let mut chars = token.chars();
        match chars.next() {
            Some('@') if chars.next().is_some_and(is_word) => Self::Mention,
            Some('#') if chars.next().is_some_and(is_word) => Self::Hashtag,
            _ if is_url(token) => Self::Url,
            _ if token.chars().any(char::is_alphabetic) => Self::Word,
            _ if token.chars().any(|c| c.is_ascii_digit()) => Self::Number,
            _ if token.is_ascii() => Self::Sign,
            _ => Self::Symbol,
        }
    }
}

/// A token's byte range in its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Byte offset of the first character.
    pub start: usize,
    /// Byte offset after the last character.
    pub end: usize,
}

/// Abbreviations that keep their full stop.
const ABBREVIATIONS: [&str; 26] = [
    "mr", "mrs", "ms", "dr", "st", "jr", "sr", "prof", "gen", "sen", "rep", "gov", "lt", "col",
    "sgt", "capt", "inc", "ltd", "co", "corp", "vs", "no", "mt", "ft", "rev", "hon",
];

/// Clitics that are tokens of their own, after either apostrophe.
const CLITICS: [&str; 6] = ["s", "m", "d", "re", "ve", "ll"];

/// Cuts `text` into tokens, in order and without overlap; whitespace belongs to none.
///
/// Links, @handles and #tags stay whole; `'s` and `n't` stand alone; "U.S.", "St." and "George W." keep their stops; a run of
/// one sign ("!!!") is one token.
pub fn tokenize(text: &str, tokens: &mut Vec<Token>) {
    tokens.clear();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        if first.is_whitespace() || first.is_control() {
            at += first.len_utf8();
            continue;
        }
        let end = at + token_len(&text[at..], first);
        if first.is_alphanumeric() && !is_url(&text[at..end]) {
            push_word(text, at, end, tokens);
        } else {
            tokens.push(Token { start: at, end });
        }
        at = end;
    }
}

/// The length in bytes of the token at the start of `rest`, which begins with `first`.
fn token_len(rest: &str, first: char) -> usize {
    if is_url(rest) {
        return url_len(rest);
    }
    match first {
        '@' | '#' => 1 + run_len(&rest[1..], is_word),
        _ if is_word(first) => word_len(rest),
        _ => run_len(rest, |c| c == first),
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}')
}

fn run_len(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

fn is_url(text: &str) -> bool {
    ["http://", "https://", "www."].iter().any(|scheme| {
        text.len() > scheme.len()
            && text.is_char_boundary(scheme.len())
            && text[..scheme.len()].eq_ignore_ascii_case(scheme)
    })
}

fn url_len(rest: &str) -> usize {
    let url = &rest[..run_len(rest, |c| {
        !c.is_whitespace() && !matches!(c, '<' | '>' | '"' | '\u{2026}')
    })];
    url.trim_end_matches(['.', ',', '!', '?', ':', ';', ')', ']', '\'', '*'])
        .len()
}

/// A word runs over letters and digits, and over a joining sign between two of them.
fn word_len(rest: &str) -> usize {
    let mut end = run_len(rest, is_word);
    loop {
        let mut after = rest[end..].chars();
        let (Some(sign), Some(next)) = (after.next(), after.next()) else {
            break;
        };
        if !is_word(next) || !joins(&rest[..end], sign, next) {
            break;
        }
        let start = end + sign.len_utf8();
        end = start + run_len(&rest[start..], is_word);
    }
    if rest[end..].starts_with('.') && keeps_stop(&rest[..end], &rest[end + 1..]) {
        end + 1
    } else {
        end
    }
}

fn joins(word: &str, sign: char, next: char) -> bool {
    let before = word.chars().next_back();
    match sign {
        '-' => true,
        '\'' | '\u{2019}' => before.is_some_and(char::is_alphabetic) && next.is_alphabetic(),
        '&' => before.is_some_and(char::is_uppercase) && next.is_uppercase(),
        '.' => {
            is_number(before, next)
                || (next.is_alphabetic() && word.rsplit('.').next().is_some_and(is_initial))
        }
        ',' | ':' => is_number(before, next),
        _ => false,
    }
}

fn is_number(before: Option<char>, next: char) -> bool {
    before.is_some_and(|c| c.is_ascii_digit()) && next.is_ascii_digit()
}

fn is_initial(part: &str) -> bool {
    let mut chars = part.chars();
    chars.next().is_some_and(char::is_alphabetic) && chars.next().is_none()
}

/// Returns whether the stop after `word` belongs to it: in "U.S.", in "Mr.", and after an initial that is not the last word.
fn keeps_stop(word: &str, rest: &str) -> bool {
    if word.len() > 1 && word.split('.').count() > 1 && word.split('.').all(is_initial) {
        return true;
    }
    let mut after = rest.chars();
    let more = after.next() == Some(' ') && after.next().is_some_and(char::is_alphanumeric);
    let capital = word.len() == 1 && word.bytes().all(|b| b.is_ascii_uppercase()) && word != "I";
    more && (capital
        || ABBREVIATIONS
            .iter()
            .any(|known| word.eq_ignore_ascii_case(known)))
}

/// Pushes a word, its clitic ("'s", "n't") as a token of its own.
fn push_word(text: &str, start: usize, end: usize, tokens: &mut Vec<Token>) {
    let word = &text[start..end];
    let cut = word.rfind(is_apostrophe).and_then(|at| {
        let suffix = word[at..].trim_start_matches(is_apostrophe);
        let is_not = suffix.eq_ignore_ascii_case("t") && word[..at].ends_with(['n', 'N']) && at > 1;
        let is_clitic = CLITICS
            .iter()
            .any(|clitic| suffix.eq_ignore_ascii_case(clitic));
        if is_not {
            Some(at - 1)
        } else {
            is_clitic.then_some(at)
        }
    });
    match cut {
        Some(cut) if cut > 0 => {
            tokens.push(Token {
                start,
                end: start + cut,
            });
            tokens.push(Token {
                start: start + cut,
                end,
            });
        }
        _ => tokens.push(Token { start, end }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        let mut tokens = Vec::new();
        tokenize(text, &mut tokens);
        tokens
            .iter()
            .map(|token| &text[token.start..token.end])
            .collect()
    }

    #[test]
    fn links_handles_and_tags_stay_whole() {
        assert_eq!(
            words("RT @some_one: see https://t.co/a?b=1, #MondayMood!!"),
            [
                "RT",
                "@some_one",
                ":",
                "see",
                "https://t.co/a?b=1",
                ",",
                "#MondayMood",
                "!!"
            ]
        );
    }

    #[test]
    fn clitics_stand_alone() {
        assert_eq!(
            words("Obama's dog doesn't, it’s"),
            ["Obama", "'s", "dog", "does", "n't", ",", "it", "’s"]
        );
        assert_eq!(words("O'Brien can't"), ["O'Brien", "ca", "n't"]);
    }

    #[test]
    fn stops_stay_with_initials_and_abbreviations() {
        assert_eq!(
            words("George W. Bush left the U.S. today."),
            ["George", "W.", "Bush", "left", "the", "U.S.", "today", "."]
        );
        assert_eq!(
            words("St. Louis vs. Mr. Ex. So"),
            ["St.", "Louis", "vs.", "Mr.", "Ex", ".", "So"]
        );
    }

    #[test]
    fn emoji_and_digits_are_tokens() {
        assert_eq!(
            words("AT&T up 3.5% 🔥🔥 10:30"),
            ["AT&T", "up", "3.5", "%", "🔥🔥", "10:30"]
        );
    }
}
