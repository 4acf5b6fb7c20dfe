//! What becomes of a device. Pure: a device's fate follows from the seed and its name alone, so
//! that a run can be repeated whatever the order and the number of devices.

use rand::{RngExt, SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, Poisson, StandardNormal};

use super::value::{Seconds, Share, UpTo};
use crate::aws::job_side::{DeviceOutcome, Fate};

/// How a fleet behaves.
#[derive(Debug, Clone, Copy)]
pub struct Behavior {
    outcomes: Outcomes,
    /// Usual download time: a lognormal's median, and the deviation of its logarithm.
    median: Seconds,
    sigma: UpTo<3>,
    /// The part of the fleet that is slow, and its median.
    slow: Share,
    slow_median: Seconds,
    /// Mean of the retries a device needs.
    retries: UpTo<1000>,
}

/// Which part of the fleet does not succeed.
#[derive(Debug, Clone, Copy)]
pub struct Outcomes {
    failed: Share,
    rejected: Share,
    silent: Share,
}

impl Outcomes {
    pub fn new(failed: Share, rejected: Share, silent: Share) -> Result<Self, String> {
        let sum = failed.get() + rejected.get() + silent.get();
        // Shares such as 0.7 + 0.2 + 0.1 add up to a little more than 1.
        if sum <= 1.0 + 1e-9 {
            Ok(Self { failed, rejected, silent })
        } else {
            Err(format!("the shares add up to `{sum}` (expected at most 1)"))
        }
    }

    /// `draw` is evenly distributed over 0 to 1.
    fn pick(&self, draw: f64) -> DeviceOutcome {
        let failed = self.failed.get();
        let rejected = failed + self.rejected.get();
        let silent = rejected + self.silent.get();
        match draw {
            _ if draw < failed => DeviceOutcome::Failed,
            _ if draw < rejected => DeviceOutcome::Rejected,
            _ if draw < silent => DeviceOutcome::Silent,
            _ => DeviceOutcome::Succeeded,
        }
    }
}

impl Behavior {
    pub fn new(
        outcomes: Outcomes,
        (median, sigma): (Seconds, UpTo<3>),
        (slow, slow_median): (Share, Seconds),
        retries: UpTo<1000>,
    ) -> Self {
        Self { outcomes, median, sigma, slow, slow_median, retries }
    }

    /// What becomes of the device `name`. Everything is drawn in a fixed order, so that a run with
    /// more failures has the same download times.
    pub fn fate_of(&self, seed: u64, name: &str) -> Fate {
        let mut random = random_for(seed, name);
        let outcome = self.outcomes.pick(random.random());
        let slow = random.random::<f64>() < self.slow.get();
        let deviation: f64 = StandardNormal.sample(&mut random);
        let median = if slow { self.slow_median } else { self.median };
        let download_time = median.get() * (self.sigma.get() * deviation).exp();
        Fate {
            outcome,
            download_time: (download_time.clamp(0.0, Seconds::MAX) * 10.0).round() / 10.0,
            retries: self.retries(&mut random),
        }
    }

    fn retries(&self, random: &mut StdRng) -> u32 {
        // A mean of 0 is no Poisson distribution, but a plain answer.
        Poisson::new(self.retries.get()).map_or(0, |poisson| poisson.sample(random) as u32)
    }
}

