//! A rollout as people and programs read it.

use schemars::JsonSchema;
use serde::Serialize;
use tripline::text::clean;
use tripline_guard::coverage::Coverage;
use tripline_guard::verdict::Verdict as Guard;

use super::duration::{since, words};
use super::evidence::{self, EvidenceData};
use super::follow::Rollout;
use super::pace::Eta;
use super::seen::{Alarm, Details};
use super::verdict::Verdict;
use crate::aws::job::DescribedJob;
use crate::aws::progress::Progress;
use crate::aws::tally::{Counts, Tally};
use crate::terminal::coverage::CoverageData;
use crate::terminal::screen::wrapped;
use crate::terminal::time::iso;
use tripline::time::Timestamp;

/// Most columns of the bar, and least.
const BAR: (usize, usize) = (42, 12);
/// Most lines that one line is broken into.
const MOST_LINES: usize = 3;
/// Columns by which these stand in.
const INDENT: usize = 4;
/// Longest note.
const MAX_NOTE: usize = 300;

/// The rollout on a terminal of so many columns.
pub fn screen(rollout: &Rollout, now: i64, width: usize) -> Vec<String> {
    let lines = lines(rollout, now, width).into_iter();
    lines.flat_map(|line| wrapped(&line, width, INDENT, MOST_LINES)).collect()
}

/// A line each, of any length.
fn lines(rollout: &Rollout, now: i64, width: usize) -> Vec<String> {
    let Some(seen) = &rollout.seen else {
        return vec![format!("{}  {}", rollout.job, lost(rollout, now))];
    };
    let age = seen.created_at.map_or_else(String::new, |at| format!("  {}", words(since(at, now))));
    let selection = if seen.continuous { "  CONTINUOUS" } else { "" };
    let mut lines = vec![
        format!("{}  {}{age}{selection}", rollout.job, seen.status),
        bar(&seen.progress(), width),
        format!("  {}", counts(seen)),
    ];
    if !rollout.verdict.is_final() {
        lines.push(format!("  {}", speed(rollout, seen)));
    }
    if let Some(download) = rollout.details.download {
        lines.push(format!(
            "  downloadTime  p50 {:.0} s  p90 {:.0} s  p99 {:.0} s  of {:.0} reports",
            download.p50, download.p90, download.p99, download.samples
        ));
    }
    let details = &rollout.details;
    lines.push(format!("  guard  {}", guard(details)));
    lines.extend(details.coverage.as_ref().map(|is| format!("  coverage  {}", is.line())));
    if let Some(seen) = &details.evidence {
        lines.push(format!("  {}", evidence::line(seen)));
        lines.extend(evidence::unseen(seen).map(|unseen| format!("  {unseen}")));
    }
    if !details.slow.is_empty() {
        let slow = details
            .slow
            .iter()
            .map(|slow| format!("{} {}", slow.thing, words(since(slow.since, now))));
        let of = details
            .slow_of
            .map_or_else(String::new, |all| format!(" (pages of {all} are turned one a look)"));
        lines.push(format!("  slow  {}{of}", slow.collect::<Vec<_>>().join(", ")));
    }
    if !details.failing.is_empty() {
        let failing = details.failing.iter().map(|failing| {
            format!("{} {} {} ago", failing.thing, failing.status, words(since(failing.at, now)))
        });
        lines.push(format!("  failing  {}", failing.collect::<Vec<_>>().join(", ")));
    }
    if rollout.lost.is_some() {
        lines.push(format!("  {}", lost(rollout, now)));
    }
    lines.extend(details.notes.iter().map(|note| format!("  not seen: {}", one_line(note))));
    lines
}

/// The rollout in a log, in one line.
pub fn line(rollout: &Rollout, now: i64) -> String {
    let time = iso(Timestamp::from_seconds(now));
    let Some(seen) = &rollout.seen else {
        return format!("{time} {}  {}", rollout.job, lost(rollout, now));
    };
    let mut parts = vec![seen.progress().text(), counts(seen)];
    if !rollout.verdict.is_final() {
        parts.push(speed(rollout, seen));
    }
    parts.push(format!("guard: {}", guard(&rollout.details)));
    parts.extend(rollout.details.coverage.as_ref().map(|is| format!("coverage: {}", is.line())));
    if let Some(seen) = &rollout.details.evidence {
        parts.push(evidence::line(seen));
        parts.extend(evidence::unseen(seen));
    }
    if rollout.lost.is_some() {
        parts.push(lost(rollout, now));
    }
    parts.extend(rollout.details.notes.iter().map(|note| format!("not seen: {}", one_line(note))));
    format!("{time} {}  {}  {}", rollout.job, seen.status, parts.join("; "))
}

