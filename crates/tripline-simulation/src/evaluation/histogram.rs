use std::sync::LazyLock;

use tripline::alarm::Percentile;

/// The bound of a bin is this many times that of the bin before.
const BASE: f64 = 1.1;

/// Values by size, as CloudWatch keeps them for percentiles: in bins whose bounds are powers of 1.1,
/// with the smallest and the largest value.
///
/// That is what recorded answers of CloudWatch fit; AWS does not publish it. So a percentile is not
/// that of the sorted values but within a tenth of it.
#[derive(Debug, Clone)]
pub(super) struct Histogram {
    pub count: u64,
    pub min: f64,
    pub max: f64,
    /// Zeros have a bin of their own.
    zeros: u64,
    /// The number of the bin that `counts` begins with.
    first: i32,
    counts: Vec<u32>,
}

impl Default for Histogram {
    fn default() -> Self {
        let (min, max) = (f64::INFINITY, f64::NEG_INFINITY);
        Self { count: 0, min, max, zeros: 0, first: 0, counts: Vec::new() }
    }
}

impl Histogram {
    /// Forgets the values and keeps the memory.
    pub fn clear(&mut self) {
        let (first, mut counts) = (self.first, std::mem::take(&mut self.counts));
        counts.iter_mut().for_each(|count| *count = 0);
        *self = Self { first, counts, ..Self::default() };
    }

    /// Adds a finite value.
    #[inline]
    pub fn add(&mut self, value: f64) {
        self.extend(std::iter::once(value));
    }

    /// Adds finite values.
    #[inline]
    pub fn extend(&mut self, values: impl Iterator<Item = f64>) {
        // Kept in registers, since each depends on the one before.
        let Self { mut count, mut min, mut max, .. } = *self;
        for value in values {
            count += 1;
            min = min.min(value);
            max = max.max(value);
            if value > 0.0 {
                self.raise(bin_of(value), 1);
            } else if value == 0.0 {
                self.zeros += 1;
            }
        }
        (self.count, self.min, self.max) = (count, min, max);
    }

    /// Adds all values of another.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.zeros += other.zeros;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        for (bin, count) in (other.first..).zip(&other.counts).filter(|(_, count)| **count > 0) {
            self.raise(bin, *count);
        }
    }

    /// A percentile; `None` of no values, and of negative ones, of which CloudWatch gives none.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn percentile(&self, wanted: Percentile) -> Option<f64> {
        let hundredths = (wanted.get() * 100.0).round() as u64;
        if self.count == 0 || self.min < 0.0 {
            return None;
        }
        if hundredths == 0 || self.min == self.max {
            return Some(self.min);
        }
        if hundredths == 10_000 {
            return Some(self.max);
        }
        // In whole numbers, so that p99 of 100 values is reached by the 99th.
        let target = hundredths * self.count;
        let mut below = self.zeros;
        if below * 10_000 >= target {
            return Some(0.0);
        }
        for (bin, within) in (self.first..).zip(&self.counts).filter(|(_, count)| **count > 0) {
            let within = u64::from(*within);
            if (below + within) * 10_000 >= target {
                let (low, high) = (bound(bin).max(self.min), bound(bin + 1).min(self.max));
                let part = (target as f64 / 10_000.0 - below as f64) / within as f64;
                return Some((low * (high / low).powf(part)).clamp(self.min, self.max));
            }
            below += within;
        }
        Some(self.max)
    }

    #[inline]
    fn raise(&mut self, bin: i32, by: u32) {
        let index = |first: i32| usize::try_from(bin.wrapping_sub(first)).ok();
        let count = index(self.first).and_then(|index| self.counts.get_mut(index));
        if let Some(count) = count {
            *count += by;
            return;
        }
        self.make_room_for(bin);
        if let Some(count) = index(self.first).and_then(|index| self.counts.get_mut(index)) {
            *count += by;
        }
    }

    #[inline(never)]
    fn make_room_for(&mut self, bin: i32) {
        if self.counts.is_empty() {
            self.first = bin;
        }
        if let Ok(before) = usize::try_from(self.first - bin) {
            self.counts.splice(0..0, std::iter::repeat_n(0, before));
            self.first = bin;
        }
        let last = usize::try_from(bin - self.first).unwrap_or(0);
        if last >= self.counts.len() {
            self.counts.resize(last + 1, 0);
        }
    }
}

/// The bins of usual values, which are looked up: a logarithm takes longer than all the rest.
struct Usual {
    /// For each 64th of an octave the bin that it begins in. None is wide enough to end farther than
    /// in the next.
    bins: Vec<i32>,
    /// The lower bounds of the bins from [`Usual::FIRST`] on.
    bounds: Vec<f64>,
}

impl Usual {
    const FIRST: i32 = -80;

    #[inline]
    fn bound(&self, bin: i32) -> f64 {
        let known =
            usize::try_from(bin - Self::FIRST).ok().and_then(|index| self.bounds.get(index));
        known.copied().unwrap_or_else(|| BASE.powi(bin))
    }
}

/// A 64th of an octave of the numbers from 2^-10 to 2^24.
#[inline]
fn cell(value: f64) -> u64 {
    (value.to_bits() >> 46).wrapping_sub(FIRST_CELL)
}

