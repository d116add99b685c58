use weir_expressions::Feed;
use weir_feed::RankRequest;

use super::vocabulary::Input;
use crate::ranking::slate::known;
use crate::ranking::{Column, EntityMatches, Labels};

/// A request with what is known of its items, as programs read it. A scorer is found by the index of its column.
pub(super) struct RequestView<'f, 's> {
    pub(super) feed: &'f RankRequest,
    pub(super) columns: &'s [Column],
    pub(super) labels: &'f [Labels],
    pub(super) entities: Option<&'s EntityMatches>,
}

impl<'f> Feed<'f, Input<usize>> for RequestView<'f, '_> {
    fn len(&self) -> usize {
        self.feed.items.len()
    }

    fn user_id(&self) -> &str {
        &self.feed.session.user_id
    }

    fn item_id(&self, item: usize) -> &str {
        &self.feed.items[item].id
    }

    fn numbers(&self, input: &Input<usize>, column: &mut Vec<Option<f64>>) {
        let items = 0..self.len();
        match *input {
            Input::Scores(term) => {
                if let Some(scores) = self.columns.get(term) {
                    column.extend(items.map(|item| known(scores, item)));
                }
            }
            Input::Item(field) => column.extend(items.map(|item| field.number(self.feed, item))),
            Input::Session(field) => {
                column.resize(items.end, field.number(&self.feed.session));
            }
            Input::Survey(field) => {
                column.resize(items.end, field.number(self.feed.survey.as_ref()));
            }
            Input::NamesEntity => {}
        }
    }

    fn texts(&self, input: &Input<usize>, column: &mut Vec<Option<&'f str>>) {
        let items = &self.feed.items;
        match *input {
            Input::Item(field) => {
                column.extend(items.iter().map(|item| field.text(self.feed, item)));
            }
            Input::Session(field) => column.resize(items.len(), field.text(&self.feed.session)),
            Input::Survey(field) => {
                column.resize(items.len(), field.text(self.feed.survey.as_ref()));
            }
            Input::Scores(term) => {
                let labels = self.labels.get(term).into_iter().flatten();
                column.extend(labels.map(Option::as_deref));
            }
            Input::NamesEntity => {}
        }
    }

    fn booleans(&self, input: &Input<usize>, column: &mut Vec<Option<bool>>) {
        let items = 0..self.len();
        match *input {
            Input::NamesEntity => {
                if let Some(entities) = self.entities {
                    column.extend(items.map(|item| Some(entities.has_match(item))));
                }
            }
            Input::Session(field) => column.resize(items.end, field.boolean(&self.feed.session)),
            Input::Scores(_) | Input::Item(_) | Input::Survey(_) => {}
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use chrono::Utc;
    use rand::SeedableRng;
    use weir_feed::{Platform, RankRequest};
    use weir_lab::FakeFeed;

    pub(in crate::ranking) fn feed() -> RankRequest {
        let fake = FakeFeed {
            posts: 4,
            comments: 0,
            platform: Platform::Reddit,
            now: Utc::now(),
        };
        fake.request(&mut rand_chacha::ChaCha8Rng::seed_from_u64(3))
    }
}
