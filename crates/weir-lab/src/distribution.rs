//! Random choices by weight.

use std::str::FromStr;

use rand::{Rng, RngExt};
use thiserror::Error;

/// Cumulative weights, from which an index is drawn by binary search.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CumulativeWeights(Vec<f64>);

impl CumulativeWeights {
    fn new(weights: impl IntoIterator<Item = f64>) -> Self {
        let add = |sum: &mut f64, weight| {
            *sum += weight;
            Some(*sum)
        };
        Self(weights.into_iter().scan(0.0, add).collect())
    }

    /// Returns the weights of a Zipf distribution over the indices 0 to `n` - 1: `(index + 1)^-exponent`.
    pub(crate) fn zipf(n: usize, exponent: f64) -> Self {
        Self::new((1..=n).map(|rank| (rank as f64).powf(-exponent)))
    }

    pub(crate) fn sample(&self, rng: &mut impl Rng) -> usize {
        let total = self.0.last().copied().unwrap_or_default();
        let draw = rng.random::<f64>() * total;
        self.0
            .partition_point(|&sum| sum <= draw)
            .min(self.0.len().saturating_sub(1))
    }
}

/// Values with their shares, which sum to 1.
///
/// Parsed from `value:weight,value:weight`; only the ratios of the weights matter.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution<T> {
    /// Never empty; every share is positive.
    shares: Vec<(T, f64)>,
    cumulative: CumulativeWeights,
}

/// Reason why a text or a list of weights is not a distribution.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DistributionError {
    /// A part without a colon.
    #[error("`{0}` is not a value:weight pair")]
    NotAPair(String),
    /// A value that cannot be parsed.
    #[error("`{0}`: invalid value: {1}")]
    Value(String, String),
    /// A weight that is not a non-negative number.
    #[error("`{0}`: the weight must be a non-negative number")]
    Weight(String),
    /// A value that occurs twice.
    #[error("`{0}`: duplicate value")]
    Duplicate(String),
    /// No value with a positive weight.
    #[error("the weights sum to zero")]
    ZeroSum,
    /// Weights whose sum is not finite.
    #[error("the sum of the weights is too large")]
    Overflow,
}

impl<T> Distribution<T> {
    /// Creates a distribution from non-negative weights; values of weight 0 are left out.
    pub fn new(weights: Vec<(T, f64)>) -> Result<Self, DistributionError> {
        let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
        if sum.is_infinite() {
            return Err(DistributionError::Overflow);
        }
        let shares = weights
            .into_iter()
            .map(|(value, weight)| (value, weight / sum));
        let shares: Vec<_> = shares.filter(|(_, share)| *share > 0.0).collect();
        if shares.is_empty() {
            return Err(DistributionError::ZeroSum);
        }
        Ok(Self {
            cumulative: CumulativeWeights::new(shares.iter().map(|(_, share)| *share)),
            shares,
        })
    }

    /// Returns the values with their shares.
    pub(crate) fn shares(&self) -> &[(T, f64)] {
        &self.shares
    }

    pub(crate) fn sample(&self, rng: &mut impl Rng) -> &T {
        &self.shares[self.cumulative.sample(rng)].0
    }

    /// Apportions `total` among the values by the largest remainder method.
    ///
    /// No value gets 0 if `total` is at least the number of values.
    pub(crate) fn apportion(&self, total: u64) -> Vec<u64> {
        let exact = self.shares.iter().map(|(_, share)| share * total as f64);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "rounds down a part of a u64"
        )]
        let mut parts: Vec<u64> = exact.clone().map(|part| part as u64).collect();
        let mut by_remainder: Vec<(usize, f64)> = exact.map(f64::fract).enumerate().collect();
        by_remainder.sort_by(|a, b| b.1.total_cmp(&a.1));
        let left = total.saturating_sub(parts.iter().sum());
        for ((index, _), _) in by_remainder.into_iter().cycle().zip(0..left) {
            parts[index] += 1;
        }
        for index in 0..parts.len() {
            if parts[index] == 0
                && let Some(largest) = parts.iter_mut().max()
                && *largest > 1
            {
                *largest -= 1;
                parts[index] = 1;
            }
        }
        parts
    }
}

impl<T: FromStr<Err: ToString> + PartialEq> FromStr for Distribution<T> {
    type Err = DistributionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut weights = Vec::new();
        for part in text.split(',').map(str::trim) {
            let pair = part.split_once(':');
            let (value, weight) =
                pair.ok_or_else(|| DistributionError::NotAPair(part.to_owned()))?;
            let value = value.trim().parse().map_err(|error: T::Err| {
                DistributionError::Value(part.to_owned(), error.to_string())
            })?;
            let weight = weight.trim().parse().ok();
            let weight: f64 = weight
                .filter(|weight: &f64| weight.is_finite() && *weight >= 0.0)
                .ok_or_else(|| DistributionError::Weight(part.to_owned()))?;
            if weights.iter().any(|(known, _)| *known == value) {
                return Err(DistributionError::Duplicate(part.to_owned()));
            }
            weights.push((value, weight));
        }
        Self::new(weights)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn parse(text: &str) -> Result<Distribution<u32>, DistributionError> {
        text.parse()
    }

    #[test]
    fn weights_are_normalised() {
        assert_eq!(parse("3:1").unwrap().shares(), [(3, 1.0)]);
        assert_eq!(
            parse(" 1:1, 2:0 ,5:3 ").unwrap().shares(),
            [(1, 0.25), (5, 0.75)]
        );
    }

    #[test]
    fn an_invalid_distribution_is_an_error_that_names_the_part() {
        for (text, message) in [
            ("", "`` is not a value:weight pair"),
            ("1", "`1` is not a value:weight pair"),
            (
                "1:2,x:1",
                "`x:1`: invalid value: invalid digit found in string",
            ),
            ("1:-1", "`1:-1`: the weight must be a non-negative number"),
            ("1:NaN", "`1:NaN`: the weight must be a non-negative number"),
            ("1:1,1:2", "`1:2`: duplicate value"),
            ("1:0,2:0", "the weights sum to zero"),
            ("1:1e308,2:1e308", "the sum of the weights is too large"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn values_are_sampled_by_their_shares() {
        let distribution = parse("0:2,1:7,2:1").unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut counts = [0; 3];
        for _ in 0..10_000 {
            counts[*distribution.sample(&mut rng) as usize] += 1;
        }
        for (count, share) in counts.into_iter().zip([0.2, 0.7, 0.1]) {
            assert!(
                (f64::from(count) / 10_000.0 - share).abs() < 0.015,
                "{counts:?}"
            );
        }
    }

    #[test]
    fn parts_sum_to_the_total_and_leave_no_value_out() {
        assert_eq!(
            parse("0:11,1:7.4,2:1.25").unwrap().apportion(500),
            [280, 188, 32]
        );
        assert_eq!(parse("0:998,1:1,2:1").unwrap().apportion(10), [8, 1, 1]);
        assert_eq!(parse("0:1,1:1,2:1").unwrap().apportion(3), [1, 1, 1]);
        assert_eq!(
            parse("0:1,1:1,2:1")
                .unwrap()
                .apportion(2)
                .iter()
                .sum::<u64>(),
            2
        );
    }
}
