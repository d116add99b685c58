//! Orders of four public rankers, with small feeds ordered by hand.

use weir_expressions::{Columns, Compiler, Name, Registers, Schema, Type};

use super::support::{Key, TestFeed, columns};

/// Orders a feed by keys over these inputs, given by name with their values.
fn order(keys: &[&str], columns: &Columns, inputs: &[(&str, &[Option<f64>])]) -> Vec<usize> {
    let mut schema = Schema::default();
    for (index, (name, _)) in inputs.iter().enumerate() {
        schema.declare(Name::new([*name]), Type::Number, Key(index));
    }
    assert_eq!(columns.check(&schema), []);
    let mut compiler = Compiler::new(&schema, columns);
    let keys: Vec<_> = keys
        .iter()
        .map(|key| {
            compiler
                .key(key)
                .unwrap_or_else(|error| panic!("{key}: {error}"))
        })
        .collect();
    let feed = TestFeed {
        len: inputs[0].1.len(),
        numbers: inputs.iter().map(|(_, values)| values.to_vec()).collect(),
        ..TestFeed::default()
    };
    let program = compiler.finish();
    let evaluation = program.evaluate(&&feed, Registers::default());
    let mut order: Vec<usize> = (0..feed.len).collect();
    order.sort_by(|&left, &right| {
        let mut orderings = keys.iter().map(|key| evaluation.compare(key, left, right));
        orderings
            .find(|ordering| ordering.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    order
}

#[test]
fn an_item_that_has_no_score_follows_the_one_before_it() {
    let columns = columns(&[
        ("bridge", "(affinity + compassion) / 2"),
        (
            "outrage",
            "(FEARMONGERING + GENERALIZATION) / 3 + (SCAPEGOATING + MORAL_OUTRAGE + ALIENATION) / 9",
        ),
    ]);
    let none = [None; 5];
    let zero = [Some(0.0), None, Some(0.0), Some(0.0), None];
    let inputs: [(&str, &[Option<f64>]); 7] = [
        ("affinity", &[Some(0.2), None, Some(0.8), Some(0.4), None]),
        ("compassion", &[Some(0.2), None, Some(0.8), Some(0.4), None]),
        (
            "FEARMONGERING",
            &[Some(0.0), None, Some(1.0), Some(0.0), None],
        ),
        (
            "GENERALIZATION",
            &[Some(0.0), None, Some(1.0), Some(0.0), None],
        ),
        ("SCAPEGOATING", &zero),
        ("MORAL_OUTRAGE", &zero),
        ("ALIENATION", &zero),
    ];
    assert_eq!(
        order(&["feed.fill_previous(bridge, 0) desc"], &columns, &inputs),
        [2, 3, 4, 0, 1]
    );
    let less_outrage = ["feed.fill_previous(bridge - outrage, 0) desc"];
    assert_eq!(order(&less_outrage, &columns, &inputs), [3, 4, 0, 1, 2]);
    let all_missing = inputs.map(|(name, _)| (name, none.as_slice()));
    assert_eq!(
        order(&less_outrage, &columns, &all_missing),
        [0, 1, 2, 3, 4]
    );
}

#[test]
fn audiences_are_diversified_within_buckets_of_harm() {
    let inputs: [(&str, &[Option<f64>]); 4] = [
        (
            "har",
            &[Some(0.59), Some(0.5), Some(0.56), Some(0.5), Some(0.59)],
        ),
        ("ad", &[Some(0.1), Some(0.2), None, Some(0.2), Some(0.9)]),
        (
            "td",
            &[Some(0.5), Some(0.5), Some(0.9), Some(0.5), Some(0.5)],
        ),
        (
            "ar",
            &[Some(1.0), Some(1.0), Some(1.0), Some(2.0), Some(0.5)],
        ),
    ];
    let bucket = "bucket(har, 0.557, 0.572, 0.581, 0.6) asc";
    let none = Columns::default();
    let as_written = [bucket, "coalesce(ad, td) desc", "ar desc"];
    assert_eq!(order(&as_written, &none, &inputs), [3, 1, 2, 4, 0]);
    let as_meant = [
        bucket,
        "if(bucket(har, 0.557, 0.572, 0.581, 0.6) >= 2, 0, coalesce(ad, td)) desc",
        "ar desc",
    ];
    assert_eq!(order(&as_meant, &none, &inputs), [3, 1, 2, 0, 4]);
}

#[test]
fn civility_is_a_mean_of_what_is_known_within_the_feed() {
    let columns = columns(&[
        (
            "no_tox",
            "1 - 2 * feed.minmax(feed.winsorize(toxicity, 0.1, 0.9))",
        ),
        ("trusted", "2 * trust - 1"),
        ("compound", "weighted_mean(no_tox, 1, trusted, 2)"),
    ]);
    let inputs: [(&str, &[Option<f64>]); 2] = [
        ("toxicity", &[Some(0.9), Some(0.1), None, Some(0.5)]),
        ("trust", &[Some(1.0), None, Some(0.4), None]),
    ];
    // no_tox is -1, 1, missing, 0; trusted is 1, missing, -0.2, missing; compound is 1/3, 1, -0.2, 0.
    assert_eq!(order(&["compound desc"], &columns, &inputs), [1, 0, 3, 2]);
}
