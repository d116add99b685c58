use super::items::matches_language;
use super::{Evaluation, Feed, feed_functions, random};
use crate::program::{
    BooleanOperation, BooleanRegister, Choice, Choose, NumberOperation, NumberRegister,
    TextOperation, TextRegister, finite,
};

/// Values of one type, by item.
type Column<T> = Vec<Option<T>>;

impl<'f> Evaluation<'f> {
    pub(super) fn compute_numbers<K>(
        &mut self,
        inputs: &[K],
        operation: &NumberOperation,
        into: NumberRegister,
        feed: &impl Feed<'f, K>,
    ) {
        let mut column = std::mem::take(&mut self.numbers[into.0]);
        column.clear();
        let items = feed.len();
        match operation {
            NumberOperation::Input(input) => {
                feed.numbers(&inputs[*input], &mut column);
                column.resize(items, None);
                for value in &mut column {
                    *value = value.and_then(finite);
                }
            }
            NumberOperation::Constant(constant) => column.resize(items, Some(*constant)),
            NumberOperation::Unary(unary, x) => {
                column.extend(self.numbers[x.0].iter().map(|x| unary.apply((*x)?)));
            }
            NumberOperation::Binary(binary, a, b) => {
                zip(
                    &mut column,
                    &self.numbers[a.0],
                    &self.numbers[b.0],
                    |a, b| binary.apply(a?, b?),
                );
            }
            NumberOperation::Choose(Choose {
                choice,
                left,
                right,
            }) => {
                self.choose(
                    &mut column,
                    *choice,
                    &self.numbers[left.0],
                    &self.numbers[right.0],
                );
            }
            NumberOperation::Bucket(x, edges) => {
                let bucket = |x: f64| edges.iter().filter(|edge| **edge <= x).count() as f64;
                column.extend(self.numbers[x.0].iter().map(|x| x.map(bucket)));
            }
            NumberOperation::WeightedMean(pairs) => {
                column.extend((0..items).map(|item| self.weighted_mean(pairs, item)));
            }
            NumberOperation::Random(salt) => {
                let user = feed.user_id();
                column.extend((0..items).map(|item| Some(random(salt, user, feed.item_id(item)))));
            }
            NumberOperation::Feed {
                function,
                value,
                selected,
            } => {
                let selected = selected.map(|selected| self.booleans[selected.0].as_slice());
                feed_functions::compute(&mut column, *function, *value, selected, &self.numbers);
            }
        }
        self.numbers[into.0] = column;
    }

    pub(super) fn compute_texts<K>(
        &mut self,
        inputs: &[K],
        operation: &'f TextOperation,
        into: TextRegister,
        feed: &impl Feed<'f, K>,
    ) {
        let mut column = Vec::with_capacity(feed.len());
        match operation {
            TextOperation::Input(input) => {
                feed.texts(&inputs[*input], &mut column);
                column.resize(feed.len(), None);
            }
            TextOperation::Constant(constant) => column.resize(feed.len(), Some(&**constant)),
            TextOperation::Choose(Choose {
                choice,
                left,
                right,
            }) => {
                self.choose(
                    &mut column,
                    *choice,
                    &self.texts[left.0],
                    &self.texts[right.0],
                );
            }
        }
        self.texts[into.0] = column;
    }

    pub(super) fn compute_booleans<K>(
        &mut self,
        inputs: &[K],
        operation: &BooleanOperation,
        into: BooleanRegister,
        feed: &impl Feed<'f, K>,
    ) {
        let mut column = std::mem::take(&mut self.booleans[into.0]);
        column.clear();
        let (numbers, booleans, texts) = (&self.numbers, &self.booleans, &self.texts);
        match operation {
            BooleanOperation::Input(input) => {
                feed.booleans(&inputs[*input], &mut column);
                column.resize(feed.len(), None);
            }
            BooleanOperation::Constant(constant) => column.resize(feed.len(), Some(*constant)),
            BooleanOperation::And(a, b) => zip(&mut column, &booleans[a.0], &booleans[b.0], and),
            BooleanOperation::Or(a, b) => zip(&mut column, &booleans[a.0], &booleans[b.0], or),
            BooleanOperation::Not(a) => column.extend(booleans[a.0].iter().map(|a| a.map(|a| !a))),
            BooleanOperation::CompareNumbers(comparison, a, b) => {
                zip(&mut column, &numbers[a.0], &numbers[b.0], |a, b| {
                    Some(comparison.apply(&a?, &b?))
                });
            }
            BooleanOperation::CompareTexts(comparison, a, b) => {
                zip(&mut column, &texts[a.0], &texts[b.0], |a, b| {
                    Some(comparison.apply(&a?, &b?))
                });
            }
            BooleanOperation::CompareBooleans(comparison, a, b) => {
                zip(&mut column, &booleans[a.0], &booleans[b.0], |a, b| {
                    Some(comparison.apply(&a?, &b?))
                });
            }
            BooleanOperation::Missing(value) => {
                column.extend((0..feed.len()).map(|item| Some(self.is_missing(*value, item))));
            }
            BooleanOperation::Choose(Choose {
                choice,
                left,
                right,
            }) => {
                self.choose(&mut column, *choice, &booleans[left.0], &booleans[right.0]);
            }
            BooleanOperation::Language(tag, range) => {
                zip(&mut column, &texts[tag.0], &texts[range.0], |tag, range| {
                    Some(matches_language(tag?, range?))
                });
            }
        }
        self.booleans[into.0] = column;
    }

    fn choose<T: Copy + PartialEq>(
        &self,
        column: &mut Column<T>,
        choice: Choice,
        left: &[Option<T>],
        right: &[Option<T>],
    ) {
        match choice {
            Choice::If(condition) => {
                let branches = left.iter().zip(right);
                let items = self.booleans[condition.0].iter().zip(branches);
                column.extend(
                    items.map(
                        |(condition, (left, right))| if (*condition)? { *left } else { *right },
                    ),
                );
            }
            Choice::Coalesce => zip(column, left, right, Option::or),
            Choice::NullIf => zip(column, left, right, |left, right| {
                left.filter(|_| left != right)
            }),
        }
    }

    fn weighted_mean(
        &self,
        pairs: &[(NumberRegister, NumberRegister)],
        item: usize,
    ) -> Option<f64> {
        let present = pairs
            .iter()
            .filter_map(|(x, w)| Some((self.numbers[x.0][item]?, self.numbers[w.0][item]?)));
        let (sum, weights) = present.fold((0.0, 0.0), |(sum, weights), (x, w)| {
            (sum + x * w, weights + w)
        });
        finite(sum / finite(weights)?)
    }
}

fn zip<A: Copy, B: Copy, R>(
    column: &mut Column<R>,
    left: &[Option<A>],
    right: &[Option<B>],
    f: impl Fn(Option<A>, Option<B>) -> Option<R>,
) {
    column.extend(left.iter().zip(right).map(|(left, right)| f(*left, *right)));
}

fn and(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (left, right) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn or(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (left, right) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}
