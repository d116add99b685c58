//! The HTTP server: a folder for each group of routes, and what they share.

mod body;
mod error;
mod ingest;
mod jobs;
mod method_route;
mod middleware;
mod operations;
mod rank;
mod server;
mod state;

pub use body::BodyReader;
pub use ingest::IngestState;
pub use jobs::{JobsState, SchedulesState};
pub use middleware::Access;
pub use operations::Health;
pub use rank::{RankState, ScoreState};
pub use server::serve;
pub use state::AppState;

use crate::settings::Scope;
use error::ApiError;
