//! Lenient parsing of JSON values, as pydantic does it in lax mode.

pub(crate) mod choice;
pub(crate) mod counts;
pub(crate) mod lenient;
pub(crate) mod object;
pub(crate) mod surrogates;
pub(crate) mod time;
