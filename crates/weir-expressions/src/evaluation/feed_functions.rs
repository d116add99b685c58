//! Functions over the selected items of a feed. Items that are not selected count as missing.

use crate::program::{FeedFunction, NumberRegister, finite};

/// Computes a function of the column `value`, only for the `selected` items where there are such.
pub(super) fn compute(
    column: &mut Vec<Option<f64>>,
    function: FeedFunction,
    value: NumberRegister,
    selected: Option<&[Option<bool>]>,
    numbers: &[Vec<Option<f64>>],
) {
    let is_selected = |item: usize| selected.is_none_or(|selected| selected[item] == Some(true));
    let all = numbers[value.0].iter().enumerate();
    column.extend(all.map(|(item, x)| x.filter(|_| is_selected(item))));
    match function {
        FeedFunction::MinMax => min_max(column),
        FeedFunction::ZScore => z_score(column),
        FeedFunction::Rank => rank(column),
        FeedFunction::PercentRank => percent_rank(column),
        FeedFunction::Mean => broadcast(column, mean),
        FeedFunction::Max => broadcast(column, |column| Some(bounds(column)?.1)),
        FeedFunction::Min => broadcast(column, |column| Some(bounds(column)?.0)),
        FeedFunction::Quantile(share) => {
            broadcast(column, |column| quantile(&sorted(column), share));
        }
        FeedFunction::Winsorize(low, high) => winsorize(column, low, high),
        FeedFunction::FillPrevious(start) => {
            let mut previous = None;
            let starts = &numbers[start.0];
            for (item, x) in column
                .iter_mut()
                .enumerate()
                .filter(|(item, _)| is_selected(*item))
            {
                *x = x.or(previous).or(starts[item]);
                previous = *x;
            }
        }
    }
}

fn present(column: &[Option<f64>]) -> impl Iterator<Item = f64> {
    column.iter().copied().flatten()
}

fn update(column: &mut [Option<f64>], f: impl Fn(f64) -> Option<f64>) {
    for x in column {
        *x = x.and_then(&f);
    }
}

/// Gives every item the same value, also those that are not selected.
fn broadcast(column: &mut [Option<f64>], aggregate: impl FnOnce(&[Option<f64>]) -> Option<f64>) {
    let value = aggregate(column);
    column.fill(value);
}

fn bounds(column: &[Option<f64>]) -> Option<(f64, f64)> {
    present(column).fold(None, |bounds, x| {
        let (low, high) = bounds.unwrap_or((x, x));
        Some((x.min(low), x.max(high)))
    })
}

fn mean(column: &[Option<f64>]) -> Option<f64> {
    finite(present(column).sum::<f64>() / present(column).count() as f64)
}

fn min_max(column: &mut [Option<f64>]) {
    let Some((low, high)) = bounds(column) else {
        return;
    };
    let range = finite(high - low).filter(|range| *range > 0.0);
    update(column, |x| finite((x - low) / range?));
}

fn z_score(column: &mut [Option<f64>]) {
    let mean = mean(column);
    let varies = bounds(column).is_some_and(|(low, high)| low < high);
    let deviation = mean.filter(|_| varies).and_then(|mean| {
        let squares: f64 = present(column).map(|x| (x - mean).powi(2)).sum();
        finite((squares / present(column).count() as f64).sqrt())
    });
    update(column, |x| finite((x - mean?) / deviation?));
}

/// Calls `rank` with each group of equal values, from the lowest: the indices in the sorted column, and how many values there are.
fn rank_groups(column: &mut [Option<f64>], rank: impl Fn(std::ops::Range<usize>, usize) -> f64) {
    let items = column.iter().enumerate();
    let mut ascending: Vec<(f64, usize)> =
        items.filter_map(|(item, x)| Some(((*x)?, item))).collect();
    ascending.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
    let values = ascending.len();
    let mut start = 0;
    // In ascending order, one that is not below the next equals it.
    for group in ascending.chunk_by(|(a, _), (b, _)| a >= b) {
        let end = start + group.len();
        let rank = rank(start..end, values);
        for &(_, item) in group {
            column[item] = Some(rank);
        }
        start = end;
    }
}

fn rank(column: &mut [Option<f64>]) {
    // The best of a group has `values - end` above it, the last one `values - start - 1`.
    rank_groups(column, |group, values| {
        (2 * values + 1 - group.start - group.end) as f64 / 2.0
    });
}

fn percent_rank(column: &mut [Option<f64>]) {
    rank_groups(column, |group, values| {
        group.start as f64 / (values - 1).max(1) as f64
    });
}

fn sorted(column: &[Option<f64>]) -> Vec<f64> {
    let mut ascending: Vec<f64> = present(column).collect();
    ascending.sort_unstable_by(f64::total_cmp);
    ascending
}

/// Returns the quantile of R's type 7: linear between the two values nearest to it.
fn quantile(ascending: &[f64], share: f64) -> Option<f64> {
    let last = ascending.len().checked_sub(1)?;
    let index = share * last as f64;
    let below = index.floor();
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is an index of the list"
    )]
    let low = below as usize;
    let (left, right) = (ascending[low], ascending[(low + 1).min(last)]);
    finite(left + (index - below) * (right - left))
}

fn winsorize(column: &mut [Option<f64>], low: f64, high: f64) {
    let ascending = sorted(column);
    let (low, high) = (quantile(&ascending, low), quantile(&ascending, high));
    update(column, |x| Some(x.max(low?).min(high?)));
}
