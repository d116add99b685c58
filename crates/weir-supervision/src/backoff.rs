use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How patiently an actor is brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupervisionPolicy {
    /// Wait before the first restart; each further one within the window doubles it.
    pub initial_backoff: Duration,
    /// The longest wait before a restart.
    pub max_backoff: Duration,
    /// Restarts allowed within `window`; one more gives up.
    pub max_restarts: usize,
    /// How long a restart counts, and how long a given-up actor rests before it is built anew.
    pub window: Duration,
    /// The longest that one poll of an actor may take.
    pub freeze_after: Duration,
}

/// The restarts of one incarnation within the sliding window.
#[derive(Debug)]
pub struct RestartBudget {
    policy: SupervisionPolicy,
    restarts: VecDeque<Instant>,
}

impl RestartBudget {
    /// A budget of which nothing is spent.
    pub fn new(policy: SupervisionPolicy) -> Self {
        Self {
            policy,
            restarts: VecDeque::new(),
        }
    }

    /// Spends one restart at `now` and answers how long to wait before it, or `None` if the budget is used up.
    pub fn spend(&mut self, now: Instant) -> Option<Duration> {
        while self
            .restarts
            .front()
            .is_some_and(|&at| now.duration_since(at) > self.policy.window)
        {
            self.restarts.pop_front();
        }
        if self.restarts.len() >= self.policy.max_restarts {
            return None;
        }
        let doublings = u32::try_from(self.restarts.len()).unwrap_or(u32::MAX);
        let factor = 2_u32.checked_pow(doublings).unwrap_or(u32::MAX);
        self.restarts.push_back(now);
        Some(
            self.policy
                .initial_backoff
                .saturating_mul(factor)
                .min(self.policy.max_backoff),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(max_restarts: usize) -> RestartBudget {
        RestartBudget::new(SupervisionPolicy {
            initial_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_millis(350),
            max_restarts,
            window: Duration::from_mins(1),
            freeze_after: Duration::from_secs(5),
        })
    }

    #[test]
    fn the_wait_doubles_up_to_its_cap() {
        let (mut budget, now) = (budget(100), Instant::now());
        let waits: Vec<u128> = (0..4)
            .filter_map(|_| budget.spend(now))
            .map(|w| w.as_millis())
            .collect();
        assert_eq!(waits, [100, 200, 350, 350]);
        assert!((0..90).all(|_| budget.spend(now) == Some(Duration::from_millis(350))));
    }

    #[test]
    fn one_restart_too_many_within_the_window_is_refused() {
        let (mut budget, now) = (budget(2), Instant::now());
        assert!(budget.spend(now).is_some() && budget.spend(now).is_some());
        assert_eq!(budget.spend(now), None);
    }

    #[test]
    fn restarts_older_than_the_window_count_no_more() {
        let (mut budget, now) = (budget(1), Instant::now());
        assert!(budget.spend(now).is_some());
        assert_eq!(
            budget.spend(now + Duration::from_secs(61)),
            Some(Duration::from_millis(100))
        );
    }
}
