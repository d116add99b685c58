//! Random expressions, drawn from a list of bytes so that a failing one shrinks, and how they are written.

use std::fmt;

use super::naive::{Boolean, Number, Text};

pub(crate) const COMPARISONS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];

/// Decisions about an expression. Once they run out, every further one is for what is simplest.
#[derive(Debug)]
pub(crate) struct Choices<'b> {
    bytes: std::slice::Iter<'b, u8>,
    feed_allowed: bool,
}

impl<'b> Choices<'b> {
    pub(crate) fn new(bytes: &'b [u8], feed_allowed: bool) -> Self {
        let bytes = bytes.iter();
        Self {
            bytes,
            feed_allowed,
        }
    }

    fn pick(&mut self, options: usize) -> usize {
        usize::from(*self.bytes.next().unwrap_or(&0)) % options
    }

    fn one_of<T: Copy>(&mut self, options: &[T]) -> T {
        options[self.pick(options.len())]
    }

    fn constant(&mut self) -> f64 {
        self.one_of(&[1.0, 0.0, 0.5, -1.0, 2.0, -0.25, 1e300, 3.0])
    }

    fn share(&mut self) -> f64 {
        self.one_of(&[0.5, 0.0, 0.1, 0.25, 0.9, 1.0])
    }

    pub(crate) fn number(&mut self, depth: usize) -> Number {
        if depth == 0 {
            return match self.pick(3) {
                0 => Number::Input(self.pick(3)),
                1 => Number::Constant(self.constant()),
                _ => Number::Random(self.one_of(&["x", "y"])),
            };
        }
        let below = depth - 1;
        match self.pick(if self.feed_allowed { 17 } else { 12 }) {
            0 => self.number(0),
            1 => Number::Unary(
                self.one_of(&["-", "abs", "sqrt", "exp", "log", "round"]),
                self.boxed(below),
            ),
            2 | 3 => Number::Infix(
                self.one_of(&['+', '-', '*', '/']),
                self.boxed(below),
                self.boxed(below),
            ),
            4 => Number::Least(self.list(below)),
            5 => Number::Greatest(self.list(below)),
            6 => Number::Clamp(self.boxed(below), -0.25, 0.5),
            7 => Number::If(
                Box::new(self.boolean(below)),
                self.boxed(below),
                self.boxed(below),
            ),
            8 => Number::Coalesce(self.list(below)),
            9 => Number::NullIf(self.boxed(below), self.boxed(below)),
            10 => Number::Bucket(
                self.boxed(below),
                self.one_of(&[[0.0, 0.5, 1.0], [-1.0, 0.25, 3.0]]).to_vec(),
            ),
            11 => {
                let values = self.list(below);
                Number::WeightedMean(
                    values
                        .into_iter()
                        .map(|value| (value, self.number(0)))
                        .collect(),
                )
            }
            12 => Number::Quantile(self.boxed(below), self.share()),
            13 => {
                let (one, other) = (self.share(), self.share());
                Number::Winsorize(self.boxed(below), one.min(other), one.max(other))
            }
            14 => Number::FillPrevious(self.boxed(below), self.boxed(0)),
            _ => {
                let functions = [
                    "feed.mean",
                    "feed.max",
                    "feed.min",
                    "feed.minmax",
                    "feed.zscore",
                    "feed.rank",
                    "feed.percent_rank",
                ];
                Number::Feed(self.one_of(&functions), self.boxed(below))
            }
        }
    }

    fn boxed(&mut self, depth: usize) -> Box<Number> {
        Box::new(self.number(depth))
    }

    fn list(&mut self, depth: usize) -> Vec<Number> {
        (0..2 + self.pick(2)).map(|_| self.number(depth)).collect()
    }

    pub(crate) fn text(&mut self, depth: usize) -> Text {
        let below = depth.saturating_sub(1);
        match self.pick(if depth == 0 { 2 } else { 5 }) {
            0 => Text::Input(self.pick(2)),
            1 => Text::Constant(self.one_of(&["en", "en-GB", "", "de"])),
            2 => Text::If(
                Box::new(self.boolean(below)),
                Box::new(self.text(below)),
                Box::new(self.text(below)),
            ),
            3 => Text::Coalesce(Box::new(self.text(below)), Box::new(self.text(below))),
            _ => Text::NullIf(Box::new(self.text(below)), Box::new(self.text(below))),
        }
    }

