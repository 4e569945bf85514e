//! What becomes of a list of measurements.

/// The middle value; the mean of the two middle ones of an even number. Not a number for an empty list.
pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// First and third quartile: half of the values lie between them.
pub(crate) fn quartiles(values: &[f64]) -> (f64, f64) {
    (quantile(values, 0.25), quantile(values, 0.75))
}

/// The mean of ratios: 2 and 1/2 give 1.
pub(crate) fn geometric_mean(values: &[f64]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a few measurements")]
    let count = values.len() as f64;
    (values.iter().map(|value| value.ln()).sum::<f64>() / count).exp()
}

/// The value below which `share` of the values lie, interpolated between its neighbours.
pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss, reason = "a few measurements")]
    let at = share * sorted.len().saturating_sub(1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index of the list")]
    let below = at as usize;
    let (Some(low), Some(high)) = (sorted.get(below), sorted.get(below + 1).or(sorted.last())) else {
        return f64::NAN;
    };
    low + (high - low) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-9
    }

    // An outlier moves neither the median nor the quartiles on the other side.
    #[test]
    fn the_median_is_the_middle_of_any_order() {
        assert!(near(median(&[3.0, 1.0, 2.0]), 2.0));
        assert!(near(median(&[1.0, 2.0, 3.0, 1000.0]), 2.5));
        assert!(near(median(&[7.0]), 7.0));
        assert!(median(&[]).is_nan());
        assert_eq!(quartiles(&[1.0, 2.0, 3.0, 4.0, 1000.0]), (2.0, 4.0));
    }

    // A program twice as fast and one twice as slow balance.
    #[test]
    fn the_geometric_mean_balances_ratios() {
        assert!(near(geometric_mean(&[2.0, 0.5]), 1.0));
        assert!(near(geometric_mean(&[1.21, 1.0]), 1.1));
    }
}
