use std::time::{Duration, Instant};

use super::exit::ProtocolError;

/// Most notifications in a second.
const MOST: u32 = 10_000;

/// Counts the notifications of a process.
#[derive(Debug)]
pub(super) struct NoticeCounter {
    since: Instant,
    count: u32,
}

impl NoticeCounter {
    pub(super) fn new() -> Self {
        Self {
            since: Instant::now(),
            count: 0,
        }
    }

    /// Counts one; fails for one more than there may be.
    pub(super) fn count(&mut self, now: Instant) -> Result<(), ProtocolError> {
        if now.duration_since(self.since) >= Duration::from_secs(1) {
            *self = Self {
                since: now,
                count: 0,
            };
        }
        self.count += 1;
        if self.count > MOST {
            return Err(ProtocolError::Flood);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_for_each_second() {
        let mut counter = NoticeCounter::new();
        let begin = counter.since;
        for second in 0..3 {
            let now = begin + Duration::from_secs(second);
            (0..MOST).for_each(|_| counter.count(now).unwrap());
        }
        let now = begin + Duration::from_secs(2);
        assert_eq!(counter.count(now), Err(ProtocolError::Flood));
    }
}
