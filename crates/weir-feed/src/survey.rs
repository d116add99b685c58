use serde::{Deserialize, Serialize};

use super::answers::{
    Age, CensorshipBelief, Concern, Education, Ethnicity, Favorability, FeedLean, Frequency,
    Ideology, Income, Outlook, Party, PartyLean, Preference, ProblemSize, Sex, SocmedUse, Stance,
    Support, Trust, Understanding, VotingIntention,
};
use crate::parse;

/// A participant's answers, added by the request router.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Survey {
    /// The party a person usually thinks of as theirs.
    pub party_id: Party,
    /// The party, where `party_id` is `other`.
    #[serde(default)]
    pub party_write_in: Option<String>,
    /// How strong a supporter of it.
    #[serde(default)]
    pub support: Option<Support>,
    /// The closer of the two large parties.
    #[serde(default)]
    pub party_lean: Option<PartyLean>,
    /// Gender.
    #[serde(default)]
    pub sex: Option<Sex>,
    /// Age bracket.
    #[serde(default)]
    pub age: Option<Age>,
    /// Highest level of education completed.
    #[serde(default)]
    pub education: Option<Education>,
    /// Political views, from liberal to conservative.
    #[serde(default)]
    pub ideology: Option<Ideology>,
    /// Household income a year.
    #[serde(default)]
    pub income: Option<Income>,
    /// Race or ethnicity.
    #[serde(default)]
    pub ethnicity: Option<Ethnicity>,
    /// The same, where it is `multiple_or_other`.
    #[serde(default)]
    pub ethnicity_write_in: Option<String>,
    /// Time a day on social media.
    #[serde(default)]
    pub socmed_use: Option<SocmedUse>,
    /// What the person's feeds tend to favour.
    #[serde(default)]
    pub feed_lean: Option<FeedLean>,
    /// Whether social media censor political views.
    #[serde(default)]
    pub socmed_censorship: Option<CensorshipBelief>,
    /// Trust in information from social media.
    #[serde(default)]
    pub socmed_trust: Option<Trust>,
    /// How large a problem racism is (the wire spells it so).
    #[serde(default)]
    pub percieved_racism: Option<ProblemSize>,
    /// View of Donald Trump.
    #[serde(default)]
    pub trump: Option<Favorability>,
    /// View of the economic situation.
    #[serde(default)]
    pub economic: Option<Outlook>,
    /// Trust in the large news media.
    #[serde(default)]
    pub msm_trust: Option<Trust>,
    /// Whether there should be more immigration.
    #[serde(default)]
    pub immigration: Option<Preference>,
    /// Support for Israel.
    #[serde(default)]
    pub israel_palestine: Option<Stance>,
    /// Support for the right to abortion.
    #[serde(default)]
    pub abortion: Option<Stance>,
    /// Concern about climate change.
    #[serde(default)]
    pub climate_change: Option<Concern>,
    /// View of the military.
    #[serde(default)]
    pub military: Option<Favorability>,
    /// How often politics seem too complicated.
    #[serde(default)]
    pub political_complexity: Option<Frequency>,
    /// Understanding of political issues.
    #[serde(default)]
    pub political_understanding: Option<Understanding>,
    /// Attention to politics.
    #[serde(default)]
    pub political_focus: Option<Frequency>,
    /// Whether the person will vote.
    #[serde(default)]
    pub voting_likelihood: Option<VotingIntention>,
    /// Share of Twitter use at a desktop, 0 to 1.
    #[serde(default, deserialize_with = "parse::optional_share")]
    pub browser_perc_twitter: Option<f64>,
    /// Share of Facebook use at a desktop, 0 to 1.
    #[serde(default, deserialize_with = "parse::optional_share")]
    pub browser_perc_facebook: Option<f64>,
    /// Share of Reddit use at a desktop, 0 to 1.
    #[serde(default, deserialize_with = "parse::optional_share")]
    pub browser_perc_reddit: Option<f64>,
}
