//! The feature templates of handles: what words they are made of, and where they stand.

use super::features::{Templates, View};
use super::gazetteers::{Entry, LISTS};
use super::handle::Handle;
use super::hash::pair;
use super::tokenizer::TokenKind;
use super::words::Word;

impl View<'_> {
    /// Every feature of the word as the handle it is.
    pub(super) fn handle(&self, handle: &Handle, out: &mut Templates<impl FnMut(u32)>) {
        out.add(0);
        let parts = handle.parts();
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else {
            return;
        };
        let lists = |entry: &Entry| u64::from(entry.lists & ((1 << LISTS) - 1));
        let frequency = |entry: &Entry| u64::from(entry.frequency);
        let count = parts.len() as u64;
        out.add(count);
        out.add(handle.style);
        out.add(pair(handle.style, count));
        out.add(first.lower);
        out.add(last.lower);
        out.add(lists(&first.entry));
        out.add(lists(&last.entry));
        out.add(pair(lists(&first.entry), lists(&last.entry)));
        out.add(lists(&handle.whole));
        out.add(pair(frequency(&first.entry), frequency(&last.entry)));
        for part in [first, last] {
            let cluster = u64::from(part.entry.cluster());
            out.add(cluster);
            out.add(cluster & 0xff);
        }
        out.add_each(parts, |out, part| {
            out.add(part.lower);
            out.add(u64::from(part.entry.cluster()));
            out.add_bits(part.entry.lists, 0);
        });
        for affix in self.word.prefixes.into_iter().chain(self.word.suffixes) {
            out.add(affix);
        }
        self.place(lists(&first.entry), out);
    }

    fn place(&self, lists: u64, out: &mut Templates<impl FnMut(u32)>) {
        let word = |word: &Word| match word.kind {
            TokenKind::Word => word.lower,
            kind => kind as u64,
        };
        let (before, after) = (self.near(-1, word), self.near(1, word));
        let leads = u64::from(self.leads());
        out.add(leads);
        out.add(before);
        out.add(after);
        out.add(pair(before, after));
        out.add(pair(leads, lists));
        out.add(pair(leads, self.near(1, |word| word.lower)));
    }

    /// Whether nothing but handles stands before the word, as in a reply.
    fn leads(&self) -> bool {
        self.words[..self.at]
            .iter()
            .all(|word| word.kind == TokenKind::Mention)
    }
}
