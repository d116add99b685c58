use std::io;

use chrono::{DateTime, Utc};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use weir_feed::{ContentItem, Engagements, ItemKind, Platform, Session, Survey};
use weir_programs::Announcement;
use xxhash_rust::xxh3::Xxh3;

use crate::scoring::{CacheKey, Subject};

/// Value of a field as it is sent.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum FieldValue<'r> {
    Text(&'r str),
    Count(u64),
    Flag(bool),
    Texts(&'r [String]),
    Time(DateTime<Utc>),
    Counts(&'r Engagements),
    Kind(ItemKind),
    Platform(Platform),
}

use FieldValue::{Count, Counts, Flag, Kind, Text, Texts, Time};

/// A field of `T`: its name and its value, if it has one.
type Field<T> = (&'static str, for<'r> fn(&'r T) -> Option<FieldValue<'r>>);

const ITEM_FIELDS: [Field<ContentItem>; 12] = [
    ("id", |item| Some(Text(&item.id))),
    ("post_id", |item| item.post_id.as_deref().map(Text)),
    ("parent_id", |item| item.parent_id.as_deref().map(Text)),
    ("title", |item| item.title.as_deref().map(Text)),
    ("text", |item| Some(Text(&item.text))),
    ("author_name_hash", |item| {
        Some(Text(&item.author_name_hash))
    }),
    ("type", |item| Some(Kind(item.kind))),
    ("language", |item| item.language.as_deref().map(Text)),
    ("original_rank", |item| item.original_rank.map(Count)),
    ("embedded_urls", |item| Some(Texts(&item.embedded_urls))),
    ("created_at", |item| Some(Time(item.created_at))),
    ("engagements", |item| Some(Counts(&item.engagements))),
];

const SESSION_FIELDS: [Field<Session>; 7] = [
    ("session_id", |session| Some(Text(&session.session_id))),
    ("user_id", |session| Some(Text(&session.user_id))),
    ("user_name_hash", |session| {
        Some(Text(&session.user_name_hash))
    }),
    ("platform", |session| {
        Some(FieldValue::Platform(session.platform))
    }),
    ("url", |session| Some(Text(&session.url))),
    ("current_time", |session| Some(Time(session.current_time))),
    ("prefetch", |session| session.prefetch.map(Flag)),
];

/// Fields that say which arm a user is in.
const ARM_FIELDS: [Field<Session>; 2] = [
    ("cohort", |session| session.cohort.as_deref().map(Text)),
    ("cohort_index", |session| session.cohort_index.map(Count)),
];

/// Returns the names that a scorer may read, as `reads` has them.
pub(super) fn readable(unblind: bool) -> Vec<String> {
    let arm_fields = ARM_FIELDS.iter().filter(|_| unblind);
    let session_fields = SESSION_FIELDS.iter().chain(arm_fields);
    let items = ITEM_FIELDS.iter().map(|(name, _)| (*name).to_owned());
    let sessions = session_fields.map(|(name, _)| format!("session.{name}"));
    let surveys = ["survey", "survey.*"].map(str::to_owned);
    items.chain(sessions).chain(surveys).collect()
}

/// Fields that one function reads. They are all that is sent, and with version and function all that a score depends on.
pub(super) struct Fields {
    /// Hash of version and function.
    seed: u64,
    item: Vec<Field<ContentItem>>,
    session: Vec<Field<Session>>,
    survey: SurveyFields,
}

enum SurveyFields {
    None,
    All,
    Named(Vec<String>),
}

impl Fields {
    /// Returns the fields of a function that the program has announced.
    pub(super) fn new(announcement: &Announcement, function: &str) -> Option<Self> {
        let reads = &announcement.scorers.get(function)?.reads;
        let mut hash = Xxh3::new();
        for part in [announcement.version.as_str(), function] {
            hash.update(part.as_bytes());
            hash.update(&[0]);
        }
        let mut fields = Self {
            seed: hash.digest(),
            item: Vec::new(),
            session: Vec::new(),
            survey: SurveyFields::None,
        };
        for name in reads {
            fields.add(name);
        }
        Some(fields)
    }

    fn add(&mut self, name: &str) {
        if name == "survey" {
            self.survey = SurveyFields::All;
        } else if let Some(name) = name.strip_prefix("survey.") {
            match &mut self.survey {
                SurveyFields::All => {}
                SurveyFields::Named(names) => names.push(name.to_owned()),
                SurveyFields::None => self.survey = SurveyFields::Named(vec![name.to_owned()]),
            }
        } else if let Some(name) = name.strip_prefix("session.") {
            let mut all = SESSION_FIELDS.iter().chain(&ARM_FIELDS);
            self.session.extend(all.find(|(field, _)| *field == name));
        } else {
            self.item
                .extend(ITEM_FIELDS.iter().find(|(field, _)| *field == name));
        }
    }

    /// Returns whether anything of a session or survey is sent.
    pub(super) fn has_session(&self) -> bool {
        !self.session.is_empty() || !matches!(self.survey, SurveyFields::None)
    }

    /// Returns the fields of an item, as they are sent.
    pub(super) fn item<'f>(&'f self, item: &'f ContentItem) -> impl Serialize + 'f {
        Object {
            fields: &self.item,
            of: item,
        }
    }

    /// Returns the fields of session and survey, as they are sent.
    pub(super) fn session<'f>(
        &'f self,
        session: &'f Session,
        survey: Option<&'f Survey>,
    ) -> impl Serialize + 'f {
        SentSession {
            session: Object {
                fields: &self.session,
                of: session,
            },
            survey: self.survey.of(survey),
        }
    }

    /// Returns the key to cache a score by.
    pub(super) fn cache_key(&self, subject: Subject<'_>) -> Option<CacheKey> {
        let mut hash = HashWriter(Xxh3::with_seed(self.seed));
        serde_json::to_writer(&mut hash, &self.item(subject.item)).ok()?;
        if self.has_session() {
            let session = self.session(subject.session, subject.survey);
            serde_json::to_writer(&mut hash, &session).ok()?;
        }
        Some(hash.0.digest128())
    }
}

impl SurveyFields {
    fn of(&self, survey: Option<&Survey>) -> Map<String, Value> {
        let is_wanted = |name: &String| match self {
            Self::None => false,
            Self::All => true,
            Self::Named(names) => names.contains(name),
        };
        let Some(Ok(Value::Object(answers))) = survey.map(serde_json::to_value) else {
            return Map::new();
        };
        let given = answers.into_iter().filter(|(_, answer)| !answer.is_null());
        given.filter(|(name, _)| is_wanted(name)).collect()
    }
}

#[derive(Serialize)]
struct SentSession<'f> {
    #[serde(skip_serializing_if = "Object::is_empty")]
    session: Object<'f, Session>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    survey: Map<String, Value>,
}

/// Some fields of a value as a JSON object, without those that it does not have.
struct Object<'f, T> {
    fields: &'f [Field<T>],
    of: &'f T,
}

impl<T> Object<'_, T> {
    fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

impl<T> Serialize for Object<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.fields {
            if let Some(value) = value(self.of) {
                map.serialize_entry(name, &value)?;
            }
        }
        map.end()
    }
}

struct HashWriter(Xxh3);

impl io::Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
