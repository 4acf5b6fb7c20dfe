//! The functions: whether they can run, have run without errors, and keep what they fail at.

use crate::aws::arn::function_name;
use crate::aws::commands::quoted;
use crate::doctor::check::{About, Check};
use crate::doctor::facts::{Facts, Function, FunctionConfiguration, Need};
use crate::doctor::result::{CheckResult, NotProven};

pub const GENERATOR: &[Check] = &[
    Check {
        name: "generator-active",
        about: About::Stack,
        proves: "the metrics-generator exists, its last update succeeded, and it has the timeout it needs",
        why: "without this function no event becomes a metric",
        needs: &[Need::Generator],
        judge: |facts| judge_runnable(facts, &facts.generator, "MetricsGeneratorFunctionArn"),
        fix: None,
    },
    Check {
        name: "generator-error-free",
        about: About::Stack,
        proves: "the metrics-generator had no error and no throttle in the last hour",
        why: "while it fails, alarms miss failures of devices",
        needs: &[Need::Health],
        judge: |facts| {
            judge_errors(facts, "MetricsGeneratorFunctionArn", "MetricsGeneratorLogGroup")
        },
        fix: None,
    },
    Check {
        name: "generator-has-failure-destination",
        about: About::Stack,
        proves: "Lambda sends events that the metrics-generator fails on to the undelivered queue",
        why: "Lambda would drop these events after two retries",
        needs: &[Need::Generator],
        judge: |facts| {
            judge_failure_destination(facts, &facts.generator, "MetricsGeneratorFunctionArn")
        },
        fix: None,
    },
];

pub const STOPPER: &[Check] = &[
    Check {
        name: "stopper-active",
        about: About::Stack,
        proves: "the force-stopper exists, its last update succeeded, and it has the timeout it needs",
        why: "without this function an alarm stops nothing",
        needs: &[Need::Stopper],
        judge: |facts| judge_runnable(facts, &facts.stopper, "ForceStopperFunctionArn"),
        fix: None,
    },
    Check {
        name: "stopper-error-free",
        about: About::Stack,
        proves: "the force-stopper had no error and no throttle in the last hour",
        why: "a stop may have failed",
        needs: &[Need::Health],
        judge: |facts| judge_errors(facts, "ForceStopperFunctionArn", "ForceStopperLogGroup"),
        fix: None,
    },
    Check {
        name: "stopper-has-failure-destination",
        about: About::Stack,
        proves: "Lambda sends stops that the force-stopper fails on to the undelivered queue",
        why: "nobody would learn that a stop failed",
        needs: &[Need::Stopper],
        judge: |facts| judge_failure_destination(facts, &facts.stopper, "ForceStopperFunctionArn"),
        fix: None,
    },
];

/// Whether a function can run for which nothing is reserved.
fn judge_runnable(facts: &Facts, function: &Function, output: &'static str) -> CheckResult {
    let name = quoted(function_name(facts.stack.output(output)?));
    let fix = format!("aws lambda delete-function-concurrency --function-name {name}");
    judge_active(facts, function, output, &fix)
}

/// Whether a function can run; `release` is the command that lets it if somebody has stopped it.
pub fn judge_active(
    facts: &Facts,
    function: &Function,
    output: &'static str,
    release: &str,
) -> CheckResult {
    let arn = facts.stack.output(output)?;
    let name = quoted(function_name(arn));
    let Some(runs) = function.runs.as_ref()? else {
        let fix = format!(
            "aws cloudformation detect-stack-drift --stack-name {}",
            quoted(&facts.stack.name)
        );
        return Err(NotProven::finding(
            format!("there is no function `{}`", function_name(arn)),
            fix,
        ));
    };
    let FunctionConfiguration { state, last_update, reason, .. } = runs;
    let look = format!("aws lambda get-function --function-name {name}");
    // A function that has been idle for weeks wakes up when it is invoked.
    if !matches!(state.as_str(), "Active" | "Inactive") {
        return Err(NotProven::finding(
            format!("it is `{state}` (expected `Active`){}", because(reason)),
            look,
        ));
    }
    if last_update != "Successful" {
        let what = format!(
            "its last update is `{last_update}` (expected `Successful`){}",
            because(reason)
        );
        return Err(NotProven::finding(what, look));
    }
    if runs.reserved == Some(0) {
        return Err(NotProven::finding("its reserved concurrency is 0, so it never runs", release));
    }
    let needed = settings(facts, output).timeout;
    if runs.timeout < needed {
        let what = format!("it is ended after {} s (expected {needed})", runs.timeout);
        let fix = format!(
            "aws lambda update-function-configuration --function-name {name} --timeout {needed}"
        );
        return Err(NotProven::finding(what, fix));
    }
    Ok(state.clone())
}

/// What the template gives a function.
struct Settings {
    /// Seconds that it may take.
    timeout: i32,
    /// Seconds after which it is not tried again.
    event_age: i32,
}

