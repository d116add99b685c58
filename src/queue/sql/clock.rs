//! Times that do not fit the clock, since it was moved.

use sea_orm::ConnectionTrait;

use super::claim::Ahead;
use super::{SqlQueue, statements};
use crate::store::StoreError;
use crate::store::clock::JUMP;
use crate::store::sql::{BOUND_EXPIRY, EXPIRES_TOO_LATE};

/// A clock that is corrected by less is nothing out of the ordinary: what was written before lasts longer by that.
const SLACK_MS: i64 = 1_000;

/// Brings back times that lie too far ahead because the clock was set back, and renews the leases that a clock set forward
/// would end. Returns whether anything was changed.
pub(crate) async fn fit_times(queue: &SqlQueue, ahead: &Ahead) -> Result<bool, StoreError> {
    let Some(now_ms) = ahead.now else {
        return Ok(false);
    };
    let expected_ms = queue.clock.expected_ms();
    let jump_ms = i64::try_from(JUMP.as_millis()).unwrap_or(i64::MAX);
    let is_first = expected_ms.is_none();
    let went_forward = expected_ms.is_some_and(|expected| now_ms - expected > jump_ms);
    let went_back = queue.clock.observe(now_ms).is_some();
    let is_ahead = |begins: Option<i64>| begins.is_some_and(|ms| ms > SLACK_MS);
    let mut changes = Vec::new();
    if went_forward {
        changes.push(queue.store.statement(statements::RENEW_LEASES, []));
    }
    if is_ahead(ahead.wait_begins) {
        changes.push(queue.store.statement(statements::BOUND_WAITS, []));
    }
    if is_ahead(ahead.lease_begins) {
        changes.push(queue.store.statement(statements::BOUND_LEASES, []));
    }
    if is_first || went_back {
        let reader = queue.store.connections().await?.reader();
        for (check, change) in [
            (statements::KEPT_TOO_LONG, statements::BOUND_KEPT),
            (EXPIRES_TOO_LATE, BOUND_EXPIRY),
        ] {
            let check = queue.store.statement(check, [SLACK_MS.into()]);
            if reader.query_one_raw(check).await?.is_some() {
                changes.push(queue.store.statement(change, [SLACK_MS.into()]));
            }
        }
    }
    if changes.is_empty() {
        return Ok(false);
    }
    let transaction = queue.store.begin().await?;
    let mut moved = 0;
    for change in changes {
        moved += transaction.execute_raw(change).await?.rows_affected();
    }
    transaction.commit().await?;
    if moved > 0 {
        tracing::warn!(
            moved,
            "the clock of the store was moved, times of jobs and results were adjusted"
        );
    }
    Ok(true)
}
