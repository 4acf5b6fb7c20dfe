//! The values of options and of rollout files.

use tripline::text::excerpt;
use tripline_simulation::simulation::{MAX_DEVICES, Share};

use crate::input::duration::{self, Bare};

/// Sets an option, if its value is one.
pub fn put<T>(place: &mut Option<T>, value: Result<T, String>) -> Result<(), String> {
    *place = Some(value?);
    Ok(())
}

pub fn share(text: &str) -> Result<Share, String> {
    let fault = || {
        let fault = format!("`{}` is no share of the fleet (expected 0 to 1)", excerpt(text));
        // Limits are in percent, shares are not.
        let percent: Option<f64> = text.trim_end_matches('%').trim_end().parse().ok();
        match percent.filter(|percent| (0.0..=100.0).contains(percent)) {
            Some(percent) => format!("{fault}: {percent} % is {}", percent / 100.0),
            None => fault,
        }
    };
    text.parse().ok().and_then(|it| Share::new(it).ok()).ok_or_else(fault)
}

pub fn seconds(text: &str) -> Result<f64, String> {
    let found = duration::seconds(text, Bare::Seconds);
    let found = found.filter(|value| *value > 0.0 && *value <= 604_800.0);
    found.ok_or_else(|| duration::not_within(text, Bare::Seconds, "above 0, at most 7d"))
}

pub fn sigma(text: &str) -> Result<f64, String> {
    within(text, |value| (0.0..=5.0).contains(&value), "0 to 5")
}

pub fn per_minute(text: &str) -> Result<u32, String> {
    let fault =
        || format!("`{}` is no load (expected 1 to {MAX_DEVICES} devices a minute)", excerpt(text));
    text.parse().ok().filter(|rate| (1..=MAX_DEVICES).contains(rate)).ok_or_else(fault)
}

pub fn mean(text: &str) -> Result<f64, String> {
    within(text, |value| (0.0..=1_000.0).contains(&value), "0 to 1000")
}

fn within(text: &str, allowed: fn(f64) -> bool, expected: &str) -> Result<f64, String> {
    let fault = || format!("`{}` is out of range (expected {expected})", excerpt(text));
    text.parse().ok().filter(|value| allowed(*value)).ok_or_else(fault)
}

pub fn flag(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("`{}` is neither (expected True or False)", excerpt(text))),
    }
}
