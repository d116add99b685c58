use proptest::prelude::*;
use weir_expressions::{Columns, Compiler, Registers};

use super::arbitrary::Choices;
use super::naive::Naive;
use super::support::{Key, Results, TestFeed, results};

fn feeds() -> impl Strategy<Value = TestFeed> {
    let number = prop_oneof![
        Just(None),
        prop::sample::select(vec![
            0.0,
            0.5,
            1.0,
            -1.0,
            2.0,
            1e300,
            -1e300,
            0.1,
            f64::NAN,
            f64::INFINITY
        ])
        .prop_map(Some),
        (-2.0..2.0_f64).prop_map(Some),
    ];
    let text = prop::option::of(
        prop::sample::select(vec!["en", "EN-gb", "de", "", "english"]).prop_map(str::to_owned),
    );
    (0_usize..8).prop_flat_map(move |len| {
        let numbers = prop::collection::vec(prop::collection::vec(number.clone(), len), 3);
        let texts = prop::collection::vec(prop::collection::vec(text.clone(), len), 2);
        let booleans = prop::collection::vec(prop::collection::vec(any::<Option<bool>>(), len), 2);
        (numbers, texts, booleans).prop_map(move |(numbers, texts, booleans)| TestFeed {
            len,
            numbers,
            texts,
            booleans,
        })
    })
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn programs_agree_with_an_interpreter(
        feed in feeds(), rerank_only in bytes(), remove in bytes(), number in bytes(), text in bytes(), boolean in bytes(),
    ) {
        let rerank_only = Choices::new(&rerank_only, false).boolean(2);
        let remove = Choices::new(&remove, false).boolean(2);
        let number = Choices::new(&number, true).number(4);
        let text = Choices::new(&text, true).text(3);
        let boolean = Choices::new(&boolean, true).boolean(4);

        let (schema, columns) = (feed.schema(), Columns::default());
        let mut compiler = Compiler::new(&schema, &columns);
        compiler.rerank_only(&rerank_only.to_string()).unwrap();
        compiler.remove(&remove.to_string()).unwrap();
        let values = [number.to_string(), text.to_string(), boolean.to_string()];
        let values = values.map(|source| compiler.value(&source).unwrap());
        let program = compiler.finish();
        let evaluation = program.evaluate(&&feed, Registers::default());
        let found = values.map(|value| results(&evaluation, value));

        let mut naive = Naive { feed: &feed, selected: Vec::new() };
        let items = 0..feed.len;
        let selects = |item| naive.boolean(&rerank_only, item) == Some(true) && naive.boolean(&remove, item) != Some(true);
        naive.selected = items.clone().map(selects).collect();
        let expected = [
            Results::Numbers(items.clone().map(|item| naive.number(&number, item)).collect()),
            Results::Texts(items.clone().map(|item| naive.text(&text, item).map(str::to_owned)).collect()),
            Results::Booleans(items.map(|item| naive.boolean(&boolean, item)).collect()),
        ];
        prop_assert_eq!(found, expected, "{} | {} | {}", number, text, boolean);
    }

    #[test]
    fn buffers_of_another_feed_change_nothing(first in feeds(), second in feeds(), number in bytes()) {
        let source = Choices::new(&number, true).number(3).to_string();
        let (schema, columns) = (first.schema(), Columns::default());
        let mut compiler = Compiler::new(&schema, &columns);
        let value = compiler.value(&source).unwrap();
        let program = compiler.finish();
        let used = program.evaluate(&&first, Registers::default()).into_registers();
        let fresh = results(&program.evaluate(&&second, Registers::default()), value);
        prop_assert_eq!(results(&program.evaluate(&&second, used), value), fresh);
    }

    #[test]
    fn any_text_is_an_expression_or_an_error_within_it(source in "[a-z0-9.`'\"()=<>!&|%^*/+, -]{0,40}|\\PC{0,30}") {
        let feed = TestFeed::of_numbers(&[Some(1.0)]);
        let (schema, columns) = (feed.schema(), Columns::default());
        let mut compiler = Compiler::<Key>::new(&schema, &columns);
        if let Err(error) = compiler.key(&source) {
            prop_assert!((1..=source.chars().count() + 1).contains(&error.column), "{}", error);
        }
    }
}
