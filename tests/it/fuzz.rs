//! Every reader of what others write, on the whole corpus and on a few inputs that nobody wrote. The long runs are
//! `make fuzz`.

use tripline_tests::fuzz::{Report, Run, Target, Until};

/// Reads the corpus and so many inputs made of it, always the same ones.
fn holds(target: &str, made: u64) {
    let target = Target::named(target).unwrap();
    let Report { cases, finding, .. } =
        Run { target, seed: 0, until: Until::Made(made) }.run().unwrap();
    if let Some(finding) = finding {
        let (failed, path) = (&finding.failed, finding.write(target).unwrap());
        panic!(
            "{}: case {} of {cases} failed at {}: {}\nthe input is in {}",
            target.name,
            finding.case,
            failed.place,
            failed.text,
            path.display()
        );
    }
}

#[test]
fn any_job_event_is_counted_or_refused_in_short() {
    holds("job-event", 400);
}

#[test]
fn any_alarm_message_stops_its_rollout_or_is_refused_in_short() {
    holds("alarm-message", 200);
}

#[test]
fn any_step_is_of_a_release_or_refused() {
    holds("release-step", 1_000);
}

#[test]
fn any_dev_ini_is_read_as_by_configparser_or_refused_on_purpose() {
    holds("dev-ini", 120);
}

#[test]
fn any_thing_list_is_read_as_it_was_written() {
    holds("thing-list", 1_000);
}

#[test]
fn any_recording_can_be_replayed() {
    holds("recording", 200);
}

#[test]
fn any_kept_config_can_be_kept_again() {
    holds("kept-config", 300);
}

#[test]
fn any_baseline_makes_limits_or_says_why_not() {
    holds("baseline", 300);
}
