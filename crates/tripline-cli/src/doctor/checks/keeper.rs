//! The guard-keeper, which sees to it that every job is guarded.

use tripline::alarm::Topic;
use tripline::metric::{NAMESPACE, STACK_NAMESPACE};
use tripline_guard::desired::DefaultGuard;

use crate::aws::arn::function_name;
use crate::aws::commands::quoted;
use crate::aws::policy::Invoker;
use crate::doctor::check::{About, Check, Fix};
use crate::doctor::facts::{Facts, FunctionConfiguration, Need};
use crate::doctor::result::{CheckResult, NotProven};

use super::functions::{judge_active, judge_environment, judge_errors};
use super::invoker::judge_only_invoker;
use super::rights::{
    FunctionWithRole, RequiredRight, guards_table, judge_function_role, right_on_jobs,
    right_on_own_alarms, right_to, right_to_publish, rights_to_key,
};

pub const CHECKS: &[Check] = &[
    Check {
        name: "keeper-active",
        about: About::Stack,
        proves: "the guard-keeper exists, its last update succeeded, and it has the timeout it needs",
        why: "a job that another tool creates would get no alarms",
        needs: &[Need::Keeper],
        judge: judge_keeper_active,
        fix: None,
    },
    Check {
        name: "schedule-can-invoke-keeper",
        about: About::Stack,
        proves: "only its schedule may invoke the guard-keeper",
        why: "without this right it never runs, and nothing fails; a wider right lets others exhaust its rate limits",
        needs: &[Need::Keeper],
        judge: |facts| judge_only_invoker(&facts.keeper.policy, &schedule_invoker(facts)?),
        fix: Some(Fix::KeeperPermission),
    },
    Check {
        name: "keeper-error-free",
        about: About::Stack,
        proves: "the guard-keeper had no error and no throttle in the last hour",
        why: "a job created in that time may have no alarms",
        needs: &[Need::Health],
        judge: |facts| {
            keeper_function(facts)?;
            judge_errors(facts, FUNCTION, "GuardKeeperLogGroup")
        },
        fix: None,
    },
    Check {
        name: "keeper-running",
        about: About::Stack,
        proves: "the guard-keeper's schedule is enabled: it logged in the last ten minutes",
        why: "while the schedule is disabled, new jobs get no alarms, and nothing fails",
        needs: &[Need::Health],
        judge: judge_keeper_running,
        fix: None,
    },
    Check {
        name: "keeper-configured",
        about: About::Stack,
        proves: "the guard-keeper has the topics and the table of this stack, and a default guard that stops",
        why: "it would give every job alarms that nobody receives, or none",
        needs: &[Need::Keeper],
        judge: judge_keeper_configured,
        fix: None,
    },
    Check {
        name: "evidence-clock",
        about: About::Stack,
        proves: "the guard-keeper counts a minute as 60 seconds",
        why: "it would compare limits in minutes with ages in another unit",
        needs: &[Need::Keeper],
        judge: judge_evidence_clock,
        fix: None,
    },
    Check {
        name: "keeper-role-sufficient",
        about: About::Stack,
        proves: "the guard-keeper has its role, with the rights to find jobs, maintain alarms, store state and alert people",
        why: "it would run every minute and arm nothing",
        needs: &[Need::Keeper, Need::KeeperRole],
        judge: judge_keeper_role_sufficient,
        fix: None,
    },
    Check {
        name: "no-unguarded-jobs",
        about: About::Stack,
        proves: "the guard-keeper reports no job in progress without a guard",
        why: "a rollout is in progress that nothing would stop",
        needs: &[Need::Health],
        judge: judge_no_unguarded_jobs,
        fix: None,
    },
];

/// Seconds within which a schedule that was just made begins, and CloudWatch has what was said.
const FRESH: i64 = 300;
const FUNCTION: &str = "GuardKeeperFunctionArn";

/// The guard-keeper's ARN.
pub fn keeper_function(facts: &Facts) -> Result<&str, NotProven> {
    match facts.stack.outputs.get(FUNCTION) {
        Some(arn) => Ok(arn),
        None => Err(NotProven::skipped("the stack has no guard-keeper")),
    }
}