/// Not the standard library's hash: that one may change with the compiler.
fn random_for(seed: u64, name: &str) -> StdRng {
    let fnv = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut key = [0; 32];
    let halves = seed.to_le_bytes().into_iter().chain(fnv.to_le_bytes());
    key.iter_mut().zip(halves).for_each(|(to, from)| *to = from);
    StdRng::from_seed(key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn behavior(failed: f64, rejected: f64, silent: f64, slow: f64) -> Behavior {
        let share = |value| Share::new(value).unwrap();
        Behavior::new(
            Outcomes::new(share(failed), share(rejected), share(silent)).unwrap(),
            (Seconds::new(300.0).unwrap(), UpTo::new(0.5).unwrap()),
            (share(slow), Seconds::new(3000.0).unwrap()),
            UpTo::new(2.0).unwrap(),
        )
    }

    fn fates(behavior: &Behavior, seed: u64, devices: usize) -> Vec<Fate> {
        (1..=devices).map(|n| behavior.fate_of(seed, &format!("demo-{n:05}"))).collect()
    }

    proptest! {
        #[test]
        fn the_same_seed_and_name_have_the_same_fate(seed: u64, name in "[a-z0-9-]{1,20}") {
            let behavior = behavior(0.1, 0.1, 0.1, 0.5);
            prop_assert_eq!(behavior.fate_of(seed, &name), behavior.fate_of(seed, &name));
        }

        #[test]
        fn a_fate_can_always_be_reported(
            seed: u64, name: String, median in 0.001..=Seconds::MAX, sigma in 0.0..=3.0, retries in 0.0..=1000.0,
        ) {
            let none = Share::new(0.0).unwrap();
            let median = Seconds::new(median).unwrap();
            let fate = Behavior::new(
                Outcomes::new(none, none, none).unwrap(),
                (median, UpTo::new(sigma).unwrap()),
                (none, median),
                UpTo::new(retries).unwrap(),
            )
            .fate_of(seed, &name);
            prop_assert!((0.0..=Seconds::MAX).contains(&fate.download_time));
            prop_assert!(fate.retries <= 10_000);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))] // 4,000 devices each

        #[test]
        fn shares_approach_what_was_asked(
            seed: u64, failed in 0.0..0.4, rejected in 0.0..0.3, silent in 0.0..0.3, slow in 0.0..=1.0,
        ) {
            const DEVICES: usize = 4000;
            let fates = fates(&behavior(failed, rejected, silent, slow), seed, DEVICES);
            let share = |is: &dyn Fn(&Fate) -> bool| {
                fates.iter().filter(|fate| is(fate)).count() as f64 / DEVICES as f64
            };
            for (asked, outcome) in [
                (failed, DeviceOutcome::Failed),
                (rejected, DeviceOutcome::Rejected),
                (silent, DeviceOutcome::Silent),
                (1.0 - failed - rejected - silent, DeviceOutcome::Succeeded),
            ] {
                // Five deviations of a share of 4,000 devices.
                let got = share(&|fate| fate.outcome == outcome);
                prop_assert!((got - asked).abs() < 0.04, "{outcome:?}: {got}, asked for {asked}");
            }
            // 948 s is as far from the usual median as from the slow one: 2.3 deviations.
            let slow_ones = share(&|fate| fate.download_time > 948.0);
            prop_assert!((slow_ones - slow).abs() < 0.06, "slow: {slow_ones}, asked for {slow}");
        }
    }

    #[test]
    fn the_median_is_the_median() {
        let fates = fates(&behavior(0.0, 0.0, 0.0, 0.0), 7, 2001);
        let mut times: Vec<f64> = fates.iter().map(|fate| fate.download_time).collect();
        times.sort_by(f64::total_cmp);
        assert!((280.0..320.0).contains(&times[1000]), "{}", times[1000]);
        let retries: u32 = fates.iter().map(|fate| fate.retries).sum();
        assert!((3800..4200).contains(&retries), "{retries}");
    }

    #[test]
    fn more_failures_change_no_download_time() {
        let few = fates(&behavior(0.0, 0.0, 0.0, 0.1), 1, 50);
        let many = fates(&behavior(0.9, 0.0, 0.0, 0.1), 1, 50);
        for (a, b) in few.iter().zip(&many) {
            assert_eq!(a.download_time, b.download_time);
        }
    }

    #[test]
    fn another_seed_is_another_fleet() {
        let behavior = behavior(0.1, 0.1, 0.1, 0.5);
        assert_ne!(fates(&behavior, 1, 20), fates(&behavior, 2, 20));
    }

    #[test]
    fn shares_above_one_are_refused() {
        let half = Share::new(0.5).unwrap();
        let error = Outcomes::new(half, half, half).unwrap_err();
        assert_eq!(error, "the shares add up to `1.5` (expected at most 1)");
        let share = |value| Share::new(value).unwrap();
        assert!(Outcomes::new(share(0.7), share(0.2), share(0.1)).is_ok());
    }
}
