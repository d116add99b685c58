use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::evaluate;
use crate::cli::{print_error, print_line};
use weir_entities::{Corpora, Split, TrainingOptions, train};

/// Train the named-entity model.
#[derive(Debug, Args)]
pub(in crate::cli) struct TrainEntities {
    /// Folder with the annotated corpora, one `.conll` file each.
    #[arg(long)]
    data: PathBuf,
    /// Where the model goes.
    #[arg(long)]
    out: PathBuf,
    /// Hold a part of the training data out and test on that, to choose features and parameters without the tests.
    #[arg(long)]
    held_out: bool,
}

impl TrainEntities {
    pub(in crate::cli) fn run(self) -> anyhow::Result<()> {
        let corpora = Corpora::read(
            &self.data,
            if self.held_out {
                Split::HeldOut
            } else {
                Split::Final
            },
        )?;
        let model = train(
            &corpora.training,
            &TrainingOptions::default(),
            |epoch, likelihood| {
                print_error(&format!(
                    "pass {epoch}: mean log-likelihood {likelihood:.4}"
                ));
            },
        );
        let bytes = model.write();
        fs::write(&self.out, &bytes)
            .with_context(|| format!("cannot write {}", self.out.display()))?;
        print_line(&format!(
            "{} features, {} bytes",
            model.features(),
            bytes.len()
        ))?;
        evaluate::report(&model, &corpora.test)
    }
}
