use serde::Deserialize;
use tracing_subscriber::EnvFilter;

use super::check::Check;

/// `[log]`: what is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// The form of a line.
    pub format: LogFormat,
    /// Levels, as in `info` or `warn,weir=debug`.
    pub filter: String,
    /// True if each request is logged when it is answered, whatever the filter says.
    pub access: bool,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: one object a line.
    Json,
}

impl LogSettings {
    pub(super) fn check(&self, check: &mut Check) {
        check.require("filter", EnvFilter::try_new(&self.filter).is_ok(), || {
            format!(
                "expected levels such as info or warn,weir=debug, found {:?}",
                self.filter
            )
        });
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            format: LogFormat::default(),
            filter: "info".to_owned(),
            access: false,
        }
    }
}
