use std::time::Duration;

/// Exponential back-off: the first delay, doubled with each further failure up to the longest, and shortened at random.
///
/// The random part keeps callers that failed together from trying again together ("equal jitter" where `jitter` is 0.5;
/// Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// Delay after the first failure.
    pub initial: Duration,
    /// Longest delay.
    pub max: Duration,
    /// Largest part, from 0 to 1, that is taken off a delay at random.
    pub jitter: f64,
}

impl Backoff {
    /// A back-off without a random part.
    pub const fn new(initial: Duration, max: Duration) -> Self {
        Self {
            initial,
            max,
            jitter: 0.0,
        }
    }

    /// The same, with up to `jitter` of each delay taken off.
    #[must_use]
    pub const fn with_jitter(self, jitter: f64) -> Self {
        Self { jitter, ..self }
    }

    /// Returns the delay after `failures` failures in a row. 0 counts as 1.
    pub fn delay(&self, failures: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
        let delay = self.initial.saturating_mul(doubled).min(self.max);
        if self.jitter > 0.0 {
            delay.mul_f64(1.0 - self.jitter.min(1.0) * rand::random::<f64>())
        } else {
            delay
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_doubles_up_to_the_longest() {
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(5));
        let delays = [0, 1, 2, 3, 4, 1_000].map(|failures| backoff.delay(failures).as_secs());
        assert_eq!(delays, [1, 1, 2, 4, 5, 5]);
    }

    #[test]
    fn jitter_shortens_a_delay_by_no_more_than_its_part() {
        let backoff = Backoff::new(Duration::from_secs(4), Duration::from_secs(4)).with_jitter(0.5);
        for _ in 0..1_000 {
            let delay = backoff.delay(1);
            assert!((2.0..=4.0).contains(&delay.as_secs_f64()), "{delay:?}");
        }
    }
}
