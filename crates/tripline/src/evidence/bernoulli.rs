//! The e-value of a share: how much likelier `x` of `n` is under a higher share than under `q`.
//!
//! Natural logarithms throughout, and `libm` instead of the platform's functions, so that keeper,
//! simulator and replay agree to the last bit wherever they run.

use libm::{exp, log, log1p};

/// By what the odds of a share are multiplied for the alternatives of a limit.
const ALTERNATIVES: [f64; 6] = [1.5, 2.0, 3.0, 5.0, 9.0, 20.0];

/// ln of the mean over the alternatives of the likelihood ratio of `x` of `n` against share `q`, for
/// `x` of at most `n` and `q` between 0 and 1.
pub(super) fn ln_bernoulli(x: u32, n: u32, q: f64) -> f64 {
    ln_mean(ALTERNATIVES.map(|k| ln_ratio(x, n, q, k)))
}

/// ln of `(p/q)^x ((1-p)/(1-q))^(n-x)`, where p has `k` times the odds of q. With
/// `p = k q / (1 - q + k q)` it is `x ln k - n ln(1 + (k-1) q)`.
pub(super) fn ln_ratio(x: u32, n: u32, q: f64, k: f64) -> f64 {
    f64::from(x) * log(k) - f64::from(n) * log1p((k - 1.0) * q)
}

/// ln of the mean of numbers that are given by their logarithms.
pub(super) fn ln_mean<const N: usize>(logarithms: [f64; N]) -> f64 {
    let sum = logarithms.into_iter().fold(f64::NEG_INFINITY, ln_add);
    sum - log(N as f64)
}

/// ln of the sum of two numbers that are given by their logarithms; minus infinity stands for 0.
pub(super) fn ln_add(a: f64, b: f64) -> f64 {
    let (high, low) = if a >= b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + log1p(exp(low - high)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_seen_is_no_evidence() {
        assert_eq!(ln_bernoulli(0, 0, 0.03), 0.0);
    }

    #[test]
    fn evidence_rises_in_x_and_falls_in_n() {
        for q in [1e-4, 0.03, 0.5, 0.9999] {
            for (x, n) in [(0, 1), (1, 2), (40, 100), (99_999, 100_000)] {
                assert!(ln_bernoulli(x + 1, n, q) > ln_bernoulli(x, n, q), "{x} {n} {q}");
                assert!(ln_bernoulli(x, n + 1, q) < ln_bernoulli(x, n, q), "{x} {n} {q}");
            }
        }
    }

    #[test]
    fn the_expectation_under_the_limit_is_one() {
        // Of n = 3 devices exactly: sum over x of C(3, x) q^x (1-q)^(3-x) E(x, 3).
        for q in [0.01_f64, 0.3, 0.9] {
            let total: f64 = [(0, 1.0), (1, 3.0), (2, 3.0), (3, 1.0)]
                .into_iter()
                .map(|(x, ways)| {
                    ways * q.powi(x)
                        * (1.0 - q).powi(3 - x)
                        * ln_bernoulli(x.unsigned_abs(), 3, q).exp()
                })
                .sum();
            assert!((total - 1.0).abs() < 1e-12, "{q}: {total}");
        }
    }

    #[test]
    fn sums_of_logarithms_survive_extremes() {
        assert_eq!(ln_add(f64::NEG_INFINITY, f64::NEG_INFINITY), f64::NEG_INFINITY);
        assert_eq!(ln_add(f64::NEG_INFINITY, 3.0), 3.0);
        assert!((ln_add(1e9, 1e9) - 1e9 - 2_f64.ln()).abs() < 1e-6);
        assert_eq!(ln_add(-1e9, 5.0), 5.0);
    }
}