/// What makes a new line worth its place. Times alone do not.
pub fn news(rollout: &Rollout) -> String {
    let seen = rollout.seen.as_ref();
    let evidence = rollout.details.evidence.as_ref();
    format!(
        "{:?} {:?} {:?} {:?} {:?} {} {:?}",
        seen.map(|seen| (&seen.status, seen.tally, &seen.counted, seen.progress())),
        rollout.verdict,
        rollout.details.alarms,
        rollout.details.coverage.as_ref().map(Coverage::line),
        // How long it is blind is a time.
        evidence.map(|seen| (&seen.record.brief, seen.record.standing, seen.blind.is_some())),
        rollout.lost.is_some(),
        rollout.details.notes
    )
}

/// A rollout as it stands.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutData {
    /// When it was looked at.
    time: String,
    job_id: String,
    /// The job's state, as AWS IoT has it; `null` before its first answer.
    state: Option<String>,
    /// How it ended, or that it goes on, in one word.
    verdict: &'static str,
    /// In devices.
    counts: Option<Counts>,
    /// As AWS IoT counts, where that is attempts.
    attempts: Option<Tally>,
    /// Why how many devices were unsuccessful is not known, if so.
    uncounted: Option<String>,
    continuous: Option<bool>,
    /// Whether the rollout has not come to all of its devices yet.
    reaches_more: Option<bool>,
    /// Of the rollout's devices.
    progress: Option<ProgressData>,
    /// Devices that end.
    per_minute: Option<f64>,
    /// When it is done.
    eta: Option<EtaData>,
    download_time: Option<DownloadTime>,
    evidence: Option<EvidenceData>,
    /// Whether its alarms guard it.
    guarded: Option<bool>,
    /// What would be seen if it went wrong.
    coverage: Option<CoverageData>,
    alarms: Option<Vec<WatchedAlarm>>,
    /// The slowest devices in progress.
    slow: Vec<SlowDevice>,
    /// The newest failures.
    failing: Vec<FailingDevice>,
    reason_code: Option<String>,
    comment: Option<String>,
    /// What could not be seen, and why.
    notes: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ProgressData {
    ended: u32,
    of: u32,
    /// There are at least as many: more devices are to come.
    at_least: bool,
    percent: Option<u64>,
}

