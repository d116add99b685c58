//! Where the words of an ASCII text are, found 64 bytes at a time.

use std::ops::Range;

use super::key::within;

/// How many bytes are looked at together.
const BLOCK: usize = 64;

/// The places of what stands between white space, in their order.
pub(super) struct Tokens<'t> {
    text: &'t [u8],
    /// Where the next block begins.
    next: usize,
    /// The bits at which words of the block begin and end that are not told yet.
    edges: u64,
    /// Where the word that has begun began.
    begun: Option<usize>,
}

impl<'t> Tokens<'t> {
    pub(super) fn of(text: &'t [u8]) -> Self {
        Self {
            text,
            next: 0,
            edges: 0,
            begun: None,
        }
    }

    /// Where the next word begins or ends; none at the end of the text.
    fn edge(&mut self) -> Option<usize> {
        while self.edges == 0 {
            let block = self.text.get(self.next..).filter(|rest| !rest.is_empty())?;
            let spaces = spaces(block);
            let space_before = u64::from(self.begun.is_none());
            self.edges = spaces ^ (spaces << 1 | space_before);
            self.next += BLOCK;
        }
        let bit = self.edges.trailing_zeros() as usize;
        self.edges &= self.edges - 1;
        Some(self.next - BLOCK + bit)
    }
}

impl Iterator for Tokens<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.edge()?;
        self.begun = Some(start);
        let end = self.edge().unwrap_or(self.text.len());
        self.begun = None;
        Some(start..end)
    }
}

/// A bit for each of the first 64 bytes that is white space, or past the end.
fn spaces(text: &[u8]) -> u64 {
    let mut bits = 0;
    let block = &text[..text.len().min(BLOCK)];
    let (eights, rest) = block.as_chunks::<8>();
    let mut last = [b' '; 8];
    last[..rest.len()].copy_from_slice(rest);
    for (n, eight) in eights.iter().enumerate() {
        bits |= spaces_of_eight(*eight) << (8 * n);
    }
    if block.len() < BLOCK {
        bits |= spaces_of_eight(last) << (8 * eights.len());
        bits |= u64::MAX << block.len();
    }
    bits
}

/// A bit for each of eight bytes that is one of Python's ASCII white space: tab to carriage return, and 0x1C to space.
fn spaces_of_eight(bytes: [u8; 8]) -> u64 {
    /// Moves bit 8n to bit 56 + n by a multiplication, without carries between them.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let bytes = u64::from_le_bytes(bytes);
    let spaces = within(bytes, b'\t', b'\r') | within(bytes, 0x1C, b' ');
    (spaces >> 7).wrapping_mul(GATHER) >> 56
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn words_are_what_stands_between_white_space(text in "[ a\t\n\r\x0B\x0C\x1C-\x1F~!]{0,200}") {
            let is_space = |c: char| c.is_whitespace() || matches!(c, '\u{1C}'..='\u{1F}');
            let expected: Vec<&str> = text.split(is_space).filter(|token| !token.is_empty()).collect();
            let found: Vec<&str> = Tokens::of(text.as_bytes()).map(|at| &text[at]).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
