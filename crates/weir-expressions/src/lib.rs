//! Typed expressions over the items of a feed.
//!
//! An expression is parsed, checked against the names that the caller declares in a [`Schema`], and compiled to a flat list of
//! operations on whole columns. Evaluation walks no tree and looks up no name. A missing value is `None`; numbers in a column are
//! finite, because an operation whose result is not gives none.
//!
//! ```
//! use std::collections::BTreeMap;
//! use weir_expressions::{Columns, Compiler, Name, Schema, Type};
//!
//! let mut schema = Schema::default();
//! schema.declare(Name::new(["toxicity"]), Type::Number, 0);
//! let columns = Columns::parse(&BTreeMap::new());
//! let mut compiler = Compiler::new(&schema, &columns);
//! let key = compiler.key("feed.minmax(toxicity) asc")?;
//! let error = compiler.key("toxcity desc").unwrap_err();
//! assert_eq!(error.to_string(), "column 1: there is no toxcity; did you mean toxicity?");
//! # let program = compiler.finish();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod compiler;
mod error;
mod evaluation;
mod foreign;
mod lexer;
mod parser;
mod program;
mod schema;
mod syntax;

pub use compiler::{Columns, Compiler};
pub use error::{ColumnError, ExpressionError};
pub use evaluation::{Evaluation, Feed, Registers, random};
pub use program::{Direction, NamedColumn, Program, Register, SortKey, Value};
pub use schema::{Schema, Type};
pub use syntax::Name;

/// Longest expression, in bytes.
pub const MAX_LENGTH: usize = 4096;
/// Deepest nesting of an expression. Each operator of a chain such as `a + b + c` counts.
pub const MAX_DEPTH: usize = 100;
/// Most sort keys of one order.
pub const MAX_KEYS: usize = 16;
/// Most operations of one program.
pub const MAX_OPERATIONS: usize = 4096;
