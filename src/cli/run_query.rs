use clap::Args;

/// Run the query that stdin holds, for another Weir. It cannot be used by hand.
#[derive(Debug, Args)]
pub(super) struct RunQuery;

impl RunQuery {
    pub(super) fn run(self) -> anyhow::Result<()> {
        Ok(crate::db::run_query()?)
    }
}
