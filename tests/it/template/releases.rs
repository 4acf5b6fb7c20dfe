//! The state machine of releases, and what it and the schedule ask of the wave-runner.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use tripline::release::{MAX_WAVES, ReleaseId};
use wave_runner::settings::Settings;
use wave_runner::step::{Cause, Invocation, OfWave, Step};

use super::{Deployment, deployments, folder, has_releases, number, template};

/// Step Functions ends an execution with more events in its history.
const MOST_EVENTS: u64 = 25_000;
/// Step Functions ends a standard execution after so many seconds.
const YEAR: u64 = 365 * 86_400;

fn with_releases() -> Deployment {
    template().deploy(&[("Releases", "on")])
}

/// The definition as Step Functions gets it: every substitution is one that the template has, and the other way round.
fn definition(deployment: &Deployment) -> Value {
    let machine = deployment.properties("ReleaseMachine");
    let file = machine["DefinitionUri"].as_str().expect("a file");
    let mut text = std::fs::read_to_string(folder().join(file)).expect("a definition");
    for (name, value) in machine["DefinitionSubstitutions"].as_object().expect("substitutions") {
        let variable = format!("${{{name}}}");
        assert!(text.contains(&variable), "{variable} is nowhere");
        text = text.replace(&variable, value.as_str().expect("text"));
    }
    assert!(!text.contains("${"), "a substitution that the template does not have");
    serde_json::from_str(&text).expect("JSON")
}

/// Every state by its name, those of the map among them.
fn states(machine: &Value) -> Vec<(&str, &Value)> {
    let states = machine["States"].as_object().expect("states");
    assert!(states.contains_key(machine["StartAt"].as_str().expect("a start")));
    let mut all = Vec::new();
    for (name, state) in states {
        let choices = state["Choices"].as_array().into_iter().flatten();
        let catches = state["Catch"].as_array().into_iter().flatten();
        let leads = choices.chain(catches).map(|way| &way["Next"]);
        for next in leads.chain([&state["Next"], &state["Default"]]) {
            if let Some(next) = next.as_str() {
                assert!(states.contains_key(next), "{name} leads to `{next}`, which is nothing");
            }
        }
        all.push((name.as_str(), state));
        if state["Type"] == "Map" {
            all.extend(self::states(&state["ItemProcessor"]));
        }
    }
    all
}

fn tasks(machine: &Value) -> Vec<(&str, &Value)> {
    states(machine).into_iter().filter(|(_, state)| state["Type"] == "Task").collect()
}

fn waits(task: &Value) -> bool {
    task["Resource"].as_str().expect("a resource").ends_with(".waitForTaskToken")
}

/// Which errors, and how often they are tried again.
fn retries(task: &Value) -> Vec<(BTreeSet<&str>, u64)> {
    let retries = task["Retry"].as_array().expect("retries").iter();
    retries.map(|it| (super::texts(&it["ErrorEquals"]), number(&it["MaxAttempts"]))).collect()
}

#[test]
fn every_step_ends_in_time_and_is_tried_again() {
    let deployment = with_releases();
    let machine = definition(&deployment);
    let limit = number(&deployment.properties("WaveRunnerFunction")["Timeout"]);
    let tasks = tasks(&machine);
    assert_eq!(tasks.len(), 5);
    for (name, task) in tasks {
        let timeout = number(&task["TimeoutSeconds"]);
        assert!(timeout > limit, "{name}: the function may take {limit} s");
        assert_eq!(task["Parameters"]["FunctionName"], "<WaveRunnerFunction.Arn>", "{name}");
        assert_eq!(task["ResultPath"], Value::Null, "{name}: its answer replaces its input");
        assert!(task.as_object().is_some_and(|task| task.contains_key("ResultPath")), "{name}");
        let retries = retries(task);
        let (last, earlier) = retries.split_last().expect("retries");
        assert!(last.0 == BTreeSet::from(["States.ALL"]) && last.1 >= 10, "{name}: {last:?}");
        // What can never be done is not tried for an hour.
        let refused = earlier.iter().find(|(errors, _)| errors.contains("Tripline.Refused"));
        let is_end = name.starts_with("End");
        assert_eq!(refused.map(|(_, most)| *most), (!is_end).then_some(0), "{name}");
        let stopped = earlier.iter().find(|(errors, _)| errors.contains("Tripline.Stopped"));
        let stopped = stopped.map(|(_, most)| *most);
        assert_eq!(stopped, (!is_end).then_some(0), "{name}: a stop is the last word");
        if !waits(task) {
            assert_eq!(task["HeartbeatSeconds"], Value::Null, "{name}: nobody sends one");
            continue;
        }
        // The wave-runner looks each minute, and may be cut off.
        let heartbeat = number(&task["HeartbeatSeconds"]);
        assert!((limit + 300..=1_800).contains(&heartbeat), "{name}: {heartbeat} s");
        assert!(timeout <= 86_400 && heartbeat < timeout, "{name}");
        // Who waits longest is given a new token each day, and whatever nobody looks after another one.
        let again = earlier.iter().find(|(errors, _)| errors.contains("States.Timeout"));
        let (errors, most) = again.expect("a new token once one is too old");
        assert!(errors.contains("States.HeartbeatTimeout"), "{name}");
        assert!(most * timeout >= YEAR, "{name}: {most} tokens");
    }
}

