use winnow::ascii::{digit1, multispace0};
use winnow::combinator::{alt, delimited, eof, opt, preceded, repeat, terminated};
use winnow::error::EmptyError;
use winnow::prelude::*;
use winnow::stream::{LocatingSlice, Location};
use winnow::token::{one_of, take_while};

use crate::error::{Span, SpanError};
use crate::foreign;
use crate::syntax::{Arithmetic, Comparison, Keyword};

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token<'s> {
    pub(crate) kind: TokenKind<'s>,
    pub(crate) span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum TokenKind<'s> {
    Number(f64),
    Text(&'s str),
    /// Identifier that is no keyword.
    Word(&'s str),
    /// Name in back quotes.
    Quoted(&'s str),
    Keyword(Keyword),
    Comparison(Comparison),
    Arithmetic(Arithmetic),
    Open,
    Close,
    Comma,
    Dot,
}

type Input<'s> = LocatingSlice<&'s str>;

/// Splits an expression into tokens.
pub(crate) fn tokens(source: &str) -> Result<Vec<Token<'_>>, SpanError> {
    let mut input = LocatingSlice::new(source);
    let list: Result<Vec<Token<'_>>, EmptyError> =
        preceded(multispace0, repeat(0.., terminated(token, multispace0))).parse_next(&mut input);
    let start = input.current_token_start();
    match (list, eof::<_, EmptyError>.parse_next(&mut input)) {
        (Ok(tokens), Ok(_)) => {
            refuse_foreign_words(&tokens)?;
            Ok(tokens)
        }
        _ => Err(unreadable(&source[start..], start)),
    }
}

fn token<'s>(input: &mut Input<'s>) -> Result<Token<'s>, EmptyError> {
    let kind = alt((number, text, quoted, word, symbol));
    kind.with_span()
        .map(|(kind, span)| Token { kind, span })
        .parse_next(input)
}

fn number<'s>(input: &mut Input<'s>) -> Result<TokenKind<'s>, EmptyError> {
    let exponent = || opt((one_of(['e', 'E']), opt(one_of(['+', '-'])), digit1));
    let whole = (digit1, opt(('.', opt(digit1))), exponent()).take();
    let fraction = ('.', digit1, exponent()).take();
    alt((whole, fraction))
        .verify_map(|digits: &str| {
            digits
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite())
        })
        .map(TokenKind::Number)
        .parse_next(input)
}

fn text<'s>(input: &mut Input<'s>) -> Result<TokenKind<'s>, EmptyError> {
    let single = delimited('\'', take_while(0.., |sign| sign != '\''), '\'');
    let double = delimited('"', take_while(0.., |sign| sign != '"'), '"');
    alt((single, double)).map(TokenKind::Text).parse_next(input)
}

fn quoted<'s>(input: &mut Input<'s>) -> Result<TokenKind<'s>, EmptyError> {
    delimited('`', take_while(1.., |sign| sign != '`'), '`')
        .map(TokenKind::Quoted)
        .parse_next(input)
}

fn word<'s>(input: &mut Input<'s>) -> Result<TokenKind<'s>, EmptyError> {
    let first = one_of(|sign: char| sign.is_ascii_alphabetic() || sign == '_');
    let further = take_while(0.., |sign: char| {
        sign.is_ascii_alphanumeric() || sign == '_'
    });
    (first, further)
        .take()
        .map(|word| Keyword::from_word(word).map_or(TokenKind::Word(word), TokenKind::Keyword))
        .parse_next(input)
}

/// Reads an operator or a separator. One that another language spells so is refused, also where it begins like one of ours.
fn symbol<'s>(input: &mut Input<'s>) -> Result<TokenKind<'s>, EmptyError> {
    use {Arithmetic as A, Comparison as C, TokenKind as T};
    if foreign::symbol(input).is_some() {
        return Err(EmptyError);
    }
    let comparison = alt((
        "==".value(C::Equal),
        "!=".value(C::NotEqual),
        "<=".value(C::LessOrEqual),
        ">=".value(C::GreaterOrEqual),
        '<'.value(C::Less),
        '>'.value(C::Greater),
    ));
    let arithmetic = alt((
        '+'.value(A::Add),
        '-'.value(A::Subtract),
        '*'.value(A::Multiply),
        '/'.value(A::Divide),
    ));
    let separator = alt((
        '('.value(T::Open),
        ')'.value(T::Close),
        ','.value(T::Comma),
        '.'.value(T::Dot),
    ));
    alt((
        comparison.map(T::Comparison),
        arithmetic.map(T::Arithmetic),
        separator,
    ))
    .parse_next(input)
}

/// Refuses words that stand for a constant or an operator in another language. A part of a longer name is left alone.
fn refuse_foreign_words(tokens: &[Token<'_>]) -> Result<(), SpanError> {
    for (index, token) in tokens.iter().enumerate() {
        let TokenKind::Word(word) = token.kind else {
            continue;
        };
        let is_dot = |index: usize| {
            tokens
                .get(index)
                .is_some_and(|token| token.kind == TokenKind::Dot)
        };
        let is_part = is_dot(index + 1) || index.checked_sub(1).is_some_and(is_dot);
        if let Some(text) = foreign::word(word).filter(|_| !is_part) {
            return Err(SpanError::new(&token.span, text));
        }
    }
    Ok(())
}

/// Names what is wrong with `rest`, which begins with no token.
fn unreadable(rest: &str, start: usize) -> SpanError {
    let first = rest.chars().next().unwrap_or_default();
    let text = match first {
        '\'' | '"' => format!("a text has no closing {first}"),
        '`' => "a name has no closing `, or is empty".to_owned(),
        '0'..='9' | '.' => "a number is too large".to_owned(),
        _ => foreign::symbol(rest).unwrap_or_else(|| format!("unexpected character {first}")),
    };
    SpanError::new(&(start..start + first.len_utf8()), text)
}