impl From<Progress> for ProgressData {
    fn from(progress: Progress) -> Self {
        Self {
            ended: progress.ended,
            of: progress.of,
            at_least: progress.is_at_least,
            percent: progress.percent(),
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct EtaData {
    seconds: u64,
    /// It takes at least as long: more devices are to come.
    at_least: bool,
}

/// Seconds, as devices report them.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct DownloadTime {
    samples: f64,
    p50: f64,
    p90: f64,
    p99: f64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct WatchedAlarm {
    alarm: String,
    /// As CloudWatch has it: `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    state: String,
    /// What it watches, in words.
    watches: String,
    /// Why nothing follows from it, if so.
    idle: Option<&'static str>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SlowDevice {
    thing: String,
    /// For how long it has been in progress.
    seconds: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct FailingDevice {
    thing: String,
    /// How its execution ended.
    state: String,
    time: String,
}

/// The rollout for programs.
pub fn data(rollout: &Rollout, now: i64) -> RolloutData {
    let Details { alarms, download, slow, failing, notes, .. } = &rollout.details;
    let mut notes: Vec<_> = notes.iter().map(|note| one_line(note)).collect();
    if rollout.lost.is_some() {
        notes.push(lost(rollout, now));
    }
    let seen = rollout.seen.as_ref();
    let eta = match seen.map(|seen| rollout.history.eta(seen)) {
        _ if rollout.verdict.is_final() => None,
        Some(Eta::In(seconds)) => Some(EtaData { seconds, at_least: false }),
        Some(Eta::AtLeast(seconds)) => Some(EtaData { seconds, at_least: true }),
        _ => None,
    };
    let alarm = |alarm: &Alarm| WatchedAlarm {
        alarm: alarm.name.clone(),
        state: alarm.state.clone(),
        watches: alarm.watches.clone(),
        idle: alarm.idle,
    };
    let slow = slow
        .iter()
        .map(|slow| SlowDevice { thing: slow.thing.clone(), seconds: since(slow.since, now) });
    let failing = failing.iter().map(|failing| FailingDevice {
        thing: failing.thing.clone(),
        state: failing.status.clone(),
        time: iso(Timestamp::from_seconds(failing.at)),
    });
    RolloutData {
        time: iso(Timestamp::from_seconds(now)),
        job_id: rollout.job.to_string(),
        state: seen.map(|seen| seen.status.clone()),
        verdict: rollout.verdict.name(),
        counts: seen.map(DescribedJob::counts),
        attempts: seen.and_then(DescribedJob::attempts),
        uncounted: seen.and_then(DescribedJob::uncounted).map(str::to_owned),
        continuous: seen.map(|seen| seen.continuous),
        reaches_more: seen.map(|seen| seen.reaches_more),
        progress: seen.map(DescribedJob::progress).map(ProgressData::from),
        per_minute: seen.and_then(|seen| rollout.history.per_minute(seen)),
        eta,
        download_time: download.map(|download| DownloadTime {
            samples: download.samples,
            p50: download.p50,
            p90: download.p90,
            p99: download.p99,
        }),
        evidence: rollout.details.evidence.as_ref().map(evidence::data),
        guarded: rollout.details.guard.as_ref().map(Guard::is_guarded),
        coverage: rollout.details.coverage.as_ref().map(CoverageData::from),
        alarms: alarms.as_ref().map(|alarms| alarms.iter().map(alarm).collect()),
        slow: slow.collect(),
        failing: failing.collect(),
        reason_code: seen.and_then(|seen| seen.reason_code.clone()),
        comment: seen.and_then(|seen| seen.comment.clone()),
        notes,
    }
}

/// Why the guard has stopped the rollout, where its comment does not say it.
pub fn reason(rollout: &Rollout) -> Option<String> {
    let reason = evidence::reason(rollout.details.evidence.as_ref()?)?;
    let comment = rollout.seen.as_ref()?.comment.as_deref().unwrap_or_default();
    let first = reason.split(". ").next().unwrap_or(&reason);
    (rollout.verdict == Verdict::Guard && !comment.contains(first)).then_some(reason)
}

/// Each way to go wrong of which nobody would hear, with why and what helps.
pub fn uncovered(rollout: &Rollout) -> Vec<String> {
    let coverage = rollout.details.coverage.as_ref();
    coverage.map_or_else(Vec::new, |coverage| coverage.unseen(Some(rollout.job.as_str())))
}

/// What comes next, where there is something to be done.
pub fn hint(rollout: &Rollout) -> Option<String> {
    let job = &rollout.job;
    let resume = format!(
        "`tripline resume --job-id {job}` goes on with the devices that do not have the firmware"
    );
    match rollout.verdict {
        Verdict::Guard | Verdict::AbortCriteria => {
            let has_it = rollout.seen.as_ref().is_some_and(|seen| seen.tally.succeeded > 0);
            let revert = match has_it {
                true => format!(
                    "; if it was right, `tripline revert --job-id {job}` reverts the devices that have it"
                ),
                false => String::new(),
            };
            Some(format!("if the stop was false, {resume}{revert}"))
        }
        Verdict::Canceled => Some(resume),
        _ => None,
    }
}

/// The bar, and beside it or below how far that is.
fn bar(progress: &Progress, width: usize) -> String {
    let text = progress.text();
    let beside = width.saturating_sub(text.chars().count() + 4).clamp(BAR.1, BAR.0);
    format!("  {} {text}", progress.bar(beside))
}

/// Everything that is not zero, successes always; then the attempts, where AWS IoT counts those.
fn counts(seen: &DescribedJob) -> String {
    let counts = seen.counts();
    let all = [
        ("succeeded", Some(counts.succeeded)),
        ("failed", counts.failed),
        ("rejected", counts.rejected),
        ("timed out", counts.timed_out),
        ("canceled", Some(counts.canceled)),
        ("removed", Some(counts.removed)),
        ("in progress", Some(counts.in_progress)),
        ("queued", Some(counts.queued)),
    ];
    let all = all.into_iter().enumerate();
    let shown = all.filter_map(|(n, (name, count))| {
        let count = count.filter(|count| n == 0 || *count > 0)?;
        Some(format!("{count} {name}"))
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    match seen.attempts_text() {
        Some(attempts) => format!("{shown}; {attempts}"),
        None => shown,
    }
}

fn speed(rollout: &Rollout, seen: &DescribedJob) -> String {
    let eta = match rollout.history.eta(seen) {
        Eta::In(seconds) => format!("done in about {}", words(seconds)),
        Eta::AtLeast(seconds) => format!("not done for {} at least", words(seconds)),
        Eta::Still(seconds) => format!("no device has ended for {}", words(seconds)),
        Eta::Unknown => "too early to say when it is done".to_owned(),
    };
    match rollout.history.per_minute(seen) {
        Some(rate) if rate > 0.0 => format!("{rate:.1} a minute, {eta}"),
        _ => eta,
    }
}

fn guard(details: &Details) -> String {
    match &details.alarms {
        None => "not known".to_owned(),
        Some(alarms) if alarms.is_empty() => "unguarded: no alarms of Tripline's".to_owned(),
        Some(alarms) => {
            let alarms = alarms.iter().map(alarm).collect::<Vec<_>>().join(", ");
            match &details.guard {
                Some(Guard::Unguarded(why)) => format!("unguarded: {why}; {alarms}"),
                _ => alarms,
            }
        }
    }
}

fn alarm(alarm: &Alarm) -> String {
    let idle = alarm.idle.map_or_else(String::new, |why| format!(" ({why})"));
    format!("{} {}{idle}", alarm.name, alarm.state)
}

fn lost(rollout: &Rollout, now: i64) -> String {
    rollout.lost.as_ref().map_or_else(String::new, |(from, failure)| {
        format!("no answer for {}: {}", words(since(*from, now)), one_line(&failure.what()))
    })
}

/// The first line of what AWS says.
fn one_line(text: &str) -> String {
    clean(text.lines().next().unwrap_or_default(), MAX_NOTE)
}
