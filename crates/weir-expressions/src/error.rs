use std::fmt::Write as _;
use std::ops::Range;

/// Error in an expression. Prints as `column N: TEXT`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {text}")]
pub struct ExpressionError {
    /// Column at which it was found, in characters from 1.
    pub column: usize,
    /// Description of the fault and of what was expected.
    pub text: String,
}

/// Error in the expression of a named column.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {source}")]
pub struct ColumnError {
    /// Name of the column.
    pub name: String,
    /// Error of its expression.
    pub source: ExpressionError,
}

/// Part of an expression, in bytes.
pub(crate) type Span = Range<usize>;

/// Error at a part of an expression, without the source.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SpanError {
    pub(crate) span: Span,
    pub(crate) text: String,
}

impl SpanError {
    pub(crate) fn new(span: &Span, text: impl Into<String>) -> Self {
        Self {
            span: span.clone(),
            text: text.into(),
        }
    }

    /// Locates the error in the source that the span belongs to.
    pub(crate) fn in_source(self, source: &str) -> ExpressionError {
        let before = source.get(..self.span.start).unwrap_or(source);
        ExpressionError {
            column: before.chars().count() + 1,
            text: self.text,
        }
    }
}

/// Returns a question that names the known name nearest to `name`, or nothing if none is near.
pub(crate) fn did_you_mean<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> String {
    let likeness = |known: &str| {
        strsim::normalized_damerau_levenshtein(&name.to_lowercase(), &known.to_lowercase())
    };
    let near = known.map(|known| (likeness(known), known));
    let nearest = near
        .filter(|(likeness, _)| *likeness >= 0.5)
        .max_by(|(left, _), (right, _)| left.total_cmp(right));
    let mut text = String::new();
    if let Some((_, known)) = nearest {
        // Writing to a string cannot fail.
        let _ = write!(text, "; did you mean {known}?");
    }
    text
}
