//! Fleets whose devices are known one by one, as AWS IoT would show them at each minute.

use crate::evidence::{Ages, Limits, Parameters, Tick};

/// A device: when it begins and ends, in seconds; whether it fails. One that never ends has no end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Device {
    pub begins: u32,
    pub ends: Option<u32>,
    pub fails: bool,
}

/// What AWS IoT says of these devices at a minute. Those that time out after so many minutes are
/// counted as such.
pub(super) fn tick(t: u32, devices: &[Device], timeout: Option<u32>) -> Tick {
    let now = t.saturating_mul(60);
    let mut tick = Tick { t, ..Tick::default() };
    let mut ages = Vec::new();
    for device in devices.iter().filter(|device| device.begins <= now) {
        tick.begun += 1;
        let end = device.ends.unwrap_or(u32::MAX);
        let latest = timeout.map_or(u32::MAX, |timeout| device.begins + 60 * timeout);
        if end < latest && end <= now {
            tick.ended += 1;
            tick.unsuccessful += u32::from(device.fails);
        } else if latest <= end && latest <= now {
            tick.timed_out += 1;
        } else {
            ages.push((now - device.begins) / 60);
        }
    }
    tick.in_progress = Some(Ages::of_devices(ages));
    tick
}

/// The ticks of all minutes until one.
pub(super) fn ticks(until: u32, devices: &[Device], timeout: Option<u32>) -> Vec<Tick> {
    (0..=until).map(|t| tick(t, devices, timeout)).collect()
}

/// `rate` devices a minute for so many minutes. The times that they take are spread evenly over the
/// quantiles, in a fixed order that mixes slow and fast; `times` gives the minutes of a quantile, or
/// none if the device never ends.
pub(super) fn steady(
    rate: u32,
    minutes: u32,
    times: impl Fn(f64) -> Option<f64>,
    fails: impl Fn(f64) -> bool,
) -> Vec<Device> {
    let device = |number: u32| {
        let begins = number * 60 / rate + 1;
        // Multiples of the golden ratio fill the unit interval evenly.
        let quantile = (f64::from(number) * 0.618_033_988_749_894_9).fract();
        let other = (f64::from(number) * 0.754_877_666_246_692_7).fract();
        let ends = times(quantile).map(|minutes| begins + (minutes * 60.0) as u32);
        Device { begins, ends, fails: fails(other) }
    };
    (0..rate * minutes).map(device).collect()
}

/// Minutes at a quantile of a lognormal distribution: the logistic approximation is close enough
/// here, since the limits are made from it as well.
pub(super) fn logarithmic(median: f64, sigma: f64) -> impl Fn(f64) -> f64 {
    move |quantile| {
        let odds = quantile.clamp(1e-6, 1.0 - 1e-6) / (1.0 - quantile.clamp(1e-6, 1.0 - 1e-6));
        median * (sigma * odds.ln() / 1.702).exp()
    }
}

/// Limits with the share of [`logarithmic`] at these ages, for devices a fifth slower.
pub(super) fn limits_of(median: f64, sigma: f64, ages: &[u32]) -> Parameters {
    let share = |age: u32| {
        let odds = ((f64::from(age) / (1.2 * median)).ln() * 1.702 / sigma).exp();
        1.0 / (1.0 + odds)
    };
    Parameters {
        unfinished: ages.iter().map(|age| (*age, 0.01 + 0.99 * share(*age))).collect(),
        failed: 0.03,
        false_stops: 0.01,
        list: true,
        ..Parameters::default()
    }
}

/// The limits of most tests: three ages, one in a hundred.
pub(super) fn plain() -> Limits {
    Limits::new(Parameters {
        unfinished: vec![(8, 0.8), (22, 0.33), (60, 0.03)],
        failed: 0.03,
        false_stops: 0.01,
        list: true,
        ..Parameters::default()
    })
    .unwrap()
}
