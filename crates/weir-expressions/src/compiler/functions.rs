use super::{Compiler, wrong_type};
use crate::error::{Span, SpanError, did_you_mean};
use crate::foreign;
use crate::program::{
    Binary, BooleanOperation, Choice, FeedFunction, NumberOperation, TextOperation, TextRegister,
    Unary, Value,
};
use crate::schema::Type;
use crate::syntax::{Expression, ExpressionKind};

#[derive(Clone, Copy)]
enum Function {
    Unary(Unary),
    /// Operation on two numbers, applied from the left.
    Fold(Binary),
    Clamp,
    If,
    Coalesce,
    NullIf,
    Missing,
    Bucket,
    WeightedMean,
    Language,
    Random,
    Feed(FeedFunction),
    Quantile,
    Winsorize,
    FillPrevious,
}

/// No more arguments than fit into an expression.
const ANY: usize = usize::MAX;

/// Every function: how it is called, the least and the most arguments.
const FUNCTIONS: [(&str, usize, usize, Function); 26] = {
    use Function as F;
    [
        ("abs(x)", 1, 1, F::Unary(Unary::Abs)),
        ("sqrt(x)", 1, 1, F::Unary(Unary::Sqrt)),
        ("exp(x)", 1, 1, F::Unary(Unary::Exp)),
        ("log(x)", 1, 1, F::Unary(Unary::Log)),
        ("round(x)", 1, 1, F::Unary(Unary::Round)),
        ("min(a, b, ..)", 2, ANY, F::Fold(Binary::Min)),
        ("max(a, b, ..)", 2, ANY, F::Fold(Binary::Max)),
        ("clamp(x, lo, hi)", 3, 3, F::Clamp),
        ("if(c, a, b)", 3, 3, F::If),
        ("coalesce(a, b, ..)", 2, ANY, F::Coalesce),
        ("nullif(a, b)", 2, 2, F::NullIf),
        ("missing(x)", 1, 1, F::Missing),
        ("bucket(x, e1, e2, ..)", 2, ANY, F::Bucket),
        ("weighted_mean(x, w, ..)", 2, ANY, F::WeightedMean),
        ("language(tag, range)", 2, 2, F::Language),
        ("random(\"salt\")", 1, 1, F::Random),
        ("feed.minmax(x)", 1, 1, F::Feed(FeedFunction::MinMax)),
        ("feed.zscore(x)", 1, 1, F::Feed(FeedFunction::ZScore)),
        ("feed.rank(x)", 1, 1, F::Feed(FeedFunction::Rank)),
        (
            "feed.percent_rank(x)",
            1,
            1,
            F::Feed(FeedFunction::PercentRank),
        ),
        ("feed.mean(x)", 1, 1, F::Feed(FeedFunction::Mean)),
        ("feed.max(x)", 1, 1, F::Feed(FeedFunction::Max)),
        ("feed.min(x)", 1, 1, F::Feed(FeedFunction::Min)),
        ("feed.quantile(x, q)", 2, 2, F::Quantile),
        ("feed.winsorize(x, lo, hi)", 3, 3, F::Winsorize),
        ("feed.fill_previous(x, start)", 2, 2, F::FillPrevious),
    ]
};

/// Returns how a function is called.
pub(super) fn usage(name: &str) -> Option<&'static str> {
    let mut functions = FUNCTIONS.iter().map(|(usage, ..)| *usage);
    functions.find(|usage| name_of(usage) == name)
}

fn name_of(usage: &str) -> &str {
    usage.split('(').next().unwrap_or(usage)
}

fn unknown(name: &str) -> String {
    let ours = foreign::function(name).or_else(|| usage(&format!("feed.{name}")));
    let known = FUNCTIONS.iter().map(|(usage, ..)| name_of(usage));
    ours.map_or_else(
        || format!("there is no function {name}{}", did_you_mean(name, known)),
        |ours| format!("there is no function {name} here: use {ours}"),
    )
}

