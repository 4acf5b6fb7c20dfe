//! Axes: from values to places, and where their ticks are.

/// A linear axis from 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// The value at its end; above 0.
    pub max: f64,
    /// Where 0 is.
    pub from: f64,
    /// Where [`Self::max`] is.
    pub to: f64,
}

impl Scale {
    /// An axis that ends at `max`, or at 1 where that is nothing.
    pub fn new(max: f64, from: f64, to: f64) -> Self {
        let max = if max.is_finite() && max > 0.0 { max } else { 1.0 };
        Self { max, from, to }
    }

    /// Where a value is; what is outside the axis is at its end.
    pub fn at(&self, value: f64) -> f64 {
        let part = if value.is_nan() { 0.0 } else { (value / self.max).clamp(0.0, 1.0) };
        self.from + part * (self.to - self.from)
    }

    /// Ticks at round numbers, 0 among them, about `wanted` of them.
    pub fn ticks(&self, wanted: u32) -> Vec<f64> {
        multiples(nice_step(self.max, wanted), self.max)
    }
}

/// 1, 2 or 5 times a power of ten, so that `max` has about `wanted` steps.
fn nice_step(max: f64, wanted: u32) -> f64 {
    let rough = max / f64::from(wanted.max(1));
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= rough * 0.999);
    factor.unwrap_or(10.0) * power
}

fn multiples(step: f64, max: f64) -> Vec<f64> {
    // Few, by the choice of the step; the limit is for steps that floats cannot distinguish.
    let ticks = (0_u32..50).map(|number| f64::from(number) * step);
    ticks.take_while(|tick| *tick <= max * 1.000_001).collect()
}

/// How an axis of time is labeled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeAxis {
    /// Its unit.
    pub unit: &'static str,
    /// Minutes of a unit.
    pub minutes: f64,
    step: f64,
    max: f64,
}

impl TimeAxis {
    /// An axis of so many minutes, in minutes, hours or days, with at most `wanted` ticks after 0.
    pub fn new(minutes: f64, wanted: u32) -> Self {
        const STEPS: [f64; 15] = [
            1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 180.0, 360.0, 720.0, 1_440.0,
            2_880.0, 10_080.0,
        ];
        let wanted = f64::from(wanted.max(1));
        let step = STEPS.into_iter().find(|step| minutes / step <= wanted);
        let step = step.unwrap_or_else(|| (minutes / wanted / 1_440.0).ceil() * 1_440.0);
        let (unit, length) = match minutes {
            _ if minutes <= 180.0 => ("minutes", 1.0),
            _ if minutes <= 2_880.0 => ("hours", 60.0),
            _ => ("days", 1_440.0),
        };
        Self { unit, minutes: length, step, max: minutes }
    }

    /// The ticks: where, in minutes, and what is written there.
    pub fn ticks(&self) -> impl Iterator<Item = (f64, String)> {
        let unit = self.minutes;
        multiples(self.step, self.max)
            .into_iter()
            .map(move |minutes| (minutes, super::format::number(minutes / unit)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(Scale::new(24_000.0, 0.0, 1.0).ticks(4), [0.0, 10_000.0, 20_000.0]);
        assert_eq!(Scale::new(4.0, 0.0, 1.0).ticks(4), [0.0, 1.0, 2.0, 3.0, 4.0]);
        for max in [1e-12, 0.3, 1.0, 7.0, 999.0, 1e7, 1e300, f64::NAN, -1.0] {
            let ticks = Scale::new(max, 0.0, 1.0).ticks(4);
            assert!((2..=6).contains(&ticks.len()), "{max}: {ticks:?}");
        }
    }

    #[test]
    fn time_is_in_the_unit_that_fits() {
        let labels = |minutes| {
            let axis = TimeAxis::new(minutes, 8);
            (axis.unit, axis.ticks().map(|(_, label)| label).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(labels(75.0), ("minutes", "0 10 20 30 40 50 60 70".to_owned()));
        assert_eq!(labels(250.0), ("hours", "0 1 2 3 4".to_owned()));
        assert_eq!(labels(200_000.0), ("days", "0 18 36 54 72 90 108 126".to_owned()));
    }

    #[test]
    fn values_outside_the_axis_are_at_its_end() {
        let scale = Scale::new(10.0, 100.0, 0.0);
        assert_eq!(
            [-5.0, 0.0, 5.0, 20.0, f64::NAN].map(|value| scale.at(value)),
            [100.0, 100.0, 50.0, 0.0, 100.0]
        );
    }
}
