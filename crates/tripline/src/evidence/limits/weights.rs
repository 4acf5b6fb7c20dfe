//! How the permitted false stops are divided among the limits.

use libm::log10;

/// log10 of the share of the false stops that each limit has; minus infinity if it has none. They
/// sum to 1, and never move after looking.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::evidence) struct Weights {
    pub rung: f64,
    pub count: f64,
    pub failed: f64,
    pub failed_curve: f64,
}

impl Weights {
    pub fn of(list: bool, curve: bool, rungs: usize) -> Self {
        let (ladder, count) = if list { (0.35, 0.25) } else { (0.0, 0.6) };
        let (failed, failed_curve) = if curve { (0.2, 0.2) } else { (0.4, 0.0) };
        let rung = if rungs == 0 { 0.0 } else { ladder / rungs as f64 };
        Self {
            rung: log10(rung),
            count: log10(count),
            failed: log10(failed),
            failed_curve: log10(failed_curve),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_sum_to_one() {
        for (list, curve, rungs) in
            [(true, true, 10), (true, false, 1), (false, true, 0), (false, false, 0)]
        {
            let Weights { rung, count, failed, failed_curve } = Weights::of(list, curve, rungs);
            let share = |log: f64| 10_f64.powf(log);
            let sum =
                rungs as f64 * share(rung) + share(count) + share(failed) + share(failed_curve);
            assert!((sum - 1.0).abs() < 1e-12, "{list} {curve} {rungs}: {sum}");
        }
    }
}
