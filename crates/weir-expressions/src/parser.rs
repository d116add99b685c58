use crate::error::{Span, SpanError};
use crate::lexer::{Token, TokenKind, tokens};
use crate::program::Direction;
use crate::syntax::{Arithmetic, BinaryOperator, Expression, ExpressionKind, Keyword, Name};
use crate::{MAX_DEPTH, MAX_LENGTH};

/// Reads an expression.
pub(crate) fn parse(source: &str) -> Result<Expression, SpanError> {
    let mut parser = Parser::new(source)?;
    let expression = parser.expression()?;
    match parser.peek() {
        None => Ok(expression),
        Some(_) => Err(parser.unexpected("an operator or the end")),
    }
}

/// Reads a sort key: an expression and its direction.
pub(crate) fn parse_key(source: &str) -> Result<(Expression, Direction), SpanError> {
    let mut parser = Parser::new(source)?;
    let expression = parser.expression()?;
    let direction = match parser.peek() {
        Some(TokenKind::Word("asc")) => Direction::Ascending,
        Some(TokenKind::Word("desc")) => Direction::Descending,
        _ => {
            return Err(
                parser.unexpected("an operator, or asc (lowest first) or desc (highest first)")
            );
        }
    };
    parser.next += 1;
    match parser.peek() {
        None => Ok((expression, direction)),
        Some(_) => Err(parser.unexpected("the end: one key is one text")),
    }
}

struct Parser<'s> {
    tokens: Vec<Token<'s>>,
    next: usize,
    /// Parentheses, calls and signs that are open.
    nesting: usize,
    end: usize,
}

type Parsed = Result<Expression, SpanError>;

impl<'s> Parser<'s> {
    fn new(source: &'s str) -> Result<Self, SpanError> {
        if source.len() > MAX_LENGTH {
            return Err(SpanError::new(
                &(0..0),
                format!("longer than {MAX_LENGTH} bytes"),
            ));
        }
        Ok(Self {
            tokens: tokens(source)?,
            next: 0,
            nesting: 0,
            end: source.trim_end().len(),
        })
    }

    /// Reads what binds loosest. Every way to nest leads through here or through a sign or `not`.
    fn expression(&mut self) -> Parsed {
        self.nested(Self::disjunction)
    }

    fn nested(&mut self, inner: fn(&mut Self) -> Parsed) -> Parsed {
        self.nesting += 1;
        if self.nesting > MAX_DEPTH {
            return Err(too_deep(&self.span()));
        }
        let expression = inner(self);
        self.nesting -= 1;
        expression
    }

    fn disjunction(&mut self) -> Parsed {
        let mut left = self.conjunction()?;
        while self.take(TokenKind::Keyword(Keyword::Or)) {
            left = binary(BinaryOperator::Or, left, self.conjunction()?)?;
        }
        Ok(left)
    }

    fn conjunction(&mut self) -> Parsed {
        let mut left = self.negation()?;
        while self.take(TokenKind::Keyword(Keyword::And)) {
            left = binary(BinaryOperator::And, left, self.negation()?)?;
        }
        Ok(left)
    }

    fn negation(&mut self) -> Parsed {
        let start = self.span().start;
        if !self.take(TokenKind::Keyword(Keyword::Not)) {
            return self.comparison();
        }
        let operand = self.nested(Self::negation)?;
        let span = start..operand.span.end;
        node(span, operand.depth, ExpressionKind::Not(Box::new(operand)))
    }

    fn comparison(&mut self) -> Parsed {
        let left = self.sum()?;
        let compared = match self.peek() {
            Some(TokenKind::Comparison(comparison)) => {
                self.next += 1;
                let right = self.sum()?;
                binary(BinaryOperator::Compare(comparison), left, right)?
            }
            Some(TokenKind::Keyword(Keyword::In)) => {
                self.next += 1;
                self.list(left)?
            }
            _ => return Ok(left),
        };
        match self.peek() {
            Some(TokenKind::Comparison(_) | TokenKind::Keyword(Keyword::In)) => {
                Err(SpanError::new(
                    &self.span(),
                    "comparisons are not chained: join two with and",
                ))
            }
            _ => Ok(compared),
        }
    }

    fn list(&mut self, value: Expression) -> Parsed {
        self.expect(TokenKind::Open, "a list as in (a, b)")?;
        let elements = self.arguments()?;
        if elements.is_empty() {
            return Err(SpanError::new(
                &value.span,
                "in needs at least one value in its list",
            ));
        }
        let span = value.span.start..self.previous_end();
        let depth = deepest(&elements).max(value.depth);
        node(span, depth, ExpressionKind::In(Box::new(value), elements))
    }

    fn sum(&mut self) -> Parsed {
        let mut left = self.product()?;
        while let Some(TokenKind::Arithmetic(operator @ (Arithmetic::Add | Arithmetic::Subtract))) =
            self.peek()
        {
            self.next += 1;
            left = binary(BinaryOperator::Arithmetic(operator), left, self.product()?)?;
        }
        Ok(left)
    }

    fn product(&mut self) -> Parsed {
        let mut left = self.sign()?;
        while let Some(TokenKind::Arithmetic(
            operator @ (Arithmetic::Multiply | Arithmetic::Divide),
        )) = self.peek()
        {
            self.next += 1;
            left = binary(BinaryOperator::Arithmetic(operator), left, self.sign()?)?;
        }
        Ok(left)
    }

