use std::fmt;

use super::Activity;
use weir_feed::Platform;

/// What a seed writes, by platform and level of activity.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// In the order of platforms, then activity.
    pub rows: Vec<PlanRow>,
}

/// The part of a plan that users of one platform and activity get.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanRow {
    /// Where they read.
    pub platform: Platform,
    /// How active they are; `None` for the one user without a pool.
    pub activity: Option<Activity>,
    /// How many they are.
    pub users: u64,
    /// How many sessions they have together.
    pub sessions: u64,
    /// How many posts they see together.
    pub posts: u64,
}

impl PlanRow {
    pub(super) fn new(platform: Platform, activity: Option<Activity>) -> Self {
        Self {
            platform,
            activity,
            users: 0,
            sessions: 0,
            posts: 0,
        }
    }

    /// Counts one more user.
    pub(super) fn add(&mut self, sessions: u64, posts: u64) {
        self.users += 1;
        self.sessions += sessions;
        self.posts += posts;
    }
}

impl Plan {
    /// How many posts are written.
    pub fn posts(&self) -> u64 {
        self.rows.iter().map(|row| row.posts).sum()
    }
}

impl fmt::Display for Plan {
    /// A table, its last line the sum of posts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<10} {:>8} {:>8} {:>10} {:>12}",
            "platform", "activity", "users", "sessions", "posts"
        )?;
        for row in &self.rows {
            let activity = row
                .activity
                .map_or_else(|| "-".to_owned(), |activity| activity.to_string());
            let PlanRow {
                platform,
                users,
                sessions,
                posts,
                ..
            } = row;
            writeln!(
                f,
                "{:<10} {activity:>8} {users:>8} {sessions:>10} {posts:>12}",
                platform.as_str()
            )?;
        }
        write!(f, "{:<10} {:>41}", "all", self.posts())
    }
}
