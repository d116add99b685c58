//! The HTTP front: one file per resource, and what they share.

mod access;
mod actors;
mod admission;
mod body;
mod body_intake;
mod content_coding;
mod cors;
mod error;
mod files;
mod front;
mod health;
mod ingest;
mod jobs;
mod metrics;
mod observation;
mod options;
mod panics;
mod query;
mod rank;
mod reported_metrics;
mod results;
mod schedules;
mod score;
mod scraped;
mod scrapers;
mod server;
mod submission;
mod unread_body;

pub use access::Access;
pub use admission::Admission;
pub use body_intake::{BodyIntake, IntakeLimits};
pub use error::ApiError;
pub use front::{Front, Limits};
pub use health::Health;
pub use ingest::IngestDesk;
pub use scrapers::{KnownScraper, KnownScrapers};
pub use server::serve;

use crate::settings::Scope;
