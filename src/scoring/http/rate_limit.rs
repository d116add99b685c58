use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often a server may be called, and from when on: the generic cell rate algorithm (ITU-T I.371), one instant in all.
#[derive(Debug)]
pub(super) struct RateLimit {
    /// From one call to the next, and how far calls may be ahead of that; `None` for no limit.
    pace: Option<(Duration, Duration)>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When the next call is due if calls are evenly spaced.
    due: Instant,
    /// The server asks for no calls before.
    held_off_until: Instant,
}

impl RateLimit {
    /// So many calls a second, and at once after a rest.
    pub(super) fn new(rate: Option<(f64, u32)>) -> Self {
        let pace = rate.map(|(per_second, burst)| {
            let pause = Duration::from_secs_f64(1.0 / per_second);
            (pause, pause * burst.saturating_sub(1))
        });
        let now = Instant::now();
        Self {
            pace,
            state: Mutex::new(State {
                due: now,
                held_off_until: now,
            }),
        }
    }

    /// When a call may be made; `None`, and no turn is taken, if that is more than `patience` after `now`.
    pub(super) fn turn(&self, now: Instant, patience: Duration) -> Option<Instant> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let earliest = now.max(state.held_off_until);
        let Some((pause, ahead)) = self.pace else {
            return (earliest <= now + patience).then_some(earliest);
        };
        let due = state.due.max(earliest);
        let turn = due
            .checked_sub(ahead)
            .map_or(earliest, |turn| turn.max(earliest));
        if turn > now + patience {
            return None;
        }
        state.due = due + pause;
        Some(turn)
    }

    /// No calls before `until`.
    pub(super) fn hold_off(&self, until: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.held_off_until = state.held_off_until.max(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let limit = RateLimit::new(Some((10.0, 3)));
        let now = Instant::now() + SECOND;
        let turns: Vec<_> = (0..5)
            .map(|_| {
                limit
                    .turn(now, SECOND)
                    .unwrap()
                    .duration_since(now)
                    .as_millis()
            })
            .collect();
        assert_eq!(turns, [0, 0, 0, 100, 200]);
    }

    #[test]
    fn who_cannot_wait_takes_no_turn() {
        let limit = RateLimit::new(Some((10.0, 1)));
        let now = Instant::now() + SECOND;
        assert_eq!(limit.turn(now, Duration::ZERO), Some(now));
        assert_eq!(limit.turn(now, Duration::ZERO), None);
        let patient = limit.turn(now, SECOND).unwrap();
        assert_eq!(patient.duration_since(now).as_millis(), 100);
    }

    #[test]
    fn a_server_that_asks_for_it_is_left_alone() {
        let limit = RateLimit::new(None);
        let now = Instant::now() + SECOND;
        assert_eq!(limit.turn(now, Duration::ZERO), Some(now));
        limit.hold_off(now + SECOND);
        assert_eq!(limit.turn(now, Duration::ZERO), None);
        assert_eq!(limit.turn(now, SECOND), Some(now + SECOND));
    }
}
