//! Python's `round(number, digits)`.

/// `number`, rounded to the nearest multiple of 1/`scale`, as if its binary value were written out in full; exact ties
/// go to the even neighbour. `scale` is a power of ten, and the product is below 2^52.
pub(super) fn to_fraction(number: f64, scale: f64) -> f64 {
    let product = number * scale;
    let below = product.floor();
    let excess = match product - below - 0.5 {
        // It looks like a tie, but the product was itself rounded: what was lost decides.
        0.0 => number.mul_add(scale, -product),
        excess => excess,
    };
    let whole = if excess > 0.0 {
        below + 1.0
    } else if excess < 0.0 {
        below
    } else {
        product.round_ties_even()
    };
    whole / scale
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ties_are_told_from_near_ties() {
        for (number, rounded) in [
            (0.0625, 0.062),
            (0.1875, 0.188),
            (0.0005, 0.001),
            (0.0015, 0.002),
            (0.0025, 0.003),
        ] {
            assert_eq!(
                to_fraction(number, 1e3).to_bits(),
                f64::to_bits(rounded),
                "{number}"
            );
        }
        assert_eq!(to_fraction(0.0045, 1e3).to_bits(), 0.004_f64.to_bits());
        assert_eq!(to_fraction(-0.0625, 1e3).to_bits(), (-0.062_f64).to_bits());
    }

    /// The shortest form of a decimal, without the sign of zero.
    fn written(decimal: &str) -> String {
        format!("{}", decimal.parse::<f64>().unwrap() + 0.0)
    }

    proptest! {
        /// `format!` rounds the exact binary value, ties to even.
        #[test]
        fn it_rounds_like_exact_decimals(thousandths in -2000_i32..2000, ulps in -2_i64..3, other in -1_f64..1.0) {
            let near_tie = f64::from(thousandths) / 2000.0;
            let near_tie = f64::from_bits((near_tie.to_bits().cast_signed() + ulps).cast_unsigned());
            for number in [near_tie, other] {
                prop_assume!(number.abs() <= 1.0);
                prop_assert_eq!(format!("{}", to_fraction(number, 1e3) + 0.0), written(&format!("{number:.3}")));
                prop_assert_eq!(format!("{}", to_fraction(number, 1e4) + 0.0), written(&format!("{number:.4}")));
            }
        }
    }
}
