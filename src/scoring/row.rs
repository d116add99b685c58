use std::sync::Arc;

use serde::Serialize;

use super::outputs::{OutputKind, Outputs};

/// Value of one output.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum OutputValue {
    /// Value of an output of the kind [`OutputKind::Number`].
    Number(f64),
    /// Value of an output of the kind [`OutputKind::Label`].
    Label(Arc<str>),
}

/// Answer of a scorer about one item: for each of its [`Outputs`], in their order, a value or none. An output without a value is
/// an answer, not a failure.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreRow(Repr);

/// As large as a number and its tag, because most scorers have one output, and rows are copied for every item of every feed.
#[derive(Debug, Clone, PartialEq)]
enum Repr {
    /// Number of the only output.
    Number(f64),
    /// No output has a value.
    Missing,
    /// Values of several outputs, or a label.
    Values(Arc<Vec<Option<OutputValue>>>),
}

impl ScoreRow {
    /// Row in which no output has a value.
    pub const MISSING: Self = Self(Repr::Missing);

    /// Creates a row of these values, in the order of the outputs.
    pub fn from_values(values: Vec<Option<OutputValue>>) -> Self {
        match values.as_slice() {
            [Some(OutputValue::Number(number))] => Self::from(*number),
            values if values.iter().all(Option::is_none) => Self::MISSING,
            _ => Self(Repr::Values(Arc::new(values))),
        }
    }

    /// Returns the number of the output with this index, or `None` if it has none or is a label.
    pub fn number(&self, output: usize) -> Option<f64> {
        match &self.0 {
            Repr::Number(number) => (output == 0).then_some(*number),
            Repr::Missing => None,
            Repr::Values(values) => match values.get(output)? {
                Some(OutputValue::Number(number)) => Some(*number),
                _ => None,
            },
        }
    }

    /// Returns the value of the output with this index.
    pub fn value(&self, output: usize) -> Option<OutputValue> {
        match &self.0 {
            Repr::Values(values) => values.get(output)?.clone(),
            _ => self.number(output).map(OutputValue::Number),
        }
    }

    /// Returns whether the row is one of a scorer with these outputs, and its numbers are finite.
    pub(super) fn fits(&self, outputs: &Outputs) -> bool {
        let fits = |value: &Option<OutputValue>, kind: OutputKind| match value {
            Some(OutputValue::Number(number)) => kind == OutputKind::Number && number.is_finite(),
            Some(OutputValue::Label(_)) => kind == OutputKind::Label,
            None => true,
        };
        match &self.0 {
            Repr::Number(number) => number.is_finite() && outputs.is_one_number(),
            Repr::Missing => true,
            Repr::Values(values) => {
                let mut pairs = values.iter().zip(outputs.iter());
                values.len() == outputs.len()
                    && pairs.all(|(value, output)| fits(value, output.kind))
            }
        }
    }
}

impl From<f64> for ScoreRow {
    /// Creates the row of a scorer whose only output is a number.
    fn from(number: f64) -> Self {
        Self(Repr::Number(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(text: &str) -> OutputValue {
        OutputValue::Label(text.into())
    }

    #[test]
    fn a_row_is_no_larger_than_a_number_with_its_tag() {
        assert_eq!(
            size_of::<Option<Result<ScoreRow, super::super::ScoreError>>>(),
            16
        );
    }

    #[test]
    fn values_are_found_by_the_index_of_their_output() {
        let row = ScoreRow::from_values(vec![
            Some(OutputValue::Number(0.5)),
            Some(label("en")),
            None,
        ]);
        assert_eq!(
            [0, 1, 2, 3].map(|output| row.number(output)),
            [Some(0.5), None, None, None]
        );
        assert_eq!(row.value(1), Some(label("en")));
        let only = ScoreRow::from_values(vec![Some(OutputValue::Number(0.5))]);
        assert_eq!(only, ScoreRow::from(0.5));
        assert_eq!(only.value(0), Some(OutputValue::Number(0.5)));
        assert_eq!(ScoreRow::from_values(vec![None, None]), ScoreRow::MISSING);
    }

    #[test]
    fn a_row_fits_outputs_of_its_number_and_kinds() {
        let outputs = Outputs::new([("a", OutputKind::Number), ("b", OutputKind::Label)]);
        let number = |number| Some(OutputValue::Number(number));
        let fits = |values: Vec<_>| ScoreRow::from_values(values).fits(&outputs);
        assert!(fits(vec![number(1.0), Some(label("x"))]));
        assert!(fits(vec![None, Some(label("x"))]));
        assert!(fits(vec![None, None]));
        assert!(!fits(vec![number(f64::NAN), None]));
        assert!(!fits(vec![Some(label("x")), number(1.0)]));
        assert!(!fits(vec![number(1.0)]));
        assert!(!fits(vec![number(1.0), None, None]));
        assert!(ScoreRow::from(1.0).fits(&Outputs::default()));
    }
}
