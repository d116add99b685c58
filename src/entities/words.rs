//! What the features need to know about each token of a sequence, computed once.

use super::gazetteers::{COMMON, Entry, GAZETTEERS, Gazetteers, STARTS_NAME};
use super::handle::Handle;
use super::hash;
use super::tokenizer::TokenKind;

/// The longest name in the gazetteers, in tokens.
const MAX_NAME: usize = 5;

/// Only this much of a longer token is looked at.
const MAX_CHARS: usize = 48;

/// How a word is capitalised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Capitals {
    None,
    Lower,
    Initial,
    All,
    OneLetter,
    Mixed,
}

/// How a whole sequence is capitalised; decides how far capitals can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Register {
    Normal,
    Lower,
    Upper,
    Title,
}

/// One token, seen from every side that a feature looks at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word {
    pub(super) kind: TokenKind,
    pub(super) capitals: Capitals,
    pub(super) exact: u64,
    pub(super) lower: u64,
    /// Hashes of the first 1 to 4 lower-case characters; 0 where the word is shorter.
    pub(super) prefixes: [u64; 4],
    pub(super) suffixes: [u64; 4],
    pub(super) shape: u64,
    pub(super) entry: Entry,
    /// Lists of the longest name that begins here, and of the name this token continues.
    pub(super) begins: u16,
    pub(super) inside: u16,
    pub(super) starts_sentence: bool,
    /// The place of a handle's words among those of all handles.
    handle: Option<u32>,
    lower_range: (u32, u32),
}

impl Word {
    /// The Brown cluster that fits the word as it is written, in an untrustworthy register whichever there is.
    pub(super) fn cluster(&self) -> u32 {
        let (first, second) = match self.capitals {
            Capitals::Lower => (self.entry.lower_cluster, self.entry.upper_cluster),
            _ => (self.entry.upper_cluster, self.entry.lower_cluster),
        };
        if first == 0 { second } else { first }
    }
}

/// The words of one sequence, with the buffers they are made in.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) list: Vec<Word>,
    handles: Vec<Handle>,
    lower: String,
}

impl Words {
    /// Analyses `tokens`, replacing what was there.
    pub(super) fn read<'t>(&mut self, tokens: impl Iterator<Item = &'t str>) {
        self.list.clear();
        self.handles.clear();
        self.lower.clear();
        let mut starts_sentence = true;
        for token in tokens {
            let mut word = self.word(token);
            word.starts_sentence = starts_sentence && word.kind == TokenKind::Word;
            starts_sentence = match word.kind {
                TokenKind::Sign => {
                    token.starts_with(['.', '!', '?']) || (starts_sentence && token != ",")
                }
                TokenKind::Word | TokenKind::Number => false,
                _ => starts_sentence,
            };
            self.list.push(word);
        }
        self.mark_names(&GAZETTEERS);
    }

    /// How the whole sequence is capitalised.
    pub(super) fn register(&self) -> Register {
        let mut counts = [0usize; 6];
        for word in self.list.iter().filter(|word| word.kind == TokenKind::Word) {
            counts[word.capitals as usize] += 1;
        }
        let [_, lower, initial, all, one, mixed] = counts;
        let capital = initial + all + one + mixed;
        if capital == 0 {
            Register::Lower
        } else if lower + initial + mixed == 0
            || (all >= 3 && all * 4 >= 3 * (lower + initial + all))
        {
            Register::Upper
        } else if initial >= 4 && initial * 5 >= 4 * (lower + initial) {
            Register::Title
        } else {
            Register::Normal
        }
    }

    fn word(&mut self, token: &str) -> Word {
        let kind = TokenKind::of(token);
        let name = match kind {
            TokenKind::Mention | TokenKind::Hashtag => &token[1..],
            _ => token,
        };
        let start = self.lower.len();
        let mut shape = hash::SEED;
        let mut last = 0;
        let (mut uppers, mut lowers, mut letters) = (0u32, 0u32, 0u32);
        let mut initial = false;
        for (at, c) in name.chars().take(MAX_CHARS).enumerate() {
            let class = class(c);
            match class {
                b'X' => uppers += 1,
                b'x' => lowers += 1,
                _ => {}
            }
            letters += u32::from(matches!(class, b'X' | b'x'));
            initial |= at == 0 && class == b'X';
            if class != last {
                shape = hash::extend(shape, &[class]);
                last = class;
            }
            push_lower(c, &mut self.lower);
        }
        let capitals = match (uppers, lowers) {
            _ if letters == 0 => Capitals::None,
            (0, _) => Capitals::Lower,
            (1, 0) => Capitals::OneLetter,
            (_, 0) => Capitals::All,
            (1, _) if initial => Capitals::Initial,
            _ => Capitals::Mixed,
        };
        let lower = &self.lower[start..];
        let lower_hash = hash::extend(hash::SEED, lower.as_bytes());
        let handle = (kind == TokenKind::Mention).then(|| {
            self.handles.push(Handle::new(head(name), lower));
            narrow(self.handles.len() - 1)
        });
        Word {
            kind,
            capitals,
            exact: hash::extend(
                !hash::SEED,
                &name.as_bytes()[..name.len().min(2 * MAX_CHARS)],
            ),
            lower: lower_hash,
            prefixes: affixes(
                lower
                    .char_indices()
                    .map(|(at, c)| &lower[..at + c.len_utf8()]),
            ),
            suffixes: affixes(lower.char_indices().rev().map(|(at, _)| &lower[at..])),
            shape,
            entry: listed(name, kind)
                .or_else(|| GAZETTEERS.get(hash::fold(lower_hash)))
                .unwrap_or_default(),
            begins: 0,
            inside: 0,
            starts_sentence: false,
            handle,
            lower_range: range(start, self.lower.len()),
        }
    }

    /// The word at `at` as its words, if it is a handle.
    pub(super) fn handle(&self, at: usize) -> Option<&Handle> {
        self.handles.get(self.list[at].handle? as usize)
    }

    /// Marks the longest listed names of two words and more, left to right, without overlap.
    fn mark_names(&mut self, gazetteers: &Gazetteers) {
        let mut at = 0;
        while at < self.list.len() {
            if self.list[at].entry.lists & STARTS_NAME == 0 {
                at += 1;
                continue;
            }
            let mut state = self.list[at].lower;
            let mut found = None;
            for next in at + 1..self.list.len().min(at + MAX_NAME) {
                let (start, end) = self.list[next].lower_range;
                state = hash::extend(
                    hash::extend(state, b" "),
                    &self.lower.as_bytes()[start as usize..end as usize],
                );
                if let Some(entry) = gazetteers
                    .get(hash::fold(state))
                    .filter(|entry| entry.lists & !COMMON != 0)
                {
                    found = Some((next, entry.lists & !STARTS_NAME));
                }
            }
            let Some((last, lists)) = found else {
                at += 1;
                continue;
            };
            self.list[at].begins = lists;
            for word in &mut self.list[at + 1..=last] {
                word.inside = lists;
            }
            at = last + 1;
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
    let end = name.char_indices().nth(MAX_CHARS);
    end.map_or(name, |(end, _)| &name[..end])
}

fn range(start: usize, end: usize) -> (u32, u32) {
    (narrow(start), narrow(end))
}

fn narrow(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
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

/// Lower case, every digit as 0.
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
