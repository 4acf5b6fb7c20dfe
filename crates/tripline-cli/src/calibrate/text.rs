//! A calibration as people read it.

use tripline::baseline::Baseline;

use super::calibrated::{Calibrated, LimitAt};
use crate::report::format::{count, counted};

/// The baseline, its limits in words, and what is not in it.
pub fn calibrated_text(calibrated: &Calibrated) -> String {
    let mut text = format!("{}\n", headline(calibrated));
    for past in &calibrated.past {
        let job = &past.job;
        let line = match past.left_out {
            Some(reason) => format!("left out: {}", reason.words()),
            None => counted(&count(whole(past.devices())), "device"),
        };
        text.push_str(&format!("  {job}: {line}\n"));
    }
    text.push_str(&format!("\n{}\n", tolerance(calibrated)));
    for limit in &calibrated.limits {
        text.push_str(&format!("  {}\n", words(limit)));
    }
    text.push_str(&format!("\n{}\n", failures(&calibrated.baseline)));
    text.push_str(&format!("\n{}", section(calibrated)));
    text
}

/// What the baseline is of.
pub fn headline(calibrated: &Calibrated) -> String {
    let baseline = &calibrated.baseline;
    format!(
        "Baseline {}: {}, {}, of which the last took {} min.",
        baseline.name(),
        counted(&count(baseline.rollouts()), "rollout"),
        counted(&count(baseline.devices()), "device"),
        count(baseline.last_age())
    )
}

/// What a healthy rollout may be worse by.
pub fn tolerance(calibrated: &Calibrated) -> String {
    let Calibrated { tolerance, timeout, .. } = calibrated;
    let timeout = timeout.map_or_else(String::new, |timeout| {
        format!(", and executions time out after {} min", count(timeout))
    });
    format!(
        "A healthy next rollout may be {} % slower, and {} of its devices may never end{timeout}:",
        tolerance.slower_by.percent(),
        percent(tolerance.silent)
    )
}

/// A limit in words.
fn words(limit: &LimitAt) -> String {
    let LimitAt { age, pooled, slowest, limit } = limit;
    format!(
        "after {age} min, at most {} may be unfinished (past rollouts {}, the slowest {})",
        percent(*limit),
        percent(*pooled),
        percent(*slowest)
    )
}

/// When failures came.
pub fn failures(baseline: &Baseline) -> String {
    let failures = baseline.failures();
    let least = Baseline::LEAST_FAILURES;
    let number = counted(&count(failures), "failure");
    if failures < least {
        return format!(
            "{number}: fewer than {least} do not say how soon failures come, so only their share is limited."
        );
    }
    let by = |share| baseline.failed_by(share).map_or_else(String::new, count);
    format!("{number}: half of them within {} min, nine of ten within {} min.", by(0.5), by(0.9))
}

/// What a config needs.
fn section(calibrated: &Calibrated) -> String {
    let Calibrated { tolerance, .. } = calibrated;
    format!(
        "[EVIDENCE_CONFIG]\nuseEvidence = True\nbaseline = {}\nslowerBy = {}\nsilentLimit = {}\nsnsTopics = @email, @force-stop\n",
        calibrated.file_name(),
        tolerance.slower_by.percent(),
        tenths(tolerance.silent)
    )
}

/// The rollouts that are left out, and why.
pub fn left_out(calibrated: &Calibrated) -> impl Iterator<Item = String> {
    calibrated
        .past
        .iter()
        .filter_map(|past| Some(format!("{}: left out: {}", past.job, past.left_out?.words())))
}

/// What is to be said beside it.
pub fn notes(calibrated: &Calibrated) -> Vec<String> {
    let mut notes = Vec::new();
    if calibrated.baseline.rollouts() == 1 {
        notes.push(format!(
            "one rollout does not show how much rollouts differ, so the next one may be {} % slower; calibrate several",
            calibrated.tolerance.slower_by.percent()
        ));
    }
    for past in &calibrated.past {
        let job = &past.job;
        if past.retries() > 0 {
            let retries = counted(&count(whole(past.retries())), "attempt");
            notes.push(format!("{job}: left out: {retries} after a device's first"));
        }
        if past.unknown > 0 {
            let executions = counted(&count(past.unknown), "execution");
            notes.push(format!("{job}: left out: {executions} of unknown beginning"));
        }
        if past.unlisted > 0 {
            let executions = counted(&count(past.unlisted), "execution");
            notes.push(format!("{job}: AWS IoT does not list {executions} that it counts"));
        }
    }
    notes
}

/// A share in percent, with a decimal below 10.
pub fn percent(share: f64) -> String {
    format!("{} %", tenths(share))
}

fn tenths(share: f64) -> f64 {
    let percent = share * 100.0;
    if percent < 9.95 { (percent * 10.0).round() / 10.0 } else { percent.round() }
}

fn whole(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
