use weir_expressions::Type;
use weir_feed::{ContentItem, Engagements, RankRequest, host};

/// `item.*`: a field of an item, as expressions see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemField {
    AgeS,
    TextLength,
    Position,
    Type,
    Language,
    Domain,
    Author,
    Platform,
    Likes,
    Comments,
    Shares,
    Engagement,
}

impl ItemField {
    pub(super) const ALL: [Self; 12] = [
        Self::AgeS,
        Self::TextLength,
        Self::Position,
        Self::Type,
        Self::Language,
        Self::Domain,
        Self::Author,
        Self::Platform,
        Self::Likes,
        Self::Comments,
        Self::Shares,
        Self::Engagement,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::AgeS => "age_s",
            Self::TextLength => "text_length",
            Self::Position => "position",
            Self::Type => "type",
            Self::Language => "language",
            Self::Domain => "domain",
            Self::Author => "author",
            Self::Platform => "platform",
            Self::Likes => "likes",
            Self::Comments => "comments",
            Self::Shares => "shares",
            Self::Engagement => "engagement",
        }
    }

    pub(super) fn kind(self) -> Type {
        match self {
            Self::Type | Self::Language | Self::Domain | Self::Author | Self::Platform => {
                Type::Text
            }
            Self::AgeS
            | Self::TextLength
            | Self::Position
            | Self::Likes
            | Self::Comments
            | Self::Shares
            | Self::Engagement => Type::Number,
        }
    }

    /// Returns the number of an item, given by its index.
    pub(super) fn number(self, feed: &RankRequest, index: usize) -> Option<f64> {
        let item = &feed.items[index];
        let count = |count: u64| Some(count as f64);
        match self {
            Self::AgeS => {
                let age = feed.session.current_time - item.created_at;
                Some(age.as_seconds_f64().max(0.0))
            }
            Self::TextLength => Some(text_length(item) as f64),
            Self::Position => Some(index as f64),
            Self::Likes => match item.engagements {
                Engagements::Facebook(counts) => count(counts.reactions()),
                Engagements::Reddit(counts) => Some(counts.votes()? as f64),
                Engagements::Twitter(counts) => count(counts.like),
            },
            Self::Comments => match item.engagements {
                Engagements::Facebook(counts) => count(counts.comment),
                Engagements::Reddit(counts) => count(counts.comment),
                Engagements::Twitter(counts) => count(counts.comment),
            },
            Self::Shares => match item.engagements {
                Engagements::Facebook(counts) => count(counts.share),
                Engagements::Reddit(_) => None,
                Engagements::Twitter(counts) => count(counts.shares()),
            },
            Self::Engagement => count(item.engagements.total()),
            Self::Type | Self::Language | Self::Domain | Self::Author | Self::Platform => None,
        }
    }

    /// Returns the text of an item.
    pub(super) fn text<'f>(self, feed: &'f RankRequest, item: &'f ContentItem) -> Option<&'f str> {
        match self {
            Self::Type => Some(item.kind.as_str()),
            Self::Language => item.language.as_deref(),
            Self::Domain => item.embedded_urls.iter().find_map(|url| {
                let host = host(url)?;
                Some(host.strip_prefix("www.").unwrap_or(host))
            }),
            Self::Author => Some(&item.author_name_hash),
            Self::Platform => Some(feed.session.platform.as_str()),
            Self::AgeS
            | Self::TextLength
            | Self::Position
            | Self::Likes
            | Self::Comments
            | Self::Shares
            | Self::Engagement => None,
        }
    }
}

/// Returns the number of characters of title and text that are not blank at either end.
fn text_length(item: &ContentItem) -> usize {
    let title = item.title.as_deref().unwrap_or_default();
    title.trim().chars().count() + item.text.trim().chars().count()
}

#[cfg(test)]
mod tests {
    use weir_feed::{FacebookEngagements, RedditEngagements, TwitterEngagements};

    use super::super::request_view::tests::feed;
    use super::*;

    fn numbers(engagements: Engagements) -> [Option<f64>; 4] {
        let mut feed = feed();
        feed.items[0].engagements = engagements;
        let fields = [
            ItemField::Likes,
            ItemField::Comments,
            ItemField::Shares,
            ItemField::Engagement,
        ];
        fields.map(|field| field.number(&feed, 0))
    }

    #[test]
    fn engagement_is_counted_as_each_platform_does() {
        let facebook = FacebookEngagements {
            like: 1,
            angry: 2,
            comment: 4,
            share: 8,
            ..FacebookEngagements::default()
        };
        let expected = [3.0, 4.0, 8.0, 15.0].map(Some);
        assert_eq!(numbers(Engagements::Facebook(facebook)), expected);
        let reddit = RedditEngagements {
            score: Some(-3),
            comment: 4,
            award: 8,
            ..RedditEngagements::default()
        };
        let expected = [Some(-3.0), Some(4.0), None, Some(12.0)];
        assert_eq!(numbers(Engagements::Reddit(reddit)), expected);
        let twitter = TwitterEngagements {
            retweet: 1,
            like: 2,
            comment: 4,
            share: 8,
        };
        let expected = [2.0, 4.0, 9.0, 15.0].map(Some);
        assert_eq!(numbers(Engagements::Twitter(twitter)), expected);
    }

    #[test]
    fn the_domain_is_the_host_of_the_first_address() {
        let mut feed = feed();
        feed.items[0].embedded_urls = vec![
            "https://www.example.org:80/a".to_owned(),
            "https://example.com".to_owned(),
        ];
        let domain = |feed: &RankRequest| {
            let text = ItemField::Domain.text(feed, &feed.items[0]);
            text.map(str::to_owned)
        };
        assert_eq!(domain(&feed).as_deref(), Some("example.org"));
        feed.items[0].embedded_urls.clear();
        assert_eq!(domain(&feed), None);
    }

    #[test]
    fn blank_text_has_no_length() {
        let mut feed = feed();
        feed.items[0].title = None;
        feed.items[0].text = " \n".to_owned();
        assert_eq!(ItemField::TextLength.number(&feed, 0), Some(0.0));
        feed.items[0].title = Some("äh ".to_owned());
        assert_eq!(ItemField::TextLength.number(&feed, 0), Some(2.0));
    }
}
