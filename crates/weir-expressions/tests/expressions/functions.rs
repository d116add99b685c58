//! Functions of one item.

use weir_expressions::random;

use super::support::{Results, TestFeed, boolean_of, evaluate, number, numbers};

#[test]
fn operators_bind_as_in_arithmetic() {
    for (source, expected) in [
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3", 9.0),
        ("10 - 4 - 3", 3.0),
        ("16 / 4 / 2", 2.0),
        ("-2 * -3", 6.0),
        ("2 - -1", 3.0),
        (".5 + 1. + 2.5e-1", 1.75),
    ] {
        assert_eq!(number(source), Some(expected), "{source}");
    }
}

#[test]
fn what_is_undefined_or_too_large_is_missing() {
    for source in [
        "1 / 0",
        "0 / 0",
        "log(0)",
        "log(-1)",
        "sqrt(-1)",
        "exp(1000)",
        "1e300 * 1e300",
        "-1e308 - 1e308",
    ] {
        assert_eq!(number(source), None, "{source}");
    }
}

#[test]
fn arithmetic_and_functions_of_missing_are_missing() {
    let feed = TestFeed::of_numbers(&[None]);
    for source in [
        "n0 + 1",
        "1 - n0",
        "n0 * 0",
        "-n0",
        "abs(n0)",
        "min(n0, 1)",
        "max(1, n0)",
        "clamp(n0, 0, 1)",
        "bucket(n0, 1)",
        "if(n0 > 0, 1, 2)",
        "round(n0)",
        "nullif(n0, 1)",
        "coalesce(n0, n0)",
    ] {
        assert_eq!(numbers(source, &feed), [None], "{source}");
    }
    assert_eq!(numbers("if(missing(n0), 1, 2)", &feed), [Some(1.0)]);
    assert_eq!(numbers("coalesce(n0, 3)", &feed), [Some(3.0)]);
    assert_eq!(numbers("nullif(2, n0)", &feed), [Some(2.0)]);
    assert_eq!(number("nullif(2, 2)"), None);
}

#[test]
fn infinities_and_nan_of_an_input_are_missing() {
    let feed = TestFeed::of_numbers(&[Some(f64::NAN), Some(f64::INFINITY), Some(1.0)]);
    assert_eq!(numbers("n0", &feed), [None, None, Some(1.0)]);
}

/// The example of `numpy.around`.
#[test]
fn round_takes_halves_to_the_even_neighbour() {
    let feed = TestFeed::of_numbers(&[0.5, 1.5, 2.5, 3.5, 4.5].map(Some));
    assert_eq!(
        numbers("round(n0)", &feed),
        [0.0, 2.0, 2.0, 4.0, 4.0].map(Some)
    );
}

/// The examples of `numpy.digitize`, whose second has values on the edges.
#[test]
fn bucket_counts_the_edges_up_to_a_value() {
    let feed = TestFeed::of_numbers(&[0.2, 6.4, 3.0, 1.6].map(Some));
    assert_eq!(
        numbers("bucket(n0, 0, 1, 2.5, 4, 10)", &feed),
        [1.0, 4.0, 3.0, 2.0].map(Some)
    );
    let feed = TestFeed::of_numbers(&[1.2, 10.0, 12.4, 15.5, 20.0].map(Some));
    assert_eq!(
        numbers("bucket(n0, 0, 5, 10, 15, 20)", &feed),
        [1.0, 3.0, 3.0, 4.0, 5.0].map(Some)
    );
    assert_eq!(number("bucket(0.3, 1 / 10, 2 / 10, 2 / 5)"), Some(2.0));
}

