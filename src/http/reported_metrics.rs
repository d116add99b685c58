use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};

/// Most series in all: each stays in memory, and in every answer of `/metrics`.
const MAX_SERIES: usize = 1_000;

/// Numbers that outside scrapers report of themselves, shown as `weir_scraper_reported`.
#[derive(Default)]
pub(super) struct ReportedMetrics {
    series: Mutex<HashSet<(String, String)>>,
}

impl ReportedMetrics {
    /// Shows the newest numbers of a source. Series past the limit are left out and counted.
    pub(super) fn publish(&self, source_id: &str, numbers: &BTreeMap<String, f64>) {
        for (name, &number) in numbers {
            if self.admits(source_id, name) {
                let (source, name) = (source_id.to_owned(), name.clone());
                metrics::gauge!("weir_scraper_reported", "source" => source, "metric" => name)
                    .set(number);
            } else {
                metrics::counter!("weir_scraper_reported_left_out_total").increment(1);
            }
        }
    }

    fn admits(&self, source_id: &str, name: &str) -> bool {
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let one = (source_id.to_owned(), name.to_owned());
        if series.contains(&one) {
            return true;
        }
        series.len() < MAX_SERIES && series.insert(one)
    }
}