fn environment(facts: &Facts) -> Result<&FunctionConfiguration, NotProven> {
    let runs = facts.keeper.runs.as_ref()?.as_ref();
    runs.ok_or_else(|| NotProven::elsewhere("the guard-keeper does not exist", "keeper-active"))
}

fn judge_keeper_active(facts: &Facts) -> CheckResult {
    let name = quoted(function_name(keeper_function(facts)?));
    // The template's reservation, so that two never work on the same alarms.
    let fix = format!(
        "aws lambda put-function-concurrency --function-name {name} --reserved-concurrent-executions 1   # with KeeperConcurrency=shared: aws lambda delete-function-concurrency --function-name {name}"
    );
    judge_active(facts, &facts.keeper, FUNCTION, &fix)
}

/// The schedule, as the guard-keeper has to let it in.
pub fn schedule_invoker(facts: &Facts) -> Result<Invoker<'_>, NotProven> {
    Ok(Invoker::schedule(keeper_function(facts)?, facts.stack.output("GuardKeeperScheduleArn")?))
}

fn judge_keeper_running(facts: &Facts) -> CheckResult {
    let function = keeper_function(facts)?;
    let health = facts.health.as_ref()?;
    if health.unguarded.is_some() {
        return Ok("in the last ten minutes".to_owned());
    }
    let schedule = facts.stack.outputs.get("GuardKeeperScheduleArn").map_or("", String::as_str);
    let name = quoted(schedule.rsplit('/').next().unwrap_or(schedule));
    let mut fix = format!(
        "aws events enable-rule --name {name}\naws events list-targets-by-rule --rule {name}   # expected: {function}"
    );
    let failed = |of: &std::collections::BTreeMap<String, f64>| of.get(function) > Some(&0.0);
    let fails = failed(&health.errors) || failed(&health.throttles);
    if fails {
        fix = format!("{}   # it runs and fails: see `keeper-error-free`", log(facts, "ERROR"));
    }
    match facts.stack.age {
        Some(age) if (0..FRESH).contains(&age) && !fails => Err(NotProven::Untold(format!(
            "the stack was deployed {age} s ago, and the guard-keeper has not logged yet: check again in five minutes"
        ))),
        _ => Err(NotProven::finding("the guard-keeper has logged nothing for ten minutes", fix)),
    }
}

/// The command that shows what the guard-keeper said.
fn log(facts: &Facts, pattern: &str) -> String {
    let log = facts.stack.outputs.get("GuardKeeperLogGroup").map_or("", String::as_str);
    format!(
        "aws logs filter-log-events --log-group-name {} --filter-pattern {pattern}",
        quoted(log)
    )
}

fn judge_keeper_configured(facts: &Facts) -> CheckResult {
    let function = keeper_function(facts)?;
    let runs = environment(facts)?;
    let stack = &facts.stack;
    let wanted = [
        ("STACK_NAME", stack.name.as_str()),
        ("GUARDS_TABLE", stack.output("GuardsTableName")?),
        ("EMAIL_TOPIC_ARN", stack.output("EmailTopicArn")?),
        ("SMS_TOPIC_ARN", stack.output("SmsTopicArn")?),
        ("FORCE_STOP_TOPIC_ARN", stack.output("ForceStopTopicArn")?),
    ];
    judge_environment("guard-keeper", function, runs, &wanted)?;
    let deploy = |parameter: &str| {
        let name = quoted(&stack.name);
        format!("sam deploy --stack-name {name} --parameter-overrides {parameter}=..")
    };
    default_guard(runs).map_err(|fault| {
        let what = format!("the default guard cannot be: {fault}");
        NotProven::finding(what, deploy(&fault.key))
    })?;
    // What the function takes where nothing is set.
    let topics = variable(runs, "DEFAULT_GUARD_TOPICS").unwrap_or("@email, @force-stop");
    let stops = |topic: &str| Topic::parse(topic.trim()) == Some(Topic::ForceStop);
    if topics.split(',').any(stops) {
        return Ok("this stack's".to_owned());
    }
    let what = format!(
        "the default guard stops nothing: its topics are `{}`",
        tripline::text::excerpt(topics)
    );
    let name = quoted(function_name(function));
    Err(NotProven::finding(
        what,
        format!(
            "aws lambda get-function-configuration --function-name {name}   # expected: `@force-stop` in DEFAULT_GUARD_TOPICS\naws cloudformation detect-stack-drift --stack-name {}",
            quoted(&stack.name)
        ),
    ))
}

