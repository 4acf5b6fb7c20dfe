//! Numbers from many runs, each with the interval that it is known to.

/// The normal deviate of a 95 % interval.
const Z: f64 = 1.959_963_984_540_054;

/// A share of runs with its 95 % interval after Wilson, which holds for few runs and for shares near
/// 0 and 1 too.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proportion {
    /// Runs of this kind.
    pub count: u32,
    /// All runs.
    pub of: u32,
}

impl Proportion {
    /// The share, 0 to 1; of no runs it is 0.
    pub fn estimate(self) -> f64 {
        if self.of == 0 { 0.0 } else { f64::from(self.count) / f64::from(self.of) }
    }

    /// The interval, within 0 to 1; of no runs it is all of that.
    pub fn interval(self) -> (f64, f64) {
        if self.of == 0 {
            return (0.0, 1.0);
        }
        let (share, runs) = (self.estimate(), f64::from(self.of));
        let scale = 1.0 + Z * Z / runs;
        let middle = (share + Z * Z / (2.0 * runs)) / scale;
        let half = Z / scale * (share * (1.0 - share) / runs + Z * Z / (4.0 * runs * runs)).sqrt();
        ((middle - half).clamp(0.0, share), (middle + half).clamp(share, 1.0))
    }
}

/// A quantile with its 95 % interval, which presumes no distribution: its bounds are values of the
/// runs. With too few runs for a bound it is the smallest or the largest value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantile {
    /// The quantile of the runs.
    pub value: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// How a number is spread over the runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// A twentieth of the runs is below.
    pub p5: Quantile,
    /// The median.
    pub p50: Quantile,
    /// A twentieth of the runs is above.
    pub p95: Quantile,
}

impl Spread {
    /// Of the numbers of some runs; `None` of none.
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_unstable_by(f64::total_cmp);
        Some(Self {
            p5: quantile(&values, 0.05)?,
            p50: quantile(&values, 0.5)?,
            p95: quantile(&values, 0.95)?,
        })
    }
}

/// The number of values below a quantile is binomial; its normal approximation gives the ranks of
/// the bounds.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn quantile(sorted: &[f64], wanted: f64) -> Option<Quantile> {
    let last = sorted.len().checked_sub(1)?;
    // A float below 0 becomes rank 0.
    let at = |rank: f64| sorted.get((rank as usize).min(last)).copied();
    let expected = wanted * sorted.len() as f64;
    let half = Z * (expected * (1.0 - wanted)).sqrt();
    let position = wanted * last as f64;
    let (below, above) = (at(position.floor())?, at(position.ceil())?);
    Some(Quantile {
        value: below + position.fract() * (above - below),
        low: at((expected - half).floor() - 1.0)?,
        high: at((expected + half).ceil())?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn intervals_are_wilson_s() {
        for (count, of, low, high) in [
            (0, 10, 0.0, 0.2775),
            (5, 10, 0.2366, 0.7634),
            (10, 10, 0.7225, 1.0),
            (720, 1_000, 0.6914, 0.7469),
        ] {
            let interval = Proportion { count, of }.interval();
            assert!(
                (interval.0 - low).abs() < 1e-4 && (interval.1 - high).abs() < 1e-4,
                "{count} of {of}: {interval:?}"
            );
        }
        assert_eq!(Proportion { count: 0, of: 0 }.interval(), (0.0, 1.0));
    }

    #[test]
    fn quantiles_are_those_of_the_values() {
        let spread = Spread::of((0..=1_000).map(f64::from).collect()).unwrap();
        assert_eq!((spread.p5.value, spread.p50.value, spread.p95.value), (50.0, 500.0, 950.0));
        assert_eq!((spread.p50.low, spread.p50.high), (468.0, 532.0));
        assert_eq!(Spread::of(Vec::new()), None);
        let one = Spread::of(vec![7.0]).unwrap();
        assert_eq!((one.p5.low, one.p50.value, one.p95.high), (7.0, 7.0, 7.0));
    }

    proptest! {
        #[test]
        fn an_estimate_lies_in_its_interval(count in 0_u32..1_000, more in 0_u32..1_000, values in prop::collection::vec(-1e6..1e6, 1..200)) {
            let share = Proportion { count, of: count + more };
            let (low, high) = share.interval();
            prop_assert!(low <= share.estimate() && share.estimate() <= high || share.of == 0);
            let spread = Spread::of(values).unwrap();
            for quantile in [spread.p5, spread.p50, spread.p95] {
                prop_assert!(quantile.low <= quantile.value && quantile.value <= quantile.high);
            }
        }
    }
}
