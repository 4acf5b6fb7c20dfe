use super::histogram::Histogram;
use super::parameters::Interpolation;
use tripline::alarm::{Percentile, Statistic};
use tripline::batch::Datum;
use tripline::time::Timestamp;

/// The values of one metric of one job, in buckets of equal length.
///
/// It only grows, so a period whose number of values has not changed has not changed.
#[derive(Debug, Clone)]
pub struct Series {
    resolution: i64,
    /// The number of the first bucket, counted from the epoch; `None` while there are no values.
    first: Option<i64>,
    buckets: Vec<Bucket>,
    /// When the bucket begins that was added to last, and its index: values come in runs.
    last: Option<(i64, usize)>,
    keeps_values: bool,
}

#[derive(Debug, Clone, Default)]
struct Bucket {
    values: Vec<f64>,
    sum: f64,
    histogram: Histogram,
}

impl Series {
    /// Most buckets: two years of minutes, the longest that a job can last.
    pub const MAX_BUCKETS: usize = 1_054_080;

    /// An empty series with buckets of `resolution` seconds, at least 1. CloudWatch keeps Tripline's
    /// metrics by the minute.
    pub fn new(resolution: u32) -> Self {
        Self {
            resolution: i64::from(resolution.max(1)),
            first: None,
            buckets: Vec::new(),
            last: None,
            keeps_values: true,
        }
    }

    /// The same without the single values, which only [`Interpolation::Linear`] needs: its
    /// percentiles are those of CloudWatch in any case.
    pub fn without_values(resolution: u32) -> Self {
        Self { keeps_values: false, ..Self::new(resolution) }
    }

    /// Adds a value. `false`: it is not finite, which CloudWatch refuses, or more than two years
    /// away from another.
    #[inline]
    pub fn add(&mut self, at: Timestamp, value: f64) -> bool {
        let keeps_values = self.keeps_values;
        let bucket = if value.is_finite() { self.bucket_at(at) } else { None };
        if let Some(bucket) = bucket {
            if keeps_values {
                bucket.values.push(value);
            }
            bucket.sum += value;
            bucket.histogram.add(value);
            return true;
        }
        false
    }

    /// Adds values of the same time. Those that are not finite are left out, and all of them if they
    /// are more than two years away from another.
    pub fn extend(&mut self, at: Timestamp, values: impl Iterator<Item = f64>) {
        let keeps_values = self.keeps_values;
        let Some(Bucket { values: kept, sum, histogram }) = self.bucket_at(at) else { return };
        let mut all = *sum;
        let values = values.filter(|value| value.is_finite()).inspect(|value| {
            if keeps_values {
                kept.push(*value);
            }
            all += value;
        });
        histogram.extend(values);
        *sum = all;
    }

    /// Adds the values of a datum, which is what the metrics generator publishes.
    pub fn add_datum(&mut self, datum: &Datum) -> bool {
        datum.values.iter().fold(true, |all, (value, count)| {
            all & (0..*count).fold(true, |all, _| all & self.add(datum.at, *value))
        })
    }

    /// Forgets all values and keeps the memory.
    pub fn clear(&mut self) {
        self.first = None;
        self.last = None;
        for bucket in &mut self.buckets {
            bucket.values.clear();
            bucket.sum = 0.0;
            bucket.histogram.clear();
        }
    }

    /// How many values there are from `start` to before `end`, in seconds since the epoch.
    pub fn count(&self, start: i64, end: i64) -> u64 {
        self.within(start, end).iter().map(|bucket| bucket.histogram.count).sum()
    }

    /// A statistic of the values from `start` to before `end`, in seconds since the epoch; `None` of
    /// no values. `scratch` is memory to work in.
    #[allow(clippy::cast_precision_loss)]
    pub fn statistic(
        &self,
        (start, end): (i64, i64),
        statistic: Statistic,
        interpolation: Interpolation,
        scratch: &mut Vec<f64>,
    ) -> Option<f64> {
        let buckets = self.within(start, end);
        let count = self.count(start, end);
        if count == 0 {
            return None;
        }
        let sum = || buckets.iter().map(|bucket| bucket.sum).sum::<f64>();
        let histograms = || buckets.iter().map(|bucket| &bucket.histogram);
        Some(match statistic {
            Statistic::SampleCount => count as f64,
            Statistic::Sum => sum(),
            Statistic::Average => sum() / count as f64,
            Statistic::Minimum => histograms().map(|part| part.min).fold(f64::INFINITY, f64::min),
            Statistic::Maximum => {
                histograms().map(|part| part.max).fold(f64::NEG_INFINITY, f64::max)
            }
            Statistic::Percentile(wanted)
                if interpolation == Interpolation::Histogram || !self.keeps_values =>
            {
                let mut all = Histogram::default();
                histograms().for_each(|part| all.merge(part));
                return all.percentile(wanted);
            }
            Statistic::Percentile(wanted) => {
                scratch.clear();
                buckets.iter().for_each(|bucket| scratch.extend_from_slice(&bucket.values));
                return linear(scratch, wanted);
            }
        })
    }

    fn within(&self, start: i64, end: i64) -> &[Bucket] {
        let index = |at: i64| {
            // A value lies at the beginning of its bucket, so a bound inside of one is behind it.
            let number =
                at.div_euclid(self.resolution) + i64::from(at.rem_euclid(self.resolution) > 0);
            let index = number.saturating_sub(self.first.unwrap_or_default()).max(0);
            usize::try_from(index).unwrap_or(usize::MAX).min(self.buckets.len())
        };
        self.buckets.get(index(start)..index(end)).unwrap_or_default()
    }

