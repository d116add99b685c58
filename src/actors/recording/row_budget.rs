use std::time::Instant;

/// A token bucket of rows: a second's worth at most, refilled as time goes by.
#[derive(Debug)]
pub(super) struct RowBudget {
    rows_per_s: f64,
    rows: f64,
    refilled: Instant,
}

impl RowBudget {
    pub(super) fn new(rows_per_s: u32, now: Instant) -> Self {
        Self {
            rows_per_s: rows_per_s.into(),
            rows: rows_per_s.into(),
            refilled: now,
        }
    }

    /// Takes `rows`, all or none. More than a second's worth is let through by a full bucket, which then owes them.
    pub(super) fn take(&mut self, rows: usize, now: Instant) -> bool {
        let refill = now.duration_since(self.refilled).as_secs_f64() * self.rows_per_s;
        self.rows = (self.rows + refill).min(self.rows_per_s);
        self.refilled = now;
        let rows = rows as f64;
        let enough = self.rows >= rows.min(self.rows_per_s);
        if enough {
            self.rows -= rows;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_second_allows_its_rows_and_no_more() {
        let start = Instant::now();
        let mut budget = RowBudget::new(100, start);
        assert!(budget.take(60, start) && budget.take(40, start));
        assert!(!budget.take(1, start));
        let half = start + Duration::from_millis(500);
        assert!(!budget.take(51, half) && budget.take(50, half));
    }

    #[test]
    fn one_large_feed_passes_and_is_paid_for() {
        let start = Instant::now();
        let mut budget = RowBudget::new(100, start);
        assert!(budget.take(300, start));
        assert!(!budget.take(1, start + Duration::from_secs(2)));
        assert!(budget.take(1, start + Duration::from_millis(2_020)));
    }
}
