use std::marker::PhantomData;

use super::{ColumnState, Compiler, wrong_type};
use crate::error::{Span, SpanError};
use crate::program::{
    Binary, BooleanOperation, BooleanRegister, Choice, Choose, NumberOperation, NumberRegister,
    Register, TextOperation, TextRegister, Unary, Value,
};
use crate::schema::Type;
use crate::syntax::{Arithmetic, BinaryOperator, Comparison, Expression, ExpressionKind};

impl<'c, K: Clone + PartialEq> Compiler<'c, K> {
    pub(super) fn expression(&mut self, expression: &Expression) -> Result<Value, SpanError> {
        let span = &expression.span;
        Ok(match &expression.kind {
            ExpressionKind::Number(number) => {
                Value::Number(self.number_operation(NumberOperation::Constant(*number)))
            }
            ExpressionKind::Text(text) => {
                Value::Text(self.text_operation(TextOperation::Constant(text.as_str().into())))
            }
            ExpressionKind::Boolean(boolean) => {
                Value::Boolean(self.boolean_operation(BooleanOperation::Constant(*boolean)))
            }
            ExpressionKind::Name(name) => self.name(span, name)?,
            ExpressionKind::Call {
                function,
                arguments,
            } => self.call(span, function, arguments)?,
            ExpressionKind::Negate(operand) => {
                let operand = self.number(operand)?;
                Value::Number(self.number_operation(NumberOperation::Unary(Unary::Negate, operand)))
            }
            ExpressionKind::Not(operand) => {
                let operand = self.boolean(operand)?;
                Value::Boolean(self.boolean_operation(BooleanOperation::Not(operand)))
            }
            ExpressionKind::Binary(operator, left, right) => {
                self.binary(span, *operator, left, right)?
            }
            ExpressionKind::In(value, elements) => self.contains(span, value, elements)?,
        })
    }

    fn binary(
        &mut self,
        span: &Span,
        operator: BinaryOperator,
        left: &Expression,
        right: &Expression,
    ) -> Result<Value, SpanError> {
        let arithmetic = |operator| match operator {
            Arithmetic::Add => Binary::Add,
            Arithmetic::Subtract => Binary::Subtract,
            Arithmetic::Multiply => Binary::Multiply,
            Arithmetic::Divide => Binary::Divide,
        };
        Ok(match operator {
            BinaryOperator::Arithmetic(operator) => {
                let (left, right) = (self.number(left)?, self.number(right)?);
                Value::Number(self.number_operation(NumberOperation::Binary(
                    arithmetic(operator),
                    left,
                    right,
                )))
            }
            BinaryOperator::And => {
                let (left, right) = (self.boolean(left)?, self.boolean(right)?);
                Value::Boolean(self.boolean_operation(BooleanOperation::And(left, right)))
            }
            BinaryOperator::Or => {
                let (left, right) = (self.boolean(left)?, self.boolean(right)?);
                Value::Boolean(self.boolean_operation(BooleanOperation::Or(left, right)))
            }
            BinaryOperator::Compare(comparison) => {
                let (left, right) = (self.expression(left)?, self.expression(right)?);
                Value::Boolean(self.compare(span, comparison, left, right)?)
            }
        })
    }

