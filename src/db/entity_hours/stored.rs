use std::collections::HashMap;

use sea_orm::ConnectionTrait;

use super::{Hour, HourCounts};
use crate::db::placeholders::placeholders;
use crate::db::{Database, DbError};
use crate::sql::WriteTransaction;
use weir_entities::{DamagedCounts, EntityCounts, Part};

/// The counts of some hours as they stand, by hour and platform.
pub(super) struct Stored {
    model: i64,
    counts: HashMap<(Hour, String), (i64, Vec<u8>)>,
}

impl Stored {
    /// The sum of these counts and `added`; `None` if these are by another model, or damaged.
    pub(super) fn plus(&self, added: &HourCounts) -> Option<HourCounts> {
        let at = (added.hour.clone(), added.platform.clone());
        let Some((model, counts)) = self.counts.get(&at) else {
            return Some(added.clone());
        };
        let sum = || {
            let mut sum = EntityCounts::default();
            sum.merge_bytes(counts, Part::WHOLE)?;
            sum.merge_bytes(&added.counts, Part::WHOLE)?;
            Ok::<_, DamagedCounts>(sum)
        };
        let sum = (*model == self.model).then(sum)?.ok()?;
        Some(HourCounts::new(at.0, at.1, &sum))
    }
}

impl Database {
    /// What is stored of these hours, to be added to by the entity model `model`.
    pub(super) async fn stored(
        &self,
        hours: &[&Hour],
        model: i64,
        transaction: &WriteTransaction,
    ) -> Result<Stored, DbError> {
        let read = format!(
            "SELECT hour, platform, model, counts FROM weir_entity_hours WHERE hour IN (VALUES {})",
            placeholders(self.backend(), hours.len(), 1)
        );
        let read = self.to_statement(&read, hours.iter().map(|hour| hour.as_str().into()));
        let mut counts = HashMap::new();
        for row in transaction.query_all_raw(read).await? {
            let at = (Hour(row.try_get_by_index(0)?), row.try_get_by_index(1)?);
            counts.insert(at, (row.try_get_by_index(2)?, row.try_get_by_index(3)?));
        }
        Ok(Stored { model, counts })
    }
}
