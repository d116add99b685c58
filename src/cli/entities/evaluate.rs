use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::cli::print_line;
use weir_entities::{
    Casing, Corpora, Corpus, EntityKind, Evaluation, Extractor, Model, Reading, Score, Split,
};

/// Evaluate the named-entity model on the test corpora.
#[derive(Debug, Args)]
pub(in crate::cli) struct EvalEntities {
    /// Folder with the annotated corpora, one `.conll` file each.
    #[arg(long)]
    data: PathBuf,
    /// A model file; without it, the model in the binary.
    #[arg(long)]
    model: Option<PathBuf>,
}

impl EvalEntities {
    pub(in crate::cli) fn run(self) -> anyhow::Result<()> {
        let corpora = Corpora::read(&self.data, Split::Final)?;
        let Some(path) = self.model else {
            return report(Extractor::bundled().model(), &corpora.test);
        };
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let model = Model::read(&bytes).with_context(|| path.display().to_string())?;
        report(&model, &corpora.test)
    }
}

/// Prints precision, recall and F1 per reading, corpus, casing and kind, as Markdown tables.
pub(in crate::cli) fn report(model: &Model, corpora: &[Corpus]) -> anyhow::Result<()> {
    for reading in Reading::ALL {
        print_line(&format!("{}:\n", reading.name()))?;
        print_line("| corpus | casing | kind | precision | recall | F1 | spans |")?;
        print_line("|---|---|---|---|---|---|---|")?;
        for corpus in corpora {
            for casing in Casing::ALL {
                let evaluation = Evaluation::of(model, corpus, casing, reading);
                let place = format!("{} | {}", corpus.name, casing.name());
                row(&place, "all", evaluation.all)?;
                for (kind, score) in EntityKind::ALL.iter().zip(evaluation.kinds) {
                    row(&place, kind.name(), score)?;
                }
            }
        }
        print_line("")?;
    }
    Ok(())
}

fn row(place: &str, kind: &str, score: Score) -> anyhow::Result<()> {
    print_line(&format!(
        "| {place} | {kind} | {:.3} | {:.3} | {:.3} | {} |",
        score.precision(),
        score.recall(),
        score.f1(),
        score.annotated
    ))
}
