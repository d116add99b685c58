use std::fmt;

use crate::error::Span;

/// Name of a value: one part, or two as in `SCORER.OUTPUT` and `item.age_s`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(Vec<String>);

impl Name {
    /// Creates a name of these parts.
    pub fn new<P: Into<String>>(parts: impl IntoIterator<Item = P>) -> Self {
        Self(parts.into_iter().map(Into::into).collect())
    }

    /// Returns the parts.
    pub fn parts(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for Name {
    /// Writes the name as an expression spells it, with back quotes around a part that is no identifier.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            let mut signs = part.chars();
            let plain = signs
                .next()
                .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
                && signs.all(|sign| sign.is_ascii_alphanumeric() || sign == '_')
                && Keyword::from_word(part).is_none();
            if plain {
                write!(f, "{dot}{part}")?;
            } else {
                write!(f, "{dot}`{part}`")?;
            }
        }
        Ok(())
    }
}

/// Word with a meaning of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keyword {
    And,
    Or,
    Not,
    In,
    If,
    True,
    False,
}

impl Keyword {
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "and" => Self::And,
            "or" => Self::Or,
            "not" => Self::Not,
            "in" => Self::In,
            "if" => Self::If,
            "true" => Self::True,
            "false" => Self::False,
            _ => return None,
        })
    }
}

/// Expression with the part of the source that it was read from.
#[derive(Debug, Clone)]
pub(crate) struct Expression {
    pub(crate) kind: ExpressionKind,
    pub(crate) span: Span,
    /// Number of expressions from this one down to its innermost operand.
    pub(crate) depth: usize,
}

#[derive(Debug, Clone)]
pub(crate) enum ExpressionKind {
    Number(f64),
    Text(String),
    Boolean(bool),
    Name(Name),
    Call {
        function: String,
        arguments: Vec<Expression>,
    },
    Negate(Box<Expression>),
    Not(Box<Expression>),
    Binary(BinaryOperator, Box<Expression>, Box<Expression>),
    /// `value in (a, b, ..)`.
    In(Box<Expression>, Vec<Expression>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BinaryOperator {
    Or,
    And,
    Compare(Comparison),
    Arithmetic(Arithmetic),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
}
