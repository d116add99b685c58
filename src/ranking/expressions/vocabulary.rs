use std::collections::BTreeMap;

use weir_expressions::{ColumnError, Columns, Name, Schema, Type};

use super::item_field::ItemField;
use super::request_field::{SessionField, SurveyField};
use crate::ranking::ScorerOutputs;
use crate::scoring::{OutputKind, Outputs};

/// Source of the values of a name. `S` tells how an output of a scorer is found: by its name while expressions
/// are compiled, then by the index of its term in the policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Input<S> {
    /// Raw scores, or labels.
    Scores(S),
    /// True if the item names a top entity.
    NamesEntity,
    Item(ItemField),
    Session(SessionField),
    Survey(SurveyField),
}

/// Output of a scorer that expressions read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScorerOutput {
    /// Name of the scorer.
    pub(crate) scorer: String,
    /// Index of the output.
    pub(crate) output: usize,
}

/// Names that expressions may use.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vocabulary {
    pub(super) schema: Schema<Input<ScorerOutput>>,
    pub(super) columns: Columns,
}

impl Vocabulary {
    /// Creates the vocabulary of these scorers and columns.
    pub(crate) fn new(scorers: &ScorerOutputs<'_>, columns: &BTreeMap<String, String>) -> Self {
        let mut schema = Schema::default();
        for (scorer, outputs) in scorers {
            declare_scorer(&mut schema, scorer, outputs);
        }
        let names_entity = Name::new(["names_entity"]);
        schema.declare(names_entity, Type::Boolean, Input::NamesEntity);
        for field in ItemField::ALL {
            let name = Name::new(["item", field.name()]);
            schema.declare(name, field.kind(), Input::Item(field));
        }
        for field in SessionField::ALL {
            let name = Name::new(["session", field.name()]);
            schema.declare(name, field.kind(), Input::Session(field));
        }
        for field in SurveyField::all() {
            let name = Name::new(["survey", field.name()]);
            schema.declare(name, field.kind(), Input::Survey(field));
        }
        Self {
            schema,
            columns: Columns::parse(columns),
        }
    }

    /// Returns what is wrong with the columns.
    pub(crate) fn column_errors(&self) -> Vec<ColumnError> {
        self.columns.check(&self.schema)
    }
}

/// Declares each output as `SCORER.OUTPUT`, and the only one as `SCORER` too.
fn declare_scorer(schema: &mut Schema<Input<ScorerOutput>>, scorer: &str, outputs: &Outputs) {
    if Schema::<()>::is_reserved(scorer) {
        return;
    }
    for (index, output) in outputs.iter().enumerate() {
        let kind = match output.kind {
            OutputKind::Number => Type::Number,
            OutputKind::Label => Type::Text,
        };
        let input = Input::Scores(ScorerOutput {
            scorer: scorer.to_owned(),
            output: index,
        });
        if outputs.len() == 1 {
            schema.declare(Name::new([scorer]), kind, input.clone());
        }
        schema.declare(Name::new([scorer, &output.name]), kind, input);
    }
}

impl<S> Input<S> {
    /// Returns the input with another way to find a scorer.
    pub(super) fn map_scorer<T>(self, map: impl FnOnce(S) -> T) -> Input<T> {
        match self {
            Self::Scores(scorer) => Input::Scores(map(scorer)),
            Self::NamesEntity => Input::NamesEntity,
            Self::Item(field) => Input::Item(field),
            Self::Session(field) => Input::Session(field),
            Self::Survey(field) => Input::Survey(field),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::PolicyExpressions;
    use super::super::request_view::tests::feed;
    use super::*;
    use crate::ranking::PolicyConfig;

    fn vocabulary() -> Vocabulary {
        let two = [
            ("bridging", OutputKind::Number),
            ("topic", OutputKind::Label),
        ];
        let scorers = [("calm", Outputs::default()), ("civic", Outputs::new(two))];
        Vocabulary::new(&scorers.into(), &BTreeMap::new())
    }

    #[test]
    fn numbers_and_labels_of_outputs_have_names() {
        let config = PolicyConfig {
            entity_weight: 0.0,
            order: vec![
                "civic.bridging desc".to_owned(),
                "calm + calm.score asc".to_owned(),
            ],
            remove: "civic.topic == 'war'".to_owned(),
            ..PolicyConfig::default()
        };
        let compiled = PolicyExpressions::compile(&config, &vocabulary())
            .unwrap()
            .unwrap();
        let outputs =
            [("calm", 0), ("civic", 0), ("civic", 1)].map(|(scorer, output)| ScorerOutput {
                scorer: scorer.to_owned(),
                output,
            });
        let mut read: Vec<&ScorerOutput> = compiled.scores().collect();
        read.sort_by_key(|output| (&output.scorer, output.output));
        assert_eq!(read, outputs.iter().collect::<Vec<_>>());

        let column_of = |wanted: &ScorerOutput| outputs.iter().position(|output| output == wanted);
        let expressions = compiled.with_columns(|output| column_of(output).unwrap());
        assert!(expressions.reads_labels());
        let feed = feed();
        let columns = [vec![Some(0.5)], vec![Some(0.25)], vec![]];
        let labels = [
            vec![],
            vec![],
            vec![Some("cats".into()), Some("war".into()), None],
        ];
        let values = expressions.evaluate(&feed, &columns, &labels, None);
        let removed: Vec<bool> = (0..4)
            .map(|item| expressions.removes(&values, item))
            .collect();
        assert_eq!(removed, [false, true, false, false]);
        let keys = expressions.explain_keys(&values, 0);
        assert_eq!(keys["civic.bridging desc"], 0.25);
        assert_eq!(keys["calm + calm.score asc"], 1.0);
    }

    #[test]
    fn a_scorer_with_several_outputs_has_no_value_by_itself() {
        let config = PolicyConfig {
            order: vec!["civic desc".to_owned()],
            ..PolicyConfig::default()
        };
        let issues = PolicyExpressions::compile(&config, &vocabulary()).unwrap_err();
        assert_eq!(
            issues[0].to_string(),
            "order: column 1: civic is no value by itself: choose one of civic.bridging, civic.topic"
        );
    }
}
