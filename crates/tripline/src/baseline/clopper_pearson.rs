//! How high a share may be of which some were seen.

use libm::{exp, lgamma, log};

/// The chance that the upper limit is too low.
const TOO_LOW: f64 = 0.001;

/// The upper 99.9 % limit of Clopper and Pearson for `x` of `n`: the share under which at most `x`
/// come in 1 of 1,000 cases. 1 if `x` is not below `n`.
pub fn upper_limit(x: u32, n: u32) -> f64 {
    if x >= n {
        return 1.0;
    }
    let (mut low, mut high) = (f64::from(x) / f64::from(n), 1.0);
    // Until nothing is left between them.
    for _ in 0..64 {
        let middle = f64::midpoint(low, high);
        if at_most(x, n, middle) > TOO_LOW { low = middle } else { high = middle }
    }
    high
}

/// The probability of at most `x` of `n`, `x` below `n`, with a share above `x / n`.
fn at_most(x: u32, n: u32, share: f64) -> f64 {
    // The regularized incomplete beta function of 1 - share.
    let (a, b) = (f64::from(n - x), f64::from(x) + 1.0);
    if share >= 1.0 {
        return 0.0;
    }
    let (y, z) = (1.0 - share, share);
    let ln_front = lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(y) + b * log(z);
    let front = exp(ln_front);
    // The fraction converges fast on its own side of the mean.
    if y < (a + 1.0) / (a + b + 2.0) {
        front * fraction(a, b, y) / a
    } else {
        1.0 - front * fraction(b, a, z) / b
    }
}

/// The continued fraction of the incomplete beta function, by Lentz's method.
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    const TERMS: u32 = 20_000;
    let away_from_0 = |number: f64| if number.abs() < TINY { TINY } else { number };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_0(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for term in 1..=TERMS {
        let m = f64::from(term);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for step in [even, odd] {
            d = 1.0 / away_from_0(1.0 + step * d);
            c = away_from_0(1.0 + step / c);
            change = c * d;
            value *= change;
        }
        if (change - 1.0).abs() < 1e-14 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same probability, term by term.
    fn summed(x: u32, n: u32, share: f64) -> f64 {
        let mut term = (1.0 - share).powi(i32::try_from(n).unwrap());
        let mut sum = term;
        for k in 0..x {
            term *= f64::from(n - k) / f64::from(k + 1) * share / (1.0 - share);
            sum += term;
        }
        sum
    }

    #[test]
    fn at_most_so_many_come_in_one_of_a_thousand_cases() {
        for (x, n) in [(0, 1), (0, 20), (3, 20), (19, 20), (7, 300), (150, 300)] {
            let limit = upper_limit(x, n);
            assert!((summed(x, n, limit) / TOO_LOW - 1.0).abs() < 1e-6, "{x} of {n}: {limit}");
        }
    }

    #[test]
    fn of_none_the_limit_is_known_exactly() {
        for n in [1, 10, 1_000, 1_000_000] {
            let exact = 1.0 - 0.001_f64.powf(1.0 / f64::from(n));
            assert!((upper_limit(0, n) / exact - 1.0).abs() < 1e-6, "{n}");
        }
    }

    #[test]
    fn limits_rise_with_what_was_seen_and_come_closer_with_more_devices() {
        let mut before = 0.0;
        for x in 0..=1_000 {
            let limit = upper_limit(x, 1_000);
            assert!(limit > before && limit > f64::from(x) / 1_000.5, "{x}: {limit}");
            before = limit;
        }
        assert_eq!(before, 1.0);
        assert!((upper_limit(500_000, 1_000_000) - 0.5) < 0.002);
        let all_but_one = 0.999_f64.powf(1.0 / 300.0);
        assert!((upper_limit(299, 300) - all_but_one).abs() < 1e-12);
        assert_eq!(upper_limit(0, 0), 1.0);
        assert_eq!(upper_limit(9, 3), 1.0);
        assert!(upper_limit(u32::MAX / 2, u32::MAX) < 0.501);
    }
}