    #[inline]
    fn bucket_at(&mut self, at: Timestamp) -> Option<&mut Bucket> {
        let at = at.seconds();
        let index = match self.last {
            Some((start, index)) if (0..self.resolution).contains(&at.saturating_sub(start)) => {
                index
            }
            _ => {
                let number = at.div_euclid(self.resolution);
                let index = self.make_room_for(number)?;
                self.last = Some((number.saturating_mul(self.resolution), index));
                index
            }
        };
        self.buckets.get_mut(index)
    }

    /// The index of the bucket with this number, which is there afterwards.
    #[inline(never)]
    fn make_room_for(&mut self, number: i64) -> Option<usize> {
        let first = *self.first.get_or_insert(number);
        if let Ok(before @ 1..) = usize::try_from(first.saturating_sub(number)) {
            if before.saturating_add(self.buckets.len()) > Self::MAX_BUCKETS {
                return None;
            }
            self.buckets.splice(0..0, std::iter::repeat_n(Bucket::default(), before));
            self.first = Some(number);
            return Some(0);
        }
        let index = usize::try_from(number.saturating_sub(first)).ok()?;
        if index >= Self::MAX_BUCKETS {
            return None;
        }
        if index >= self.buckets.len() {
            self.buckets.resize_with(index + 1, Bucket::default);
        }
        Some(index)
    }
}

/// A percentile between the two nearest of the sorted values, whose order is changed.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn linear(values: &mut [f64], wanted: Percentile) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let position = wanted.get() / 100.0 * last as f64;
    let below = (position.floor() as usize).min(last);
    let (_, low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let low = *low;
    let high = above.iter().copied().fold(f64::INFINITY, f64::min);
    // At the last value there is nothing above to go toward.
    Some(if high.is_finite() { low + position.fract() * (high - low) } else { low })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn of(series: &Series, start: i64, end: i64, statistic: &str) -> Option<f64> {
        let statistic = Statistic::parse(statistic).unwrap();
        series.statistic((start, end), statistic, Interpolation::Linear, &mut Vec::new())
    }

    #[test]
    fn values_in_any_order_fall_into_their_periods() {
        let mut series = Series::new(60);
        for (seconds, value) in [(185, 4.0), (60, 1.0), (119, 2.0), (0, 8.0), (120, 16.0)] {
            assert!(series.add(at(seconds), value));
        }
        for (start, end, sum, count) in
            [(0, 60, 8.0, 1.0), (60, 120, 3.0, 2.0), (0, 240, 31.0, 5.0), (120, 180, 16.0, 1.0)]
        {
            assert_eq!(of(&series, start, end, "Sum"), Some(sum), "{start} to {end}");
            assert_eq!(of(&series, start, end, "SampleCount"), Some(count), "{start} to {end}");
        }
        assert_eq!(of(&series, 60, 120, "Average"), Some(1.5));
        assert_eq!(of(&series, 0, 240, "Minimum"), Some(1.0));
        assert_eq!(of(&series, 0, 240, "Maximum"), Some(16.0));
        assert_eq!(of(&series, 0, 240, "p50"), Some(4.0));
        assert_eq!(of(&series, 240, 600, "SampleCount"), None);
        assert_eq!(of(&series, -600, 0, "Sum"), None);
    }

    #[test]
    fn linear_percentiles_are_those_of_statistics_packages() {
        let mut values: Vec<f64> = (1..=100).map(f64::from).collect();
        for (wanted, expected) in [("0", 1.0), ("50", 50.5), ("99", 99.01), ("100", 100.0)] {
            let got = linear(&mut values, Percentile::parse(wanted).unwrap()).unwrap();
            assert!((got - expected).abs() < 1e-9, "p{wanted}: {got}");
        }
        assert_eq!(linear(&mut [7.0], Percentile::parse("99").unwrap()), Some(7.0));
        assert_eq!(linear(&mut [], Percentile::parse("99").unwrap()), None);
    }

    #[test]
    fn a_cleared_series_is_as_good_as_new() {
        let mut series = Series::new(60);
        series.add(at(0), 1.0);
        series.add(at(600), 1.0);
        series.clear();
        assert_eq!(series.count(i64::MIN / 2, i64::MAX / 2), 0);
        assert!(series.add(at(6_000_000), 2.0));
        assert_eq!(of(&series, 6_000_000, 6_000_060, "Sum"), Some(2.0));
    }

    #[test]
    fn without_values_all_else_is_the_same() {
        let (mut with, mut without) = (Series::new(60), Series::without_values(60));
        for (second, value) in (0..600).zip([3.0, 7.0, 0.0, 90.0, 1e5].into_iter().cycle()) {
            assert!(with.add(at(second), value) && without.add(at(second), value));
        }
        let of = |series: &Series, statistic| {
            let statistic = Statistic::parse(statistic).unwrap();
            series.statistic((60, 360), statistic, Interpolation::Histogram, &mut Vec::new())
        };
        for statistic in
            ["SampleCount", "Sum", "Average", "Minimum", "Maximum", "p0", "p50", "p99", "p100"]
        {
            assert_eq!(of(&with, statistic), of(&without, statistic), "{statistic}");
        }
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        let mut series = Series::new(60);
        assert!(!series.add(at(0), f64::NAN));
        assert!(!series.add(at(0), f64::INFINITY));
        assert!(series.add(at(0), 1.0));
        for far in [i64::MIN, i64::MAX, 63_244_800, -63_244_800] {
            assert!(!series.add(at(far), 1.0), "{far}");
        }
        assert_eq!(series.count(i64::MIN, i64::MAX), 1);
    }
}