/// Twice more an event is tried.
const RETRIES: i32 = 2;

fn settings(facts: &Facts, output: &str) -> Settings {
    let (timeout, event_age) = match output {
        "ForceStopperFunctionArn" => (410, 3_600),
        "GuardKeeperFunctionArn" => (55, 60),
        "WaveRunnerFunctionArn" => (300, 60),
        _ if facts.stack.is_batched() => (60, 10_800),
        _ => (30, 10_800),
    };
    Settings { timeout, event_age }
}

fn because(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {}", tripline::text::excerpt(reason)) }
}

/// Whether a function failed.
pub fn judge_errors(facts: &Facts, output: &'static str, log: &'static str) -> CheckResult {
    let arn = facts.stack.output(output)?;
    let health = facts.health.as_ref()?;
    let count = |of: &std::collections::BTreeMap<String, f64>| of.get(arn).copied().unwrap_or(0.0);
    let (errors, throttles) = (count(&health.errors), count(&health.throttles));
    if errors == 0.0 && throttles == 0.0 {
        return Ok("none in the last hour".to_owned());
    }
    let log = facts.stack.outputs.get(log).map_or("/aws/lambda", String::as_str);
    let fix = format!(
        r#"aws logs filter-log-events --log-group-name {} --filter-pattern ERROR"#,
        quoted(log)
    );
    Err(NotProven::finding(
        format!("{errors:.0} errors and {throttles:.0} throttles in the last hour"),
        fix,
    ))
}

fn judge_failure_destination(
    facts: &Facts,
    function: &Function,
    output: &'static str,
) -> CheckResult {
    let arn = facts.stack.output(output)?;
    let queue = facts.stack.output("UndeliveredQueueArn")?;
    let what = match function.on_failure.as_ref()? {
        Some(destination) if destination == queue => return Ok("the undelivered queue".to_owned()),
        Some(destination) => format!("its OnFailure destination is `{destination}`"),
        None => "it has no OnFailure destination, so Lambda drops what it fails on".to_owned(),
    };
    // As a whole: there may be nothing that could be updated.
    let age = settings(facts, output).event_age;
    let destination = format!(r#"{{"OnFailure":{{"Destination":"{queue}"}}}}"#);
    Err(NotProven::finding(
        what,
        format!(
            "aws lambda put-function-event-invoke-config --function-name {} --qualifier {} --maximum-retry-attempts {RETRIES} --maximum-event-age-in-seconds {age} --destination-config {}",
            quoted(function_name(arn)),
            quoted("$LATEST"),
            quoted(&destination)
        ),
    ))
}

/// Whether a function's environment says what the stack says.
pub fn judge_environment(
    whose: &str,
    arn: &str,
    runs: &FunctionConfiguration,
    wanted: &[(&str, &str)],
) -> Result<(), NotProven> {
    let mut wrong = Vec::new();
    let mut variables = runs.environment.clone();
    for (variable, wanted) in wanted {
        let found =
            variables.insert((*variable).to_owned(), (*wanted).to_owned()).unwrap_or_default();
        if found != *wanted {
            let found = tripline::text::excerpt(&found);
            wrong.push(format!("the {whose}'s `{variable}` is `{found}`, the stack's `{wanted}`"));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let environment = serde_json::json!({ "Variables": variables });
    let fix = format!(
        "aws lambda update-function-configuration --function-name {} --environment {}",
        quoted(arn),
        quoted(&environment.to_string())
    );
    Err(NotProven::finding(wrong.join("; "), fix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::tests::sound::sound;

    #[test]
    fn the_settings_are_the_template_s() {
        let template = include_str!("../../../../../templates/tripline.yaml");
        let function = |name: &str| {
            let (_, function) = template.split_once(&format!("\n  {name}Function:\n")).unwrap();
            function.split_once(&format!("\n  {name}Role:\n")).unwrap().0
        };
        let mut facts = sound();
        let batched = settings(&facts, "MetricsGeneratorFunctionArn");
        facts.stack.outputs.remove("Ingest");
        for name in ["MetricsGenerator", "ForceStopper", "GuardKeeper", "WaveRunner"] {
            let Settings { timeout, event_age } = settings(&facts, &format!("{name}FunctionArn"));
            let timeout = match name {
                "MetricsGenerator" => format!("!If [IsBatched, {}, {timeout}]", batched.timeout),
                _ => timeout.to_string(),
            };
            let function = function(name);
            assert!(function.contains(&format!("Timeout: {timeout}\n")), "{name}");
            let age = format!("MaximumEventAgeInSeconds: {event_age}\n");
            assert!(function.contains(&age), "{name}");
            let retries = format!("MaximumRetryAttempts: {RETRIES}\n");
            let is_of_minutes = ["GuardKeeper", "WaveRunner"].contains(&name);
            assert!(is_of_minutes || function.contains(&retries), "{name}");
        }
    }
}
