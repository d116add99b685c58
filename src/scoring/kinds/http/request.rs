use std::borrow::Cow;

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use xxhash_rust::xxh3::Xxh3;

use super::HttpOptions;
use crate::scoring::{CacheKey, Subject};

const TEMPLATE: &str = "body";
/// Separates what is hashed. It occurs in no UTF-8.
const SEPARATOR: &[u8] = &[0xFF];
/// Texts by which a template is tried out.
const TRIAL: [&str; 2] = ["a \"quoted\" text", "another\none"];

/// Field of an item that a server gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The title, a newline and the text.
    Text,
    /// The id on the platform.
    Id,
    /// The platform of the feed.
    Platform,
    /// The language; null if the platform tells none.
    Language,
}

/// Writes the bodies of requests. The scores of an item are cached by exactly what is sent of it.
pub(super) struct RequestWriter {
    options: HttpOptions,
    template: Option<Environment<'static>>,
    /// Hash of everything but the item that a score depends on.
    version: u64,
}

/// The body of a request cannot be written from its template.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum BodyError {
    /// The template is wrong, or names what is not sent.
    #[error("line {line} of the template: {why}")]
    Template { line: usize, why: String },
    /// The output of the template is not JSON.
    #[error("the template gives no JSON: line {line} column {column} of what it gives")]
    NotJson { line: usize, column: usize },
}

impl BodyError {
    /// Reads an error of the template engine. Its detail is left out where it may hold the text of a post.
    fn from_template(error: &minijinja::Error, with_detail: bool) -> Self {
        let detail = error.detail().filter(|_| with_detail);
        Self::Template {
            line: error.line().unwrap_or(1),
            why: match detail {
                Some(detail) => format!("{}: {detail}", error.kind()),
                None => error.kind().to_string(),
            },
        }
    }
}

impl RequestWriter {
    /// Creates a writer. The template is tried out first.
    pub(super) fn new(options: &HttpOptions) -> Result<Self, BodyError> {
        let template = match options.body.as_str() {
            "" => None,
            source => Some(environment(source)?),
        };
        let writer = Self {
            version: version(options),
            options: options.clone(),
            template,
        };
        writer.try_template()?;
        Ok(writer)
    }

    /// Renders the template for one text, and for two.
    fn try_template(&self) -> Result<(), BodyError> {
        let Some(template) = &self.template else {
            return Ok(());
        };
        for texts in [&TRIAL[..1], &TRIAL] {
            let list = |field: &Field| {
                let list: Value = match field {
                    Field::Text => texts.into(),
                    _ => vec!["en"; texts.len()].into(),
                };
                (field.list_name().to_owned(), list)
            };
            let lists = self.options.reads.iter().map(list);
            let body = self.render(template, lists.collect());
            let body = body.map_err(|error| BodyError::from_template(&error, true))?;
            check_json(&body)?;
        }
        Ok(())
    }

    /// Returns the body of the request about a batch.
    pub(super) fn body(&self, batch: &[Subject<'_>]) -> Result<Vec<u8>, BodyError> {
        let Self {
            options, template, ..
        } = self;
        let list = |field: &Field| -> Vec<Value> {
            let sent = batch.iter().map(|&subject| self.sent(*field, subject));
            sent.map(|value| value.map_or(Value::Null, Value::from))
                .collect()
        };
        if let Some(template) = template {
            let lists = options.reads.iter();
            let lists = lists.map(|field| (field.list_name().to_owned(), Value::from(list(field))));
            let body = self.render(template, lists.collect());
            let body = body.map_err(|error| BodyError::from_template(&error, false))?;
            check_json(&body)?;
            return Ok(body.into_bytes());
        }
        let mut body =
            options
                .format
                .request(list(&Field::Text), &options.texts_field, &options.model);
        for field in options.reads.iter().filter(|field| **field != Field::Text) {
            body[field.list_name()] = list(field).into();
        }
        Ok(body.to_string().into_bytes())
    }

    /// Returns the hash of what is sent of an item, and of what it is sent to.
    pub(super) fn cache_key(&self, subject: Subject<'_>) -> CacheKey {
        let mut hash = Xxh3::with_seed(self.version);
        for field in &self.options.reads {
            if let Some(sent) = self.sent(*field, subject) {
                hash.update(sent.as_bytes());
            }
            hash.update(SEPARATOR);
        }
        hash.digest128()
    }

    fn sent<'r>(
        &self,
        field: Field,
        Subject { item, session, .. }: Subject<'r>,
    ) -> Option<Cow<'r, str>> {
        match field {
            Field::Text => {
                let text = item.analysed_text();
                let cut = match self.options.truncate_chars {
                    0 => None,
                    most => text.char_indices().nth(most).map(|(end, _)| end),
                };
                Some(match (cut, text) {
                    (None, text) => text,
                    (Some(end), Cow::Borrowed(text)) => text[..end].into(),
                    (Some(end), Cow::Owned(text)) => text[..end].to_owned().into(),
                })
            }
            Field::Id => Some(item.id.as_str().into()),
            Field::Platform => Some(session.platform.as_str().into()),
            Field::Language => item.language.as_deref().map(Cow::from),
        }
    }

    fn render(
        &self,
        template: &Environment<'static>,
        mut lists: Map<String, Value>,
    ) -> Result<String, minijinja::Error> {
        lists.insert("model".to_owned(), self.options.model.as_str().into());
        template.get_template(TEMPLATE)?.render(Serde(lists))
    }
}

