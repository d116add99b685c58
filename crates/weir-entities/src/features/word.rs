//! One token, seen from every side that a feature looks at.

use crate::gazetteers::{Entry, GAZETTEERS};
use crate::hash;
use crate::tokenize::TokenKind;
use crate::tokenize::handle::Handle;

/// Only this much of a longer token is looked at.
const MAX_CHARS: usize = 48;

/// How a word is capitalised.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Capitals {
    #[default]
    None,
    Lower,
    Initial,
    All,
    OneLetter,
    Mixed,
}

/// What the features of a word and of its neighbours look at.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Word {
    pub(crate) kind: TokenKind,
    pub(crate) capitals: Capitals,
    pub(crate) lower: u64,
    /// Hash of the last three lower-case characters; 0 where the word is shorter.
    pub(crate) ending: u64,
    pub(crate) shape: u64,
    pub(crate) entry: Entry,
    /// The lists of its first word, if it is a handle that is made of words.
    pub(crate) handle: Option<u16>,
    /// Lists of the longest name that begins here, and of the name this token continues.
    pub(crate) begins: u16,
    pub(crate) inside: u16,
    pub(crate) starts_sentence: bool,
}

/// What the word's own features look at alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spelling {
    pub(crate) exact: u64,
    /// Hashes of the first 1 to 4 lower-case characters; 0 where the word is shorter.
    pub(crate) prefixes: [u64; 4],
    pub(crate) suffixes: [u64; 4],
    /// Its words, if it is a handle.
    pub(crate) handle: Option<Handle>,
}

impl Word {
    /// Analyses `token`, apart from what depends on its neighbours.
    pub(crate) fn read(token: &str) -> (Self, Spelling) {
        let kind = TokenKind::of(token);
        let name = name(token, kind);
        let letters = Letters::of(name);
        let lower = lower(name);
        let lower_hash = hash::extend(hash::SEED, lower.as_bytes());
        let handle = (kind == TokenKind::Mention).then(|| Handle::new(head(name), &lower));
        let ends = |(at, _)| &lower[at..];
        let suffixes = affixes(lower.char_indices().rev().map(ends));
        let begins = |(at, c): (usize, char)| &lower[..at + c.len_utf8()];
        let word = Self {
            kind,
            capitals: letters.capitals(),
            lower: lower_hash,
            ending: suffixes[2],
            shape: letters.shape,
            entry: listed(name, kind)
                .or_else(|| GAZETTEERS.get(hash::fold(lower_hash)))
                .unwrap_or_default(),
            handle: handle.and_then(|handle| Some(handle.parts().first()?.entry.listed())),
            ..Self::default()
        };
        let spelling = Spelling {
            exact: hash::extend(
                !hash::SEED,
                &name.as_bytes()[..name.len().min(2 * MAX_CHARS)],
            ),
            prefixes: affixes(lower.char_indices().map(begins)),
            suffixes,
            handle,
        };
        (word, spelling)
    }

    /// The Brown cluster that fits the word as it is written, in an untrustworthy register whichever there is.
    pub(crate) fn cluster(&self) -> u32 {
        let (first, second) = match self.capitals {
            Capitals::Lower => (self.entry.lower_cluster, self.entry.upper_cluster),
            _ => (self.entry.upper_cluster, self.entry.lower_cluster),
        };
        if first == 0 { second } else { first }
    }
}

/// `token` without the sign that makes it a handle or a tag.
fn name(token: &str, kind: TokenKind) -> &str {
    match kind {
        TokenKind::Mention | TokenKind::Hashtag => &token[1..],
        _ => token,
    }
}

/// Continues the hash of a name over the next of its words.
pub(crate) fn extend_name(state: u64, token: &str, kind: TokenKind) -> u64 {
    let lower = lower(name(token, kind));
    hash::extend(hash::extend(state, b" "), lower.as_bytes())
}

/// What kinds of characters a word is made of.
struct Letters {
    uppers: u32,
    lowers: u32,
    begins_upper: bool,
    /// Hash of the classes of its characters, each run as one.
    shape: u64,
}

impl Letters {
    fn of(name: &str) -> Self {
        let mut letters = Self {
            uppers: 0,
            lowers: 0,
            begins_upper: false,
            shape: hash::SEED,
        };
        let mut last = 0;
        for (at, c) in name.chars().take(MAX_CHARS).enumerate() {
            let class = class(c);
            letters.uppers += u32::from(class == b'X');
            letters.lowers += u32::from(class == b'x');
            letters.begins_upper |= at == 0 && class == b'X';
            if class != last {
                letters.shape = hash::extend(letters.shape, &[class]);
                last = class;
            }
        }
        letters
    }

    fn capitals(&self) -> Capitals {
        match (self.uppers, self.lowers) {
            (0, 0) => Capitals::None,
            (0, _) => Capitals::Lower,
            (1, 0) => Capitals::OneLetter,
            (_, 0) => Capitals::All,
            (1, _) if self.begins_upper => Capitals::Initial,
            _ => Capitals::Mixed,
        }
    }
}

/// The entry of a tag's words: `NewYork` in `#NewYork` is "new york".
fn listed(tag: &str, kind: TokenKind) -> Option<Entry> {
    if kind != TokenKind::Hashtag {
        return None;
    }
    let mut spaced = String::with_capacity(tag.len() + 4);
    let mut before = 0;
    for c in tag.chars().take(MAX_CHARS) {
        if before == b'x' && class(c) != b'x' {
            spaced.push(' ');
        }
        before = class(c);
        push_lower(c, &mut spaced);
    }
    GAZETTEERS.get(hash::fold(hash::extend(hash::SEED, spaced.as_bytes())))
}

/// As much of `name` as is looked at.
fn head(name: &str) -> &str {
    if name.len() <= MAX_CHARS {
        return name;
    }
    let end = name.char_indices().nth(MAX_CHARS);
    end.map_or(name, |(end, _)| &name[..end])
}

fn class(c: char) -> u8 {
    match c {
        'a'..='z' => b'x',
        'A'..='Z' => b'X',
        '0'..='9' => b'0',
        _ if c.is_ascii() => u8::try_from(c).unwrap_or(b'?'),
        _ if c.is_uppercase() => b'X',
        _ if c.is_alphabetic() => b'x',
        _ => b'?',
    }
}

/// In lower case, every digit as 0, as much of `name` as is looked at.
fn lower(name: &str) -> String {
    let name = head(name);
    if name
        .bytes()
        .all(|byte| byte.is_ascii() && !byte.is_ascii_digit())
    {
        return name.to_ascii_lowercase();
    }
    let mut lower = String::with_capacity(name.len());
    name.chars().for_each(|c| push_lower(c, &mut lower));
    lower
}

fn push_lower(c: char, out: &mut String) {
    match c {
        '0'..='9' => out.push('0'),
        '\u{2019}' => out.push('\''),
        _ if c.is_ascii() => out.push(c.to_ascii_lowercase()),
        _ => out.extend(c.to_lowercase()),
    }
}

fn affixes<'t>(parts: impl Iterator<Item = &'t str>) -> [u64; 4] {
    let mut hashes = [0; 4];
    for (hash, part) in hashes.iter_mut().zip(parts) {
        *hash = hash::extend(hash::SEED, part.as_bytes());
    }
    hashes
}
