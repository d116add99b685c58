//! Logic with missing values, and the order of items.

use std::cmp::Ordering;

use weir_expressions::{Columns, Compiler, Registers};

use super::support::{TestFeed, boolean, boolean_of, columns, numbers};

/// A condition that is missing.
const MISSING: &str = "t0 == 'a'";

#[test]
fn logic_with_missing_is_kleenes() {
    for (source, expected) in [
        ("true and M", None),
        ("false and M", Some(false)),
        ("M and false", Some(false)),
        ("M and M", None),
        ("true or M", Some(true)),
        ("M or true", Some(true)),
        ("false or M", None),
        ("not M", None),
        ("missing(M)", Some(true)),
        ("missing(true)", Some(false)),
        ("coalesce(M, false)", Some(false)),
        ("if(M, true, true)", None),
        ("if(true, false, M)", Some(false)),
    ] {
        let written = source.replace('M', &format!("({MISSING})"));
        assert_eq!(boolean(&written), expected, "{source}");
    }
}

#[test]
fn not_binds_looser_than_comparison_and_tighter_than_and() {
    assert_eq!(boolean("not 1 == 2 and not 2 < 1"), Some(true));
    assert_eq!(boolean("true or false and false"), Some(true));
    assert_eq!(boolean("(true or false) and false"), Some(false));
    assert_eq!(boolean("not not true"), Some(true));
    assert_eq!(boolean("1 + 1 == 2"), Some(true));
}

#[test]
fn in_is_equality_with_any() {
    assert_eq!(boolean("2 in (1, 2)"), Some(true));
    assert_eq!(boolean("3 in (1, 2)"), Some(false));
    assert_eq!(boolean("not 3 in (3)"), Some(false));
    assert_eq!(boolean("t0 in ('a', 'b')"), None);
    assert_eq!(
        boolean_of("t0 in ('a', 'b')", &TestFeed::of_text(Some("b"))),
        Some(true)
    );
}

#[test]
fn a_missing_value_is_last_in_either_direction_and_equal_ones_tie() {
    let feed = TestFeed::of_numbers(&[None, Some(1.0), Some(2.0), Some(0.0), Some(-0.0)]);
    let (schema, none) = (feed.schema(), Columns::default());
    let mut compiler = Compiler::new(&schema, &none);
    let ascending = compiler.key("n0 asc").unwrap();
    let descending = compiler.key("n0 desc").unwrap();
    let truths = compiler.key("n0 > 1 desc").unwrap();
    let program = compiler.finish();
    let evaluation = program.evaluate(&&feed, Registers::default());
    assert_eq!(evaluation.compare(&ascending, 1, 2), Ordering::Less);
    assert_eq!(evaluation.compare(&descending, 1, 2), Ordering::Greater);
    assert_eq!(evaluation.compare(&ascending, 0, 2), Ordering::Greater);
    assert_eq!(evaluation.compare(&descending, 0, 2), Ordering::Greater);
    assert_eq!(evaluation.compare(&ascending, 3, 4), Ordering::Equal);
    assert_eq!(evaluation.compare(&truths, 2, 1), Ordering::Less);
}

#[test]
fn columns_use_each_other_whatever_their_order_and_are_computed_once() {
    let columns = columns(&[("a", "b + 1"), ("b", "n0 * 2"), ("unused", "a + 9")]);
    let feed = TestFeed::of_numbers(&[Some(3.0)]);
    let schema = feed.schema();
    assert_eq!(columns.check(&schema), []);
    let mut compiler = Compiler::new(&schema, &columns);
    compiler.key("a + b desc").unwrap();
    let twice = compiler.value("n0 * 2").unwrap();
    let program = compiler.finish();
    let names: Vec<&str> = program
        .columns()
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(program.columns()[1].value, twice);
    assert_eq!(program.inputs().len(), 1);
    assert_eq!(numbers("n0 * 2", &feed), [Some(6.0)]);
}