    fn compare(
        &mut self,
        span: &Span,
        comparison: Comparison,
        left: Value,
        right: Value,
    ) -> Result<BooleanRegister, SpanError> {
        let operation = match (left, right) {
            (Value::Number(left), Value::Number(right)) => {
                BooleanOperation::CompareNumbers(comparison, left, right)
            }
            (Value::Text(left), Value::Text(right)) => {
                BooleanOperation::CompareTexts(comparison, left, right)
            }
            (Value::Boolean(left), Value::Boolean(right)) => {
                if !matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
                    return Err(SpanError::new(
                        span,
                        "booleans have no order: compare them with == or !=",
                    ));
                }
                BooleanOperation::CompareBooleans(comparison, left, right)
            }
            (left, right) => {
                let text = format!("{} cannot be compared with {}", left.kind(), right.kind());
                return Err(SpanError::new(span, text));
            }
        };
        Ok(self.boolean_operation(operation))
    }

    /// Compiles `value in (a, b, ..)` as `value == a or value == b or ..`.
    fn contains(
        &mut self,
        span: &Span,
        value: &Expression,
        elements: &[Expression],
    ) -> Result<Value, SpanError> {
        let value = self.expression(value)?;
        let mut found = None;
        for element in elements {
            let candidate = self.expression(element)?;
            let equal = self.compare(span, Comparison::Equal, value, candidate)?;
            found = Some(match found {
                None => equal,
                Some(found) => self.boolean_operation(BooleanOperation::Or(found, equal)),
            });
        }
        let none = BooleanOperation::Constant(false);
        Ok(Value::Boolean(
            found.unwrap_or_else(|| self.boolean_operation(none)),
        ))
    }

    /// Compiles a selection of one of two values of the same type.
    pub(super) fn choose(
        &mut self,
        span: &Span,
        choice: Choice,
        left: Value,
        right: Value,
    ) -> Result<Value, SpanError> {
        Ok(match (left, right) {
            (Value::Number(left), Value::Number(right)) => {
                Value::Number(self.number_operation(NumberOperation::Choose(Choose {
                    choice,
                    left,
                    right,
                })))
            }
            (Value::Text(left), Value::Text(right)) => {
                Value::Text(self.text_operation(TextOperation::Choose(Choose {
                    choice,
                    left,
                    right,
                })))
            }
            (Value::Boolean(left), Value::Boolean(right)) => {
                Value::Boolean(self.boolean_operation(BooleanOperation::Choose(Choose {
                    choice,
                    left,
                    right,
                })))
            }
            (left, right) => return Err(wrong_type(span, left.kind(), right.kind())),
        })
    }

    /// Compiles a condition that is false where `condition` is missing.
    pub(super) fn holds(&mut self, condition: BooleanRegister) -> BooleanRegister {
        let right = self.boolean_operation(BooleanOperation::Constant(false));
        let choice = Choice::Coalesce;
        let left = condition;
        self.boolean_operation(BooleanOperation::Choose(Choose {
            choice,
            left,
            right,
        }))
    }

    /// Compiles the expression of a column under its name, so that a use of itself is found.
    pub(super) fn own_column(
        &mut self,
        name: &'c str,
        expression: &Expression,
    ) -> Result<Value, SpanError> {
        self.compiled.insert(name, ColumnState::InProgress);
        self.whole(expression)
    }

    pub(super) fn input(&mut self, kind: Type, key: &K) -> Value {
        let inputs = &mut self.program.inputs;
        let known = inputs.iter().position(|known| known == key);
        let index = known.unwrap_or(inputs.len());
        if known.is_none() {
            inputs.push(key.clone());
        }
        match kind {
            Type::Number => Value::Number(self.number_operation(NumberOperation::Input(index))),
            Type::Text => Value::Text(self.text_operation(TextOperation::Input(index))),
            Type::Boolean => Value::Boolean(self.boolean_operation(BooleanOperation::Input(index))),
        }
    }

    /// Returns the value of a number that is the same for every feed.
    pub(super) fn constant_of(&self, register: NumberRegister) -> Option<f64> {
        match self.program.numbers[register.0] {
            NumberOperation::Constant(constant) => Some(constant),
            _ => None,
        }
    }

    /// Adds an operation, computed now if its operands are constants.
    pub(super) fn number_operation(&mut self, operation: NumberOperation) -> NumberRegister {
        let folded = match operation {
            NumberOperation::Unary(unary, x) => self.constant_of(x).and_then(|x| unary.apply(x)),
            NumberOperation::Binary(binary, a, b) => {
                let operands = self.constant_of(a).zip(self.constant_of(b));
                operands.and_then(|(a, b)| binary.apply(a, b))
            }
            _ => None,
        };
        let operation = folded.map_or(operation, NumberOperation::Constant);
        let (register, is_new) = register_of(&mut self.program.numbers, operation);
        if is_new {
            self.program.order.push(Value::Number(register));
        }
        register
    }

    pub(super) fn text_operation(&mut self, operation: TextOperation) -> TextRegister {
        let (register, is_new) = register_of(&mut self.program.texts, operation);
        if is_new {
            self.program.order.push(Value::Text(register));
        }
        register
    }

    pub(super) fn boolean_operation(&mut self, operation: BooleanOperation) -> BooleanRegister {
        let (register, is_new) = register_of(&mut self.program.booleans, operation);
        if is_new {
            self.program.order.push(Value::Boolean(register));
        }
        register
    }
}

/// Returns the register of an operation, and whether the operation is new.
fn register_of<O: PartialEq, T>(operations: &mut Vec<O>, operation: O) -> (Register<T>, bool) {
    let known = operations.iter().position(|known| *known == operation);
    let index = known.unwrap_or(operations.len());
    if known.is_none() {
        operations.push(operation);
    }
    (Register(index, PhantomData), known.is_none())
}
