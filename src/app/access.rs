use super::StartupError;
use crate::data_dir::DataDir;
use crate::http::Access;
use crate::settings::{AuthSettings, Scope};

/// Makes the admin key if it is needed, and logs which routes need no key.
pub(super) fn prepare(settings: &AuthSettings, data_dir: &DataDir) -> Result<Access, StartupError> {
    let generated = if settings.admin.is_empty() {
        Some(data_dir.admin_key()?.key)
    } else {
        None
    };
    for scope in &settings.open {
        let scope = scope.as_str();
        tracing::warn!(
            scope,
            "open to everybody who reaches this server (auth.open)"
        );
    }
    if settings.rank.is_empty() && !settings.open.contains(&Scope::Rank) {
        tracing::info!("/rank and /score are open, since auth.rank holds no key");
    }
    Ok(Access::new(settings, generated))
}
