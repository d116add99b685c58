//! What is asked of the table `posts`.

mod count;
pub mod entity;
mod insert;
mod json_text;
mod known;
mod new_post;
mod newest;
mod pages;

pub use insert::{InsertOutcome, RejectedPost};
pub use new_post::NewPost;
pub use pages::{PostFilter, PostPages, PostText};