/// The variable that makes minutes of evidence shorter, for tests. No template sets it.
const MINUTE: &str = "EVIDENCE_MINUTE_SECONDS";

fn judge_evidence_clock(facts: &Facts) -> CheckResult {
    let function = keeper_function(facts)?;
    let runs = environment(facts)?;
    let Some(seconds) = variable(runs, MINUTE) else { return Ok("60 s".to_owned()) };
    let mut variables = runs.environment.clone();
    variables.remove(MINUTE);
    let environment = serde_json::json!({ "Variables": variables });
    Err(NotProven::finding(
        format!(
            "the guard-keeper's `{MINUTE}` is `{}`: to its evidence that is a minute",
            tripline::text::excerpt(seconds)
        ),
        format!(
            "aws lambda update-function-configuration --function-name {} --environment {}",
            quoted(function),
            quoted(&environment.to_string())
        ),
    ))
}

/// The stack's default guard, as the guard-keeper reads it.
pub fn default_guard(
    runs: &FunctionConfiguration,
) -> Result<DefaultGuard, tripline_guard::desired::InvalidValue> {
    DefaultGuard::from_environment(Vec::new(), |name| variable(runs, name).map(str::to_owned))
}

/// To the function an empty value is as good as none.
fn variable<'a>(runs: &'a FunctionConfiguration, name: &str) -> Option<&'a str> {
    runs.environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

fn judge_keeper_role_sufficient(facts: &Facts) -> CheckResult {
    let runner = FunctionWithRole {
        arn: keeper_function(facts)?,
        function: &facts.keeper,
        role: &facts.keeper_role,
        role_arn: facts.stack.output("GuardKeeperRoleArn")?,
    };
    let keeps_events = variable(environment(facts)?, "KEEP_JOB_EVENTS") != Some("off");
    let all = required_rights(facts, keeps_events)?;
    judge_function_role(facts, &runner, &all)
}

/// Everything that the function asks of AWS.
fn required_rights(facts: &Facts, keeps_events: bool) -> Result<Vec<RequiredRight>, NotProven> {
    let stack = &facts.stack;
    let (partition, account, region) = (stack.partition(), stack.account(), &facts.region);
    let table = guards_table(facts)?;
    let mut all = vec![
        right_to("iot:ListJobs", "*"),
        right_to("iot:DescribeEventConfigurations", "*"),
        right_on_jobs("iot:DescribeJob", facts),
        right_on_jobs("iot:ListJobExecutionsForJob", facts),
        right_on_jobs("iot:ListTagsForResource", facts),
        right_to(
            "iot:ListThingsInThingGroup",
            format!("arn:{partition}:iot:{region}:{account}:thinggroup/*"),
        ),
        // Under any narrower resource CloudWatch leaves composite alarms out.
        right_to("cloudwatch:DescribeAlarms", "*"),
        right_on_own_alarms("cloudwatch:PutMetricAlarm", facts),
        right_on_own_alarms("cloudwatch:TagResource", facts),
        right_on_own_alarms("cloudwatch:ListTagsForResource", facts),
        right_on_own_alarms("cloudwatch:DeleteAlarms", facts),
        right_on_own_alarms("cloudwatch:SetAlarmState", facts),
        right_to("cloudwatch:ListAlarmMuteRules", "*"),
        right_to(
            "cloudwatch:GetAlarmMuteRule",
            format!("arn:{partition}:cloudwatch:{region}:{account}:alarm-mute-rule:*"),
        ),
        right_to("cloudwatch:GetMetricData", "*"),
        right_to_publish(STACK_NAMESPACE),
        right_to_publish(NAMESPACE),
        right_to("dynamodb:Scan", table.as_str()),
        right_to("dynamodb:BatchWriteItem", table.as_str()),
        right_to("dynamodb:PutItem", table),
        right_to("sns:Publish", stack.output("EmailTopicArn")?),
    ];
    if keeps_events {
        all.push(right_to("iot:UpdateEventConfigurations", "*"));
    }
    all.extend(rights_to_key(facts));
    Ok(all)
}

