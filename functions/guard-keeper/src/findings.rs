//! What people are alerted to, of a job's guard.

use tripline::text::excerpt;
use tripline_guard::desired::{ConfigFault, Purpose, Tagged};
use tripline_guard::reconcile::Reconciled;
use tripline_guard::verdict::{Why, WhyNot, lift_command};

use crate::finding::{Finding, OPTED_OUT, OPTED_OUT_LATE, UNGUARDED};

/// What is to be said of a job: of a fault that leaves it unguarded, and of all that is otherwise than
/// somebody meant it.
pub(crate) fn findings_of(
    guard: &Reconciled,
    fault: Option<&str>,
    tagged: Option<&Tagged>,
) -> Vec<Finding> {
    let job = &guard.job;
    let mut findings = Vec::new();
    let mut say = |case, text| findings.push(Finding::new(job, case, text));
    if let Some(fault) = tagged.and_then(|tagged| tagged.faults.first()) {
        say("tag_invalid", format!("A tag cannot be used: {fault}."));
    }
    if let Some(fault) = fault {
        let (case, fix) = match (guard.purpose, guard.fault()) {
            (Purpose::AlertUntilTagsAreRead, _) => (
                "tags_unreadable",
                " Until they can be read, its alarms send e-mail and stop nothing: see the errors of the guard-keeper."
                    .to_owned(),
            ),
            (_, Some(Why::Alarm(_, WhyNot::Muted(rule)))) => {
                ("muted", format!(" To lift the rule: {}", lift_command(&rule)))
            }
            _ => (UNGUARDED, String::new()),
        };
        say(case, format!("Not guarded: {fault}.{fix}"));
    }
    if let [first, ..] = guard.taken.as_slice() {
        let names: Vec<String> =
            guard.taken.iter().map(|taken| format!("`{}`", excerpt(&taken.name))).collect();
        say(
            "name_taken",
            format!(
                "A foreign alarm has a name of its guard: {}. Its own alarm is called `{}`.",
                names.join(", "),
                excerpt(&first.instead)
            ),
        );
    }
    match guard.config_fault {
        None => {}
        Some(ConfigFault::Unreadable) => say(
            "config_unreadable",
            format!(
                "The config that it was armed with cannot be read, so it has the stack's default guard. To arm it again: tripline alarms apply --job-id {job}"
            ),
        ),
        Some(ConfigFault::CannotStop) => say(
            "config_cannot_stop",
            format!(
                "No alarm of the config that it was armed with can stop it, so it has the stack's default guard too. To accept that: tripline alarms apply --alert-only --job-id {job}"
            ),
        ),
    }
    if guard.purpose == Purpose::OptedOut {
        say(
            OPTED_OUT,
            "Its tag tripline:guard is off, so this stack does not guard it.".to_owned(),
        );
    } else if tagged.is_some_and(|tagged| tagged.opted_out_late) {
        say(
            OPTED_OUT_LATE,
            format!(
                "Its tag tripline:guard was set to off after it began, so its guard stays. A config of its own changes it: tripline alarms apply --job-id {job}"
            ),
        );
    }
    findings
}
