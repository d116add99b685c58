use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// Value of one output for one item.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// A finite number.
    Number(f64),
    /// Text of an output that is a label.
    Label(Box<str>),
    /// `null`: the item has no such score.
    Missing,
}

/// Parameters of `score`.
#[derive(Serialize)]
pub(crate) struct ScoreParams<'b> {
    pub(crate) function: &'b str,
    pub(crate) budget_ms: u64,
    pub(crate) outputs: &'b [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(crate) sessions: &'b [&'b RawValue],
    pub(crate) items: &'b [SentItem<'b>],
}

#[derive(Serialize)]
pub(crate) struct SentItem<'b> {
    pub(crate) item: &'b RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) s: Option<usize>,
}

/// Result of `score`.
#[derive(Debug, PartialEq)]
pub(crate) struct ScoreResult {
    /// A row for each item, its cells in the order of the outputs; an item that could not be scored has none.
    pub(crate) rows: Vec<Option<Vec<Cell>>>,
}

#[derive(Deserialize)]
struct Columns<'r> {
    #[serde(borrow)]
    columns: BTreeMap<Cow<'r, str>, &'r RawValue>,
    #[serde(borrow, default)]
    errors: BTreeMap<Cow<'r, str>, &'r RawValue>,
}

impl ScoreResult {
    /// Reads the columns of `outputs` for as many items; `None` if they do not fit.
    pub(crate) fn read(result: &RawValue, outputs: &[String], items: usize) -> Option<Self> {
        let Columns { columns, errors } = serde_json::from_str(result.get()).ok()?;
        let mut rows: Vec<Option<Vec<Cell>>> = (0..items)
            .map(|_| Some(Vec::with_capacity(outputs.len())))
            .collect();
        for output in outputs {
            let column = columns.get(output.as_str())?;
            let column: Vec<Cell> = serde_json::from_str(column.get()).ok()?;
            if column.len() != items {
                return None;
            }
            for (row, cell) in rows.iter_mut().flatten().zip(column) {
                row.push(cell);
            }
        }
        for index in errors.keys() {
            *rows.get_mut(index.parse::<usize>().ok()?)? = None;
        }
        Some(Self { rows })
    }
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CellVisitor)
    }
}

struct CellVisitor;

impl Visitor<'_> for CellVisitor {
    type Value = Cell;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, text or null")
    }

    fn visit_f64<E>(self, value: f64) -> Result<Cell, E> {
        Ok(if value.is_finite() {
            Cell::Number(value)
        } else {
            Cell::Missing
        })
    }

    fn visit_i64<E>(self, value: i64) -> Result<Cell, E> {
        Ok(Cell::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Cell, E> {
        Ok(Cell::Number(value as f64))
    }

    fn visit_str<E>(self, value: &str) -> Result<Cell, E> {
        Ok(Cell::Label(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Cell, E> {
        Ok(Cell::Missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(result: &str, outputs: &[&str], items: usize) -> Option<Vec<Option<Vec<Cell>>>> {
        let outputs: Vec<String> = outputs.iter().map(|&output| output.to_owned()).collect();
        let result = RawValue::from_string(result.to_owned()).unwrap();
        ScoreResult::read(&result, &outputs, items).map(|result| result.rows)
    }

    #[test]
    fn a_row_has_a_cell_for_each_wanted_output_in_their_order() {
        let result = r#"{"columns": {"b": [1, null], "a": ["x", 2.5], "other": {}}}"#;
        let label = Cell::Label("x".into());
        assert_eq!(
            read(result, &["a", "b"], 2),
            Some(vec![
                Some(vec![label, Cell::Number(1.0)]),
                Some(vec![Cell::Number(2.5), Cell::Missing])
            ])
        );
    }

    #[test]
    fn an_item_with_an_error_has_no_row() {
        let result = r#"{"columns": {"a": [1, null]}, "errors": {"1": "too long"}}"#;
        let rows = read(result, &["a"], 2);
        assert_eq!(rows, Some(vec![Some(vec![Cell::Number(1.0)]), None]));
    }

    #[test]
    fn columns_that_do_not_fit_are_refused_whole() {
        for result in [
            r#"{"columns": {}}"#,
            r#"{"columns": {"a": [1]}}"#,
            r#"{"columns": {"a": [1, 2, 3]}}"#,
            r#"{"columns": {"a": [1, true]}}"#,
            r#"{"columns": {"a": [1, []]}}"#,
            r#"{"columns": {"a": [1, 2]}, "errors": {"2": "x"}}"#,
            r#"{"columns": {"a": [1, 2]}, "errors": {"x": "x"}}"#,
            "[]",
        ] {
            assert_eq!(read(result, &["a"], 2), None, "{result}");
        }
    }
}