/// The highest bits of 2^-10: its exponent, and 6 of its digits.
const FIRST_CELL: u64 = (1_023 - 10) << 6;

static USUAL: LazyLock<Usual> = LazyLock::new(|| {
    let bins =
        (0..34 * 64).map(|cell| slow_bin_of(f64::from_bits((FIRST_CELL + cell) << 46))).collect();
    Usual { bins, bounds: (Usual::FIRST..=180).map(|bin| BASE.powi(bin)).collect() }
});

/// The number of the bin of a positive value; the lower bound belongs to it.
#[inline]
fn bin_of(value: f64) -> i32 {
    let usual = &*USUAL;
    match usual.bins.get(usize::try_from(cell(value)).unwrap_or(usize::MAX)) {
        Some(bin) => *bin + i32::from(value >= usual.bound(*bin + 1)),
        None => slow_bin_of(value),
    }
}

#[allow(clippy::cast_possible_truncation)]
fn slow_bin_of(value: f64) -> i32 {
    let mut bin = (value.ln() / BASE.ln()).floor() as i32;
    // The logarithm may err by one where a value lies on a bound.
    while bound(bin) > value {
        bin -= 1;
    }
    while bound(bin + 1) <= value {
        bin += 1;
    }
    bin
}

/// The lower bound of a bin.
fn bound(bin: i32) -> f64 {
    BASE.powi(bin)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[f64], wanted: &str) -> Option<f64> {
        let mut histogram = Histogram::default();
        values.iter().for_each(|value| histogram.add(*value));
        histogram.percentile(Percentile::parse(wanted).unwrap())
    }

    #[test]
    fn percentiles_lie_in_their_bin() {
        // 1.1^24 = 9.85 to 1.1^25 = 10.83: all ten values but the last, clipped to the least, 10.
        let values: Vec<f64> =
            (0..10).map(|n| if n < 9 { 10.0 + f64::from(n) / 16.0 } else { 200.0 }).collect();
        let expected = 10.0 * (1.1_f64.powi(25) / 10.0_f64).powf(5.0 / 9.0);
        let got = of(&values, "50").unwrap();
        assert!((got - expected).abs() < 1e-9, "{got}, expected {expected}");
        assert_eq!(of(&values, "0"), Some(10.0));
        assert_eq!(of(&values, "100"), Some(200.0));
    }

    #[test]
    fn equal_values_zeros_and_negative_ones() {
        assert_eq!(of(&[3.0; 5], "99"), Some(3.0));
        assert_eq!(of(&[0.0, 0.0, 5.0], "50"), Some(0.0));
        assert_eq!(of(&[-1.0, 5.0], "50"), None);
        assert_eq!(of(&[], "50"), None);
        assert_eq!(of(&[1e-300, 1e300], "50"), Some(bound(slow_bin_of(1e-300) + 1)));
        assert!(of(&[f64::MAX, f64::MIN_POSITIVE, 5e-324], "50").is_some());
    }

    #[test]
    fn a_cleared_histogram_is_as_good_as_new() {
        let mut histogram = Histogram::default();
        [0.0, 3.0, 9e9].iter().for_each(|value| histogram.add(*value));
        histogram.clear();
        assert_eq!(histogram.percentile(Percentile::parse("50").unwrap()), None);
        histogram.add(7.0);
        assert_eq!(histogram.percentile(Percentile::parse("50").unwrap()), Some(7.0));
    }

    proptest! {
        #[test]
        fn bins_are_looked_up_as_they_are_computed(exponent in -12.0..26.0_f64) {
            let value = exponent.exp2();
            prop_assert_eq!(bin_of(value), slow_bin_of(value));
            prop_assert!(bound(bin_of(value)) <= value && value < bound(bin_of(value) + 1));
        }

        #[test]
        fn it_errs_by_a_tenth_at_most(values in prop::collection::vec(0.0..1e6, 1..200), wanted in 0_u32..=100) {
            // The rank that is looked for, without interpolation.
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let rank = (wanted as usize * values.len()).div_ceil(100).max(1);
            let exact = sorted[rank - 1];
            let got = of(&values, &wanted.to_string()).unwrap();
            prop_assert!((got - exact).abs() <= 0.1 * exact + 1e-9, "{got}, exact {exact}");
        }

        #[test]
        fn percentiles_rise(values in prop::collection::vec(0.0..1e6, 1..50)) {
            let all: Vec<f64> = (0..=100).map(|p| of(&values, &p.to_string()).unwrap()).collect();
            prop_assert!(all.windows(2).all(|pair| pair[0] <= pair[1] + 1e-9), "{all:?}");
        }

        #[test]
        fn parts_add_up(values in prop::collection::vec(0.0..1e6, 1..50), at in 0_usize..50, wanted in 0_u32..=100) {
            let (mut all, mut part) = (Histogram::default(), Histogram::default());
            let (left, right) = values.split_at(at.min(values.len()));
            left.iter().for_each(|value| all.add(*value));
            right.iter().for_each(|value| part.add(*value));
            all.merge(&part);
            prop_assert_eq!(all.percentile(Percentile::parse(&wanted.to_string()).unwrap()), of(&values, &wanted.to_string()));
        }
    }
}
