//! Scores from a program in another language.

mod fields;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use weir_programs::{
    Announcement, CallError, Cell, Exit, ExpectedScorer, ItemError, ProgramPool, Rows, ScoreBatch,
    ScoreItem,
};

use self::fields::Fields;
use super::{BuildContext, BuildError, ScorerKind};
use crate::programs::ProgramDirectory;
use crate::scoring::pool::PoolConfig;
use crate::scoring::{
    CacheKey, ItemScore, OutputValue, Outputs, ScoreError, ScoreRow, Scorer, ScorerFailure,
    Subject, Worker,
};
use crate::settings::Check;

/// Keys of a scorer of the kind `program`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProgramConfig {
    /// Name of the program, under `[programs]`.
    pub program: String,
    /// Name of the function; empty for that of the scorer.
    pub function: String,
    /// Outputs of the function.
    pub outputs: Outputs,
    /// True if it may read which arm a user is in.
    pub unblind: bool,
}

/// Use of a program by a scorer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramUse {
    /// Name of the program.
    pub program: String,
    /// Name of the function.
    pub function: String,
    /// Requirements on the program's announcement of it.
    pub expected: ExpectedScorer,
}

impl ProgramConfig {
    fn function<'n>(&'n self, scorer: &'n str) -> &'n str {
        match self.function.as_str() {
            "" => scorer,
            function => function,
        }
    }
}

impl ScorerKind for ProgramConfig {
    const NAME: &'static str = "program";

    fn validate(&self, check: &mut Check, _: &PoolConfig) {
        check.not_empty("program", &self.program);
    }

    fn outputs(&self) -> Outputs {
        self.outputs.clone()
    }

    fn program_use(&self, scorer: &str) -> Option<ProgramUse> {
        Some(ProgramUse {
            program: self.program.clone(),
            function: self.function(scorer).to_owned(),
            expected: ExpectedScorer {
                outputs: self
                    .outputs
                    .iter()
                    .map(|output| output.name.clone())
                    .collect(),
                readable: fields::readable(self.unblind),
            },
        })
    }

    fn build(&self, context: &BuildContext) -> Result<Box<dyn Scorer>, BuildError> {
        Ok(Box::new(ProgramScorer(Arc::new(Function {
            program: self.program.clone(),
            name: self.function(&context.scorer).into(),
            output_names: self
                .outputs
                .iter()
                .map(|output| output.name.clone())
                .collect(),
            outputs: self.outputs.clone(),
            programs: context.programs.clone(),
            time_limit: context.time_limit,
            fields: ArcSwapOption::empty(),
        }))))
    }
}

/// Scorer whose function is in a program. Its threads wait for the processes of the program.
struct ProgramScorer(Arc<Function>);

/// Fields that a function reads, and the announcement that says so.
type KnownFields = (Arc<Announcement>, Fields);

/// Function of a program.
struct Function {
    program: String,
    name: Arc<str>,
    outputs: Outputs,
    output_names: Arc<[String]>,
    programs: ProgramDirectory,
    time_limit: Duration,
    fields: ArcSwapOption<KnownFields>,
}

impl Function {
    /// Returns the processes and the fields to send; `None` while the program is not known or has never been ready.
    fn pool(&self) -> Option<(Arc<ProgramPool>, Arc<KnownFields>)> {
        let pool = self.programs.get(&self.program)?.pool();
        let announcement = pool.announcement()?;
        let known = self.fields.load_full();
        if let Some(known) = known.filter(|known| Arc::ptr_eq(&known.0, &announcement)) {
            return Some((pool, known));
        }
        let fields = Fields::new(&announcement, &self.name)?;
        let fields = Arc::new((announcement, fields));
        self.fields.store(Some(Arc::clone(&fields)));
        Some((pool, fields))
    }

