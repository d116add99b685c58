//! Request bodies: read within limits, decoded, and accounted for until their request is answered.

mod accounts;
mod content_coding;
mod intake;
mod reader;

pub(super) use content_coding::ACCEPTED as ACCEPTED_CODINGS;
pub use reader::BodyReader;
pub(super) use reader::read_json;
