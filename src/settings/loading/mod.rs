//! How a configuration is read: layers, old names, locations, and reports of all that is wrong.
//!
//! Layers, each over the one before: `config/default.toml` (compiled in), a file, `WEIR__SECTION__KEY` variables.

mod check;
mod issue;
mod key;
mod layers;
mod load;
mod renames;
mod span;
mod table;
#[cfg(test)]
pub(super) mod tests;
pub(crate) mod text;
mod watched_file;

pub use check::Check;
pub(crate) use issue::did_you_mean;
pub use issue::{ConfigIssue, Location, SettingsError};
pub use key::Key;
pub use load::{Loaded, Migration};
pub(crate) use table::Table;
pub use watched_file::WatchedFile;
