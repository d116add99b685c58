use std::fmt;

use serde_path_to_error::Path;

/// Longest message that is passed on whole; a longer one loses the middle of the value it quotes.
const MAX_MESSAGE_CHARS: usize = 200;

/// Why a request, or a name in one, was refused, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct FeedError {
    /// The place in the request, as `items[3].created_at`; empty for the body as a whole.
    pub path: String,
    /// What was found there and what was expected.
    pub message: String,
}

impl fmt::Display for FeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

impl FeedError {
    pub(super) fn not_json(body: &[u8], error: &serde_json::Error) -> Self {
        let message = if body.trim_ascii().is_empty() {
            "empty body, expected a JSON object".to_owned()
        } else if let Err(utf8) = std::str::from_utf8(body) {
            format!("not JSON: invalid UTF-8 at byte {}", utf8.valid_up_to())
        } else {
            format!("not JSON: {error}")
        };
        Self::of_the_whole(&message)
    }

    pub(super) fn of_the_whole(message: &impl ToString) -> Self {
        Self {
            path: String::new(),
            message: message.to_string(),
        }
    }

    pub(super) fn at(path: &Path, error: &serde_json::Error) -> Self {
        let path = if path.iter().len() == 0 {
            String::new()
        } else {
            path.to_string()
        };
        Self {
            path,
            message: shortened(&error.to_string()),
        }
    }
}

/// Cuts a long quoted value, keeping what was expected in its place.
fn shortened(message: &str) -> String {
    if message.chars().count() <= MAX_MESSAGE_CHARS {
        return message.to_owned();
    }
    let (found, expected) = message.split_at(message.rfind(", expected ").unwrap_or(message.len()));
    let head: String = found.chars().take(MAX_MESSAGE_CHARS / 2).collect();
    format!("{head}…{expected}")
}
