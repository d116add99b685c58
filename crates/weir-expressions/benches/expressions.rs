//! `cargo bench --bench expressions -p weir-expressions`: an order of 100 items, from inputs to indices.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use weir_expressions::{Columns, Compiler, Feed, Name, Registers, Schema, Type};

const ITEMS: usize = 100;
const INPUTS: usize = 6;

/// Six scores per item, one in ten missing.
struct Scores([Vec<Option<f64>>; INPUTS]);

impl<'f> Feed<'f, usize> for Scores {
    fn len(&self) -> usize {
        ITEMS
    }

    fn user_id(&self) -> &'static str {
        "user"
    }

    fn item_id(&self, _: usize) -> &'static str {
        "item"
    }

    fn numbers(&self, key: &usize, column: &mut Vec<Option<f64>>) {
        column.extend_from_slice(&self.0[*key]);
    }

    fn texts(&self, _: &usize, _: &mut Vec<Option<&'f str>>) {}

    fn booleans(&self, _: &usize, _: &mut Vec<Option<bool>>) {}
}

fn scores() -> Scores {
    let column = |input: usize| {
        let score = |item: usize| {
            (!(item * 7 + input * 3).is_multiple_of(10))
                .then(|| ((item * 37 + input * 11) % 101) as f64 / 101.0)
        };
        (0..ITEMS).map(score).collect()
    };
    Scores(std::array::from_fn(column))
}

fn expressions(criterion: &mut Criterion) {
    let mut schema = Schema::default();
    for input in 0..INPUTS {
        schema.declare(Name::new([format!("s{input}")]), Type::Number, input);
    }
    let columns = Columns::default();
    let scores = scores();
    let mut group = criterion.benchmark_group("expressions");
    group.throughput(Throughput::Elements(ITEMS as u64));
    for (name, keys) in [
        (
            "weighted_sum",
            vec![
                "0.3 * coalesce(s0, 0) + 0.2 * coalesce(s1, 0) + 0.1 * coalesce(s2, 0) - 0.4 * coalesce(s3, 0) + 0.5 * coalesce(s4, 0) + 0.6 * coalesce(s5, 0) desc",
            ],
        ),
        (
            "two_keys",
            vec![
                "bucket(s0, 0.2, 0.4, 0.6) desc",
                "weighted_mean(s1, 1, s2, 2, s3, 1, s4, 0.5, s5, 2) desc",
            ],
        ),
        (
            "over_the_feed",
            vec![
                "feed.minmax(s0) + feed.zscore(s1) + feed.percent_rank(s2) - feed.winsorize(s3, 0.1, 0.9) + feed.fill_previous(s4, 0) + feed.rank(s5) desc",
            ],
        ),
    ] {
        let mut compiler = Compiler::new(&schema, &columns);
        let keys: Vec<_> = keys
            .iter()
            .map(|key| {
                compiler
                    .key(key)
                    .unwrap_or_else(|error| panic!("{key}: {error}"))
            })
            .collect();
        let program = compiler.finish();
        let mut registers = Registers::default();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let evaluation =
                    program.evaluate(black_box(&scores), std::mem::take(&mut registers));
                let mut order: Vec<usize> = (0..ITEMS).collect();
                order.sort_unstable_by(|&a, &b| {
                    let orderings = keys.iter().map(|key| evaluation.compare(key, a, b));
                    orderings
                        .fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
                        .then(a.cmp(&b))
                });
                registers = evaluation.into_registers();
                order
            });
        });
    }
    group.finish();
}

criterion_group!(benches, expressions);
criterion_main!(benches);
