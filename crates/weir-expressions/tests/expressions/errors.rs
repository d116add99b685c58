//! Errors: where they are and what they say.

use weir_expressions::{Columns, Compiler, Name, Schema, Type};

use super::support::columns;

fn schema() -> Schema<u8> {
    let mut schema = Schema::default();
    for (parts, kind) in [
        (vec!["toxicity"], Type::Number),
        (vec!["my-scorer"], Type::Number),
        (vec!["civic", "civic"], Type::Number),
        (vec!["civic", "bridging"], Type::Number),
        (vec!["item", "language"], Type::Text),
        (vec!["item", "text_length"], Type::Number),
        (vec!["names_entity"], Type::Boolean),
    ] {
        schema.declare(Name::new(parts), kind, 0);
    }
    schema
}

fn error(source: &str) -> String {
    let (schema, columns) = (schema(), Columns::default());
    match Compiler::new(&schema, &columns).value(source) {
        Ok(value) => panic!("{source}: {value:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn an_unknown_name_has_its_column_and_the_nearest_known_one() {
    for (source, expected) in [
        (
            "1 + toxcity",
            "column 5: there is no toxcity; did you mean toxicity?",
        ),
        (
            "'ä' == item.langauge",
            "column 8: there is no item.langauge; did you mean item.language?",
        ),
        (
            "my_scorer",
            "column 1: there is no my_scorer; did you mean `my-scorer`?",
        ),
        ("qqqq", "column 1: there is no qqqq"),
        (
            "civic + 1",
            "column 1: civic is no value by itself: choose one of civic.bridging, civic.civic",
        ),
        (
            "item",
            "column 1: item is no value by itself: choose one of item.language, item.text_length",
        ),
        (
            "minn(1, 2)",
            "column 1: there is no function minn; did you mean min?",
        ),
        (
            "feed.mean",
            "column 1: feed.mean is a function: feed.mean(x)",
        ),
    ] {
        assert_eq!(error(source), expected);
    }
}

#[test]
fn types_do_not_mix() {
    for (source, expected) in [
        (
            "toxicity == 'a'",
            "column 1: a number cannot be compared with a text",
        ),
        (
            "names_entity + 1",
            "column 1: expected a number, found a boolean; if(c, 1, 0) makes a number of a condition",
        ),
        (
            "not toxicity",
            "column 5: expected a boolean, found a number; compare it, as in x > 0",
        ),
        (
            "coalesce(toxicity, 'a')",
            "column 20: expected a number, found a text",
        ),
        (
            "if(names_entity, 1, 'a')",
            "column 21: expected a number, found a text",
        ),
        (
            "item.language + 1",
            "column 1: expected a number, found a text",
        ),
        (
            "true < false",
            "column 1: booleans have no order: compare them with == or !=",
        ),
        (
            "toxicity in (1, 'a')",
            "column 1: a number cannot be compared with a text",
        ),
        (
            "abs(item.language)",
            "column 5: expected a number, found a text",
        ),
    ] {
        assert_eq!(error(source), expected);
    }
}

#[test]
fn spellings_of_other_languages_are_told_ours() {
    for (source, expected) in [
        (
            "toxicity = 1",
            "column 10: = is not an operator here: use ==",
        ),
        (
            "true && false",
            "column 6: && is not an operator here: use and",
        ),
        (
            "true || false",
            "column 6: || is not an operator here: use or",
        ),
        ("!true", "column 1: ! is not an operator here: use not"),
        ("1 <> 2", "column 3: <> is not an operator here: use !="),
        (
            "1 %in% 2",
            "column 3: %in% is not an operator here: use in (a, b)",
        ),
        (
            "toxicity ^ 2",
            "column 10: ^ is not an operator here: use a product, or exp(y * log(x))",
        ),
        (
            "toxicity ** 2",
            "column 10: ** is not an operator here: use a product, or exp(y * log(x))",
        ),
        (
            "is.na(toxicity)",
            "column 1: there is no function is.na here: use missing(x)",
        ),
        (
            "ifelse(true, 1, 2)",
            "column 1: there is no function ifelse here: use if(c, a, b)",
        ),
        (
            "case_when(true, 1)",
            "column 1: there is no function case_when here: use if(c1, a, if(c2, b, c))",
        ),
        (
            "rank(toxicity)",
            "column 1: there is no function rank here: use feed.rank(x)",
        ),
        (
            "toxicity == NA",
            "column 13: there is no NA here: missing(x) tests for a missing value, coalesce(x, y) replaces one",
        ),
        (
            "toxicity == None",
            "column 13: there is no None here: missing(x) tests for a missing value, coalesce(x, y) replaces one",
        ),
        (
            "TRUE",
            "column 1: there is no TRUE here: the constant is true",
        ),
        (
            "True AND True",
            "column 1: there is no True here: the constant is true",
        ),
    ] {
        assert_eq!(error(source), expected);
    }
}

#[test]
fn what_is_no_expression_says_what_was_expected() {
    for (source, expected) in [
        ("", "column 1: expected a value, found the end"),
        ("1 +", "column 4: expected a value, found the end"),
        ("(1", "column 3: expected an operator or ), found the end"),
        (
            "min(1, 2",
            "column 9: expected an operator, a comma or ), found the end",
        ),
        ("1 2", "column 3: expected an operator or the end, found 2"),
        (
            "1 < 2 < 3",
            "column 7: comparisons are not chained: join two with and",
        ),
        ("'abc", "column 1: a text has no closing '"),
        ("1 @ 2", "column 3: unexpected character @"),
        ("1e999", "column 1: a number is too large"),
        ("if true", "column 1: if is a function: if(c, a, b)"),
        (
            "min(1)",
            "column 1: expected min(a, b, ..), found 1 arguments; over the feed, feed.min(x)",
        ),
        (
            "weighted_mean(1, 2, 3)",
            "column 1: expected weighted_mean(x, w, ..), found 3 arguments",
        ),
        (
            "bucket(1, 2, 1)",
            "column 1: the edges of a bucket must ascend",
        ),
        ("bucket(1, toxicity)", "column 11: expected a constant"),
        (
            "feed.quantile(toxicity, 2)",
            "column 25: expected 0 to 1, found 2",
        ),
        (
            "feed.winsorize(toxicity, 0.9, 0.1)",
            "column 1: the lower quantile must not be above the upper one",
        ),
        (
            "clamp(toxicity, 1, 0)",
            "column 17: the lower bound must not be above the upper one",
        ),
        (
            "language(item.language, 'english!')",
            "column 25: expected a language range such as en, de-CH or *, found 'english!'",
        ),
        (
            "random(1)",
            "column 1: expected random(\"salt\"), with a text of your own choice",
        ),
    ] {
        assert_eq!(error(source), expected);
    }
}

#[test]
fn a_key_has_a_direction() {
    let (schema, columns) = (schema(), Columns::default());
    let mut compiler = Compiler::new(&schema, &columns);
    for (source, expected) in [
        (
            "toxicity",
            "column 9: expected an operator, or asc (lowest first) or desc (highest first), found the end",
        ),
        (
            "toxicity down",
            "column 10: expected an operator, or asc (lowest first) or desc (highest first), found down",
        ),
        (
            "toxicity asc, 1 desc",
            "column 13: expected the end: one key is one text, found a comma",
        ),
    ] {
        assert_eq!(compiler.key(source).unwrap_err().to_string(), expected);
    }
    assert!(compiler.key("`my-scorer` desc").is_ok());
    assert_eq!(
        compiler.condition("toxicity").unwrap_err().to_string(),
        "column 1: expected a boolean, found a number; compare it, as in x > 0"
    );
}

#[test]
fn what_selects_items_may_not_use_the_feed() {
    let columns = columns(&[
        ("relative", "feed.minmax(toxicity)"),
        ("twice", "relative * 2"),
    ]);
    let schema = schema();
    for (source, column) in [
        ("toxicity > feed.mean(toxicity)", 12),
        ("1 < 2 and twice > 0", 11),
    ] {
        for error in [
            Compiler::new(&schema, &columns).remove(source).unwrap_err(),
            Compiler::new(&schema, &columns)
                .rerank_only(source)
                .unwrap_err(),
        ] {
            assert_eq!(error.column, column);
            assert!(
                error.text.starts_with("feed.* cannot be used here"),
                "{error}"
            );
        }
        assert!(Compiler::new(&schema, &columns).condition(source).is_ok());
    }
}

#[test]
fn errors_of_columns_name_the_column() {
    let wrong = columns(&[
        ("a", "b + 1"),
        ("b", "a * 2"),
        ("civil", "1 - toxcity"),
        ("item", "1"),
        ("toxicity", "1"),
        ("uses", "civil + 1"),
    ]);
    let errors: Vec<String> = wrong
        .check(&schema())
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        errors,
        [
            "a: column 1: in b: a refers to itself",
            "b: column 1: in a: b refers to itself",
            "civil: column 5: there is no toxcity; did you mean toxicity?",
            "item: column 1: the name item is reserved",
            "toxicity: column 1: the name toxicity is taken: rename the column",
            "uses: column 1: in civil: there is no toxcity; did you mean toxicity?",
        ]
    );
}
