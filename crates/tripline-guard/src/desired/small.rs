//! The failure rate of a rollout that is smaller than the least number of devices of the usual one.
//!
//! The rule is the same, with another least number and, if it has to be, a higher limit: the lowest with which at
//! most the permitted share of healthy rollouts is ever stopped, however their failures come. A healthy rollout is
//! one whose devices each fail with at most the declared share.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What decides about a small rollout.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SmallRule {
    /// The least number of notified devices.
    pub least: u32,
    /// In percent; more than this breaches.
    pub limit: f64,
}

/// What the rule is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Healthy {
    /// The share of devices that may fail, above 0 and below 1.
    pub failed: f64,
    /// The share of healthy rollouts that may be stopped, above 0 and at most 0.5.
    pub false_stops: f64,
}

/// Limits are tried in steps of so many percent.
const STEP: f64 = 1.0;
/// Devices beyond this many change nothing: what is to go wrong by chance has by then.
const MOST: u32 = 200;
/// Most rules that are remembered: a stack has few kinds of rollouts.
const REMEMBERED: usize = 500;

/// Rules that were worked out: a minute asks for each of its rollouts several times.
static KNOWN: Mutex<BTreeMap<Key, Option<SmallRule>>> = Mutex::new(BTreeMap::new());

/// Devices, and the bits of the usual limit and of what is healthy.
type Key = (u32, [u64; 3]);

/// The rule for a rollout to so many devices, with the usual limit in percent where that can be. `None`: so few
/// decide nothing, even if all of them fail.
pub fn small_rule(devices: u32, usual: f64, healthy: Healthy) -> Option<SmallRule> {
    let devices = devices.min(MOST);
    let key = (devices, [usual, healthy.failed, healthy.false_stops].map(f64::to_bits));
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(rule) = known().get(&key) {
        return *rule;
    }
    let rule = worked_out(devices, usual, healthy);
    let mut known = known();
    if known.len() >= REMEMBERED {
        known.clear();
    }
    known.insert(key, rule);
    rule
}

fn worked_out(devices: u32, usual: f64, healthy: Healthy) -> Option<SmallRule> {
    let mut best: Option<(u32, SmallRule)> = None;
    let steps = std::iter::successors(Some(usual), |limit| Some(limit.floor() + STEP));
    for limit in steps.take_while(|limit| *limit < 100.0) {
        let bad = needed(devices, limit);
        // Of those that take as many failures at the end, the one that can decide first.
        if best.is_some_and(|(least_bad, _)| bad > least_bad) {
            break;
        }
        let least = least(devices, limit, healthy);
        if let Some(least) = least.filter(|least| best.is_none_or(|(_, it)| *least < it.least)) {
            best = Some((bad, SmallRule { least, limit }));
        }
    }
    best.map(|(_, rule)| rule)
}

/// How many of so many devices are more than the limit.
fn needed(devices: u32, limit: f64) -> u32 {
    (1..=devices).find(|bad| is_beyond(*bad, devices, limit)).unwrap_or(u32::MAX)
}

fn is_beyond(bad: u32, devices: u32, limit: f64) -> bool {
    100.0 * f64::from(bad) / f64::from(devices) > limit
}

/// The least number of devices from which on the limit holds the bound; `None` if none does.
fn least(devices: u32, limit: f64, healthy: Healthy) -> Option<u32> {
    // The longer it waits, the less comes by chance.
    let is_rare = |least: u32| chance(devices, least, limit, healthy.failed) <= healthy.false_stops;
    if !is_rare(devices) {
        return None;
    }
    let (mut low, mut high) = (1, devices);
    while low < high {
        let middle = low + (high - low) / 2;
        if is_rare(middle) { high = middle } else { low = middle + 1 }
    }
    Some(low)
}

/// The least number of devices of which anything can be decided: all of them failing is rarer than a healthy rollout
/// may be stopped. Beyond what rules are made for it is as many as that.
pub fn least_devices(healthy: Healthy) -> u32 {
    let Healthy { failed, false_stops } = healthy;
    let all_fail = std::iter::successors(Some(failed), |chance| Some(chance * failed));
    let least = (1..=MOST).zip(all_fail).find(|(_, chance)| *chance <= false_stops);
    least.map_or(MOST, |(devices, _)| devices)
}

/// How likely it is that, at any number from `least` to `devices`, more than `limit` percent of the devices so far
/// have failed, each with the chance `failed`.
fn chance(devices: u32, least: u32, limit: f64, failed: f64) -> f64 {
    // By the number that failed: how likely that is, and that nothing has been stopped so far.
    let mut alive = vec![1.0_f64];
    let mut stopped = 0.0;
    for n in 1..=devices {
        let mut next = vec![0.0; alive.len() + 1];
        for (bad, share) in alive.iter().enumerate() {
            for (bad, share) in [(bad, share * (1.0 - failed)), (bad + 1, share * failed)] {
                if let Some(there) = next.get_mut(bad) {
                    *there += share;
                }
            }
        }
        if n >= least {
            for (bad, share) in next.iter_mut().enumerate() {
                if is_beyond(u32::try_from(bad).unwrap_or(u32::MAX), n, limit) {
                    stopped += std::mem::take(share);
                }
            }
        }
        while next.last().is_some_and(|share| *share < 1e-15) {
            next.pop();
        }
        alive = next;
    }
    stopped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const USUAL: Healthy = Healthy { failed: 0.03, false_stops: 0.01 };

    #[test]
    fn small_rollouts_have_a_rule_that_can_decide() {
        for (devices, expected) in [
            (1, None),
            (2, Some((2, 50.0))),
            (3, Some((2, 50.0))),
            (8, Some((3, 34.0))),
            (20, Some((9, 23.0))),
            (49, Some((10, 20.0))),
            (1_000, Some((10, 20.0))),
        ] {
            let rule = small_rule(devices, 20.0, USUAL).map(|rule| (rule.least, rule.limit));
            assert_eq!(rule, expected, "{devices} devices");
        }
        assert_eq!(least_devices(USUAL), 2);
        let strict = Healthy { failed: 0.2, false_stops: 0.001 };
        assert_eq!(least_devices(strict), 5, "0.2^5 is 0.00032");
    }

    /// By hand: of two devices both fail with 0.03^2.
    #[test]
    fn chances_are_those_of_a_path() {
        assert!((chance(2, 2, 50.0, 0.03) - 0.0009).abs() < 1e-12);
        // The first of two, or the second.
        assert!((chance(2, 1, 40.0, 0.03) - (0.03 + 0.97 * 0.03)).abs() < 1e-12);
        assert_eq!(chance(5, 1, 100.0, 0.03), 0.0);
    }

    proptest! {
        /// All that fail are always stopped, and a healthy rollout as rarely as declared.
        #[test]
        fn a_rule_can_decide_and_holds_its_bound(
            devices in 1_u32..120, usual in 1.0_f64..60.0, failed in 0.001_f64..0.2, bound in 0.001_f64..0.1,
        ) {
            let healthy = Healthy { failed, false_stops: bound };
            if let Some(SmallRule { least, limit }) = small_rule(devices, usual, healthy) {
                prop_assert!(least <= devices && (usual..100.0).contains(&limit));
                prop_assert!(chance(devices, least, limit, failed) <= bound);
                prop_assert!(chance(devices, least, limit, 1.0) > 0.999);
                prop_assert!(least_devices(healthy) <= devices);
            } else {
                prop_assert!(least_devices(healthy) > devices);
                prop_assert!(failed.powi(devices as i32) > bound);
            }
        }
    }
}
