use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The newest batch moves the estimate by one part in so many, as TCP does with round trips (V. Jacobson, "Congestion
/// Avoidance and Control", 1988).
const PARTS: u64 = 8;

/// How long a batch takes, in microseconds, as far as can be told from those before; 0 until there is one.
#[derive(Debug, Default)]
pub(super) struct BatchTime(AtomicU64);

impl BatchTime {
    /// A batch took so long.
    pub(super) fn note(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
        let before = self.0.load(Ordering::Relaxed);
        let now = match before {
            0 => took,
            before => before - before / PARTS + took / PARTS,
        };
        // Two at once may cost one of them its say.
        self.0.store(now, Ordering::Relaxed);
    }

    pub(super) fn expected(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_with_the_first_batch_and_follows_the_newest() {
        let (time, ms) = (BatchTime::default(), Duration::from_millis);
        assert_eq!(time.expected(), Duration::ZERO);
        time.note(ms(80));
        assert_eq!(time.expected(), ms(80));
        time.note(ms(8));
        assert_eq!(time.expected(), ms(71));
        (0..50).for_each(|_| time.note(ms(8)));
        assert!((ms(8)..ms(9)).contains(&time.expected()), "{time:?}");
    }
}
