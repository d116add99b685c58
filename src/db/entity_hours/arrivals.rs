use std::collections::{BTreeMap, HashSet};

use sea_orm::{ConnectionTrait, Statement};

use super::hour::hour_of;
use super::ids::list;
use super::{Hour, HourCounts, LastMark};
use crate::db::{Database, DbError};
use crate::sql::WriteTransaction;

/// Posts that came into hours without marks: to be added to the counts there are.
#[derive(Clone, Debug, Default)]
pub struct Arrivals {
    hours: BTreeMap<Hour, Vec<Arrival>>,
    last_mark: LastMark,
}

#[derive(Clone, Copy, Debug)]
struct Arrival {
    id: i64,
    post: i64,
    effect: Effect,
}

/// What a post that comes does to the counts of its hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// It is one more.
    Counts,
    /// It is there already, in a row before its own.
    Repeats,
    /// Rows after its own are counted in its place.
    Unsettles,
}

impl Arrivals {
    /// The same, by day.
    pub fn by_day(self) -> Vec<Self> {
        let mut days: Vec<Self> = Vec::new();
        let last_mark = self.last_mark;
        for (hour, arrivals) in self.hours {
            match days.last_mut() {
                Some(day) if day.day() == hour.day() => drop(day.hours.insert(hour, arrivals)),
                _ => days.push(Self {
                    hours: BTreeMap::from([(hour, arrivals)]),
                    last_mark,
                }),
            }
        }
        days
    }

    /// The keys of the posts to count.
    pub fn posts(&self) -> Vec<i64> {
        let all = self.hours.values().flatten();
        let counted = all.filter(|arrival| arrival.effect == Effect::Counts);
        counted.map(|arrival| arrival.post).collect()
    }

    /// The newest mark when they were read.
    pub fn last_mark(&self) -> LastMark {
        self.last_mark
    }

    fn day(&self) -> &str {
        self.hours.keys().next().map_or("", Hour::day)
    }

    fn unsettles(&self, hour: &Hour) -> bool {
        let mut arrivals = self.hours.get(hour).into_iter().flatten();
        arrivals.any(|arrival| arrival.effect == Effect::Unsettles)
    }
}

impl Database {
    /// The posts that have come into hours without marks.
    pub async fn arrivals(&self) -> Result<Arrivals, DbError> {
        let last = "SELECT COALESCE(max(id), 0) FROM weir_changed_hours";
        let last: Vec<i64> = self.read_column(last).await?;
        let mut arrivals = Arrivals {
            hours: BTreeMap::new(),
            last_mark: LastMark(last.first().copied().unwrap_or_default()),
        };
        let read = Statement::from_string(self.backend(), self.classified());
        for row in self.reader().query_all_raw(read).await? {
            let arrival = Arrival {
                id: row.try_get_by_index(0)?,
                post: row.try_get_by_index(1)?,
                effect: match row.try_get_by_index::<String>(3)?.as_str() {
                    "counts" => Effect::Counts,
                    "unsettles" => Effect::Unsettles,
                    _ => Effect::Repeats,
                },
            };
            let hour = Hour(row.try_get_by_index(2)?);
            arrivals.hours.entry(hour).or_default().push(arrival);
        }
        Ok(arrivals)
    }

    /// Arrivals with their effects: by whether the post is still in its hour, whether a row of the same post precedes it
    /// there as counting walks them, and whether one is there that has been counted.
    fn classified(&self) -> String {
        let hour = |row: &str| hour_of(&format!("{row}.created_at"), self.backend());
        let same = format!(
            "SELECT 1 FROM posts AS other WHERE other.post_id = posts.post_id
             AND COALESCE(other.platform, '') = COALESCE(posts.platform, '') AND {} = arrival.hour",
            hour("other")
        );
        format!(
            "SELECT arrival.id, arrival.post, arrival.hour,
                CASE WHEN {} <> arrival.hour
                    OR EXISTS ({same} AND (other.created_at, other.id) < (posts.created_at, posts.id)) THEN 'repeats'
                WHEN EXISTS ({same} AND (other.id, arrival.hour) NOT IN (SELECT post, hour FROM weir_arrivals))
                    THEN 'unsettles'
                ELSE 'counts' END
             FROM weir_arrivals AS arrival LEFT JOIN posts ON posts.id = arrival.post
             WHERE NOT EXISTS (SELECT 1 FROM weir_changed_hours AS mark WHERE mark.hour = arrival.hour)
             ORDER BY arrival.id",
            hour("posts")
        )
    }

    /// Adds the counts of arrivals to those that are stored, and forgets the arrivals. An hour that another run has counted
    /// meanwhile, or added to, is left as it is: its arrivals are not all there any more. One whose counts cannot be added to
    /// is marked.
    pub async fn add_counts(
        &self,
        arrivals: &Arrivals,
        counts: &[HourCounts],
        model: i64,
    ) -> Result<(), DbError> {
        let transaction = self.begin_counting().await?;
        let hours: Vec<&Hour> = arrivals.hours.keys().collect();
        let waiting = self.waiting(&transaction).await?;
        let stored = self.stored(&hours, model, &transaction).await?;
        let mut done = Vec::new();
        for (hour, own) in &arrivals.hours {
            if !own.iter().all(|arrival| waiting.contains(&arrival.id)) {
                continue;
            }
            let of_hour = counts.iter().filter(|counts| counts.hour == *hour);
            let sums = of_hour.map(|counts| stored.plus(counts));
            match sums.collect::<Option<Vec<_>>>() {
                Some(sums) if !arrivals.unsettles(hour) => {
                    for sum in &sums {
                        self.store(sum, model, &transaction).await?;
                    }
                }
                _ => self.mark_hour(hour, &transaction).await?,
            }
            done.extend(own.iter().map(|arrival| arrival.id));
        }
        self.forget(done, &transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// The arrivals that nobody has counted yet.
    async fn waiting(&self, transaction: &WriteTransaction) -> Result<HashSet<i64>, DbError> {
        let read = self.to_statement("SELECT id FROM weir_arrivals", []);
        let rows = transaction.query_all_raw(read).await?;
        let ids = rows.iter().map(|row| row.try_get_by_index(0));
        Ok(ids.collect::<Result<_, _>>()?)
    }

    async fn forget(&self, ids: Vec<i64>, transaction: &WriteTransaction) -> Result<(), DbError> {
        if !ids.is_empty() {
            let delete = format!("DELETE FROM weir_arrivals WHERE id IN ({})", list(ids));
            transaction.execute_unprepared(&delete).await?;
        }
        Ok(())
    }
}
