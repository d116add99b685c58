use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::backoff::Backoff;

/// Limits within which actors are restarted.
#[derive(Debug, Clone, PartialEq)]
pub struct SupervisionPolicy {
    /// Delay before a restart, by the number of restarts within `window`.
    pub backoff: Backoff,
    /// Restarts allowed within `window`; the actor gives up at one more.
    pub max_restarts: usize,
    /// Time for which a restart counts, and after which an actor that gave up is built again.
    pub window: Duration,
    /// Longest time that one poll of an actor may take.
    pub freeze_after: Duration,
}

/// Restarts within the sliding window of a policy.
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

    /// Spends one restart at `now` and returns the delay before it, or `None` if the budget is used up.
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
        self.restarts.push_back(now);
        let restarts = u32::try_from(self.restarts.len()).unwrap_or(u32::MAX);
        Some(self.policy.backoff.delay(restarts))
    }

    /// Forgets the restarts so far, after a success.
    pub fn clear(&mut self) {
        self.restarts.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(max_restarts: usize) -> RestartBudget {
        RestartBudget::new(SupervisionPolicy {
            backoff: Backoff::new(Duration::from_millis(100), Duration::from_millis(350)),
            max_restarts,
            window: Duration::from_mins(1),
            freeze_after: Duration::from_secs(5),
        })
    }

    #[test]
    fn the_delay_doubles_up_to_its_cap() {
        let (mut budget, now) = (budget(100), Instant::now());
        let delays: Vec<u128> = (0..4)
            .filter_map(|_| budget.spend(now))
            .map(|delay| delay.as_millis())
            .collect();
        assert_eq!(delays, [100, 200, 350, 350]);
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
