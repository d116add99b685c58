use std::marker::PhantomData;

use crate::schema::Type;
use crate::syntax::Comparison;

/// Column of values of one type that a program computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Register<T>(pub(crate) usize, pub(crate) PhantomData<T>);

pub(crate) type NumberRegister = Register<f64>;
pub(crate) type TextRegister = Register<&'static str>;
pub(crate) type BooleanRegister = Register<bool>;

/// Column of values of any type that a program computes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// Column of numbers.
    Number(Register<f64>),
    /// Column of texts.
    Text(Register<&'static str>),
    /// Column of booleans.
    Boolean(Register<bool>),
}

impl Value {
    /// Returns the type of the values.
    pub fn kind(self) -> Type {
        match self {
            Self::Number(_) => Type::Number,
            Self::Text(_) => Type::Text,
            Self::Boolean(_) => Type::Boolean,
        }
    }
}

/// Direction of a sort key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The lowest.
    Ascending,
    /// The highest.
    Descending,
}

/// Value by which items are ordered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SortKey {
    /// Column of the values.
    pub value: Value,
    /// Direction of the values. Missing ones come last in both.
    pub direction: Direction,
}

/// Named column that a program computes.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedColumn {
    /// Name of the column.
    pub name: String,
    /// Its values.
    pub value: Value,
}

/// Compiled expressions: operations on whole columns, in the order in which they run. Equal operations are there once.
#[derive(Debug, Clone, PartialEq)]
pub struct Program<K> {
    /// Keys of the inputs; operations name an input by its index.
    pub(crate) inputs: Vec<K>,
    pub(crate) numbers: Vec<NumberOperation>,
    pub(crate) texts: Vec<TextOperation>,
    pub(crate) booleans: Vec<BooleanOperation>,
    /// Registers in the order in which they are computed.
    pub(crate) order: Vec<Value>,
    pub(crate) columns: Vec<NamedColumn>,
}

impl<K> Program<K> {
    /// Returns the named columns that the program computes, by name.
    pub fn columns(&self) -> &[NamedColumn] {
        &self.columns
    }

    /// Returns whether nothing is computed.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Returns the keys of the inputs that the program reads, each once.
    pub fn inputs(&self) -> &[K] {
        &self.inputs
    }

    /// Returns whether texts are read of an input for whose key `is_wanted` holds.
    pub fn reads_texts_of(&self, is_wanted: impl Fn(&K) -> bool) -> bool {
        self.texts.iter().any(|operation| match operation {
            TextOperation::Input(index) => is_wanted(&self.inputs[*index]),
            _ => false,
        })
    }

    /// Returns the program with other keys for its inputs.
    pub fn map_inputs<L>(self, map: impl FnMut(K) -> L) -> Program<L> {
        Program {
            inputs: self.inputs.into_iter().map(map).collect(),
            numbers: self.numbers,
            texts: self.texts,
            booleans: self.booleans,
            order: self.order,
            columns: self.columns,
        }
    }
}

impl<K> Default for Program<K> {
    fn default() -> Self {
        Self {
            inputs: Vec::new(),
            numbers: Vec::new(),
            texts: Vec::new(),
            booleans: Vec::new(),
            order: Vec::new(),
            columns: Vec::new(),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum NumberOperation {
    Input(usize),
    Constant(f64),
    Unary(Unary, NumberRegister),
    Binary(Binary, NumberRegister, NumberRegister),
    Choose(Choose<f64>),
    /// Number of edges that are at most the value. The edges ascend.
    Bucket(NumberRegister, Box<[f64]>),
    /// Values with their weights.
    WeightedMean(Box<[(NumberRegister, NumberRegister)]>),
    /// Number drawn from a salt, the user and the item.
    Random(Box<str>),
    Feed {
        function: FeedFunction,
        value: NumberRegister,
        /// The items over which it is computed; all without it.
        selected: Option<BooleanRegister>,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TextOperation {
    Input(usize),
    Constant(Box<str>),
    Choose(Choose<&'static str>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum BooleanOperation {
    Input(usize),
    Constant(bool),
    And(BooleanRegister, BooleanRegister),
    Or(BooleanRegister, BooleanRegister),
    Not(BooleanRegister),
    CompareNumbers(Comparison, NumberRegister, NumberRegister),
    CompareTexts(Comparison, TextRegister, TextRegister),
    CompareBooleans(Comparison, BooleanRegister, BooleanRegister),
    Missing(Value),
    Choose(Choose<bool>),
    /// Match of a language tag with a range.
    Language(TextRegister, TextRegister),
}

/// Selection of one of two values of the same type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Choose<T> {
    pub(crate) choice: Choice,
    pub(crate) left: Register<T>,
    pub(crate) right: Register<T>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Choice {
    If(BooleanRegister),
    Coalesce,
    NullIf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unary {
    Negate,
    Abs,
    Sqrt,
    Exp,
    Log,
    Round,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Min,
    Max,
}

/// Function over the selected items of a feed that have a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum FeedFunction {
    MinMax,
    ZScore,
    Rank,
    PercentRank,
    Mean,
    Max,
    Min,
    Quantile(f64),
    /// Limits to these two quantiles.
    Winsorize(f64, f64),
    /// The value that stands in before the first one that is there.
    FillPrevious(NumberRegister),
}

impl Unary {
    pub(crate) fn apply(self, x: f64) -> Option<f64> {
        finite(match self {
            Self::Negate => -x,
            Self::Abs => x.abs(),
            Self::Sqrt => x.sqrt(),
            Self::Exp => x.exp(),
            Self::Log => x.ln(),
            Self::Round => x.round_ties_even(),
        })
    }
}

impl Binary {
    pub(crate) fn apply(self, a: f64, b: f64) -> Option<f64> {
        finite(match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Divide => a / b,
            Self::Min => a.min(b),
            Self::Max => a.max(b),
        })
    }
}

impl Comparison {
    pub(crate) fn apply<T: PartialOrd + ?Sized>(self, a: &T, b: &T) -> bool {
        match self {
            Self::Equal => a == b,
            Self::NotEqual => a != b,
            Self::Less => a < b,
            Self::LessOrEqual => a <= b,
            Self::Greater => a > b,
            Self::GreaterOrEqual => a >= b,
        }
    }
}

/// Returns a result that is a number; overflow and what is undefined give none.
pub(crate) fn finite(x: f64) -> Option<f64> {
    x.is_finite().then_some(x)
}
