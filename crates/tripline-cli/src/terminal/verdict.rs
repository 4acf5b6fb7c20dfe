//! What `apply` says at the end: what people should know, and whether the rollout is guarded.

use tripline::diagnostic::Diagnostic;
use tripline::stop::StopMode;
use tripline::text::excerpt;
use tripline_guard::verdict::{Verdict as Guarded, lift_command};

use super::armed::Tense;
use crate::aws::arming::guard::{Guard, Report};
use crate::exit::End;
use crate::input::notes;

/// What is said on stderr, in this order.
#[derive(Debug)]
pub struct Verdict {
    pub notes: Vec<Diagnostic>,
    pub result: String,
    /// What leaves the rollout without a guard, or with less of one than it seems.
    pub findings: Vec<Diagnostic>,
}

impl Verdict {
    pub fn of_arming(guard: &Guard, report: &Report, region: &str) -> Self {
        Self::in_tense(guard, report, region, Tense::of(guard))
    }

    /// The same, of what has not been done yet and is going to be.
    pub fn of_plan(guard: &Guard, report: &Report, region: &str) -> Self {
        Self::in_tense(guard, report, region, Tense::Will)
    }

    fn in_tense(guard: &Guard, report: &Report, region: &str, tense: Tense) -> Self {
        let job = &guard.job;
        let findings: Vec<_> =
            [unreached(guard, report), unheard(guard, report), mute(guard, report)]
                .into_iter()
                .chain([muted(guard, report)])
                .flatten()
                .collect();
        let findings = if findings.is_empty() {
            unguarded(guard, report).into_iter().collect()
        } else {
            findings
        };
        let stops = report.stops();
        let count = notes::alarms(report.plan.alarms.len());
        let mode = report.stopping.mode;
        // "Armed" would promise more than is there.
        let becomes = match (tense, stops && findings.is_empty()) {
            (Tense::Was, true) => format!("is armed in `{region}` with {count}"),
            (Tense::Will, true) => format!("will be armed in `{region}` with {count}"),
            (Tense::Would, true) => format!("would be armed in `{region}` with {count}"),
            (Tense::Was, false) => format!("has {count} in `{region}`"),
            (Tense::Will, false) => format!("will have {count} in `{region}`"),
            (Tense::Would, false) => format!("would have {count} in `{region}`"),
        };
        let result = format!("job `{job}` {becomes}, stop mode `{mode}`");
        Self { notes: notes_on(guard, report, region, tense), result, findings }
    }

    pub fn say(&self) {
        for note in &self.notes {
            eprintln!("{}", note.labeled("note"));
        }
        eprintln!("{}", self.result);
        for finding in &self.findings {
            eprintln!("{}", finding.labeled("finding"));
        }
    }

    pub fn end(&self) -> End {
        if self.findings.is_empty() { End::Done } else { End::Finding }
    }
}

fn notes_on(guard: &Guard, report: &Report, region: &str, tense: Tense) -> Vec<Diagnostic> {
    let mut notes: Vec<Diagnostic> = Vec::new();
    let stopping = &report.stopping;
    if stopping.mode == StopMode::Observe {
        let stack = &guard.stack;
        notes.push(
            Diagnostic::new(format!("stack `{stack}` observes only: nothing will be stopped"))
                .with_hint("deploy it with the parameter `StopMode=cancel`"),
        );
    }
    if guard.alert_only && !report.is_reached() {
        notes.push(notes::ONLY_ALERTS.into());
    }
    if !stopping.unconfirmed.is_empty() {
        let unconfirmed = stopping.unconfirmed.join(", ");
        notes.push(
            Diagnostic::new(format!("not confirmed, so nothing is sent to: {unconfirmed}"))
                .with_hint("follow the link in the e-mail from AWS Notifications"),
        );
    }
    if !report.plan.others.is_empty() {
        notes.push(format!(
            "alarms of this job that are not Tripline's, or another stack's, left as they are: {}",
            report.plan.others.join(", ")
        ).into());
    }
    if !report.plan.spared.is_empty() {
        notes.push(format!(
            "no alarm of the config can stop the rollout, so these stay: {}; the guard-keeper arms the stack's default guard beside them",
            report.plan.spared.join(", ")
        ).into());
    }
    for taken in &report.plan.taken {
        notes.push(format!(
            "another owner's alarm has the name `{}`, so it stays as it is; this job's alarm is called `{}`",
            excerpt(&taken.name),
            excerpt(&taken.instead)
        ).into());
    }
    if !report.job_events_were_on {
        let did = match tense {
            Tense::Was => "were off and are now",
            Tense::Will => "are off and will be",
            Tense::Would => "are off and would be",
        };
        let text = format!("AWS IoT job events {did} enabled, for the whole account in `{region}`");
        notes.push(text.into());
    }
    notes
}

