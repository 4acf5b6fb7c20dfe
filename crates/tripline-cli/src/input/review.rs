//! What deserves a look in a config without faults: `config check` and `deploy` say the same.

use tripline::faults::Fault;
use tripline_config::{Misfits, Remark, Review};
use tripline_guard::coverage::{Coverage, Shortfall, Status};

use super::alarms::NO_ALARMS;
use super::deployment::Input;
use super::notes;
use super::planned::too_few;

/// What the command line says is meant.
#[derive(Debug, Clone, Copy, Default)]
pub struct Meant {
    /// No alarm stops the rollout.
    pub alert_only: bool,
    /// A config without alarms is left to the stack's default guard.
    pub default_guard: bool,
}

/// What a config and its files give cause to say of a job in this Region, whatever the stack.
pub fn of_config(input: &Input, region: &str, meant: Meant) -> Review {
    let mut review = input.config.review(&input.things);
    review.findings.extend(input.misfits(region).findings.into_iter().map(Remark::from));
    review.findings.extend(of_document(input, region));
    review.findings.extend(guard(input, meant));
    review
}

/// Buckets of the job document that are elsewhere.
fn of_document(input: &Input, region: &str) -> Vec<Remark> {
    let Some(own) = &input.own else { return Vec::new() };
    let findings = Misfits::of_document(&own.text, region).findings.into_iter();
    let text = |fault: Fault| match fault.line {
        Some(line) => format!("{}:{line}: {}", own.name, fault.text),
        None => format!("{}: {}", own.name, fault.text),
    };
    findings.map(|fault| Remark { text: text(fault), ..Remark::default() }).collect()
}

/// Whether anything guards the rollout.
fn guard(input: &Input, meant: Meant) -> Vec<Remark> {
    let alarms = input.alarms();
    let line = input.config.lines.of("ALARM_CONFIG", "alarmList");
    let mut findings = Vec::new();
    if alarms.is_empty() && !meant.default_guard {
        findings.push(Remark {
            line,
            text: NO_ALARMS.0.to_owned(),
            hint: Some(NO_ALARMS.1.to_owned()),
        });
    }
    if !alarms.is_empty() && !alarms.iter().any(notes::may_stop) && !meant.alert_only {
        let first = input.config.alarms.alarms.first();
        let topics_of = |name| input.config.lines.of(&format!("ALARM_CONFIG_{name}"), "snsTopics");
        findings.push(Remark {
            line: first.and_then(|alarm| topics_of(&alarm.name)),
            text: notes::ONLY_ALERTS.to_owned(),
            hint: Some(
                "add `@force-stop` to `snsTopics`, or accept it with `--alert-only`".to_owned(),
            ),
        });
    }
    let unlisted = notes::not_armed(&input.config.alarms);
    findings.extend(unlisted.map(|text| Remark { line, text, hint: None }));
    findings
}

/// That nobody has said which job devices can be taken back to.
pub fn no_fallback(input: &Input) -> Option<Remark> {
    input.config.fallback.is_none().then(|| Remark {
        line: None,
        text: "no `fallback`: if the rollout is stopped, the alert does not name the release to revert to"
            .to_owned(),
        hint: Some(
            "set `fallback` in `[DEFAULT]` to the job of the last release that succeeded".to_owned(),
        ),
    })
}

/// Each way to go wrong of which nobody would hear, unless there are so few devices that nobody could. What is said
/// of an alarm already is not said again.
pub fn add_uncovered(coverage: &Coverage, review: &mut Review) {
    let few = too_few(coverage).map(|text| Remark { text, ..Remark::default() });
    review.notes.extend(few);
    if coverage.status == Status::TooFewDevices {
        return;
    }
    let said: Vec<String> = review.findings.iter().map(|finding| finding.text.clone()).collect();
    for way in coverage.uncovered().filter(|way| !coverage.lacks_only_devices(*way)) {
        let is_new = |shortfall: &&Shortfall| {
            let by = shortfall.by.as_deref().map(|by| format!("alarm `{by}`"));
            !by.is_some_and(|by| said.iter().any(|text| text.contains(&by)))
        };
        let new: Vec<&Shortfall> = coverage.of(way).shortfalls.iter().filter(is_new).collect();
        let reasons: Vec<String> = new.iter().map(ToString::to_string).collect();
        let because =
            if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join("; ")) };
        review.findings.push(Remark {
            line: None,
            text: format!("nothing covers {}{because}", way.devices()),
            hint: new.iter().find_map(|shortfall| shortfall.reason.fix(None)),
        });
    }
}