#[test]
fn waves_go_one_after_another_and_what_fails_ends_the_release() {
    let machine = definition(&with_releases());
    let map = &machine["States"]["Waves"];
    assert_eq!(machine["StartAt"], "Waves");
    assert_eq!(map["MaxConcurrency"], 1);
    assert_eq!(map["ItemProcessor"]["ProcessorConfig"]["Mode"], "INLINE");
    assert_eq!(map["ToleratedFailurePercentage"], Value::Null, "one that fails ends all");
    let caught = json!([
        { "ErrorEquals": ["States.ALL"], "ResultPath": "$.failed", "Next": "EndStopped" }
    ]);
    assert_eq!(map["Catch"], caught);
    assert_eq!(map["Next"], "End");
    // It ends as failed, and not as a success of its clean-up.
    assert_eq!(machine["States"]["EndStopped"]["Next"], "Stopped");
    assert_eq!(machine["States"]["Stopped"]["Type"], "Fail");
    // A wave that asks for a person begins with one, and any other with its job.
    let wave = &map["ItemProcessor"];
    let asks = json!([{ "Variable": "$.approval", "BooleanEquals": true, "Next": "Approve" }]);
    assert_eq!(wave["States"]["NeedsApproval"]["Choices"], asks);
    let order: Vec<&Value> =
        ["Approve", "Begin", "Watch"].map(|name| &wave["States"][name]["Next"]).into();
    assert_eq!(json!(order), json!(["Begin", "Watch", null]));
    assert_eq!(wave["States"]["NeedsApproval"]["Default"], "Begin");
}

/// A payload with what its paths lead to.
fn filled(payload: &Value) -> Value {
    let entries = payload.as_object().expect("a payload").iter().map(|(key, value)| {
        let Some(name) = key.strip_suffix(".$") else { return (key.clone(), value.clone()) };
        let value = match value.as_str().expect("a path") {
            "$.release" => json!("fw-2-1"),
            "$.attempt" => json!(3),
            "$.wave" => json!(1),
            "$.failed" => json!({ "Error": "Tripline.Stopped", "Cause": "why" }),
            "$$.Task.Token" => json!("a-token"),
            other => panic!("{other}: no such path"),
        };
        (name.to_owned(), value)
    });
    entries.collect::<Map<_, _>>().into()
}

#[test]
fn every_payload_is_a_step_that_the_wave_runner_reads() {
    let machine = definition(&with_releases());
    let release = || ReleaseId::new("fw-2-1").unwrap();
    let of = || OfWave { release: release(), attempt: 3, wave: 1 };
    let token = || "a-token".to_owned();
    let end = |failed| Step::End { release: release(), attempt: 3, failed };
    let cause = Cause { error: "Tripline.Stopped".to_owned(), cause: "why".to_owned() };
    for (name, task) in tasks(&machine) {
        let expected = match name {
            "Approve" => Step::Approve { wave: of(), token: token() },
            "Begin" => Step::Begin { wave: of() },
            "Watch" => Step::Watch { wave: of(), token: token() },
            "End" => end(None),
            "EndStopped" => end(Some(cause.clone())),
            other => panic!("{other}: no such step"),
        };
        let payload = filled(&task["Parameters"]["Payload"]);
        let read: Invocation =
            serde_json::from_value(payload).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(read, Invocation::Step(expected), "{name}");
        // Whoever waits hands its token over.
        assert_eq!(waits(task), matches!(name, "Approve" | "Watch"), "{name}");
    }
    // What a wave's steps are filled from.
    let selector = json!({
        "release.$": "$.release",
        "attempt.$": "$.attempt",
        "wave.$": "$$.Map.Item.Index",
        "approval.$": "$$.Map.Item.Value.approval",
    });
    assert_eq!(machine["States"]["Waves"]["ItemSelector"], selector);
}

