use rand::{Rng, RngExt};

/// A Zipf distribution over the ranks 0 to n-1: rank r has weight (r + 1)^-exponent.
#[derive(Clone, Debug)]
pub(super) struct Zipf {
    /// Running sums of the weights, scaled so that the last is 1.
    cumulative: Vec<f64>,
}

impl Zipf {
    pub(super) fn new(n: usize, exponent: f64) -> Self {
        let mut sum = 0.0;
        let mut cumulative: Vec<f64> = (1..=n)
            .map(|rank| {
                sum += (rank as f64).powf(-exponent);
                sum
            })
            .collect();
        for value in &mut cumulative {
            *value /= sum;
        }
        Self { cumulative }
    }

    pub(super) fn sample(&self, rng: &mut impl Rng) -> usize {
        let draw: f64 = rng.random();
        self.cumulative
            .partition_point(|&sum| sum <= draw)
            .min(self.cumulative.len().saturating_sub(1))
    }
}
