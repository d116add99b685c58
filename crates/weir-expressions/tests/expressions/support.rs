use std::collections::BTreeMap;

use weir_expressions::{Columns, Compiler, Evaluation, Feed, Name, Registers, Schema, Type, Value};

/// Key of an input: its index among those of its type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Key(pub(crate) usize);

/// Feed with inputs `n0`, `n1`, .. of numbers, `t0`, .. of texts and `b0`, .. of booleans.
#[derive(Debug, Clone, Default)]
pub(crate) struct TestFeed {
    pub(crate) len: usize,
    pub(crate) numbers: Vec<Vec<Option<f64>>>,
    pub(crate) texts: Vec<Vec<Option<String>>>,
    pub(crate) booleans: Vec<Vec<Option<bool>>>,
}

impl TestFeed {
    /// Creates a feed with one input, `n0`.
    pub(crate) fn of_numbers(numbers: &[Option<f64>]) -> Self {
        Self {
            len: numbers.len(),
            numbers: vec![numbers.to_vec()],
            ..Self::default()
        }
    }

    /// Creates a feed of one item with one input, `t0`.
    pub(crate) fn of_text(text: Option<&str>) -> Self {
        Self {
            len: 1,
            texts: vec![vec![text.map(str::to_owned)]],
            ..Self::default()
        }
    }

    pub(crate) fn schema(&self) -> Schema<Key> {
        let mut schema = Schema::default();
        for index in 0..self.numbers.len() {
            schema.declare(Name::new([format!("n{index}")]), Type::Number, Key(index));
        }
        for index in 0..self.texts.len() {
            schema.declare(Name::new([format!("t{index}")]), Type::Text, Key(index));
        }
        for index in 0..self.booleans.len() {
            schema.declare(Name::new([format!("b{index}")]), Type::Boolean, Key(index));
        }
        schema
    }
}

impl<'f> Feed<'f, Key> for &'f TestFeed {
    fn len(&self) -> usize {
        self.len
    }

    fn user_id(&self) -> &'static str {
        "user"
    }

    fn item_id(&self, item: usize) -> &str {
        ["a", "b", "c", "d", "e", "f", "g", "h"][item % 8]
    }

    fn numbers(&self, key: &Key, column: &mut Vec<Option<f64>>) {
        column.extend_from_slice(&self.numbers[key.0]);
    }

    fn texts(&self, key: &Key, column: &mut Vec<Option<&'f str>>) {
        column.extend(self.texts[key.0].iter().map(Option::as_deref));
    }

    fn booleans(&self, key: &Key, column: &mut Vec<Option<bool>>) {
        column.extend_from_slice(&self.booleans[key.0]);
    }
}

/// Result of an expression for each item, whatever its type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Results {
    Numbers(Vec<Option<f64>>),
    Texts(Vec<Option<String>>),
    Booleans(Vec<Option<bool>>),
}

pub(crate) fn results(evaluation: &Evaluation<'_>, value: Value) -> Results {
    match value {
        Value::Number(register) => Results::Numbers(evaluation.numbers(register).to_vec()),
        Value::Text(register) => {
            let texts = evaluation.texts(register).iter();
            Results::Texts(texts.map(|text| text.map(str::to_owned)).collect())
        }
        Value::Boolean(register) => Results::Booleans(evaluation.booleans(register).to_vec()),
    }
}

pub(crate) fn evaluate(source: &str, feed: &TestFeed) -> Results {
    let (schema, columns) = (feed.schema(), Columns::default());
    let mut compiler = Compiler::new(&schema, &columns);
    let value = compiler
        .value(source)
        .unwrap_or_else(|error| panic!("{source}: {error}"));
    let program = compiler.finish();
    results(&program.evaluate(&feed, Registers::default()), value)
}

/// Evaluates an expression of numbers, for each item.
pub(crate) fn numbers(source: &str, feed: &TestFeed) -> Vec<Option<f64>> {
    match evaluate(source, feed) {
        Results::Numbers(numbers) => numbers,
        other => panic!("{source}: {other:?}"),
    }
}

/// Evaluates an expression of constants.
pub(crate) fn number(source: &str) -> Option<f64> {
    numbers(source, &TestFeed::of_numbers(&[None]))[0]
}

/// Evaluates a condition on constants and the text `t0`, which is missing.
pub(crate) fn boolean(source: &str) -> Option<bool> {
    boolean_of(source, &TestFeed::of_text(None))
}

pub(crate) fn boolean_of(source: &str, feed: &TestFeed) -> Option<bool> {
    match evaluate(source, feed) {
        Results::Booleans(booleans) => booleans[0],
        other => panic!("{source}: {other:?}"),
    }
}

pub(crate) fn columns(sources: &[(&str, &str)]) -> Columns {
    let owned = sources
        .iter()
        .map(|(name, source)| ((*name).to_owned(), (*source).to_owned()));
    Columns::parse(&owned.collect::<BTreeMap<_, _>>())
}
