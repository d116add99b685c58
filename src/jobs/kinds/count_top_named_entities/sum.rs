//! The stored counts of entities, summed.

use super::tally::Tally;
use crate::db::{PostFilter, PostSpan, StoredCounts, TimeRange, WalkedPost};
use crate::jobs::{JobContext, JobError};
use crate::priority;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use weir_entities::{DamagedCounts, EntityCounts, Part, TopEntity};

/// Names summed at once, a few hundred bytes each; of more, part after part.
const NAMES_AT_ONCE: u64 = 2_000_000;

/// The `k` entities that most posts of the filter name, by counts that are up to date: the stored ones of whole hours,
/// and the posts of the hours at the edges.
pub(super) async fn top(
    context: &JobContext,
    filter: PostFilter,
    model: i64,
    k: usize,
) -> Result<Vec<TopEntity>, JobError> {
    let (whole, edges) = split(filter.created);
    let edges = count_edges(context, &edges, filter.platform.as_deref()).await?;
    let Some(whole) = whole else {
        return Ok(sum(context, Part::WHOLE, edges, None).await?.top(k));
    };
    let stored = || {
        let platform = filter.platform.as_deref();
        context.database().stored_counts(whole, platform, model)
    };
    let parts = stored().names().await? / NAMES_AT_ONCE + 1;
    let mut top = Vec::new();
    for number in 0..parts {
        let part = Part { number, of: parts };
        let counts = sum(context, part, edges.clone(), Some(stored())).await?;
        top.extend(context.run_blocking(move || counts.top(k)).await?);
    }
    top.sort();
    top.truncate(k);
    Ok(top)
}

/// The whole hours of a range, if there are any, and what is left of it before and after.
fn split(range: TimeRange) -> (Option<TimeRange>, Vec<TimeRange>) {
    let hour = TimeDelta::hours(1);
    let floor = |time: DateTime<Utc>| time.duration_trunc(hour).unwrap_or(time);
    let ceiling = |time: DateTime<Utc>| match floor(time) {
        floor if floor == time => time,
        floor => floor + hour,
    };
    let whole = TimeRange {
        from: range.from.map(ceiling),
        to: range.to.map(floor),
    };
    if let (Some(from), Some(to)) = (whole.from, whole.to)
        && from >= to
    {
        return (None, vec![range]);
    }
    let edges = [(range.from, whole.from), (whole.to, range.to)];
    let edges = edges
        .into_iter()
        .filter(|(from, to)| from != to)
        .map(|(from, to)| TimeRange { from, to });
    (Some(whole), edges.collect())
}

/// The packed counts of the posts at the edges of a range.
async fn count_edges(
    context: &JobContext,
    edges: &[TimeRange],
    platform: Option<&str>,
) -> Result<Vec<Vec<u8>>, JobError> {
    let mut packed = Vec::new();
    for &edge in edges {
        let is_meant =
            |post: &WalkedPost| platform.is_none_or(|platform| post.bucket.platform == platform);
        let tally = Tally::default();
        let tally = tally
            .with_span(context, PostSpan::Within(edge), is_meant, &mut 0)
            .await?;
        packed.extend(tally.packed().into_iter().map(|counts| counts.counts));
    }
    Ok(packed)
}

/// The sum of packed and of stored counts, as far as they belong to `part`.
async fn sum(
    context: &JobContext,
    part: Part,
    packed: Vec<Vec<u8>>,
    stored: Option<StoredCounts>,
) -> Result<EntityCounts, JobError> {
    let mut counts = merge(context, EntityCounts::default(), packed, part).await?;
    let Some(mut stored) = stored else {
        return Ok(counts);
    };
    while let Some(page) = stored.next().await? {
        context.check_cancelled()?;
        counts = merge(context, counts, page, part).await?;
    }
    Ok(counts)
}

async fn merge(
    context: &JobContext,
    mut counts: EntityCounts,
    packed: Vec<Vec<u8>>,
    part: Part,
) -> Result<EntityCounts, JobError> {
    let merged = context.run_blocking(move || {
        for packed in packed {
            priority::give_way();
            counts.merge_bytes(&packed, part)?;
        }
        Ok::<_, DamagedCounts>(counts)
    });
    let permanent = |error: DamagedCounts| JobError::Permanent(Box::new(error));
    merged.await?.map_err(permanent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: &str, to: &str) -> TimeRange {
        let time = |text: &str| text.parse().ok();
        TimeRange {
            from: time(from),
            to: time(to),
        }
    }

    #[test]
    fn a_range_is_whole_hours_and_its_edges() {
        let (noon, one, two) = (
            "2017-05-31T12:00:00Z",
            "2017-05-31T13:00:00Z",
            "2017-05-31T14:00:00Z",
        );
        let (past_noon, past_two) = ("2017-05-31T12:10:00Z", "2017-05-31T14:00:00.001Z");
        for (from, to, whole, edges) in [
            ("", "", Some(("", "")), vec![]),
            (noon, two, Some((noon, two)), vec![]),
            (noon, past_two, Some((noon, two)), vec![(two, past_two)]),
            (past_noon, "", Some((one, "")), vec![(past_noon, one)]),
            (
                past_noon,
                past_two,
                Some((one, two)),
                vec![(past_noon, one), (two, past_two)],
            ),
            (past_noon, one, None, vec![(past_noon, one)]),
        ] {
            let expected = (
                whole.map(|(from, to)| range(from, to)),
                edges.iter().map(|(from, to)| range(from, to)).collect(),
            );
            assert_eq!(split(range(from, to)), expected, "{from} {to}");
        }
    }
}
