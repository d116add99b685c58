use tokio::sync::watch;

use crate::actors::{RankingInbox, RankingLog, RankingLogParts};
use crate::db::Database;
use crate::settings::Settings;
use weir_supervision::ActorSystem;

/// Starts the ranking log, if it is wanted; it writes once `prepared`.
pub(super) fn start(
    settings: &Settings,
    database: &Database,
    prepared: watch::Receiver<bool>,
    system: &ActorSystem,
) -> Option<RankingInbox> {
    if !settings.rankings.enabled {
        return None;
    }
    let parts = RankingLogParts::new(database.clone(), prepared, &settings.rankings);
    let own = parts.clone();
    let log = system.supervise("ranking_log", parts.counters(), move |_, incarnation| {
        RankingLog::new(own.clone(), incarnation)
    });
    Some(RankingInbox::new(log, parts))
}
