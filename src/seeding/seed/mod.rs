//! From normalised items to posts as a cohort of users saw them.

mod loader;
mod post;
mod survey;

pub use loader::Seed;
pub(super) use post::new_post;
