use std::fmt;

use weir_feed::Platform;

use super::Activity;

/// Numbers of users, sessions and posts of a seed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeedPlan {
    /// Rows by platform, then activity.
    pub rows: Vec<SeedPlanRow>,
}

/// Numbers for the users of one platform and activity.
#[derive(Clone, Debug, PartialEq)]
pub struct SeedPlanRow {
    /// Platform of the users.
    pub platform: Platform,
    /// Activity of the users; `None` for the single user without a pool.
    pub activity: Option<Activity>,
    /// Number of users.
    pub users: u64,
    /// Total number of sessions.
    pub sessions: u64,
    /// Total number of posts that they see.
    pub posts: u64,
}

impl SeedPlanRow {
    pub(super) fn new(platform: Platform, activity: Option<Activity>) -> Self {
        Self {
            platform,
            activity,
            users: 0,
            sessions: 0,
            posts: 0,
        }
    }

    pub(super) fn add_user(&mut self, sessions: u64, posts: u64) {
        self.users += 1;
        self.sessions += sessions;
        self.posts += posts;
    }
}

impl SeedPlan {
    /// Returns the total number of posts.
    pub fn posts(&self) -> u64 {
        self.rows.iter().map(|row| row.posts).sum()
    }
}

impl fmt::Display for SeedPlan {
    /// Writes a table whose last line is the total number of posts.
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
            let SeedPlanRow {
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
