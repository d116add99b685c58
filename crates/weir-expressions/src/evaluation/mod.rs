mod feed_functions;
mod items;
mod operations;

use std::cmp::Ordering;

pub use items::{Feed, random};

use crate::program::{Direction, Program, Register, SortKey, Value};

/// Buffers of a past evaluation, to be used again.
#[derive(Debug, Clone, Default)]
pub struct Registers {
    numbers: Vec<Vec<Option<f64>>>,
    booleans: Vec<Vec<Option<bool>>>,
}

/// Values that a program computed for the items of one feed.
#[derive(Debug)]
pub struct Evaluation<'f> {
    numbers: Vec<Vec<Option<f64>>>,
    booleans: Vec<Vec<Option<bool>>>,
    texts: Vec<Vec<Option<&'f str>>>,
}

impl<K> Program<K> {
    /// Computes every value for the items of `feed`, in the buffers of `registers`.
    pub fn evaluate<'f>(&'f self, feed: &impl Feed<'f, K>, registers: Registers) -> Evaluation<'f> {
        let mut evaluation = Evaluation {
            numbers: registers.numbers,
            booleans: registers.booleans,
            texts: vec![Vec::new(); self.texts.len()],
        };
        evaluation.numbers.resize_with(self.numbers.len(), Vec::new);
        evaluation
            .booleans
            .resize_with(self.booleans.len(), Vec::new);
        for value in &self.order {
            match *value {
                Value::Number(register) => evaluation.compute_numbers(
                    &self.inputs,
                    &self.numbers[register.0],
                    register,
                    feed,
                ),
                Value::Text(register) => {
                    evaluation.compute_texts(&self.inputs, &self.texts[register.0], register, feed);
                }
                Value::Boolean(register) => evaluation.compute_booleans(
                    &self.inputs,
                    &self.booleans[register.0],
                    register,
                    feed,
                ),
            }
        }
        evaluation
    }
}

impl<'f> Evaluation<'f> {
    /// Returns numbers by item.
    pub fn numbers(&self, register: Register<f64>) -> &[Option<f64>] {
        &self.numbers[register.0]
    }

    /// Returns texts by item.
    pub fn texts(&self, register: Register<&'static str>) -> &[Option<&'f str>] {
        &self.texts[register.0]
    }

    /// Returns booleans by item.
    pub fn booleans(&self, register: Register<bool>) -> &[Option<bool>] {
        &self.booleans[register.0]
    }

    /// Returns whether a condition holds for an item. A missing one does not.
    pub fn holds(&self, condition: Register<bool>, item: usize) -> bool {
        self.booleans[condition.0][item] == Some(true)
    }

    /// Returns whether an item has no value.
    pub fn is_missing(&self, value: Value, item: usize) -> bool {
        match value {
            Value::Number(register) => self.numbers(register)[item].is_none(),
            Value::Text(register) => self.texts(register)[item].is_none(),
            Value::Boolean(register) => self.booleans(register)[item].is_none(),
        }
    }

    /// Compares two items by a key: the one to be shown first is less. A missing value comes last in either direction.
    pub fn compare(&self, key: &SortKey, left: usize, right: usize) -> Ordering {
        let direction = key.direction;
        match key.value {
            Value::Number(register) => {
                let column = self.numbers(register);
                // Adding zero makes the two zeros equal.
                missing_last(column[left], column[right], direction, |a, b| {
                    (a + 0.0).total_cmp(&(b + 0.0))
                })
            }
            Value::Text(register) => {
                let column = self.texts(register);
                missing_last(column[left], column[right], direction, str::cmp)
            }
            Value::Boolean(register) => {
                let column = self.booleans(register);
                missing_last(column[left], column[right], direction, |a, b| a.cmp(&b))
            }
        }
    }

    /// Returns the buffers, for another feed.
    pub fn into_registers(self) -> Registers {
        Registers {
            numbers: self.numbers,
            booleans: self.booleans,
        }
    }
}

fn missing_last<T>(
    left: Option<T>,
    right: Option<T>,
    direction: Direction,
    compare: impl Fn(T, T) -> Ordering,
) -> Ordering {
    match (left, right) {
        (Some(left), Some(right)) => match direction {
            Direction::Ascending => compare(left, right),
            Direction::Descending => compare(right, left),
        },
        (left, right) => left.is_none().cmp(&right.is_none()),
    }
}
