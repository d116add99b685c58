use super::choice::choice;

choice! {
    /// Where the feed was read.
    Platform {
        Facebook = "facebook",
        Reddit = "reddit",
        Twitter = "twitter",
    }
}
