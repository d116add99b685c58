use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use serde::Serialize;

use crate::cli::print_line;
use weir_entities::{Entity, Extractor, Scratch};
use weir_sentiment::Sentiment;

/// Print the sentiment and the named entities of each line of a text, as lines of JSON.
#[derive(Debug, Args)]
pub(in crate::cli) struct Analyse {
    /// The text; `-`, or nothing, is standard input.
    #[arg(default_value = "-")]
    file: PathBuf,
}

#[derive(Serialize)]
struct Analysis<'l> {
    sentiment: Sentiment,
    entities: Vec<Entity<'l>>,
}

impl Analyse {
    pub(in crate::cli) fn run(&self) -> anyhow::Result<()> {
        let input: Box<dyn BufRead> = if self.file.as_os_str() == "-" {
            Box::new(io::stdin().lock())
        } else {
            let file = File::open(&self.file);
            Box::new(BufReader::new(file.with_context(|| {
                format!("cannot read {}", self.file.display())
            })?))
        };
        let mut scratch = Scratch::default();
        for (number, line) in (1..).zip(input.split(b'\n')) {
            let line = line
                .with_context(|| format!("cannot read line {number} of {}", self.file.display()))?;
            let line = String::from_utf8_lossy(&line);
            print_line(&analysis(line.trim_end_matches('\r'), &mut scratch)?)?;
        }
        Ok(())
    }
}

fn analysis(line: &str, scratch: &mut Scratch) -> serde_json::Result<String> {
    let entities = Extractor::bundled().entities(line, scratch);
    serde_json::to_string(&Analysis {
        sentiment: Sentiment::of(line),
        entities,
    })
}