/// Alarms that alert people, and none that stops the rollout.
fn unreached(guard: &Guard, report: &Report) -> Option<Diagnostic> {
    (!guard.alert_only && !report.is_reached()).then(notes::only_alerts)
}

/// Alarms notify a topic without a subscription.
fn unheard(guard: &Guard, report: &Report) -> Option<Diagnostic> {
    (report.is_reached() && !report.stopping.is_heard).then(|| {
        Diagnostic::new(format!(
            "no function is subscribed to `{}`, so no alarm can stop this rollout",
            report.stopping.topic
        ))
        .with_hint(format!(
            "`tripline doctor --stack {} --only stopper-subscribed` prints the command that subscribes the force-stopper",
            guard.stack
        ))
        .with_command(format!("tripline doctor --stack {} --only stopper-subscribed", guard.stack))
    })
}

/// Alarms whose actions a mute rule keeps from running: to make them again changes nothing.
fn muted(guard: &Guard, report: &Report) -> Option<Diagnostic> {
    let alarms = report.plan.alarms.iter();
    let (name, rule) =
        alarms.filter_map(|alarm| Some((&alarm.name, alarm.muted_by.as_ref()?))).next()?;
    let what = format!(
        "job `{}` is not guarded while the mute rule `{}` is active: it keeps the actions of `{}` from running",
        guard.job,
        excerpt(rule),
        excerpt(name)
    );
    Some(Diagnostic::new(what).with_hint("lift the rule").with_command(lift_command(rule)))
}

/// Whatever else leaves the job unguarded, by the alarms that are there now.
fn unguarded(guard: &Guard, report: &Report) -> Option<Diagnostic> {
    let Some(Guarded::Unguarded(why)) = report.verdict.as_ref().filter(|_| !guard.alert_only)
    else {
        return None;
    };
    let job = &guard.job;
    let hint = format!(
        "`tripline doctor --stack {} --job-id {job}` prints the command that fixes it",
        guard.stack
    );
    let command = format!("tripline doctor --stack {} --job-id {job}", guard.stack);
    let what = format!("job `{job}` is not guarded: {why}");
    Some(Diagnostic::new(what).with_hint(hint).with_command(command))
}

/// Alarms whose moment has passed.
fn mute(guard: &Guard, report: &Report) -> Option<Diagnostic> {
    let job = &guard.job;
    let mute: Vec<_> = report
        .plan
        .alarms
        .iter()
        .filter(|alarm| alarm.mute)
        .map(|alarm| format!("`{}`", alarm.name))
        .collect();
    (!mute.is_empty()).then(|| {
        Diagnostic::new(format!(
            "job `{job}` has alarms that are in ALARM already, so that their actions will not run again: {}",
            mute.join(", ")
        ))
        .with_hint(format!(
            "stop the rollout (`tripline stop --job-id {job}`), or remove its alarms (`tripline alarms remove --job-id {job} --force`) and apply again: CloudWatch evaluates new alarms from the start"
        ))
    })
}
