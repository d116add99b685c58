//! The feature templates. A feature is 32 bits of hash; no string is ever formatted.

use crate::features::handle_features;
use crate::features::templates::{FeatureVisitor, Templates};
use crate::features::view::View;
use crate::features::word::Word;
use crate::hash::pair;

/// The lengths of the cluster paths used, in bits.
const PATHS: [u32; 4] = [4, 6, 8, 10];

/// Goes through every template with what `sight` sees.
pub(crate) fn features(sight: impl FeatureVisitor) {
    let mut templates = Templates::new(sight);
    templates.near(0, |_| 0);
    words(&mut templates);
    shapes(&mut templates);
    capitals(&mut templates);
    affixes(&mut templates);
    clusters(&mut templates);
    tags(&mut templates);
    names(&mut templates);
    handle_features::words(&mut templates);
    handle_features::place(&mut templates);
}

fn words(out: &mut Templates<impl FeatureVisitor>) {
    let lower = |word: &Word| word.lower;
    out.spelled(|spelling| spelling.exact);
    for offset in -2..=2 {
        out.near(offset, lower);
    }
    for (first, second) in [(-1, 0), (0, 1), (-1, 1), (-2, -1), (1, 2)] {
        out.joint(|view| pair(view.near(first, lower), view.near(second, lower)));
    }
    for offset in [-1, 1] {
        out.joint(|view| pair(view.case.value, view.near(offset, lower)));
    }
}

fn shapes(out: &mut Templates<impl FeatureVisitor>) {
    let shape = |word: &Word| pair(word.shape, word.kind as u64);
    let kind = |word: &Word| word.kind as u64;
    out.cased(|word, case| pair(shape(word), case.register));
    out.joint(|view| {
        let here_and_after = pair(shape(view.word), view.near(1, shape));
        pair(view.near(-1, shape), here_and_after)
    });
    out.joint(|view| pair(kind(view.word), view.near(-1, kind)));
}

fn capitals(out: &mut Templates<impl FeatureVisitor>) {
    let capitals = |word: &Word| word.capitals as u64;
    let usual = |word: &Word| u64::from(word.entry.casing);
    let known = |word: &Word| u64::from(word.entry.casing) + 8 * u64::from(word.entry.frequency);
    out.cased(|_, case| case.value);
    for offset in [-1, 1] {
        out.joint(|view| pair(view.case.value, view.near(offset, capitals)));
    }
    out.joint(|view| {
        let beside = pair(view.near(-1, capitals), view.near(1, capitals));
        pair(view.case.value, beside)
    });
    out.cased(|word, case| pair(case.value, known(word)));
    out.cased(|word, case| pair(case.value, usual(word)));
    out.joint(|view| pair(view.near(-1, known), view.near(1, known)));
    out.joint(|view| {
        let beside = pair(view.near(-1, usual), view.near(1, usual));
        pair(usual(view.word), beside)
    });
}

fn affixes(out: &mut Templates<impl FeatureVisitor>) {
    let ending = |word: &Word| word.ending;
    every_affix(out);
    out.cased(|word, case| pair(ending(word), case.value));
    out.near(-1, ending);
    out.near(1, ending);
}

/// The beginnings of the word, then its ends, by length.
pub(crate) fn every_affix(out: &mut Templates<impl FeatureVisitor>) {
    for length in 0..4 {
        out.spelled(|spelling| spelling.prefixes[length]);
    }
    for length in 0..4 {
        out.spelled(|spelling| spelling.suffixes[length]);
    }
}

fn clusters(out: &mut Templates<impl FeatureVisitor>) {
    let cluster = |word: &Word| u64::from(word.cluster());
    for offset in -2..=2 {
        out.near(offset, cluster);
    }
    for bits in PATHS {
        let path = |word: &Word| u64::from(word.cluster() & ((1 << bits) - 1)) + 1;
        for offset in -1..=1 {
            out.near(offset, path);
        }
        out.cased(|word, case| pair(path(word), case.value));
    }
    out.cased(|word, case| pair(cluster(word), case.value));
    for (first, second) in [(-1, 0), (0, 1), (-1, 1)] {
        out.joint(|view| pair(view.near(first, cluster), view.near(second, cluster)));
    }
    out.near(0, |word| u64::from(word.entry.lower_cluster));
    out.near(0, |word| u64::from(word.entry.upper_cluster));
}

fn tags(out: &mut Templates<impl FeatureVisitor>) {
    let tag = |word: &Word| u64::from(word.entry.tag);
    let both = |view: &View<'_>, first, second| pair(view.near(first, tag), view.near(second, tag));
    out.near(0, tag);
    out.cased(|word, case| pair(tag(word), case.value));
    out.near(-1, tag);
    out.near(1, tag);
    out.joint(|view| both(view, -1, 0));
    out.joint(|view| both(view, 0, 1));
    out.joint(|view| pair(view.near(-1, tag), both(view, 0, 1)));
    out.joint(|view| both(view, -2, -1));
    out.joint(|view| both(view, 1, 2));
}

fn names(out: &mut Templates<impl FeatureVisitor>) {
    let lists = |word: &Word| u64::from(word.entry.listed());
    let name = |word: &Word| u64::from(word.begins) + (u64::from(word.inside) << 16);
    for offset in [0, -1, 1] {
        out.near(offset, lists);
    }
    out.cased(|word, case| pair(lists(word), case.value));
    for (first, second) in [(-1, 0), (0, 1)] {
        out.joint(|view| pair(view.near(first, lists), view.near(second, lists)));
    }
    out.joint(|view| name(view.word));
    out.joint(|view| pair(name(view.word), view.case.value));
    out.joint(|view| pair(name(view.word), lists(view.word)));
    out.joint(|view| view.near(1, name));
    out.joint(|view| view.near(-1, name));
    out.cased_lists(|word| word.entry.listed());
    out.joint_lists(|word| word.begins);
    out.joint_lists(|word| word.inside);
}