/// Of the history of an execution: what its waves, its tokens and all that is tried again come to, in the year that
/// Step Functions gives it. Nothing in it is asked again and again while a wave bakes.
#[test]
fn a_bake_of_a_year_fits_the_history() {
    /// Scheduled, started, submitted, and its end: by an answer, or by its time.
    const OF_TOKEN: u64 = 4;
    /// Entered and exited.
    const OF_STATE: u64 = 2;
    let machine = definition(&with_releases());
    let all = states(&machine);
    let of_states = OF_STATE * all.len() as u64 + 2;
    let (mut of_retries, mut tokens) = (0, 0);
    for (_, task) in tasks(&machine) {
        of_retries += OF_TOKEN * retries(task).last().map_or(0, |(_, most)| *most);
        if waits(task) {
            tokens = tokens.max(YEAR / number(&task["TimeoutSeconds"]) + 1);
        }
    }
    // A year has so many tokens, whatever number of waves they are of.
    assert_eq!(tokens, 366);
    let waves = MAX_WAVES as u64;
    let events = waves * (of_states + of_retries + OF_TOKEN) + OF_TOKEN * tokens;
    assert!(events < MOST_EVENTS / 2, "{events} events");
    let waiting = all.iter().filter(|(_, state)| state["Type"] == "Wait").count();
    assert_eq!(waiting, 0, "a state machine that polls");
}

#[test]
fn releases_are_there_when_they_are_switched_on() {
    let is_theirs = |name: &String| name.contains("Wave") || name.contains("Release");
    let off = template().deploy(&[]);
    assert!(!off.resources.keys().any(is_theirs) && !off.outputs.keys().any(is_theirs));
    let stopper = json!(off.properties("ForceStopperRole"));
    assert!(!stopper.to_string().contains("iot:UpdateJob"), "nothing is held without them");
    let on = with_releases();
    // Their table is that of the queue, which need not be on.
    assert_eq!(on.outputs["QueueTableName"]["Value"], "<QueueTable>");
    assert_eq!(on.properties("ReleaseMachine")["Type"], "STANDARD", "one that may take a year");
    assert_eq!(on.properties("ReleaseMachine")["Name"], "a-stack-releases");
    // Only where somebody proves that a rollout is held, it is held.
    for (deployment, holds) in [(&off, "off"), (&on, "on")] {
        let stopper = deployment.properties("ForceStopperFunction");
        assert_eq!(stopper["Environment"]["Variables"]["HOLDS"], holds);
    }
}

#[test]
fn the_wave_runner_looks_every_minute() {
    for (_, _, deployment) in deployments().filter(|(_, _, deployment)| has_releases(deployment)) {
        let schedule = deployment.properties("WaveRunnerSchedule");
        assert_eq!(schedule["ScheduleExpression"], "rate(1 minute)");
        assert_eq!(schedule["State"], "ENABLED");
        let [target] = schedule["Targets"].as_array().expect("targets").as_slice() else {
            panic!("one target");
        };
        assert_eq!(target["Arn"], "<WaveRunnerFunction.Arn>");
        let late = json!({ "MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60 });
        assert_eq!(target["RetryPolicy"], late);
        let input = serde_json::from_str(target["Input"].as_str().expect("text"));
        let minute = Invocation::Minute { minute: "<ReleaseMachine>".to_owned() };
        assert_eq!(input.ok(), Some(minute));
        // The next minute looks again, and the state machine tries again by itself.
        let runner = deployment.properties("WaveRunnerFunction");
        assert_eq!(runner["EventInvokeConfig"], late);
        assert_eq!(runner["ReservedConcurrentExecutions"], Value::Null, "a step never waits");
    }
}

/// The parameters reach the function under the names that it reads, with values that it takes.
#[test]
fn the_wave_runner_understands_its_settings() {
    for mode in ["cancel", "abort", "observe"] {
        let deployment = template().deploy(&[("Releases", "on"), ("StopMode", mode)]);
        let variables = &deployment.properties("WaveRunnerFunction")["Environment"]["Variables"];
        let read = |name: &str| variables[name].as_str().map(str::to_owned);
        let expected = Settings {
            stack: "a-stack".to_owned(),
            guards: "<GuardsTable>".to_owned(),
            releases: "<QueueTable>".to_owned(),
            email_topic: "<EmailTopic>".to_owned(),
            sms_topic: "<SmsTopic>".to_owned(),
            force_stop_topic: "<ForceStopTopic>".to_owned(),
            mode: mode.parse().unwrap(),
            // Shorter ones are for tests, and no template has them.
            minute: 60,
        };
        assert_eq!(Settings::from_environment(read), Ok(expected));
        assert_eq!(variables.as_object().map(Map::len), Some(7), "none that it does not read");
    }
}
