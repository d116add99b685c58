mod columns;
mod functions;
mod operations;

use std::collections::BTreeMap;

pub use columns::Columns;

use crate::MAX_OPERATIONS;
use crate::error::{ExpressionError, Span, SpanError};
use crate::parser;
use crate::program::{
    BooleanOperation, BooleanRegister, NamedColumn, NumberRegister, Program, Register, SortKey,
    Value,
};
use crate::schema::{Schema, Type};
use crate::syntax::{Expression, Name};

/// Compiles the expressions of one order into one program.
///
/// [`rerank_only`](Self::rerank_only) and [`remove`](Self::remove) decide over which items `feed.*` functions are computed. They
/// come first; a function that was compiled before them is computed over more items.
#[derive(Debug)]
pub struct Compiler<'c, K> {
    schema: &'c Schema<K>,
    columns: &'c Columns,
    program: Program<K>,
    compiled: BTreeMap<&'c str, ColumnState>,
    selected: Option<BooleanRegister>,
    /// First use of `feed.*`, directly or through a column, in the expression that is compiled.
    feed_use: Option<Span>,
}

#[derive(Debug, Clone, Copy)]
enum ColumnState {
    InProgress,
    Compiled { value: Value, uses_feed: bool },
}

impl<'c, K: Clone + PartialEq> Compiler<'c, K> {
    /// Creates a compiler of expressions over the names of `schema` and of `columns`.
    pub fn new(schema: &'c Schema<K>, columns: &'c Columns) -> Self {
        Self {
            schema,
            columns,
            program: Program::default(),
            compiled: BTreeMap::new(),
            selected: None,
            feed_use: None,
        }
    }

    /// Compiles the condition that an item meets to take part.
    pub fn rerank_only(&mut self, source: &str) -> Result<Register<bool>, ExpressionError> {
        let condition = self.selecting_condition(source)?;
        self.select(condition);
        Ok(condition)
    }

    /// Compiles the condition that an item meets to be removed.
    pub fn remove(&mut self, source: &str) -> Result<Register<bool>, ExpressionError> {
        let condition = self.selecting_condition(source)?;
        let stays = self.boolean_operation(BooleanOperation::Not(condition));
        self.select(stays);
        Ok(condition)
    }

    /// Compiles a condition. Where it is missing it does not hold.
    pub fn condition(&mut self, source: &str) -> Result<Register<bool>, ExpressionError> {
        let compiled = self.try_condition(source);
        compiled.map_err(|error| error.in_source(source))
    }

    /// Compiles a sort key: an expression, then `asc` or `desc`.
    pub fn key(&mut self, source: &str) -> Result<SortKey, ExpressionError> {
        let compiled = parser::parse_key(source).and_then(|(expression, direction)| {
            let value = self.whole(&expression)?;
            Ok(SortKey { value, direction })
        });
        compiled.map_err(|error| error.in_source(source))
    }

    /// Compiles an expression of any type.
    pub fn value(&mut self, source: &str) -> Result<Value, ExpressionError> {
        let compiled = parser::parse(source).and_then(|expression| self.whole(&expression));
        compiled.map_err(|error| error.in_source(source))
    }

    /// Returns the program of everything that was compiled.
    pub fn finish(mut self) -> Program<K> {
        let columns = self
            .compiled
            .into_iter()
            .filter_map(|(name, state)| match state {
                ColumnState::Compiled { value, .. } => Some(NamedColumn {
                    name: name.to_owned(),
                    value,
                }),
                ColumnState::InProgress => None,
            });
        self.program.columns = columns.collect();
        self.program
    }

    /// Compiles a condition that selects items, and holds or does not: it is never missing.
    fn selecting_condition(&mut self, source: &str) -> Result<BooleanRegister, ExpressionError> {
        let compiled = self.try_condition(source).and_then(|condition| match &self.feed_use {
            Some(span) => Err(SpanError::new(
                span,
                "feed.* cannot be used here, also not through a column: it is computed over the items that this selects",
            )),
            None => Ok(self.holds(condition)),
        });
        compiled.map_err(|error| error.in_source(source))
    }