fn judge_no_unguarded_jobs(facts: &Facts) -> CheckResult {
    keeper_function(facts)?;
    match facts.health.as_ref()?.unguarded {
        None => Err(NotProven::elsewhere("the guard-keeper is silent", "keeper-running")),
        Some(0.0) => Ok("none".to_owned()),
        Some(jobs) => Err(NotProven::finding(
            format!("jobs in progress without a guard: {jobs:.0}"),
            log(facts, "job_unguarded"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::doctor::tests::sound::{KEEPER, policy, sound};

    /// What the template lets the function do is what it needs, and is what is checked.
    #[test]
    fn the_rights_are_the_template_s() {
        let template = include_str!("../../../../../templates/tripline.yaml");
        let (_, role) = template.split_once("PolicyName: guard-keeper").unwrap();
        let (role, _) = role.split_once("GuardKeeperLogs:").unwrap();
        let services = ["iot:", "cloudwatch:", "dynamodb:", "kms:", "sns:"];
        let action = |word: &str| {
            let (_, name) = word.split_once(':')?;
            let is_action = services.iter().any(|service| word.starts_with(service))
                && name.starts_with(|c: char| c.is_ascii_uppercase());
            is_action.then(|| word.to_owned())
        };
        let words = role.split(|c: char| c.is_whitespace() || "[],".contains(c));
        let allowed: BTreeSet<String> = words.filter_map(action).collect();
        let wanted = required_rights(&sound(), true).unwrap();
        let checked: BTreeSet<String> =
            wanted.iter().map(|wanted| wanted.action.to_owned()).collect();
        assert_eq!(checked, allowed);
    }

    #[test]
    fn each_of_its_rights_is_missed() {
        for wanted in required_rights(&sound(), true).unwrap() {
            let RequiredRight { action, resource, .. } = &wanted;
            let mut facts = sound();
            let role = facts.keeper_role.as_mut().unwrap().as_mut().unwrap();
            role.policy = policy(&format!(
                r#"{{"Effect":"Allow","Action":"*","Resource":"*"}},{{"Effect":"Deny","Action":"{action}","Resource":"*"}}"#
            ));
            let Err(NotProven::Finding { what, .. }) = super::judge_keeper_role_sufficient(&facts)
            else {
                panic!("{action}")
            };
            assert!(what.contains(&format!("`{action}` on `{resource}`")), "{what}");
        }
    }

    /// Who sees to job events himself takes the right away with the parameter.
    #[test]
    fn where_job_events_are_left_to_the_operator_their_right_is_not_needed() {
        let mut facts = sound();
        facts.keeper_role.as_mut().unwrap().as_mut().unwrap().policy = policy(
            r#"{"Effect":"Allow","NotAction":"iot:UpdateEventConfigurations","Resource":"*"}"#,
        );
        assert!(matches!(
            super::judge_keeper_role_sufficient(&facts),
            Err(NotProven::Finding { .. })
        ));
        let runs = facts.keeper.runs.as_mut().unwrap().as_mut().unwrap();
        runs.environment.insert("KEEP_JOB_EVENTS".to_owned(), "off".to_owned());
        assert!(super::judge_keeper_role_sufficient(&facts).is_ok());
    }

    #[test]
    fn a_keeper_that_is_silent_because_it_fails_is_no_matter_of_its_schedule() {
        let fix = |facts: &Facts| match judge_keeper_running(facts) {
            Err(NotProven::Finding { fix, .. }) => fix,
            other => panic!("{other:?}"),
        };
        let mut facts = sound();
        facts.health.as_mut().unwrap().unguarded = None;
        assert!(fix(&facts).starts_with("aws events enable-rule --name keeper\n"));
        facts.health.as_mut().unwrap().errors = [(KEEPER.to_owned(), 3.0)].into();
        assert!(fix(&facts).contains("see `keeper-error-free`"), "{}", fix(&facts));
    }
}