impl Field {
    /// Returns the name of the list with this field of each item.
    fn list_name(self) -> &'static str {
        match self {
            Self::Text => "texts",
            Self::Id => "ids",
            Self::Platform => "platforms",
            Self::Language => "languages",
        }
    }
}

fn environment(source: &str) -> Result<Environment<'static>, BodyError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Json);
    let added = environment.add_template_owned(TEMPLATE, source.to_owned());
    added.map_err(|error| BodyError::from_template(&error, true))?;
    Ok(environment)
}

fn check_json(body: &str) -> Result<(), BodyError> {
    let read = serde_json::from_str::<serde::de::IgnoredAny>(body);
    read.map(drop).map_err(|error| BodyError::NotJson {
        line: error.line(),
        column: error.column(),
    })
}

fn version(options: &HttpOptions) -> u64 {
    let mut hash = Xxh3::new();
    let parts = [
        &*options.url,
        options.format.name(),
        &options.texts_field,
        &options.model,
        &options.body,
        options.items_path(),
    ];
    let reads = options.reads.iter().map(|field| field.list_name());
    let outputs = options
        .outputs
        .iter()
        .flat_map(|(name, path)| [name.as_str(), path]);
    for part in parts.into_iter().chain(reads).chain(outputs) {
        hash.update(part.as_bytes());
        hash.update(SEPARATOR);
    }
    hash.digest()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoring::kinds::tests::feed;

    fn body(options: &HttpOptions) -> Value {
        let mut feed = feed();
        (feed.items[0].title, feed.items[0].text) = (None, "say \"hi\"".to_owned());
        "7".clone_into(&mut feed.items[0].id);
        let subject = Subject {
            item: &feed.items[0],
            session: &feed.session,
            survey: feed.survey.as_ref(),
        };
        let body = RequestWriter::new(options)
            .unwrap()
            .body(&[subject, subject]);
        serde_json::from_slice(&body.unwrap()).unwrap()
    }

    fn options(body: &str, reads: &[Field]) -> HttpOptions {
        HttpOptions {
            body: body.to_owned(),
            reads: reads.to_vec(),
            ..HttpOptions::default()
        }
    }

    #[test]
    fn only_the_fields_that_are_read_are_sent() {
        let text = serde_json::json!(["say \"hi\"", "say \"hi\""]);
        assert_eq!(
            body(&HttpOptions::default()),
            serde_json::json!({"inputs": text})
        );
        let more = options("", &[Field::Text, Field::Id, Field::Platform]);
        let expected = serde_json::json!({"inputs": text, "ids": ["7", "7"], "platforms": ["twitter", "twitter"]});
        assert_eq!(body(&more), expected);
    }

    #[test]
    fn values_in_a_template_are_json() {
        let template = "{\"comment\": {\"text\": {{ texts[0] }}}, \"ids\": {{ ids }}}";
        let expected = serde_json::json!({"comment": {"text": "say \"hi\""}, "ids": ["7", "7"]});
        assert_eq!(
            body(&options(template, &[Field::Text, Field::Id])),
            expected
        );
    }

    #[test]
    fn a_template_is_tried_out_before_it_is_used() {
        let error = |template: &str| {
            let writer = RequestWriter::new(&options(template, &[Field::Text]));
            writer.err().unwrap().to_string()
        };
        assert!(error("{\n\"ids\": {{ ids }}}").starts_with("line 2 of the template:"));
        assert!(error("{ {% for }").starts_with("line 1 of the template:"));
        assert_eq!(
            error("{\"a\": \"{{ texts[0] }}\"}"),
            "the template gives no JSON: line 1 column 9 of what it gives"
        );
    }

    #[test]
    fn the_cache_key_is_of_what_is_sent() {
        let mut feed = feed();
        let mut other = feed.clone();
        "another".clone_into(&mut other.items[0].id);
        let key = |feed: &weir_feed::RankRequest, reads: &[Field]| {
            let subject = Subject {
                item: &feed.items[0],
                session: &feed.session,
                survey: feed.survey.as_ref(),
            };
            RequestWriter::new(&options("", reads))
                .unwrap()
                .cache_key(subject)
        };
        assert_eq!(key(&feed, &[Field::Text]), key(&other, &[Field::Text]));
        let reads = [Field::Text, Field::Id];
        assert_ne!(key(&feed, &reads), key(&other, &reads));
        assert_ne!(key(&feed, &[Field::Text]), key(&feed, &reads));
        let before = key(&feed, &[Field::Text]);
        feed.items[0].text.push('x');
        assert_ne!(key(&feed, &[Field::Text]), before);
    }
}
