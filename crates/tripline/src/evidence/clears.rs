//! How many devices clearance takes.

use super::Clearance;
use super::gate::{asked, best};
use super::limits::Limits;

/// Of each limit, what a healthy rollout has.
const HEALTHY: f64 = 0.75;
/// The share of such rollouts in which a limit is cleared.
const SURE: f64 = 0.95;
/// Most devices beyond a limit that are tried; by then more of them change nothing.
const MOST_BEYOND: u32 = 1_000;

impl Limits {
    /// About how many devices a healthy rollout reaches for clearance to open: 820 with the limits
    /// `60:3, 75:2` and 3 % of failures. `None` if no limit can ever clear it: without a list, or
    /// without a limit of at most one half.
    ///
    /// A healthy rollout is taken to have three quarters of every limit, of slow devices as of failed
    /// ones; each limit is cleared in 19 of 20 such. All devices are taken to be old enough, and no
    /// minute to be missed. A rollout without a single bad device takes about a seventh of it.
    ///
    /// It takes a while: work it out once for a job.
    pub fn clears_at(&self) -> Option<u32> {
        let slow = asked(self).map(|rung| clears_at(rung.share)).reduce(most)??;
        Some(slow.max(clears_at(self.failed())?))
    }
}

/// The most of what two limits take; nothing if one of them is never cleared.
fn most(one: Option<u32>, other: Option<u32>) -> Option<u32> {
    Some(one?.max(other?))
}

/// The least number of devices of which, in most healthy rollouts, no more are beyond a limit than
/// clear it.
fn clears_at(share: f64) -> Option<u32> {
    (0..=MOST_BEYOND).find_map(|beyond| {
        let devices = least(beyond, share)?;
        (at_most(beyond, devices, HEALTHY * share) >= SURE).then_some(devices)
    })
}

/// The least number of devices that clear a limit with so many beyond it.
fn least(beyond: u32, share: f64) -> Option<u32> {
    let is_open = |devices| best(devices, beyond, share) >= Clearance::OPEN;
    let (mut low, mut high) = (beyond.max(1), u32::MAX / 2);
    if !is_open(high) {
        return None;
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if is_open(middle) { high = middle } else { low = middle + 1 }
    }
    Some(low)
}

/// How likely at most x of n are beyond, if each is so with a probability: the binomial distribution.
fn at_most(x: u32, n: u32, probability: f64) -> f64 {
    let odds = probability / (1.0 - probability);
    let mut term = libm::exp(f64::from(n) * libm::log1p(-probability));
    let mut sum = term;
    for of in 1..=x {
        term *= odds * f64::from(n.saturating_sub(of).saturating_add(1)) / f64::from(of);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Parameters;

    fn limits(unfinished: &[(u32, f64)], failed: f64, list: bool) -> Limits {
        let unfinished = unfinished.to_vec();
        let false_stops = 0.01;
        Limits::new(Parameters { unfinished, failed, false_stops, list, ..Parameters::default() })
            .unwrap()
    }

    #[test]
    fn the_tightest_limit_says_how_many_devices_clearance_takes() {
        for (unfinished, failed, expected) in [
            (&[(60, 0.03), (75, 0.02)][..], 0.03, Some(817)),
            (&[(60, 0.03)], 0.03, Some(548)),
            // A limit of more than half is not asked.
            (&[(10, 0.6), (60, 0.03)], 0.02, Some(817)),
            (&[(2, 0.3)], 0.2, Some(101)),
            (&[(2, 0.3)], 0.3, Some(73)),
            (&[(10, 0.6)], 0.03, None),
        ] {
            assert_eq!(limits(unfinished, failed, true).clears_at(), expected, "{unfinished:?}");
        }
        assert_eq!(limits(&[(60, 0.03)], 0.03, false).clears_at(), None, "without a list");
    }

    #[test]
    fn so_many_devices_open_it_and_one_less_does_not() {
        for share in [0.0001, 0.003, 0.02, 0.1, 0.5] {
            for beyond in [0, 1, 9, 40] {
                let devices = least(beyond, share).unwrap();
                assert!(best(devices, beyond, share) >= Clearance::OPEN, "{share} {beyond}");
                assert!(best(devices - 1, beyond, share) < Clearance::OPEN, "{share} {beyond}");
            }
        }
    }

    #[test]
    fn as_many_healthy_rollouts_are_cleared_as_is_said() {
        let mut state = 7_u64;
        let mut chance = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        for (share, healthy, expected) in
            [(0.02, 0.75, 0.94..0.975), (0.2, 0.75, 0.94..0.975), (0.02, 2.0, 0.0..0.05)]
        {
            let devices = clears_at(share).unwrap();
            let mut is_cleared = || {
                let bad = (0..devices).filter(|_| chance() < healthy * share).count();
                best(devices, u32::try_from(bad).unwrap(), share) >= Clearance::OPEN
            };
            let cleared = (0..2_000).filter(|_| is_cleared()).count() as f64 / 2_000.0;
            assert!(expected.contains(&cleared), "{share} {healthy}: {cleared}");
        }
    }

    #[test]
    fn chances_add_up() {
        // Of 3 devices with one chance in four each.
        for (x, expected) in [(0, 27.0), (1, 54.0), (2, 63.0), (3, 64.0)] {
            assert!((at_most(x, 3, 0.25) - expected / 64.0).abs() < 1e-12, "{x}");
        }
        // What the smallest limit takes is no underflow.
        assert!(at_most(17, 154_849, 0.75e-4) > SURE);
    }

    #[test]
    fn every_limit_that_can_be_declared_can_be_cleared() {
        let mut before = u32::MAX;
        for share in [0.0001, 0.001, 0.01, 0.1, 0.3, 0.5, 0.9, 0.9999] {
            let devices = clears_at(share).unwrap();
            assert!(devices < before, "{share}: {devices}");
            before = devices;
        }
    }
}
