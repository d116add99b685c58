//! The entity extractor on anything at all: valid spans, no panic, linear time.

use std::time::{Duration, Instant};

use crate::{EntityCounts, EntityKind, Extractor, Part, Scratch, Token, tokenize};
use proptest::prelude::*;

/// Words, handles, links, punctuation, emoji and control characters in any order.
fn post() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[A-Z][a-z]{1,8}",
        "[a-z]{1,9}",
        "[A-Z]{2,6}",
        Just("New York".to_owned()),
        Just("U.S.".to_owned()),
        Just("O\u{2019}Brien\u{2019}s".to_owned()),
        "[@#][A-Za-z_]{0,8}",
        Just("https://t.co/x?y=1".to_owned()),
        "[ .,!?'\"\u{2019}\n-]{1,3}",
        "\\PC{1,4}",
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec((piece, prop_oneof![Just(""), Just(" ")]), 0..40).prop_map(|pieces| {
        pieces
            .into_iter()
            .flat_map(|(piece, gap)| [piece, gap.to_owned()])
            .collect()
    })
}

fn assert_valid(text: &str) {
    let mut before = 0;
    for entity in Extractor::bundled().entities(text, &mut Scratch::default()) {
        assert!(entity.start >= before && entity.start < entity.end);
        assert_eq!(text.get(entity.start..entity.end), Some(entity.text));
        assert_eq!(entity.text.trim(), entity.text);
        assert!((0.0..=1.0).contains(&entity.confidence));
        before = entity.end;
    }
}

proptest! {
    #[test]
    fn spans_of_any_string_are_valid(text in any::<String>()) {
        assert_valid(&text);
    }

    #[test]
    fn spans_of_any_post_are_valid(text in post()) {
        assert_valid(&text);
    }

    #[test]
    fn tokens_cover_everything_but_white_space(text in post()) {
        let mut tokens = Vec::new();
        tokenize(&text, &mut tokens);
        let mut at = 0;
        for Token { start, end } in tokens {
            prop_assert!(text[at..start].chars().all(|c| c.is_whitespace() || c.is_control()));
            prop_assert!(start < end);
            at = end;
        }
        prop_assert!(text[at..].chars().all(|c| c.is_whitespace() || c.is_control()));
    }

    #[test]
    fn used_buffers_change_nothing(texts in prop::collection::vec(post(), 1..5)) {
        let mut scratch = Scratch::default();
        for text in &texts {
            let again = Extractor::bundled().entities(text, &mut scratch);
            prop_assert_eq!(again, Extractor::bundled().entities(text, &mut Scratch::default()));
        }
    }

    #[test]
    fn names_are_the_texts_of_the_entities(text in post()) {
        let entities = Extractor::bundled().entities(&text, &mut Scratch::default());
        let texts: Vec<&str> = entities.iter().map(|entity| entity.text).collect();
        prop_assert_eq!(Extractor::bundled().names(&text, &mut Scratch::default()), texts);
    }

    #[test]
    fn merged_counts_equal_counts_of_all(texts in prop::collection::vec(post(), 0..8), cut in 0usize..8) {
        let count = |texts: &[String]| {
            let mut counts = EntityCounts::default();
            for text in texts {
                counts.add(&Extractor::bundled().entities(text, &mut Scratch::default()));
            }
            counts
        };
        let (left, right) = texts.split_at(cut.min(texts.len()));
        let mut merged = count(left);
        merged.merge_bytes(&count(right).to_bytes(), Part::WHOLE).unwrap();
        prop_assert_eq!(merged.top(10), count(&texts).top(10));
    }
}

#[test]
fn people_places_and_organisations_are_found() {
    let text = "Angela Merkel met Barack Obama in London. Google and the BBC were there too.";
    let entities = Extractor::bundled().entities(text, &mut Scratch::default());
    let found: Vec<_> = entities
        .iter()
        .map(|entity| (entity.text, entity.kind))
        .collect();
    for expected in [
        ("Angela Merkel", EntityKind::Person),
        ("Barack Obama", EntityKind::Person),
        ("London", EntityKind::Place),
        ("Google", EntityKind::Organisation),
        ("BBC", EntityKind::Organisation),
    ] {
        assert!(
            found.contains(&expected),
            "{expected:?} is not in {found:?}"
        );
    }
}

#[test]
fn a_handle_is_an_entity_with_its_sign_and_counts_with_the_plain_name() {
    let mut counts = EntityCounts::default();
    for (text, found) in [
        ("Watching @NASA tonight", "@NASA"),
        ("RT @NASA: Launch is at noon", "@NASA"),
        ("Scientists at NASA in Houston", "NASA"),
    ] {
        let entities = Extractor::bundled().entities(text, &mut Scratch::default());
        assert!(
            entities.iter().any(|entity| entity.text == found),
            "{found} is not in {entities:?}"
        );
        counts.add(&entities);
    }
    let top = counts.top(1).remove(0);
    assert_eq!((top.name.as_str(), top.count), ("NASA", 3));
}

#[test]
fn casing_does_not_hide_a_name() {
    for text in ["barack obama is in london", "BARACK OBAMA IS IN LONDON"] {
        let entities = Extractor::bundled().entities(text, &mut Scratch::default());
        let kinds: Vec<_> = entities.iter().map(|entity| entity.kind).collect();
        assert_eq!(
            kinds,
            [EntityKind::Person, EntityKind::Place],
            "in {text:?}"
        );
    }
}

#[test]
fn threads_share_one_extractor() {
    let text = "Barack Obama flew to Paris";
    let alone = Extractor::bundled().entities(text, &mut Scratch::default());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut scratch = Scratch::default();
                for _ in 0..100 {
                    assert_eq!(Extractor::bundled().entities(text, &mut scratch), alone);
                }
            });
        }
    });
}

fn time_of(unit: &str, bytes: usize) -> Duration {
    let text = unit.repeat(bytes / unit.len());
    let start = Instant::now();
    assert_valid(&text);
    start.elapsed()
}

/// Ten times the text may take ten times as long, with ample room for a busy machine, never a hundred times.
#[test]
fn time_grows_in_proportion_to_one_long_line() {
    for unit in [
        "a",
        "A ",
        ".",
        "a.",
        "New York ",
        "@",
        "'s",
        "http://",
        "\u{1f525}",
        "A-",
        "1,",
    ] {
        time_of(unit, 10_000);
        let (small, large) = (time_of(unit, 20_000), time_of(unit, 200_000));
        assert!(
            large < small * 40 + Duration::from_secs(1),
            "{unit:?}: {small:?} for 20 kB, {large:?} for 200 kB"
        );
    }
}

#[test]
fn a_line_of_ten_megabytes_takes_bounded_time() {
    for unit in [
        "a",
        "-",
        "@somebody_with_a_rather_long_handle_who_never_stops_talking ",
    ] {
        let time = time_of(unit, 10_000_000);
        assert!(time < Duration::from_mins(2), "{unit:?}: {time:?}");
    }
}