    fn try_condition(&mut self, source: &str) -> Result<BooleanRegister, SpanError> {
        let expression = parser::parse(source)?;
        match self.whole(&expression)? {
            Value::Boolean(register) => Ok(register),
            found => Err(wrong_type(&expression.span, Type::Boolean, found.kind())),
        }
    }

    /// Compiles an expression and its columns, within the bound on operations.
    fn whole(&mut self, expression: &Expression) -> Result<Value, SpanError> {
        self.feed_use = None;
        let value = self.expression(expression)?;
        if self.program.order.len() > MAX_OPERATIONS {
            let text = format!("the expressions need more than {MAX_OPERATIONS} operations");
            return Err(SpanError::new(&expression.span, text));
        }
        Ok(value)
    }

    /// Narrows the selected items to those that also meet `condition`.
    fn select(&mut self, condition: BooleanRegister) {
        let both = match self.selected {
            Some(selected) => self.boolean_operation(BooleanOperation::And(selected, condition)),
            None => condition,
        };
        self.selected = Some(both);
    }

    fn name(&mut self, span: &Span, name: &Name) -> Result<Value, SpanError> {
        if let Some((kind, key)) = self.schema.get(name) {
            return Ok(self.input(kind, key));
        }
        if let [column] = name.parts()
            && let Some((column, parsed)) = self.columns.get(column)
        {
            return self.column(span, column, parsed);
        }
        let dotted = name.parts().join(".");
        let usage = functions::usage(&dotted);
        let text = usage.map_or_else(
            || self.schema.unknown(name, self.columns.names()),
            |usage| format!("{dotted} is a function: {usage}"),
        );
        Err(SpanError::new(span, text))
    }

    fn column(
        &mut self,
        span: &Span,
        name: &'c str,
        parsed: &'c Result<Expression, SpanError>,
    ) -> Result<Value, SpanError> {
        let in_column = |text: &str| SpanError::new(span, format!("in {name}: {text}"));
        let (value, uses_feed) = match self.compiled.get(name) {
            Some(ColumnState::Compiled { value, uses_feed }) => (*value, *uses_feed),
            Some(ColumnState::InProgress) => {
                return Err(SpanError::new(span, format!("{name} refers to itself")));
            }
            None => {
                let outer_use = self.feed_use.take();
                let expression = parsed.as_ref().map_err(|error| in_column(&error.text))?;
                self.compiled.insert(name, ColumnState::InProgress);
                let compiled = self.expression(expression);
                self.compiled.remove(name);
                let value = compiled.map_err(|error| in_column(&error.text))?;
                let uses_feed = self.feed_use.is_some();
                self.compiled
                    .insert(name, ColumnState::Compiled { value, uses_feed });
                self.feed_use = outer_use;
                (value, uses_feed)
            }
        };
        if uses_feed {
            self.note_feed_use(span);
        }
        Ok(value)
    }

    fn note_feed_use(&mut self, span: &Span) {
        self.feed_use.get_or_insert_with(|| span.clone());
    }

    fn number(&mut self, expression: &Expression) -> Result<NumberRegister, SpanError> {
        match self.expression(expression)? {
            Value::Number(register) => Ok(register),
            found => Err(wrong_type(&expression.span, Type::Number, found.kind())),
        }
    }

    fn boolean(&mut self, expression: &Expression) -> Result<BooleanRegister, SpanError> {
        match self.expression(expression)? {
            Value::Boolean(register) => Ok(register),
            found => Err(wrong_type(&expression.span, Type::Boolean, found.kind())),
        }
    }
}

fn wrong_type(span: &Span, expected: Type, found: Type) -> SpanError {
    let hint = match (expected, found) {
        (Type::Number, Type::Boolean) => "; if(c, 1, 0) makes a number of a condition",
        (Type::Boolean, Type::Number) => "; compare it, as in x > 0",
        _ => "",
    };
    SpanError::new(span, format!("expected {expected}, found {found}{hint}"))
}
