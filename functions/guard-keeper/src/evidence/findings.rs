//! What people are alerted to, of a job's evidence.

use std::time::Duration;

use tripline::evidence::{Record, State, Verdict};
use tripline::job::JobId;

use crate::finding::{BLIND, EVIDENCE, EVIDENCE_UNUSABLE, Finding, STALLED, STILL_RUNNING};

/// From so many minutes on that the clock of a rollout stands still, people are alerted: single ones occur.
const STALLED_FROM: u32 = 3;

/// What a minute of a job came to. `tolerated`: seconds that a stop may take.
pub(super) fn of_record(
    job: &JobId,
    record: &Record,
    verdict: &Verdict,
    tolerated: i64,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(reason) = &record.reason {
        if !record.stops {
            findings.push(Finding::new(
                job,
                EVIDENCE,
                format!(
                    "{reason} Evidence only alerts here, so it goes on. To stop it: tripline stop --job-id {job}"
                ),
            ));
        } else if record.is_overdue(tolerated) {
            findings.push(Finding::new(
                job,
                STILL_RUNNING,
                format!(
                    "It was to be stopped minutes ago and still runs: {reason} Its alarm is set to fire again. To stop it by hand: tripline stop --job-id {job}"
                ),
            ));
        }
    }
    if verdict.is_stalled && verdict.stalled >= STALLED_FROM {
        findings.push(Finding::new(
            job,
            STALLED,
            format!(
                "Nearly nothing has ended for {} minutes although devices are at work, as in an outage. Its evidence waits, for half an hour at most.",
                verdict.stalled
            ),
        ));
    }
    findings
}

/// No minute of it was taken for some time.
pub(super) fn blind(job: &JobId, age: i64, minute: Duration) -> Option<Finding> {
    let tolerated = i64::try_from((minute * State::BLIND_MINUTES).as_secs()).unwrap_or(i64::MAX);
    (age >= tolerated).then(|| {
        Finding::new(
            job,
            BLIND,
            format!(
                "Its evidence is {} minutes old: see the errors of the guard-keeper. Watch the rollout yourself.",
                age / 60
            ),
        )
    })
}

/// Its limits are none.
pub(super) fn unusable(job: &JobId, why: &str) -> Finding {
    let text = format!(
        "Its evidence cannot be computed: {why}. To arm it again: tripline alarms apply --job-id {job}"
    );
    Finding::new(job, EVIDENCE_UNUSABLE, text)
}
