//! From the valences of words to the scores of their text.

use super::{Sentiment, rounding::to_fraction, rules::Valence};

/// Brings the sum of usual valences into -1..1; about the greatest sum to expect.
const NORMALIZATION: f64 = 15.0;

/// What the exclamation and question marks of a text add to its intensity.
pub(super) fn emphasis(text: &str) -> f64 {
    let count = |mark| text.bytes().filter(|&byte| byte == mark).count();
    let questions = match count(b'?') {
        0 | 1 => 0.0,
        some @ 2..=3 => some as f64 * 0.18,
        _ => 0.96,
    };
    count(b'!').min(4) as f64 * 0.292 + questions
}

/// The scores of a text of `words` words, one at least, all neutral but those with `valences`.
pub(super) fn of(valences: &[Valence], words: usize, emphasis: f64) -> Sentiment {
    let mut sum = 0.0;
    let mut positive = 0.0;
    let mut negative = 0.0;
    for &Valence { value, .. } in valences {
        sum += value;
        // A neutral word counts 1, hence the 1 on top of an intensity.
        if value > 0.0 {
            positive += value + 1.0;
        } else {
            negative += 1.0 - value;
        }
    }
    let neutral = (words - valences.len()) as f64;
    if positive > negative {
        positive += emphasis;
    } else if positive < negative {
        negative += emphasis;
    }
    let share = |part: f64| to_fraction(part / (positive + negative + neutral), 1e3);
    Sentiment {
        compound: to_fraction(compound(sum, emphasis), 1e4),
        positive: share(positive),
        neutral: share(neutral),
        negative: share(negative),
    }
}

fn compound(sum: f64, emphasis: f64) -> f64 {
    let sum = if sum > 0.0 {
        sum + emphasis
    } else if sum < 0.0 {
        sum - emphasis
    } else {
        sum
    };
    (sum / (sum * sum + NORMALIZATION).sqrt()).clamp(-1.0, 1.0)
}
