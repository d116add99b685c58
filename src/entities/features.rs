//! The feature templates. A feature is 32 bits of hash; no string is ever formatted.

use super::gazetteers::LISTS;
use super::hash::{feature, pair};
use super::words::{Register, Word, Words};

/// What stands before the first and after the last word.
const EDGE: u64 = 0x5b1d;

/// The lengths of the cluster paths used, in bits.
const PATHS: [u32; 4] = [4, 6, 8, 10];

/// Calls `emit` with every feature of the word at `at`.
pub(super) fn features(words: &Words, register: Register, at: usize, mut emit: impl FnMut(u32)) {
    let near = |offset: isize| {
        at.checked_add_signed(offset)
            .and_then(|index| words.words.get(index))
    };
    let value = |offset, of: fn(&Word) -> u64| near(offset).map_or(EDGE, of);
    let word = &words.words[at];
    let register = register as u64;
    let case = pair(
        word.capitals as u64 + 8 * u64::from(word.starts_sentence),
        register,
    );
    let mut template = 0;
    let mut add = |value: u64| {
        template += 1;
        emit(feature(template, value));
    };

    add(0);
    let lower = |w: &Word| w.lower;
    add(word.exact);
    add(word.lower);
    add(value(-1, lower));
    add(value(1, lower));
    add(value(-2, lower));
    add(value(2, lower));
    add(pair(value(-1, lower), word.lower));
    add(pair(word.lower, value(1, lower)));
    add(pair(value(-1, lower), value(1, lower)));
    add(pair(value(-2, lower), value(-1, lower)));
    add(pair(value(1, lower), value(2, lower)));

    let shape = |w: &Word| pair(w.shape, w.kind as u64);
    add(pair(shape(word), register));
    add(case);
    add(pair(word.kind as u64, value(-1, |w| w.kind as u64)));
    add(pair(value(-1, shape), pair(shape(word), value(1, shape))));
    let capitals = |w: &Word| w.capitals as u64;
    add(pair(case, value(-1, capitals)));
    add(pair(case, value(1, capitals)));
    add(pair(case, pair(value(-1, capitals), value(1, capitals))));
    add(pair(case, value(-1, lower)));
    add(pair(case, value(1, lower)));

    let known = |w: &Word| u64::from(w.entry.casing) + 8 * u64::from(w.entry.frequency);
    add(pair(case, known(word)));
    add(pair(case, u64::from(word.entry.casing)));
    add(pair(value(-1, known), value(1, known)));
    add(pair(
        u64::from(word.entry.casing),
        pair(
            value(-1, |w| w.entry.casing.into()),
            value(1, |w| w.entry.casing.into()),
        ),
    ));

    for hash in word.prefixes.into_iter().chain(word.suffixes) {
        add(hash);
    }
    add(pair(word.suffixes[2], case));
    add(pair(value(-1, |w| w.suffixes[2]), 1));
    add(pair(value(1, |w| w.suffixes[2]), 1));

    let cluster = |w: &Word| u64::from(w.cluster());
    let cut = |w: &Word, bits: u32| u64::from(w.cluster() & ((1 << bits) - 1)) + 1;
    for offset in -2..=2 {
        add(value(offset, cluster));
    }
    for bits in PATHS {
        add(cut(word, bits));
        add(near(-1).map_or(EDGE, |w| cut(w, bits)));
        add(near(1).map_or(EDGE, |w| cut(w, bits)));
    }
    add(pair(cluster(word), case));
    add(pair(cut(word, 8), case));
    add(pair(value(-1, cluster), cluster(word)));
    add(pair(cluster(word), value(1, cluster)));
    add(pair(value(-1, cluster), value(1, cluster)));
    add(u64::from(word.entry.lower_cluster));
    add(u64::from(word.entry.upper_cluster));

    let lists = |w: &Word| u64::from(w.entry.lists & ((1 << LISTS) - 1));
    let name = |w: &Word| u64::from(w.begins) + (u64::from(w.inside) << 16);
    add(lists(word));
    add(pair(lists(word), case));
    add(pair(value(-1, lists), lists(word)));
    add(pair(lists(word), value(1, lists)));
    add(name(word));
    add(pair(name(word), case));
    add(value(1, name));
    add(value(-1, name));
    for bit in 0..LISTS {
        template += 1;
        if word.entry.lists >> bit & 1 == 1 {
            emit(feature(template, case));
        }
        if word.begins >> bit & 1 == 1 {
            emit(feature(template + 64, case));
        }
        if word.inside >> bit & 1 == 1 {
            emit(feature(template + 128, case));
        }
    }
}