/// The example of `numpy.average`: 1 to 10 with the weights 10 to 1.
#[test]
fn weighted_mean_is_over_the_pairs_that_are_there() {
    let pairs: Vec<String> = (1..=10).map(|x| format!("{x}, {}", 11 - x)).collect();
    assert_eq!(
        number(&format!("weighted_mean({})", pairs.join(", "))),
        Some(4.0)
    );
    let feed = TestFeed::of_numbers(&[None]);
    assert_eq!(
        numbers("weighted_mean(n0, 5, 2, 1, 4, 3)", &feed),
        [Some(3.5)]
    );
    assert_eq!(numbers("weighted_mean(1, n0, 2, 1)", &feed), [Some(2.0)]);
    assert_eq!(numbers("weighted_mean(n0, 1)", &feed), [None]);
    assert_eq!(
        number("weighted_mean(1, 1, 2, -1)"),
        None,
        "the weights add up to 0"
    );
}

#[test]
fn the_elementary_functions_are_those_of_mathematics() {
    for (source, expected) in [
        ("abs(-3)", 3.0),
        ("sqrt(9)", 3.0),
        ("exp(0)", 1.0),
        ("log(exp(2))", 2.0),
        ("min(3, 1, 2)", 1.0),
        ("max(3, 1, 2)", 3.0),
        ("clamp(5, 0, 1)", 1.0),
        ("clamp(-5, 0, 1)", 0.0),
        ("clamp(0.5, 0, 1)", 0.5),
        ("if(true, 1, 2)", 1.0),
    ] {
        assert_eq!(number(source), Some(expected), "{source}");
    }
}

/// The examples of RFC 4647, 3.3.1.
#[test]
fn languages_match_by_basic_filtering() {
    for (tag, range, expected) in [
        ("de", "de", true),
        ("de-DE-1996", "de-de", true),
        ("de-Deva", "de-de", false),
        ("de-Latn-DE", "de-de", false),
        ("de", "de-de", false),
        ("english", "en", false),
        ("EN", "en", true),
        ("xy", "*", true),
        ("", "*", false),
        ("é", "e", false),
    ] {
        let feed = TestFeed::of_text(Some(tag));
        let source = format!("language(t0, '{range}')");
        assert_eq!(boolean_of(&source, &feed), Some(expected), "{tag} {range}");
    }
    assert_eq!(
        boolean_of("language(t0, 'en')", &TestFeed::of_text(None)),
        None
    );
}

#[test]
fn random_is_the_same_for_the_same_salt_user_and_item() {
    let feed = TestFeed::of_numbers(&[None; 8]);
    let drawn = numbers("random('a')", &feed);
    assert_eq!(drawn, numbers("random(\"a\")", &feed));
    assert_ne!(drawn, numbers("random('b')", &feed));
    assert_eq!(drawn[0], Some(random("a", "user", "a")));
    let parts = [("a", "bc"), ("ab", "c")].map(|(salt, user)| Some(random(salt, user, "d")));
    assert_ne!(parts[0], parts[1], "the parts are told apart");
    let mean = (0..1_000)
        .map(|item| random("salt", "user", &item.to_string()))
        .sum::<f64>()
        / 1_000.0;
    assert!((mean - 0.5).abs() < 0.05, "{mean}");
}

/// Computed with Python's `xxhash.xxh3_64` as the documentation of `random` describes it.
#[test]
fn random_can_be_recomputed_elsewhere() {
    assert_eq!(
        random("salt", "user", "item").to_string(),
        "0.5888150474092033"
    );
}

#[test]
fn texts_are_compared_byte_by_byte() {
    let feed = TestFeed::of_text(Some("ä"));
    for (source, expected) in [
        ("t0 == 'ä'", true),
        ("t0 > 'z'", true),
        ("'a' < 'b' and 'Z' < 'a' and '10' < '9'", true),
        ("\"it's\" == 'it'", false),
        ("t0 in ('a', 'ä')", true),
    ] {
        assert_eq!(boolean_of(source, &feed), Some(expected), "{source}");
    }
    let both = evaluate("coalesce(t0, 'none')", &TestFeed::of_text(None));
    assert_eq!(both, Results::Texts(vec![Some("none".to_owned())]));
}
