//! The sessions of one platform's users.

use chrono::{DateTime, TimeDelta, Utc};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use super::super::preprocess::{Pseudonyms, hex};
use super::plan::PlanRow;
use super::pool::PoolError;
use super::{Activity, UserPool};
use weir_feed::{ContentItem, Platform};

const MILLIS_PER_DAY: f64 = 86_400_000.0;
/// How much earlier than its due time a session may be, as a share of the time between two.
const JITTER: f64 = 0.25;

/// Gives items, in their order, to sessions of users.
///
/// Users take turns; one whose turn it is takes a session with a chance that is their activity over the greatest. A user's
/// sessions are a day apart, divided by baseline and activity, the last within a quarter of that of now. The items of a
/// session were written, in order, since the session before.
pub(super) struct FeedBuilder {
    users: Vec<User>,
    /// For each session, in the order of the items, whose it is.
    readers: Vec<u32>,
    items: u64,
    items_per_session: u32,
    now_ms: i64,
    rng: ChaCha8Rng,
    sessions_begun: usize,
    items_begun: u64,
    session: Session,
}

struct User {
    id: String,
    activity: Activity,
    /// Between two sessions, on average.
    interval_ms: f64,
    /// Sessions yet to come.
    left: u32,
    last_ms: i64,
}

/// A session being filled.
#[derive(Default)]
struct Session {
    user: usize,
    since_ms: i64,
    at_ms: i64,
    size: u64,
    filled: u64,
}

/// Where an item is seen.
pub(super) struct Place<'a> {
    pub(super) user: &'a str,
    pub(super) session: DateTime<Utc>,
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
            let activity = *pool.activity.draw(&mut rng);
            let seed = pool.seed.to_string();
            let fields = ["user", &seed, platform.as_str(), &number.to_string()];
            User {
                id: hex(&Pseudonyms::of_fields(&fields)),
                activity,
                interval_ms: MILLIS_PER_DAY / (pool.baseline_sessions_per_day * activity.get()),
                left: 0,
                last_ms: 0,
            }
        };
        let mut users: Vec<User> = (0..users).map(&mut user).collect();
        let sessions = items.div_ceil(pool.items_per_session.into());
        let readers = readers(&mut users, sessions, &mut rng);
        let now_ms = now.timestamp_millis();
        for user in &mut users {
            user.last_ms = user
                .first_session(now_ms)
                .ok_or(PoolError::TooLongAgo(platform))?;
        }
        Ok(Self {
            users,
            readers,
            items,
            items_per_session: pool.items_per_session,
            now_ms,
            rng,
            sessions_begun: 0,
            items_begun: 0,
            session: Session::default(),
        })
    }

    /// Puts the next item into a session: sets when it was written and its rank, and answers where it is seen.
    pub(super) fn place(&mut self, item: &mut ContentItem) -> Place<'_> {
        if self.session.filled == self.session.size {
            self.begin_session();
        }
        let session = &mut self.session;
        // Each item has a slot of its own since the session before.
        let slot = (session.at_ms - session.since_ms) as f64 / session.size as f64;
        let age = slot * (session.size - session.filled) as f64 - slot * self.rng.random::<f64>();
        item.created_at = time(session.at_ms - millis(age));
        item.original_rank = Some(session.filled);
        session.filled += 1;
        self.items_begun += 1;
        Place {
            user: &self.users[session.user].id,
            session: time(session.at_ms),
        }
    }

    fn begin_session(&mut self) {
        let place = self.sessions_begun.min(self.readers.len() - 1);
        let user_place = self.readers[place] as usize;
        let user = &mut self.users[user_place];
        user.left = user.left.saturating_sub(1);
        let due = f64::from(user.left) + JITTER * self.rng.random::<f64>();
        let at_ms = self.now_ms - millis(due * user.interval_ms);
        self.session = Session {
            user: user_place,
            since_ms: user.last_ms,
            at_ms,
            size: (self.items.saturating_sub(self.items_begun))
                .clamp(1, self.items_per_session.into()),
            filled: 0,
        };
        user.last_ms = at_ms;
        self.sessions_begun += 1;
    }

    /// What each level of activity gets.
    pub(super) fn plan(&self, platform: Platform) -> Vec<PlanRow> {
        let mut rows: Vec<PlanRow> = Vec::new();
        let full = u64::from(self.items_per_session);
        let missing_in_last = self.readers.len() as u64 * full - self.items;
        for (number, user) in (0..).zip(&self.users) {
            let mut posts = u64::from(user.left) * full;
            if self.readers.last() == Some(&number) {
                posts -= missing_in_last;
            }
            let level = rows
                .iter()
                .position(|row| row.activity == Some(user.activity));
            let level = level.unwrap_or_else(|| {
                rows.push(PlanRow::new(platform, Some(user.activity)));
                rows.len() - 1
            });
            rows[level].add(user.left.into(), posts);
        }
        rows.sort_by(|a, b| {
            a.activity
                .partial_cmp(&b.activity)
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        rows
    }
}

/// Whose each session is.
fn readers(users: &mut [User], sessions: u64, rng: &mut impl Rng) -> Vec<u32> {
    let activities = users.iter().map(|user| user.activity.get());
    let most = activities.fold(0.0, f64::max);
    let mut readers = Vec::new();
    while (readers.len() as u64) < sessions {
        for (number, user) in (0..).zip(&mut *users) {
            let accepts = rng.random::<f64>() * most < user.activity.get();
            if accepts && (readers.len() as u64) < sessions {
                readers.push(number);
                user.left += 1;
            }
        }
    }
    readers
}

impl User {
    /// When the session before the first would have been; `None` before the year 1.
    fn first_session(&self, now_ms: i64) -> Option<i64> {
        let age = (f64::from(self.left) + JITTER) * self.interval_ms;
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
