//! The answers that the survey allows.

use crate::parse::choice::{choice, scale};

scale! {
    /// A place from liberal to conservative.
    Ideology {
        ExtremelyLiberal = 1,
        Liberal = 2,
        SlightlyLiberal = 3,
        Moderate = 4,
        SlightlyConservative = 5,
        Conservative = 6,
        ExtremelyConservative = 7,
    }
}

scale! {
    /// Age bracket, in years.
    Age {
        EighteenToTwentyFour = 1,
        TwentyFiveToThirtyFour = 2,
        ThirtyFiveToFortyFour = 3,
        FortyFiveToFiftyFour = 4,
        FiftyFiveToSixtyFour = 5,
        SixtyFiveAndOlder = 6,
    }
}

scale! {
    /// Highest level of education completed.
    Education {
        SomeHighSchool = 1,
        GraduatedHighSchool = 2,
        SomeCollege = 3,
        AssociateDegree = 4,
        BachelorDegree = 5,
        GraduateDegree = 6,
    }
}

scale! {
    /// Household income a year, in dollars.
    Income {
        LessThan20k = 1,
        TwentyToThirtyFiveK = 2,
        ThirtyFiveToFiftyK = 3,
        FiftyToSeventyFiveK = 4,
        SeventyFiveToOneHundredK = 5,
        OneHundredToOneHundredFiftyK = 6,
        OneHundredFiftyKAndUp = 7,
    }
}

scale! {
    /// Time a day on social media.
    SocmedUse {
        ZeroToThirtyMinutes = 1,
        ThirtyToSixtyMinutes = 2,
        SixtyToNinetyMinutes = 3,
        NinetyToOneTwentyMinutes = 4,
        TwoToThreeHours = 5,
        ThreeToFourHours = 6,
        MoreThanFourHours = 7,
    }
}

scale! {
    /// What a feed tends to favour.
    FeedLean {
        StrongLiberal = 1,
        ModerateLiberal = 2,
        Neutral = 3,
        ModerateConservative = 4,
        StrongConservative = 5,
    }
}

choice! {
    /// The party a person thinks of as theirs.
    Party {
        Democrat = "democrat",
        Republican = "republican",
        Independent = "independent",
        Other = "other",
        NoPreference = "no_preference",
    }
}

choice! {
    /// How strong a supporter of the party.
    Support {
        Strong = "strong",
        NotStrong = "not_strong",
    }
}

choice! {
    /// The party a person leans to.
    PartyLean {
        Democrat = "democrat",
        Republican = "republican",
    }
}

choice! {
    /// Gender.
    Sex {
        Female = "female",
        Male = "male",
        Nonbinary = "nonbinary",
        PreferNotToSay = "prefer_not_to_say",
    }
}

choice! {
    /// Race or ethnicity.
    Ethnicity {
        NativeAmerican = "native_american",
        AsianOrPacificIslander = "asian_or_pacific_islander",
        BlackOrAfricanAmerican = "black_or_african_american",
        HispanicOrLatino = "hispanic_or_latino",
        WhiteOrCaucasian = "white_or_caucasian",
        MultipleOrOther = "multiple_or_other",
    }
}

choice! {
    /// How likely it is that social media censor political views.
    CensorshipBelief {
        NotAtAllLikely = "not_at_all_likely",
        NotVeryLikely = "not_very_likely",
        SomewhatLikely = "somewhat_likely",
        VeryLikely = "very_likely",
    }
}

choice! {
    /// How far a source is trusted.
    Trust {
        StronglyDistrust = "strongly_distrust",
        SomewhatDistrust = "somewhat_distrust",
        NeitherTrustNorDistrust = "neither_trust_nor_distrust",
        SomewhatTrust = "somewhat_trust",
        StronglyTrust = "strongly_trust",
    }
}

choice! {
    /// How large a problem is.
    ProblemSize {
        NotAProblem = "not_a_problem",
        SlightProblem = "slight_problem",
        ModerateProblem = "moderate_problem",
        SignificantProblem = "significant_problem",
        MajorProblem = "major_problem",
    }
}

choice! {
    /// How favourable a view is.
    Favorability {
        StronglyUnfavorable = "strongly_unfavorable",
        SomewhatUnfavorable = "somewhat_unfavorable",
        NeitherFavorableNorUnfavorable = "neither_favorable_nor_unfavorable",
        SomewhatFavorable = "somewhat_favorable",
        StronglyFavorable = "strongly_favorable",
    }
}

choice! {
    /// How positive an outlook is.
    Outlook {
        ExtremelyNegative = "extremely_negative",
        SomewhatNegative = "somewhat_negative",
        NeitherPositiveNorNegative = "neither_positive_nor_negative",
        SomewhatPositive = "somewhat_positive",
        ExtremelyPositive = "extremely_positive",
    }
}

choice! {
    /// Whether there should be more or less.
    Preference {
        GreatlyDecreased = "greatly_decreased",
        SomewhatDecreased = "somewhat_decreased",
        KeptTheSame = "kept_the_same",
        SomewhatIncreased = "somewhat_increased",
        GreatlyIncreased = "greatly_increased",
    }
}

choice! {
    /// Support or opposition.
    Stance {
        StronglyOppose = "strongly_oppose",
        SomewhatOppose = "somewhat_oppose",
        NeitherSupportNorOppose = "neither_support_nor_oppose",
        SomewhatSupport = "somewhat_support",
        StronglySupport = "strongly_support",
    }
}

choice! {
    /// How concerned a person is.
    Concern {
        NotConcerned = "not_concerned",
        SlightlyConcerned = "slightly_concerned",
        ModeratelyConcerned = "moderately_concerned",
        VeryConcerned = "very_concerned",
        ExtremelyConcerned = "extremely_concerned",
    }
}

choice! {
    /// How often.
    Frequency {
        Never = "never",
        SomeOfTheTime = "some_of_the_time",
        HalfTheTime = "half_the_time",
        MostOfTheTime = "most_of_the_time",
        Always = "always",
    }
}

choice! {
    /// How well something is understood.
    Understanding {
        ExtremelyWell = "extremely_well",
        VeryWell = "very_well",
        ModeratelyWell = "moderately_well",
        SlightlyWell = "slightly_well",
        NotWellAtAll = "not_well_at_all",
    }
}

choice! {
    /// How likely a person is to vote.
    VotingIntention {
        WillNotVote = "will_not_vote",
        ProbablyWillNotVote = "probably_will_not_vote",
        ProbablyWillVote = "probably_will_vote",
        DefinitelyWillVote = "definitely_will_vote",
    }
}
