use std::str::FromStr;

use rand::{Rng, RngExt};
use thiserror::Error;

/// Values, each with the share of 1 that it has. As text `value:weight,value:weight`; only the ratios of the weights matter.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution<T> {
    /// Never empty, no share 0.
    shares: Vec<(T, f64)>,
}

/// Why a text or list of weights is no distribution.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DistributionError {
    /// A part without a colon.
    #[error("`{0}` is no value:weight")]
    NoPair(String),
    /// Something else than a value before the colon.
    #[error("`{0}`: the value before the colon {1}")]
    Value(String, String),
    /// Something else than a weight after the colon.
    #[error("`{0}`: the weight after the colon must be a number from 0")]
    Weight(String),
    /// A value that was there before.
    #[error("`{0}`: this value was there before")]
    Repeated(String),
    /// No value with a weight.
    #[error("the weights sum to zero")]
    NoWeight,
    /// Weights whose sum is past all numbers.
    #[error("the weights are too large")]
    TooHeavy,
}

impl<T> Distribution<T> {
    /// Of weights that are not negative; values of weight 0 are left out.
    pub fn new(weights: Vec<(T, f64)>) -> Result<Self, DistributionError> {
        let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
        if sum.is_infinite() {
            return Err(DistributionError::TooHeavy);
        }
        let shares = weights
            .into_iter()
            .map(|(value, weight)| (value, weight / sum));
        let shares: Vec<_> = shares.filter(|(_, share)| *share > 0.0).collect();
        if shares.is_empty() {
            return Err(DistributionError::NoWeight);
        }
        Ok(Self { shares })
    }

    /// The values with their shares.
    pub fn shares(&self) -> &[(T, f64)] {
        &self.shares
    }

    /// A value, each as likely as its share.
    pub(super) fn draw(&self, rng: &mut impl Rng) -> &T {
        let mut rest: f64 = rng.random();
        let mut values = self.shares.iter();
        let mut drawn = &self.shares[0].0;
        while rest >= 0.0
            && let Some((value, share)) = values.next()
        {
            drawn = value;
            rest -= share;
        }
        drawn
    }

    /// A whole divided by the shares: what is left after rounding down goes to the largest fractions, and of at least as
    /// many as there are values none gets nothing.
    pub(super) fn quotas(&self, whole: u64) -> Vec<u64> {
        let exact = self.shares.iter().map(|(_, share)| share * whole as f64);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "rounds down a part of a u64"
        )]
        let mut quotas: Vec<u64> = exact.clone().map(|part| part as u64).collect();
        let mut by_fraction: Vec<(usize, f64)> = exact.map(f64::fract).enumerate().collect();
        by_fraction.sort_by(|a, b| b.1.total_cmp(&a.1));
        let left = whole.saturating_sub(quotas.iter().sum());
        for ((place, _), _) in by_fraction.into_iter().cycle().zip(0..left) {
            quotas[place] += 1;
        }
        for place in 0..quotas.len() {
            if quotas[place] == 0
                && let Some(most) = quotas.iter_mut().max()
                && *most > 1
            {
                *most -= 1;
                quotas[place] = 1;
            }
        }
        quotas
    }
}

impl<T: FromStr<Err: ToString> + PartialEq> FromStr for Distribution<T> {
    type Err = DistributionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut weights = Vec::new();
        for part in text.split(',').map(str::trim) {
            let pair = part.split_once(':');
            let (value, weight) = pair.ok_or_else(|| DistributionError::NoPair(part.to_owned()))?;
            let value = value.trim().parse().map_err(|error: T::Err| {
                DistributionError::Value(part.to_owned(), error.to_string())
            })?;
            let weight = weight.trim().parse().ok();
            let weight: f64 = weight
                .filter(|weight: &f64| weight.is_finite() && *weight >= 0.0)
                .ok_or_else(|| DistributionError::Weight(part.to_owned()))?;
            if weights.iter().any(|(known, _)| *known == value) {
                return Err(DistributionError::Repeated(part.to_owned()));
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
    fn what_is_no_distribution_is_named() {
        for (text, message) in [
            ("", "`` is no value:weight"),
            ("1", "`1` is no value:weight"),
            (
                "1:2,x:1",
                "`x:1`: the value before the colon invalid digit found in string",
            ),
            (
                "1:-1",
                "`1:-1`: the weight after the colon must be a number from 0",
            ),
            (
                "1:NaN",
                "`1:NaN`: the weight after the colon must be a number from 0",
            ),
            ("1:1,1:2", "`1:2`: this value was there before"),
            ("1:0,2:0", "the weights sum to zero"),
            ("1:1e308,2:1e308", "the weights are too large"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn values_are_drawn_by_their_shares() {
        let distribution = parse("0:2,1:7,2:1").unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut drawn = [0; 3];
        for _ in 0..10_000 {
            drawn[*distribution.draw(&mut rng) as usize] += 1;
        }
        for (count, share) in drawn.into_iter().zip([0.2, 0.7, 0.1]) {
            assert!(
                (f64::from(count) / 10_000.0 - share).abs() < 0.015,
                "{drawn:?}"
            );
        }
    }

    #[test]
    fn quotas_sum_to_the_whole_and_leave_nobody_out() {
        assert_eq!(
            parse("0:11,1:7.4,2:1.25").unwrap().quotas(500),
            [280, 188, 32]
        );
        assert_eq!(parse("0:998,1:1,2:1").unwrap().quotas(10), [8, 1, 1]);
        assert_eq!(parse("0:1,1:1,2:1").unwrap().quotas(3), [1, 1, 1]);
        assert_eq!(
            parse("0:1,1:1,2:1").unwrap().quotas(2).iter().sum::<u64>(),
            2
        );
    }
}
