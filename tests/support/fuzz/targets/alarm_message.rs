//! What the force-stopper is invoked with: records of SNS, or the event of an alarm itself.

use force_stopper::settings::Settings;
use force_stopper::{Invocation, Stopper};
use lambda_runtime::Diagnostic;
use serde_json::Value;
use tripline::notification::{AlarmNotification, Subject, alarms_in_rule};

use super::super::no_aws::{NoAws, done};
use super::super::said::{ONE, is_fit, is_fit_line};
use super::super::{Shape, Target};

pub(super) const TARGET: Target = Target {
    name: "alarm-message",
    shape: Shape::Json,
    seeds: &["events/sns", "events/cloudwatch", "events/eventbridge", "events/sqs"],
    words: &[
        "ALARM",
        "jobId",
        "alarmData",
        "Trigger",
        "ExtendedStatistic",
        "detail-type",
        "TriggeringChildren",
    ],
    check,
};

fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let said = AlarmNotification::from_json(&text);
    assert_eq!(said, AlarmNotification::from_json(&text), "read twice");
    match &said {
        Ok(notification) => is_in_range(notification),
        Err(error) => is_fit_line(&error.to_string(), ONE),
    }
    // Names in a rule are parts of it, whatever it is.
    assert!(alarms_in_rule(&text).iter().all(|name| name.len() <= text.len()));
    let Ok(payload) = serde_json::from_slice::<Value>(input) else { return };
    for answers in [true, false] {
        assert_eq!(handled(&payload, answers), handled(&payload, answers), "handled twice");
    }
}

fn is_in_range(notification: &AlarmNotification) {
    let AlarmNotification { alarm, subject, rule, .. } = notification;
    assert!((1..=255).contains(&alarm.chars().count()) && !alarm.chars().any(char::is_control));
    if let Some(rule) = rule {
        is_fit_line(rule, ONE);
    }
    if let Subject::Metrics(watched) = subject {
        match watched.job() {
            Ok(job) => assert!((1..=64).contains(&job.as_str().len())),
            Err(why) => is_fit_line(&why.to_string(), ONE),
        }
    }
}

/// What the function answers and does.
fn handled(payload: &Value, answers: bool) -> (Option<(String, String)>, Vec<String>) {
    let aws = NoAws::new(answers);
    let stopper = Stopper::new(&aws, Settings::from_environment(NoAws::setting).unwrap());
    let function = "arn:aws:lambda:eu-west-1:111122223333:function:stop".to_owned();
    let invocation = Invocation { request: "1".to_owned(), function };
    let failed = done(stopper.handle(payload.clone(), &invocation)).err().map(|failed| {
        let Diagnostic { error_type, error_message } = failed.into();
        // It names five records at most.
        is_fit(&error_message, 5 * ONE);
        (error_type, error_message)
    });
    let done = aws.done.lock().unwrap().clone();
    (failed, done)
}