impl<K: Clone + PartialEq> Compiler<'_, K> {
    pub(super) fn call(
        &mut self,
        span: &Span,
        name: &str,
        arguments: &[Expression],
    ) -> Result<Value, SpanError> {
        let found = FUNCTIONS.iter().find(|(usage, ..)| name_of(usage) == name);
        let Some((usage, least, most, function)) = found else {
            return Err(SpanError::new(span, unknown(name)));
        };
        let wrong = |text: &str| Err(SpanError::new(span, text));
        let pairs =
            !matches!(function, Function::WeightedMean) || arguments.len().is_multiple_of(2);
        if !(*least..=*most).contains(&arguments.len()) || !pairs {
            let of_feed = matches!(function, Function::Fold(_))
                .then(|| format!("; over the feed, feed.{name}(x)"));
            let text = format!(
                "expected {usage}, found {} arguments{}",
                arguments.len(),
                of_feed.unwrap_or_default()
            );
            return wrong(&text);
        }
        let operation = match function {
            Function::Unary(unary) => NumberOperation::Unary(*unary, self.number(&arguments[0])?),
            Function::Fold(binary) => return self.fold(*binary, arguments),
            Function::Clamp => return self.clamp(arguments),
            Function::If => {
                let condition = self.boolean(&arguments[0])?;
                return self.first_of(Choice::If(condition), &arguments[1..]);
            }
            Function::Coalesce => return self.first_of(Choice::Coalesce, arguments),
            Function::NullIf => return self.first_of(Choice::NullIf, arguments),
            Function::Missing => {
                let value = self.expression(&arguments[0])?;
                return Ok(Value::Boolean(
                    self.boolean_operation(BooleanOperation::Missing(value)),
                ));
            }
            Function::Bucket => {
                let value = self.number(&arguments[0])?;
                let edges = arguments[1..].iter().map(|edge| self.constant(edge));
                let edges: Vec<f64> = edges.collect::<Result<_, _>>()?;
                if !edges.is_sorted_by(|a, b| a < b) {
                    return wrong("the edges of a bucket must ascend");
                }
                NumberOperation::Bucket(value, edges.into())
            }
            Function::WeightedMean => {
                let registers = arguments.iter().map(|argument| self.number(argument));
                let registers: Vec<_> = registers.collect::<Result<_, _>>()?;
                let pairs = registers.chunks_exact(2).map(|pair| (pair[0], pair[1]));
                NumberOperation::WeightedMean(pairs.collect())
            }
            Function::Language => return self.language(arguments),
            Function::Random => match &arguments[0].kind {
                ExpressionKind::Text(salt) => NumberOperation::Random(salt.as_str().into()),
                _ => return wrong("expected random(\"salt\"), with a text of your own choice"),
            },
            Function::Feed(function) => self.over_feed(span, *function, &arguments[0])?,
            Function::Quantile => {
                let quantile = self.share(&arguments[1])?;
                self.over_feed(span, FeedFunction::Quantile(quantile), &arguments[0])?
            }
            Function::Winsorize => {
                let (low, high) = (self.share(&arguments[1])?, self.share(&arguments[2])?);
                if low > high {
                    return wrong("the lower quantile must not be above the upper one");
                }
                self.over_feed(span, FeedFunction::Winsorize(low, high), &arguments[0])?
            }
            Function::FillPrevious => {
                let start = self.number(&arguments[1])?;
                self.over_feed(span, FeedFunction::FillPrevious(start), &arguments[0])?
            }
        };
        Ok(Value::Number(self.number_operation(operation)))
    }

    fn fold(&mut self, binary: Binary, arguments: &[Expression]) -> Result<Value, SpanError> {
        let mut result = self.number(&arguments[0])?;
        for argument in &arguments[1..] {
            let next = self.number(argument)?;
            result = self.number_operation(NumberOperation::Binary(binary, result, next));
        }
        Ok(Value::Number(result))
    }

    /// Compiles `clamp(x, lo, hi)` as `min(max(x, lo), hi)`.
    fn clamp(&mut self, arguments: &[Expression]) -> Result<Value, SpanError> {
        let (x, low, high) = (
            self.number(&arguments[0])?,
            self.number(&arguments[1])?,
            self.number(&arguments[2])?,
        );
        let bounds = self.constant_of(low).zip(self.constant_of(high));
        if bounds.is_some_and(|(low, high)| low > high) {
            return Err(SpanError::new(
                &arguments[1].span,
                "the lower bound must not be above the upper one",
            ));
        }
        let raised = self.number_operation(NumberOperation::Binary(Binary::Max, x, low));
        Ok(Value::Number(self.number_operation(
            NumberOperation::Binary(Binary::Min, raised, high),
        )))
    }

    /// Compiles a choice between values of one type, applied from the left.
    fn first_of(&mut self, choice: Choice, arguments: &[Expression]) -> Result<Value, SpanError> {
        let mut result = self.expression(&arguments[0])?;
        for argument in &arguments[1..] {
            let next = self.expression(argument)?;
            result = self.choose(&argument.span, choice, result, next)?;
        }
        Ok(result)
    }

    fn language(&mut self, arguments: &[Expression]) -> Result<Value, SpanError> {
        let (tag, range) = (self.text(&arguments[0])?, self.text(&arguments[1])?);
        if let TextOperation::Constant(range) = &self.program.texts[range.0]
            && !is_language_range(range)
        {
            let text = format!("expected a language range such as en, de-CH or *, found '{range}'");
            return Err(SpanError::new(&arguments[1].span, text));
        }
        Ok(Value::Boolean(
            self.boolean_operation(BooleanOperation::Language(tag, range)),
        ))
    }

    fn over_feed(
        &mut self,
        span: &Span,
        function: FeedFunction,
        value: &Expression,
    ) -> Result<NumberOperation, SpanError> {
        self.note_feed_use(span);
        Ok(NumberOperation::Feed {
            function,
            value: self.number(value)?,
            selected: self.selected,
        })
    }

    fn text(&mut self, expression: &Expression) -> Result<TextRegister, SpanError> {
        match self.expression(expression)? {
            Value::Text(register) => Ok(register),
            found => Err(wrong_type(&expression.span, Type::Text, found.kind())),
        }
    }

    fn constant(&mut self, expression: &Expression) -> Result<f64, SpanError> {
        let register = self.number(expression)?;
        let constant = self.constant_of(register);
        constant.ok_or_else(|| SpanError::new(&expression.span, "expected a constant"))
    }

    fn share(&mut self, expression: &Expression) -> Result<f64, SpanError> {
        let share = self.constant(expression)?;
        if (0.0..=1.0).contains(&share) {
            Ok(share)
        } else {
            Err(SpanError::new(
                &expression.span,
                format!("expected 0 to 1, found {share}"),
            ))
        }
    }
}

/// Returns whether `range` is a basic language range of RFC 4647.
fn is_language_range(range: &str) -> bool {
    let is_subtag = |subtag: &str| {
        (1..=8).contains(&subtag.len()) && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let first_is_alphabetic = || {
        range
            .split('-')
            .next()
            .is_some_and(|first| first.bytes().all(|byte| byte.is_ascii_alphabetic()))
    };
    range == "*" || (range.split('-').all(is_subtag) && first_is_alphabetic())
}
