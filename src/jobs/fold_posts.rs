use crate::db::{PostFilter, PostText};
use crate::jobs::{JobContext, JobError};

const PAGE_SIZE: u64 = 1_000;

/// Runs `step` over the posts that pass the filter, a page at a time on a blocking thread, while the next page is read.
/// At most two pages are in memory.
pub(in crate::jobs) async fn fold_posts<S: Send + 'static>(
    context: &JobContext,
    filter: PostFilter,
    mut state: S,
    step: fn(&mut S, &[PostText]),
) -> Result<S, JobError> {
    let mut pages = context.database().post_pages(filter, PAGE_SIZE);
    let mut done = 0;
    let mut page = pages.next().await?;
    while let Some(posts) = page {
        context.check_cancelled()?;
        done += posts.len() as u64;
        let stepped = context.run_blocking(move || {
            step(&mut state, &posts);
            state
        });
        let (stepped, next) = tokio::join!(stepped, pages.next());
        (state, page) = (stepped?, next?);
        context.report_progress(done, None);
    }
    Ok(state)
}
