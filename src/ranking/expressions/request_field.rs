use weir_expressions::Type;
use weir_feed::{Session, Survey};

/// `session.*`: a field of the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SessionField {
    SessionId,
    UserId,
    UserNameHash,
    Cohort,
    CohortIndex,
    Platform,
    Url,
    Prefetch,
}

impl SessionField {
    pub(super) const ALL: [Self; 8] = [
        Self::SessionId,
        Self::UserId,
        Self::UserNameHash,
        Self::Cohort,
        Self::CohortIndex,
        Self::Platform,
        Self::Url,
        Self::Prefetch,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SessionId => "session_id",
            Self::UserId => "user_id",
            Self::UserNameHash => "user_name_hash",
            Self::Cohort => "cohort",
            Self::CohortIndex => "cohort_index",
            Self::Platform => "platform",
            Self::Url => "url",
            Self::Prefetch => "prefetch",
        }
    }

    pub(super) fn kind(self) -> Type {
        match self {
            Self::CohortIndex => Type::Number,
            Self::Prefetch => Type::Boolean,
            _ => Type::Text,
        }
    }

    pub(super) fn number(self, session: &Session) -> Option<f64> {
        (self == Self::CohortIndex).then_some(session.cohort_index? as f64)
    }

    pub(super) fn boolean(self, session: &Session) -> Option<bool> {
        (self == Self::Prefetch).then_some(session.is_prefetch())
    }

    pub(super) fn text(self, session: &Session) -> Option<&str> {
        match self {
            Self::SessionId => Some(&session.session_id),
            Self::UserId => Some(&session.user_id),
            Self::UserNameHash => Some(&session.user_name_hash),
            Self::Cohort => session.cohort.as_deref(),
            Self::Platform => Some(session.platform.as_str()),
            Self::Url => Some(&session.url),
            Self::CohortIndex | Self::Prefetch => None,
        }
    }
}

/// `survey.*`: an answer to the survey, by its index in [`ANSWERS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SurveyField(usize);

#[derive(Clone, Copy)]
enum Answer {
    Number(fn(&Survey) -> Option<f64>),
    Text(fn(&Survey) -> Option<&str>),
}

impl SurveyField {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..ANSWERS.len()).map(Self)
    }

    pub(super) fn name(self) -> &'static str {
        ANSWERS[self.0].0
    }

    pub(super) fn kind(self) -> Type {
        match ANSWERS[self.0].1 {
            Answer::Number(_) => Type::Number,
            Answer::Text(_) => Type::Text,
        }
    }

    pub(super) fn number(self, survey: Option<&Survey>) -> Option<f64> {
        match ANSWERS[self.0].1 {
            Answer::Number(read) => read(survey?),
            Answer::Text(_) => None,
        }
    }

    pub(super) fn text(self, survey: Option<&Survey>) -> Option<&str> {
        match ANSWERS[self.0].1 {
            Answer::Number(_) => None,
            Answer::Text(read) => read(survey?),
        }
    }
}

/// Reads an answer on a scale as its number, or one of a choice as its name.
macro_rules! answer {
    (scale $field:ident) => {
        (
            stringify!($field),
            Answer::Number(|survey| survey.$field.map(|answer| f64::from(answer as u8))),
        )
    };
    (choice $field:ident) => {
        (
            stringify!($field),
            Answer::Text(|survey| survey.$field.map(|answer| answer.as_str())),
        )
    };
    (text $field:ident) => {
        (
            stringify!($field),
            Answer::Text(|survey| survey.$field.as_deref()),
        )
    };
    (share $field:ident) => {
        (stringify!($field), Answer::Number(|survey| survey.$field))
    };
}

/// Answers with the names that they have in a request.
const ANSWERS: [(&str, Answer); 31] = [
    (
        "party_id",
        Answer::Text(|survey| Some(survey.party_id.as_str())),
    ),
    answer!(text party_write_in),
    answer!(choice support),
    answer!(choice party_lean),
    answer!(choice sex),
    answer!(scale age),
    answer!(scale education),
    answer!(scale ideology),
    answer!(scale income),
    answer!(choice ethnicity),
    answer!(text ethnicity_write_in),
    answer!(scale socmed_use),
    answer!(scale feed_lean),
    answer!(choice socmed_censorship),
    answer!(choice socmed_trust),
    answer!(choice percieved_racism),
    answer!(choice trump),
    answer!(choice economic),
    answer!(choice msm_trust),
    answer!(choice immigration),
    answer!(choice israel_palestine),
    answer!(choice abortion),
    answer!(choice climate_change),
    answer!(choice military),
    answer!(choice political_complexity),
    answer!(choice political_understanding),
    answer!(choice political_focus),
    answer!(choice voting_likelihood),
    answer!(share browser_perc_twitter),
    answer!(share browser_perc_facebook),
    answer!(share browser_perc_reddit),
];
