//! The feature templates of handles: what words they are made of, and where they stand.

use crate::features::collect::every_affix;
use crate::features::templates::{FeatureVisitor, Templates};
use crate::features::view::View;
use crate::features::word::Word;
use crate::gazetteers::{Entry, LISTS};
use crate::hash::pair;
use crate::tokenize::TokenKind;

/// How many templates come before those of a handle's place: 119 of every word, 37 of the words of a handle.
const BEFORE_PLACE: u32 = 156;

/// The templates of what a handle is made of.
pub(crate) fn words(out: &mut Templates<impl FeatureVisitor>) {
    let Some(handle) = out.handle() else {
        return;
    };
    out.spelled(|_| 0);
    let parts = handle.parts();
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else {
        return;
    };
    let lists = |entry: &Entry| u64::from(entry.listed());
    let frequency = |entry: &Entry| u64::from(entry.frequency);
    let count = parts.len() as u64;
    out.spelled(|_| count);
    out.spelled(|_| handle.style);
    out.spelled(|_| pair(handle.style, count));
    out.spelled(|_| first.lower);
    out.spelled(|_| last.lower);
    out.spelled(|_| lists(&first.entry));
    out.spelled(|_| lists(&last.entry));
    out.spelled(|_| pair(lists(&first.entry), lists(&last.entry)));
    out.spelled(|_| lists(&handle.whole));
    out.spelled(|_| pair(frequency(&first.entry), frequency(&last.entry)));
    for part in [first, last] {
        let cluster = u64::from(part.entry.cluster());
        out.spelled(|_| cluster);
        out.spelled(|_| cluster & 0xff);
    }
    out.each(parts, |out, part| {
        out.spelled(|_| part.lower);
        out.spelled(|_| u64::from(part.entry.cluster()));
        for list in 0..LISTS {
            out.spelled(|_| (part.entry.lists >> list & 1 == 1).then_some(0));
        }
    });
    every_affix(out);
}

/// The templates of where a handle stands, if it is made of words.
pub(crate) fn place(out: &mut Templates<impl FeatureVisitor>) {
    let word = |word: &Word| match word.kind {
        TokenKind::Word => word.lower,
        kind => kind as u64,
    };
    out.go_on_after(BEFORE_PLACE);
    of_handle(out, leads);
    of_handle(out, |view| view.near(-1, word));
    of_handle(out, |view| view.near(1, word));
    of_handle(out, |view| pair(view.near(-1, word), view.near(1, word)));
    out.joint(|view| Some(pair(leads(view), u64::from(view.word.handle?))));
    of_handle(out, |view| {
        pair(leads(view), view.near(1, |word| word.lower))
    });
}

fn of_handle(out: &mut Templates<impl FeatureVisitor>, of: impl Fn(&View<'_>) -> u64) {
    out.joint(|view| view.word.handle.map(|_| of(view)));
}

/// Whether nothing but handles stands before the word, as in a reply.
fn leads(view: &View<'_>) -> u64 {
    let before = &view.words[..view.at];
    u64::from(before.iter().all(|word| word.kind == TokenKind::Mention))
}
