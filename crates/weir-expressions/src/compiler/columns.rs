use std::collections::BTreeMap;

use super::Compiler;
use crate::error::{ColumnError, ExpressionError, SpanError};
use crate::parser;
use crate::schema::Schema;
use crate::syntax::{Expression, Name};

/// Named expressions that other expressions may use by name.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    columns: BTreeMap<String, Column>,
}

#[derive(Debug, Clone)]
struct Column {
    source: String,
    parsed: Result<Expression, SpanError>,
}

impl Columns {
    /// Reads columns. [`check`](Self::check) tells what is wrong with them.
    pub fn parse(sources: &BTreeMap<String, String>) -> Self {
        let column = |(name, source): (&String, &String)| {
            let parsed = parser::parse(source);
            let source = source.clone();
            (name.clone(), Column { source, parsed })
        };
        Self {
            columns: sources.iter().map(column).collect(),
        }
    }

    /// Checks every column against the names of `schema`.
    pub fn check<K: Clone + PartialEq>(&self, schema: &Schema<K>) -> Vec<ColumnError> {
        let wrong = self.columns.iter().filter_map(|(name, column)| {
            Some(ColumnError {
                name: name.clone(),
                source: self.error(schema, name, column)?,
            })
        });
        wrong.collect()
    }

    fn error<K: Clone + PartialEq>(
        &self,
        schema: &Schema<K>,
        name: &str,
        column: &Column,
    ) -> Option<ExpressionError> {
        let refused = |text: String| Some(ExpressionError { column: 1, text });
        if Schema::<K>::is_reserved(name) {
            return refused(format!("the name {name} is reserved"));
        }
        if schema.contains(&Name::new([name])) {
            return refused(format!("the name {name} is taken: rename the column"));
        }
        let mut compiler = Compiler::new(schema, self);
        let parsed = column.parsed.as_ref().map_err(Clone::clone);
        let value = parsed.and_then(|expression| compiler.own_column(name, expression));
        value.err().map(|error| error.in_source(&column.source))
    }

    pub(super) fn get(&self, name: &str) -> Option<(&str, &Result<Expression, SpanError>)> {
        let (name, column) = self.columns.get_key_value(name)?;
        Some((name, &column.parsed))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.keys().map(String::as_str)
    }
}
