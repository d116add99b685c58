use serde::{Deserialize, Serialize};

use super::{BuildContext, BuildError, ScorerKind};
use crate::scoring::pool::PoolConfig;
use crate::scoring::{Formula, Scorer, Subject};
use crate::settings::Check;
use weir_feed::Engagements;

/// Keys of a scorer of the kind `engagement`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngagementConfig {
    engagement: Engagement,
}

/// How much an item is engaged with, 0 to 1, comparable between platforms: n / (n + half), where n is the sum of the
/// platform's counts and half the sum that scores one half.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Engagement {
    /// Sum that scores one half on Facebook.
    facebook: f64,
    /// Sum that scores one half on Reddit.
    reddit: f64,
    /// Sum that scores one half on Twitter.
    twitter: f64,
}

impl Default for Engagement {
    fn default() -> Self {
        Self {
            facebook: 100.0,
            reddit: 100.0,
            twitter: 100.0,
        }
    }
}

impl ScorerKind for EngagementConfig {
    const NAME: &'static str = "engagement";

    fn validate(&self, check: &mut Check, _: &PoolConfig) {
        let Engagement {
            facebook,
            reddit,
            twitter,
        } = self.engagement;
        check.under("engagement", |check| {
            for (platform, half) in [
                ("facebook", facebook),
                ("reddit", reddit),
                ("twitter", twitter),
            ] {
                check.require(platform, half.is_finite() && half > 0.0, || {
                    format!("expected a number above 0, found {half}")
                });
            }
        });
    }

    fn build(&self, _: &BuildContext) -> Result<Box<dyn Scorer>, BuildError> {
        Ok(Box::new(self.engagement.clone()))
    }
}

impl Formula for Engagement {
    fn value(&self, Subject { item, .. }: Subject<'_>) -> f64 {
        let half = match item.engagements {
            Engagements::Facebook(_) => self.facebook,
            Engagements::Reddit(_) => self.reddit,
            Engagements::Twitter(_) => self.twitter,
        };
        let count = item.engagements.total() as f64;
        count / (count + half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoring::kinds::tests::feed;
    use weir_feed::{FacebookEngagements, RedditEngagements, TwitterEngagements};

    fn score(engagements: Engagements) -> f64 {
        let mut feed = feed();
        feed.items[0].engagements = engagements;
        let engagement = Engagement {
            facebook: 10.0,
            reddit: 20.0,
            twitter: 30.0,
        };
        engagement.value(Subject::new(&feed, &feed.items[0]))
    }

    #[test]
    fn each_platform_has_a_half_of_its_own() {
        let facebook = FacebookEngagements {
            like: 4,
            angry: 3,
            share: 3,
            ..FacebookEngagements::default()
        };
        let reddit = RedditEngagements {
            score: Some(15),
            comment: 5,
            ..RedditEngagements::default()
        };
        let twitter = TwitterEngagements {
            retweet: 30,
            ..TwitterEngagements::default()
        };
        for engagements in [
            Engagements::Facebook(facebook),
            Engagements::Reddit(reddit),
            Engagements::Twitter(twitter),
        ] {
            let score = score(engagements);
            assert!((score - 0.5).abs() < 1e-12, "{engagements:?}: {score}");
        }
    }

    #[test]
    fn no_count_is_too_high_and_votes_below_zero_count_as_none() {
        let most = TwitterEngagements {
            like: u64::MAX,
            retweet: u64::MAX,
            ..TwitterEngagements::default()
        };
        assert!(score(Engagements::Twitter(most)) <= 1.0);
        let disliked = RedditEngagements {
            score: Some(-9),
            ..RedditEngagements::default()
        };
        assert!(score(Engagements::Reddit(disliked)).abs() < 1e-12);
    }
}
