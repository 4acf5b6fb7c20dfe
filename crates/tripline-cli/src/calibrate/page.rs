//! A calibration as a page.

use super::calibrated::Calibrated;
use super::text::{failures, headline, left_out, notes, percent, tolerance};
use crate::report::baseline::{BaselinePicture, Shares};

/// The page.
pub fn html(calibrated: &Calibrated) -> String {
    let Calibrated { baseline, parameters, limits, .. } = calibrated;
    let last = parameters.unfinished.last().map_or(0, |(age, _)| *age).max(baseline.last_age());
    let limit_at = |age: u32| {
        let before = parameters.unfinished.partition_point(|(from, _)| *from <= age);
        before.checked_sub(1).and_then(|place| parameters.unfinished.get(place))
    };
    let minutes = (0..=last).map(|age| Shares {
        pooled: baseline.unfinished(age),
        slowest: baseline.slowest_unfinished(age),
        limit: limit_at(age).map_or(1.0, |(_, share)| *share),
    });
    let rows = limits.iter().map(|limit| {
        [
            format!("{} min", limit.age),
            percent(limit.pooled),
            percent(limit.slowest),
            percent(limit.limit),
        ]
    });
    let mut notes = notes(calibrated);
    notes.insert(0, failures(baseline));
    notes.extend(left_out(calibrated));
    let picture = BaselinePicture {
        title: baseline.name(),
        verdict: headline(calibrated),
        minutes: minutes.collect(),
        caption: tolerance(calibrated),
        rows: rows.collect(),
        notes,
        made_by: format!("tripline calibrate --out {}", calibrated.file_name()),
    };
    crate::report::baseline::html(&picture)
}
