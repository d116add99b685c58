//! Expressions as trees, with the value of one for one item computed by recursion.

use weir_expressions::random;

use super::support::TestFeed;

#[derive(Debug, Clone)]
pub(crate) enum Number {
    Input(usize),
    Constant(f64),
    /// Function of one number.
    Unary(&'static str, Box<Number>),
    /// `+ - * /`.
    Infix(char, Box<Number>, Box<Number>),
    Least(Vec<Number>),
    Greatest(Vec<Number>),
    Clamp(Box<Number>, f64, f64),
    If(Box<Boolean>, Box<Number>, Box<Number>),
    Coalesce(Vec<Number>),
    NullIf(Box<Number>, Box<Number>),
    Bucket(Box<Number>, Vec<f64>),
    WeightedMean(Vec<(Number, Number)>),
    Random(&'static str),
    /// Function over the feed without further arguments.
    Feed(&'static str, Box<Number>),
    Quantile(Box<Number>, f64),
    Winsorize(Box<Number>, f64, f64),
    FillPrevious(Box<Number>, Box<Number>),
}

#[derive(Debug, Clone)]
pub(crate) enum Text {
    Input(usize),
    Constant(&'static str),
    If(Box<Boolean>, Box<Text>, Box<Text>),
    Coalesce(Box<Text>, Box<Text>),
    NullIf(Box<Text>, Box<Text>),
}

#[derive(Debug, Clone)]
pub(crate) enum Boolean {
    Input(usize),
    Constant(bool),
    Numbers(&'static str, Number, Number),
    Texts(&'static str, Text, Text),
    In(Number, Vec<f64>),
    And(Box<Boolean>, Box<Boolean>),
    Or(Box<Boolean>, Box<Boolean>),
    Not(Box<Boolean>),
    NoNumber(Number),
    NoText(Text),
    Unknown(Box<Boolean>),
    If(Box<Boolean>, Box<Boolean>, Box<Boolean>),
    Language(Text, &'static str),
}

/// A feed with the items over which functions of the feed are computed.
#[derive(Debug)]
pub(crate) struct Naive<'f> {
    pub(crate) feed: &'f TestFeed,
    pub(crate) selected: Vec<bool>,
}

impl Naive<'_> {
    pub(crate) fn number(&self, tree: &Number, item: usize) -> Option<f64> {
        let of = |tree: &Number| self.number(tree, item);
        let result = match tree {
            Number::Input(index) => self.feed.numbers[*index][item]?,
            Number::Constant(constant) => *constant,
            Number::Unary(function, x) => {
                let x = of(x)?;
                match *function {
                    "-" => -x,
                    "abs" => x.abs(),
                    "sqrt" => x.sqrt(),
                    "exp" => x.exp(),
                    "log" if x > 0.0 => x.ln(),
                    "log" => return None,
                    _ => x.round_ties_even(),
                }
            }
            Number::Infix(operator, a, b) => {
                let (a, b) = (of(a)?, of(b)?);
                match operator {
                    '+' => a + b,
                    '-' => a - b,
                    '*' => a * b,
                    _ if b == 0.0 => return None,
                    _ => a / b,
                }
            }
            Number::Least(list) => self.all(list, item)?.into_iter().reduce(f64::min)?,
            Number::Greatest(list) => self.all(list, item)?.into_iter().reduce(f64::max)?,
            Number::Clamp(x, low, high) => of(x)?.clamp(*low, *high),
            Number::If(condition, a, b) => of(if self.boolean(condition, item)? { a } else { b })?,
            Number::Coalesce(list) => list.iter().find_map(of)?,
            Number::NullIf(a, b) => {
                let a = of(a)?;
                if of(b) == Some(a) {
                    return None;
                }
                a
            }
            Number::Bucket(x, edges) => {
                let x = of(x)?;
                edges.iter().filter(|edge| **edge <= x).count() as f64
            }
            Number::WeightedMean(pairs) => {
                let (mut sum, mut weights) = (0.0, 0.0);
                for (x, w) in pairs {
                    if let (Some(x), Some(w)) = (of(x), of(w)) {
                        sum += x * w;
                        weights += w;
                    }
                }
                if weights.is_infinite() {
                    return None;
                }
                sum / weights
            }
            Number::Random(salt) => {
                let ids = ["a", "b", "c", "d", "e", "f", "g", "h"];
                random(salt, "user", ids[item % 8])
            }
            Number::Feed(function, x) => self.over_feed(function, x, item)?,
            Number::Quantile(x, share) => quantile(&self.present(x), *share)?,
            Number::Winsorize(x, low, high) => {
                let (present, x) = (self.present(x), self.selected(x, item)?);
                let (low, high) = (quantile(&present, *low)?, quantile(&present, *high)?);
                if x < low {
                    low
                } else if x > high {
                    high
                } else {
                    x
                }
            }
            Number::FillPrevious(x, start) => {
                if !self.selected[item] {
                    return None;
                }
                // The newest value up to here, or else the first start value since the first item without one.
                let up_to = (0..=item).filter(|item| self.selected[*item]).rev();
                let mut filled = None;
                for earlier in up_to {
                    if let Some(x) = self.number(x, earlier) {
                        filled = Some(x);
                        break;
                    }
                    filled = self.number(start, earlier).or(filled);
                }
                filled?
            }
        };
        result.is_finite().then_some(result)
    }

    pub(crate) fn text<'t>(&'t self, tree: &'t Text, item: usize) -> Option<&'t str> {
        match tree {
            Text::Input(index) => self.feed.texts[*index][item].as_deref(),
            Text::Constant(constant) => Some(constant),
            Text::If(condition, a, b) => {
                self.text(if self.boolean(condition, item)? { a } else { b }, item)
            }
            Text::Coalesce(a, b) => self.text(a, item).or_else(|| self.text(b, item)),
            Text::NullIf(a, b) => {
                let a = self.text(a, item)?;
                (self.text(b, item) != Some(a)).then_some(a)
            }
        }
    }

    pub(crate) fn boolean(&self, tree: &Boolean, item: usize) -> Option<bool> {
        let of = |tree: &Boolean| self.boolean(tree, item);
        Some(match tree {
            Boolean::Input(index) => self.feed.booleans[*index][item]?,
            Boolean::Constant(constant) => *constant,
            Boolean::Numbers(operator, a, b) => {
                compare(operator, &self.number(a, item)?, &self.number(b, item)?)
            }
            Boolean::Texts(operator, a, b) => compare(
                operator,
                self.text(a, item)?.as_bytes(),
                self.text(b, item)?.as_bytes(),
            ),
            Boolean::In(x, list) => list.contains(&self.number(x, item)?),
            Boolean::And(a, b) => match (of(a), of(b)) {
                (Some(false), _) | (_, Some(false)) => false,
                (a, b) => a? && b?,
            },
            Boolean::Or(a, b) => match (of(a), of(b)) {
                (Some(true), _) | (_, Some(true)) => true,
                (a, b) => a? || b?,
            },
            Boolean::Not(a) => !of(a)?,
            Boolean::NoNumber(x) => self.number(x, item).is_none(),
            Boolean::NoText(x) => self.text(x, item).is_none(),
            Boolean::Unknown(x) => of(x).is_none(),
            Boolean::If(condition, a, b) => of(if of(condition)? { a } else { b })?,
            Boolean::Language(tag, range) => {
                let tag = self.text(tag, item)?.to_ascii_lowercase();
                tag == *range || tag.starts_with(&format!("{range}-"))
            }
        })
    }

    fn all(&self, list: &[Number], item: usize) -> Option<Vec<f64>> {
        list.iter().map(|tree| self.number(tree, item)).collect()
    }

    /// Returns the value of an item, if it is selected.
    fn selected(&self, x: &Number, item: usize) -> Option<f64> {
        self.selected[item].then(|| self.number(x, item))?
    }

    fn present(&self, x: &Number) -> Vec<f64> {
        (0..self.feed.len)
            .filter_map(|item| self.selected(x, item))
            .collect()
    }

    fn over_feed(&self, function: &str, x: &Number, item: usize) -> Option<f64> {
        let present = self.present(x);
        let count = present.len() as f64;
        let least = present.iter().copied().reduce(f64::min);
        let greatest = present.iter().copied().reduce(f64::max);
        let mean = present.iter().sum::<f64>() / count;
        match function {
            "feed.mean" => return Some(mean),
            "feed.min" => return least,
            "feed.max" => return greatest,
            _ => {}
        }
        let x = self.selected(x, item)?;
        let below = present.iter().filter(|other| **other < x).count() as f64;
        let above = present.iter().filter(|other| **other > x).count() as f64;
        match function {
            "feed.rank" => Some((above + 1.0 + count - below) / 2.0),
            "feed.percent_rank" => Some(if present.len() == 1 {
                0.0
            } else {
                below / (count - 1.0)
            }),
            _ if least == greatest => None,
            "feed.minmax" if (greatest? - least?).is_finite() => {
                Some((x - least?) / (greatest? - least?))
            }
            "feed.minmax" => None,
            _ => {
                let squares: f64 = present
                    .iter()
                    .map(|other| (other - mean) * (other - mean))
                    .sum();
                let deviation = (squares / count).sqrt();
                deviation.is_finite().then(|| (x - mean) / deviation)
            }
        }
    }
}

/// The definition of type 7 by Hyndman and Fan.
fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let h = (sorted.len().checked_sub(1)?) as f64 * share;
    let mut around = (0..)
        .zip(&sorted)
        .filter(|(index, _)| (h - f64::from(*index)).abs() < 1.0);
    let below = *around.next()?.1;
    let above = around.next().map_or(below, |(_, above)| *above);
    Some(below + (h - h.floor()) * (above - below)).filter(|x| x.is_finite())
}

fn compare<T: PartialOrd + ?Sized>(operator: &str, a: &T, b: &T) -> bool {
    match operator {
        "==" => a == b,
        "!=" => a != b,
        "<" => a < b,
        "<=" => a <= b,
        ">" => a > b,
        _ => a >= b,
    }
}
