use chrono::{DateTime, TimeDelta, Utc};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use weir_feed::{ContentItem, Platform};

use super::{Activity, Impression, PoolError, SeedPlanRow, UserPool};
use crate::preprocess::{Pseudonyms, hex};

const MILLIS_PER_DAY: f64 = 86_400_000.0;
/// Maximum time by which a session is early, as a share of the interval between two sessions.
const JITTER: f64 = 0.25;

/// Assignment of the items of one platform, in their order, to sessions of users.
///
/// Users take turns, and take a session with a probability of their activity divided by the greatest activity. The interval
/// between two sessions of a user is a day divided by baseline and activity; the last session is at most a quarter of an
/// interval before now. The items of a session were created, in order, since the session before it.
pub(super) struct FeedBuilder {
    platform: Platform,
    users: Vec<User>,
    /// Index of the user of each session, in the order of the items.
    readers: Vec<u32>,
    items: u64,
    items_per_session: u32,
    now_ms: i64,
    rng: ChaCha8Rng,
    sessions_started: usize,
    items_assigned: u64,
    session: Session,
}

struct User {
    id: String,
    activity: Activity,
    /// Mean time between two sessions.
    interval_ms: f64,
    /// Number of sessions yet to come.
    sessions_left: u32,
    /// Time of the session before.
    previous_ms: i64,
}

/// Session that is being filled.
#[derive(Default)]
struct Session {
    user: usize,
    previous_ms: i64,
    time_ms: i64,
    size: u64,
    filled: u64,
}

impl FeedBuilder {
    pub(super) fn new(
        pool: &UserPool,
        platform: Platform,
        users: u64,
        items: u64,
        now: DateTime<Utc>,
        mut rng: ChaCha8Rng,
    ) -> Result<Self, PoolError> {
        let mut user = |number: u64| {
            let activity = *pool.activity.sample(&mut rng);
            let seed = pool.seed.to_string();
            let fields = ["user", &seed, platform.as_str(), &number.to_string()];
            User {
                id: hex(&Pseudonyms::for_fields(&fields)),
                activity,
                interval_ms: MILLIS_PER_DAY / (pool.baseline_sessions_per_day * activity.get()),
                sessions_left: 0,
                previous_ms: 0,
            }
        };
        let mut users: Vec<User> = (0..users).map(&mut user).collect();
        let sessions = items.div_ceil(pool.items_per_session.into());
        let readers = readers(&mut users, sessions, &mut rng);
        let now_ms = now.timestamp_millis();
        for user in &mut users {
            user.previous_ms = user
                .before_first_session(now_ms)
                .ok_or(PoolError::TooLongAgo(platform))?;
        }
        Ok(Self {
            platform,
            users,
            readers,
            items,
            items_per_session: pool.items_per_session,
            now_ms,
            rng,
            sessions_started: 0,
            items_assigned: 0,
            session: Session::default(),
        })
    }

    pub(super) fn platform(&self) -> Platform {
        self.platform
    }

    /// Assigns the next item to a session, and sets its time and position.
    pub(super) fn assign(&mut self, mut item: ContentItem) -> Impression {
        if self.session.filled == self.session.size {
            self.start_session();
        }
        let session = &mut self.session;
        // Each item has its own slot of the time since the previous session.
        let slot = (session.time_ms - session.previous_ms) as f64 / session.size as f64;
        let age = slot * (session.size - session.filled) as f64 - slot * self.rng.random::<f64>();
        item.created_at = time(session.time_ms - millis(age));
        item.original_rank = Some(session.filled);
        session.filled += 1;
        self.items_assigned += 1;
        Impression {
            platform: self.platform,
            user_id: self.users[session.user].id.clone(),
            session_timestamp: time(session.time_ms),
            item,
        }
    }

    fn start_session(&mut self) {
        let index = self.sessions_started.min(self.readers.len() - 1);
        let user_index = self.readers[index] as usize;
        let user = &mut self.users[user_index];
        user.sessions_left = user.sessions_left.saturating_sub(1);
        let age = f64::from(user.sessions_left) + JITTER * self.rng.random::<f64>();
        let time_ms = self.now_ms - millis(age * user.interval_ms);
        let items_left = self.items.saturating_sub(self.items_assigned);
        self.session = Session {
            user: user_index,
            previous_ms: user.previous_ms,
            time_ms,
            size: items_left.clamp(1, self.items_per_session.into()),
            filled: 0,
        };
        user.previous_ms = time_ms;
        self.sessions_started += 1;
    }

    /// Returns a row for each activity of the users.
    pub(super) fn plan(&self) -> Vec<SeedPlanRow> {
        let mut rows: Vec<SeedPlanRow> = Vec::new();
        let full = u64::from(self.items_per_session);
        let missing_in_last = self.readers.len() as u64 * full - self.items;
        for (number, user) in (0..).zip(&self.users) {
            let mut posts = u64::from(user.sessions_left) * full;
            if self.readers.last() == Some(&number) {
                posts -= missing_in_last;
            }
            let row = rows
                .iter()
                .position(|row| row.activity == Some(user.activity));
            let row = row.unwrap_or_else(|| {
                rows.push(SeedPlanRow::new(self.platform, Some(user.activity)));
                rows.len() - 1
            });
            rows[row].add_user(user.sessions_left.into(), posts);
        }
        rows.sort_by(|a, b| {
            a.activity
                .partial_cmp(&b.activity)
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        rows
    }
}

/// Draws the user of each session.
fn readers(users: &mut [User], sessions: u64, rng: &mut impl Rng) -> Vec<u32> {
    let activities = users.iter().map(|user| user.activity.get());
    let greatest = activities.fold(0.0, f64::max);
    let mut readers = Vec::new();
    while (readers.len() as u64) < sessions {
        for (number, user) in (0..).zip(&mut *users) {
            let accepts = rng.random::<f64>() * greatest < user.activity.get();
            if accepts && (readers.len() as u64) < sessions {
                readers.push(number);
                user.sessions_left += 1;
            }
        }
    }
    readers
}

impl User {
    /// Returns the time of a session before the first one, or `None` if it is before the year 1.
    fn before_first_session(&self, now_ms: i64) -> Option<i64> {
        let age = (f64::from(self.sessions_left) + JITTER) * self.interval_ms;
        let year_one = DateTime::from_timestamp(-62_135_596_800, 0)?.timestamp_millis();
        (age < (now_ms - year_one) as f64).then(|| now_ms - millis(age))
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "checked to be after the year 1"
)]
fn millis(millis: f64) -> i64 {
    millis as i64
}

fn time(millis: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::milliseconds(millis)
}