    fn sign(&mut self) -> Parsed {
        let start = self.span().start;
        if !self.take(TokenKind::Arithmetic(Arithmetic::Subtract)) {
            return self.operand();
        }
        let operand = self.nested(Self::sign)?;
        let span = start..operand.span.end;
        node(
            span,
            operand.depth,
            ExpressionKind::Negate(Box::new(operand)),
        )
    }

    fn operand(&mut self) -> Parsed {
        let span = self.span();
        let kind = match self.peek() {
            Some(TokenKind::Number(number)) => ExpressionKind::Number(number),
            Some(TokenKind::Text(text)) => ExpressionKind::Text(text.to_owned()),
            Some(TokenKind::Keyword(Keyword::True)) => ExpressionKind::Boolean(true),
            Some(TokenKind::Keyword(Keyword::False)) => ExpressionKind::Boolean(false),
            Some(TokenKind::Keyword(Keyword::If)) => {
                self.next += 1;
                if self.peek() != Some(TokenKind::Open) {
                    return Err(SpanError::new(&span, "if is a function: if(c, a, b)"));
                }
                return self.call("if".to_owned(), span.start);
            }
            Some(TokenKind::Open) => {
                self.next += 1;
                let inner = self.expression()?;
                self.expect(TokenKind::Close, "an operator or )")?;
                return Ok(inner);
            }
            Some(TokenKind::Word(_) | TokenKind::Quoted(_)) => return self.name(),
            _ => return Err(self.unexpected("a value")),
        };
        self.next += 1;
        node(span, 0, kind)
    }

    /// Reads a name, or a call of the function of that name.
    fn name(&mut self) -> Parsed {
        let start = self.span().start;
        let mut parts = vec![self.part()?];
        while self.take(TokenKind::Dot) {
            parts.push(self.part()?);
        }
        if self.peek() == Some(TokenKind::Open) {
            return self.call(parts.join("."), start);
        }
        node(
            start..self.previous_end(),
            0,
            ExpressionKind::Name(Name::new(parts)),
        )
    }

    fn part(&mut self) -> Result<&'s str, SpanError> {
        let (TokenKind::Word(part) | TokenKind::Quoted(part)) =
            self.peek().unwrap_or(TokenKind::Dot)
        else {
            return Err(self.unexpected("a name"));
        };
        self.next += 1;
        Ok(part)
    }

    fn call(&mut self, function: String, start: usize) -> Parsed {
        self.expect(TokenKind::Open, "(")?;
        let arguments = self.arguments()?;
        let span = start..self.previous_end();
        node(
            span,
            deepest(&arguments),
            ExpressionKind::Call {
                function,
                arguments,
            },
        )
    }

    /// Reads expressions up to the closing parenthesis.
    fn arguments(&mut self) -> Result<Vec<Expression>, SpanError> {
        let mut arguments = Vec::new();
        if self.take(TokenKind::Close) {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expression()?);
            if self.take(TokenKind::Close) {
                return Ok(arguments);
            }
            self.expect(TokenKind::Comma, "an operator, a comma or )")?;
        }
    }

    fn peek(&self) -> Option<TokenKind<'s>> {
        self.tokens.get(self.next).map(|token| token.kind)
    }

    fn take(&mut self, kind: TokenKind<'_>) -> bool {
        let found = self.peek() == Some(kind);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, kind: TokenKind<'_>, expected: &str) -> Result<(), SpanError> {
        if self.take(kind) {
            Ok(())
        } else {
            Err(self.unexpected(expected))
        }
    }

    fn span(&self) -> Span {
        let end = self.end..self.end;
        self.tokens
            .get(self.next)
            .map_or(end, |token| token.span.clone())
    }

    fn previous_end(&self) -> usize {
        self.next
            .checked_sub(1)
            .map_or(0, |index| self.tokens[index].span.end)
    }

    fn unexpected(&self, expected: &str) -> SpanError {
        let found = match self.peek() {
            None => "the end".to_owned(),
            Some(TokenKind::Word(word) | TokenKind::Quoted(word)) => word.to_owned(),
            Some(TokenKind::Number(number)) => number.to_string(),
            Some(TokenKind::Text(_)) => "a text".to_owned(),
            Some(TokenKind::Keyword(keyword)) => format!("{keyword:?}").to_lowercase(),
            Some(TokenKind::Comparison(_)) => "a comparison".to_owned(),
            Some(TokenKind::Arithmetic(_)) => "an arithmetic operator".to_owned(),
            Some(TokenKind::Open) => "(".to_owned(),
            Some(TokenKind::Close) => ")".to_owned(),
            Some(TokenKind::Comma) => "a comma".to_owned(),
            Some(TokenKind::Dot) => "a dot".to_owned(),
        };
        SpanError::new(&self.span(), format!("expected {expected}, found {found}"))
    }
}

fn binary(operator: BinaryOperator, left: Expression, right: Expression) -> Parsed {
    let span = left.span.start..right.span.end;
    let depth = left.depth.max(right.depth);
    node(
        span,
        depth,
        ExpressionKind::Binary(operator, Box::new(left), Box::new(right)),
    )
}

/// Creates an expression whose deepest operand has this depth.
fn node(span: Span, deepest: usize, kind: ExpressionKind) -> Parsed {
    let depth = deepest + 1;
    if depth > MAX_DEPTH {
        return Err(too_deep(&span));
    }
    Ok(Expression { kind, span, depth })
}

fn deepest(arguments: &[Expression]) -> usize {
    arguments
        .iter()
        .map(|argument| argument.depth)
        .max()
        .unwrap_or(0)
}

fn too_deep(span: &Span) -> SpanError {
    SpanError::new(
        span,
        format!("nested deeper than {MAX_DEPTH}: name a part of it under [columns]"),
    )
}
