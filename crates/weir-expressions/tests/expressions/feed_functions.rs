//! Functions over the feed.

use weir_expressions::{Columns, Compiler, Registers};

use super::support::{Results, TestFeed, numbers, results};

fn assert_near(found: &[Option<f64>], expected: &[Option<f64>], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        match (found, expected) {
            (Some(found), Some(expected)) => {
                assert!((found - expected).abs() <= tolerance, "{found} {expected}");
            }
            (found, expected) => assert_eq!(found, expected),
        }
    }
}

/// The example of scikit-learn's `MinMaxScaler`.
#[test]
fn minmax_maps_the_lowest_to_0_and_the_highest_to_1() {
    let feed = TestFeed::of_numbers(&[Some(-1.0), None, Some(-0.5), Some(0.0), Some(1.0)]);
    let expected = [Some(0.0), None, Some(0.25), Some(0.5), Some(1.0)];
    assert_eq!(numbers("feed.minmax(n0)", &feed), expected);
}

/// Eight values whose mean is 5 and whose population deviation is 2, as `statistics.pstdev` of Python says.
#[test]
fn zscore_divides_by_the_population_deviation() {
    let feed = TestFeed::of_numbers(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0].map(Some));
    let expected = [-1.5, -0.5, -0.5, -0.5, 0.0, 0.0, 1.0, 2.0].map(Some);
    assert_eq!(numbers("feed.zscore(n0)", &feed), expected);
}

#[test]
fn minmax_and_zscore_of_equal_values_are_missing() {
    for values in [
        vec![Some(2.0), Some(2.0), None],
        vec![Some(0.1); 3],
        vec![Some(5.0)],
        vec![None],
    ] {
        let feed = TestFeed::of_numbers(&values);
        let none = vec![None; values.len()];
        assert_eq!(numbers("feed.minmax(n0)", &feed), none);
        assert_eq!(numbers("feed.zscore(n0)", &feed), none);
    }
}

/// The example of pandas' `rank`, from the highest.
#[test]
fn ranks_count_from_the_highest_and_ties_share_the_mean() {
    let feed = TestFeed::of_numbers(&[Some(4.0), Some(2.0), Some(4.0), Some(8.0), None]);
    let expected = [Some(2.5), Some(4.0), Some(2.5), Some(1.0), None];
    assert_eq!(numbers("feed.rank(n0)", &feed), expected);
}

/// The example of dplyr's `percent_rank`.
#[test]
fn percent_ranks_are_the_share_of_values_below() {
    let feed = TestFeed::of_numbers(&[5.0, 1.0, 3.0, 2.0, 2.0].map(Some));
    let expected = [1.0, 0.0, 0.75, 0.25, 0.25].map(Some);
    assert_eq!(numbers("feed.percent_rank(n0)", &feed), expected);
    let one = TestFeed::of_numbers(&[None, Some(3.0)]);
    assert_eq!(numbers("feed.percent_rank(n0)", &one), [None, Some(0.0)]);
}

#[test]
fn an_aggregate_is_the_same_for_every_item() {
    let feed = TestFeed::of_numbers(&[Some(1.0), None, Some(6.0), Some(2.0)]);
    assert_eq!(numbers("feed.mean(n0)", &feed), [Some(3.0); 4]);
    assert_eq!(numbers("feed.max(n0)", &feed), [Some(6.0); 4]);
    assert_eq!(numbers("feed.min(n0)", &feed), [Some(1.0); 4]);
    assert_eq!(
        numbers("feed.mean(n0)", &TestFeed::of_numbers(&[None])),
        [None]
    );
}

/// `quantile(1:10, c(0, .25, .5, .9, 1))` of R, and the example of `numpy.percentile`.
#[test]
fn quantiles_are_those_of_type_7() {
    let ten: Vec<Option<f64>> = (1..=10).map(|x| Some(f64::from(x))).collect();
    let feed = TestFeed::of_numbers(&ten);
    for (share, expected) in [
        ("0", 1.0),
        ("0.25", 3.25),
        ("0.5", 5.5),
        ("0.9", 9.1),
        ("1", 10.0),
    ] {
        let found = numbers(&format!("feed.quantile(n0, {share})"), &feed);
        assert_near(&found, &[Some(expected); 10], 1e-12);
    }
    let feed = TestFeed::of_numbers(&[10.0, 7.0, 4.0, 3.0, 2.0, 1.0].map(Some));
    assert_eq!(numbers("feed.quantile(n0, 0.5)", &feed), [Some(3.5); 6]);
}

/// `DescTools::Winsorize` limits to `quantile(x, c(0.1, 0.9))`.
#[test]
fn winsorize_limits_to_quantiles() {
    let feed =
        TestFeed::of_numbers(&[Some(10.0), Some(1.0), None, Some(5.0), Some(2.0), Some(3.0)]);
    let found = numbers("feed.winsorize(n0, 0.1, 0.9)", &feed);
    assert_near(
        &found,
        &[Some(8.0), Some(1.4), None, Some(5.0), Some(2.0), Some(3.0)],
        1e-12,
    );
}

/// As pandas' `ffill().fillna(start)`.
#[test]
fn a_missing_value_takes_that_of_the_item_before() {
    let feed = TestFeed::of_numbers(&[None, None, Some(3.0), None, None, Some(1.0), None]);
    let expected = [0.0, 0.0, 3.0, 3.0, 3.0, 1.0, 1.0].map(Some);
    assert_eq!(numbers("feed.fill_previous(n0, 0)", &feed), expected);
}

#[test]
fn functions_of_the_feed_see_the_selected_items_alone() {
    let mut feed = TestFeed::of_numbers(&[Some(0.0), Some(10.0), Some(4.0), Some(99.0), Some(2.0)]);
    feed.numbers
        .push([1.0, 1.0, 1.0, 1.0, 0.0].map(Some).to_vec());
    let (schema, columns) = (feed.schema(), Columns::default());
    let mut compiler = Compiler::new(&schema, &columns);
    compiler.rerank_only("n1 > 0").unwrap();
    compiler.remove("n0 > 50").unwrap();
    let minmax = compiler.value("feed.minmax(n0)").unwrap();
    let mean = compiler.value("feed.mean(n0)").unwrap();
    let filled = compiler
        .value("feed.fill_previous(nullif(n0, 10), -1)")
        .unwrap();
    let program = compiler.finish();
    let evaluation = program.evaluate(&&feed, Registers::default());
    let column = |value| results(&evaluation, value);
    assert_eq!(
        column(minmax),
        Results::Numbers(vec![Some(0.0), Some(1.0), Some(0.4), None, None])
    );
    assert_eq!(column(mean), Results::Numbers(vec![Some(14.0 / 3.0); 5]));
    assert_eq!(
        column(filled),
        Results::Numbers(vec![Some(0.0), Some(0.0), Some(4.0), None, None])
    );
}