    fn batch(&self, fields: &Fields, subjects: &[Subject<'_>]) -> serde_json::Result<ScoreBatch> {
        let mut sessions: Vec<Box<RawValue>> = Vec::new();
        // Items of one request share their session.
        let mut known = BTreeMap::new();
        let mut items = Vec::with_capacity(subjects.len());
        for subject in subjects {
            let mut session = None;
            if fields.has_session() {
                let index = *known
                    .entry(std::ptr::from_ref(subject.session))
                    .or_insert(sessions.len());
                if index == sessions.len() {
                    let sent = fields.session(subject.session, subject.survey);
                    sessions.push(to_raw_value(&sent)?);
                }
                session = Some(index);
            }
            items.push(ScoreItem {
                fields: to_raw_value(&fields.item(subject.item))?,
                session,
            });
        }
        Ok(ScoreBatch {
            function: Arc::clone(&self.name),
            outputs: Arc::clone(&self.output_names),
            sessions,
            items,
        })
    }

    fn score(&self, subjects: &[Subject<'_>]) -> Rows {
        let all = |error: &CallError| subjects.iter().map(|_| Err(error.clone().into())).collect();
        let Some((pool, fields)) = self.pool() else {
            return all(&CallError::Unavailable);
        };
        match self.batch(&fields.1, subjects) {
            Ok(batch) => pool.score_blocking(&batch, Instant::now() + self.time_limit),
            Err(_) => all(&CallError::TooLong),
        }
    }
}

impl Scorer for ProgramScorer {
    fn worker(&self) -> Box<dyn Worker> {
        Box::new(ProgramWorker {
            function: Arc::clone(&self.0),
            failure: None,
        })
    }

    fn outputs(&self) -> Outputs {
        self.0.outputs.clone()
    }

    fn version(&self) -> Option<String> {
        let (_, known) = self.0.pool()?;
        Some(known.0.version.clone())
    }

    fn cache_key(&self, subject: Subject<'_>) -> Option<CacheKey> {
        let (_, fields) = self.0.pool()?;
        fields.1.cache_key(subject)
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn takes_late_answers(&self) -> bool {
        true
    }
}

struct ProgramWorker {
    function: Arc<Function>,
    failure: Option<ScorerFailure>,
}

impl Worker for ProgramWorker {
    fn score(&mut self, batch: &[Subject<'_>]) -> Vec<ItemScore> {
        let rows = self.function.score(batch);
        let failed = rows.iter().find_map(|row| row.as_ref().err());
        self.failure =
            failed.map(|error| ScorerFailure::new(score_error(error).code(), error.to_string()));
        let score = |row: Result<Vec<Cell>, ItemError>| match row {
            Ok(cells) => Ok(ScoreRow::from_values(
                cells.into_iter().map(value).collect(),
            )),
            Err(error) => Err(score_error(&error)),
        };
        rows.into_iter().map(score).collect()
    }

    fn take_failure(&mut self) -> Option<ScorerFailure> {
        self.failure.take()
    }
}

fn value(cell: Cell) -> Option<OutputValue> {
    match cell {
        Cell::Number(number) => Some(OutputValue::Number(number)),
        Cell::Label(text) => Some(OutputValue::Label(text.into())),
        Cell::Missing => None,
    }
}

fn score_error(error: &ItemError) -> ScoreError {
    match error {
        ItemError::EndsProcess { alone: 2.., .. } => ScoreError::SlowItem,
        ItemError::EndsProcess { alone, source } => call_error(source, *alone == 1),
        ItemError::Call(source) => call_error(source, false),
        ItemError::Item => ScoreError::Error,
    }
}

/// `alone` says whether the process ended while it had this item alone.
fn call_error(error: &CallError, alone: bool) -> ScoreError {
    match error {
        CallError::Unavailable => ScoreError::Unavailable,
        CallError::NotInTime => ScoreError::Timeout,
        CallError::BadResult => ScoreError::BadResult,
        CallError::Ended {
            exit: Exit::Protocol(_),
            ..
        } => ScoreError::ProtocolError { alone },
        CallError::Ended { .. } => ScoreError::ProcessEnded { alone },
        CallError::TooLong | CallError::Failed(_) => ScoreError::Error,
    }
}