    pub(crate) fn boolean(&mut self, depth: usize) -> Boolean {
        if depth == 0 {
            return match self.pick(2) {
                0 => Boolean::Input(self.pick(2)),
                _ => Boolean::Constant(self.pick(2) == 0),
            };
        }
        let below = depth - 1;
        let inner = |choices: &mut Self| Box::new(choices.boolean(below));
        match self.pick(12) {
            0 => self.boolean(0),
            1 | 2 => Boolean::Numbers(
                self.one_of(&COMPARISONS),
                self.number(below),
                self.number(below),
            ),
            3 => Boolean::Texts(
                self.one_of(&COMPARISONS),
                self.text(below),
                self.text(below),
            ),
            4 => Boolean::In(self.number(below), vec![self.constant(), self.constant()]),
            5 => Boolean::And(inner(self), inner(self)),
            6 => Boolean::Or(inner(self), inner(self)),
            7 => Boolean::Not(inner(self)),
            8 => Boolean::NoNumber(self.number(below)),
            9 => Boolean::NoText(self.text(below)),
            10 => match self.pick(2) {
                0 => Boolean::Unknown(inner(self)),
                _ => Boolean::If(inner(self), inner(self), inner(self)),
            },
            _ => Boolean::Language(self.text(below), self.one_of(&["en", "de", "en-gb"])),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(index) => write!(f, "n{index}"),
            Self::Constant(constant) => write!(f, "{constant:?}"),
            Self::Unary("-", x) => write!(f, "-({x})"),
            Self::Unary(function, x) | Self::Feed(function, x) => write!(f, "{function}({x})"),
            Self::Infix(operator, a, b) => write!(f, "({a} {operator} {b})"),
            Self::Least(list) => write!(f, "min({})", joined(list)),
            Self::Greatest(list) => write!(f, "max({})", joined(list)),
            Self::Clamp(x, low, high) => write!(f, "clamp({x}, {low}, {high})"),
            Self::If(condition, a, b) => write!(f, "if({condition}, {a}, {b})"),
            Self::Coalesce(list) => write!(f, "coalesce({})", joined(list)),
            Self::NullIf(a, b) => write!(f, "nullif({a}, {b})"),
            Self::Bucket(x, edges) => write!(f, "bucket({x}, {})", joined(edges)),
            Self::WeightedMean(pairs) => {
                let pairs: Vec<String> = pairs.iter().map(|(x, w)| format!("{x}, {w}")).collect();
                write!(f, "weighted_mean({})", joined(&pairs))
            }
            Self::Random(salt) => write!(f, "random('{salt}')"),
            Self::Quantile(x, share) => write!(f, "feed.quantile({x}, {share})"),
            Self::Winsorize(x, low, high) => write!(f, "feed.winsorize({x}, {low}, {high})"),
            Self::FillPrevious(x, start) => write!(f, "feed.fill_previous({x}, {start})"),
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(index) => write!(f, "t{index}"),
            Self::Constant(constant) => write!(f, "\"{constant}\""),
            Self::If(condition, a, b) => write!(f, "if({condition}, {a}, {b})"),
            Self::Coalesce(a, b) => write!(f, "coalesce({a}, {b})"),
            Self::NullIf(a, b) => write!(f, "nullif({a}, {b})"),
        }
    }
}

impl fmt::Display for Boolean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(index) => write!(f, "b{index}"),
            Self::Constant(constant) => write!(f, "{constant}"),
            Self::Numbers(operator, a, b) => write!(f, "({a} {operator} {b})"),
            Self::Texts(operator, a, b) => write!(f, "({a} {operator} {b})"),
            Self::In(x, list) => write!(f, "({x} in ({}))", joined(list)),
            Self::And(a, b) => write!(f, "({a} and {b})"),
            Self::Or(a, b) => write!(f, "({a} or {b})"),
            Self::Not(a) => write!(f, "(not {a})"),
            Self::NoNumber(x) => write!(f, "missing({x})"),
            Self::NoText(x) => write!(f, "missing({x})"),
            Self::Unknown(x) => write!(f, "missing({x})"),
            Self::If(condition, a, b) => write!(f, "if({condition}, {a}, {b})"),
            Self::Language(tag, range) => write!(f, "language({tag}, '{range}')"),
        }
    }
}

fn joined<T: fmt::Display>(list: &[T]) -> String {
    list.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}
