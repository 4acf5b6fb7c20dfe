//! The wave-runner, which takes releases from wave to wave, on a stack with `Releases=on`.

use tripline::evidence::Record;
use tripline::release::State;
use tripline::release::hold::HOLDS;
use tripline_guard::ownership::STACK_TAG;
use tripline_policy::{Decision, Request};

use crate::aws::arn::function_name;
use crate::aws::commands::quoted;
use crate::aws::policy::Invoker;
use crate::doctor::check::{About, Check, Fix};
use crate::doctor::facts::{Facts, Need};
use crate::doctor::result::{CheckResult, NotProven};

use super::functions::{judge_active, judge_environment, judge_errors};
use super::invoker::judge_only_invoker;
use super::rights::{
    FunctionWithRole, RequiredRight, guards_table, judge_function_role, right_on_jobs, right_to,
    rights_to_key, unlike_names,
};

pub const CHECKS: &[Check] = &[
    Check {
        name: "runner-active",
        about: About::Releases,
        proves: "the wave-runner exists, its last update succeeded, and it has the timeout it needs",
        why: "no wave of a release would begin",
        needs: &[Need::Runner],
        judge: judge_runner_active,
        fix: None,
    },
    Check {
        name: "schedule-can-invoke-runner",
        about: About::Releases,
        proves: "only its schedule may invoke the wave-runner; the state machine uses its own role",
        why: "without this right nothing checks a gate; a wider right lets others advance releases",
        needs: &[Need::Runner],
        judge: |facts| judge_only_invoker(&facts.runner.policy, &runner_invoker(facts)?),
        fix: Some(Fix::RunnerPermission),
    },
    Check {
        name: "runner-error-free",
        about: About::Releases,
        proves: "the wave-runner had no error and no throttle in the last hour",
        why: "a release may wait for a gate that nothing checks",
        needs: &[Need::Health],
        judge: |facts| {
            runner_function(facts)?;
            judge_errors(facts, FUNCTION, "WaveRunnerLogGroup")
        },
        fix: None,
    },
    Check {
        name: "runner-running",
        about: About::Releases,
        proves: "the wave-runner's schedule is enabled: it ran every minute of the last ten",
        why: "while the schedule is disabled no release goes on, and nothing checks held rollouts",
        needs: &[Need::Health],
        judge: judge_runner_running,
        fix: None,
    },
    Check {
        name: "runner-configured",
        about: About::Releases,
        proves: "the wave-runner has the topics, tables and stop mode of this stack, and minutes of 60 s",
        why: "it would arm waves with alarms that nobody receives, or find no release",
        needs: &[Need::Runner],
        judge: judge_runner_configured,
        fix: None,
    },
    Check {
        name: "runner-role-sufficient",
        about: About::Releases,
        proves: "the wave-runner has its role, with the rights to arm, create, check and stop waves, and to alert people",
        why: "a release would begin and end at the first call that AWS refuses",
        needs: &[Need::Runner, Need::RunnerRole],
        judge: judge_runner_role_sufficient,
        fix: None,
    },
    Check {
        name: "runner-creates-only-waves",
        about: About::Releases,
        proves: "the wave-runner's role may only create jobs named `wave-..` with this stack's tag",
        why: "whoever changes a release could roll out anything under any name",
        needs: &[Need::RunnerRole],
        judge: judge_runner_creates_only_waves,
        fix: None,
    },
];

const FUNCTION: &str = "WaveRunnerFunctionArn";
/// How many of the last ten minutes it has to have run in: CloudWatch is a minute or two late.
const LEAST_MINUTES: usize = 5;
/// Seconds within which a schedule that was just made begins, and CloudWatch has seen so many minutes.
const FRESH: i64 = 600;
/// The key of the tag that a request to create a wave has.
const TAG_KEY: &str = "aws:RequestTag/tripline:stack";
/// The variable that makes minutes shorter, for tests. No template sets it.
const MINUTE: &str = "EVIDENCE_MINUTE_SECONDS";

/// Whether the stack takes releases out.
pub fn has_releases(facts: &Facts) -> bool {
    facts.stack.outputs.contains_key(FUNCTION)
}

fn runner_function(facts: &Facts) -> Result<&str, NotProven> {
    let arn = facts.stack.outputs.get(FUNCTION).map(String::as_str);
    arn.ok_or_else(|| NotProven::skipped("the stack takes no releases out (`Releases=off`)"))
}

fn judge_runner_active(facts: &Facts) -> CheckResult {
    let name = quoted(function_name(runner_function(facts)?));
    let fix = format!("aws lambda delete-function-concurrency --function-name {name}");
    judge_active(facts, &facts.runner, FUNCTION, &fix)
}

/// The schedule, as the wave-runner has to let it in.
pub fn runner_invoker(facts: &Facts) -> Result<Invoker<'_>, NotProven> {
    let invoker =
        Invoker::schedule(runner_function(facts)?, facts.stack.output("WaveRunnerScheduleArn")?);
    Ok(Invoker { statement: "tripline-wave-runner", ..invoker })
}

fn judge_runner_running(facts: &Facts) -> CheckResult {
    let function = runner_function(facts)?;
    let minutes = facts.health.as_ref()?.runner_minutes;
    if minutes >= LEAST_MINUTES {
        return Ok("minute after minute".to_owned());
    }
    if let Some(age) = facts.stack.age.filter(|age| (0..FRESH).contains(age)) {
        return Err(NotProven::Untold(format!(
            "the stack was deployed {age} s ago, and its schedule may just have begun: ask again in ten minutes"
        )));
    }
    let schedule = facts.stack.output("WaveRunnerScheduleArn")?;
    let name = quoted(schedule.rsplit('/').next().unwrap_or(schedule));
    Err(NotProven::finding(
        format!("the wave-runner ran in {minutes} of the last ten minutes"),
        format!(
            "aws events enable-rule --name {name}\naws events list-targets-by-rule --rule {name}   # expected: {function}"
        ),
    ))
}

fn judge_runner_configured(facts: &Facts) -> CheckResult {
    let function = runner_function(facts)?;
    let Some(runs) = facts.runner.runs.as_ref()? else {
        return Err(NotProven::elsewhere("the wave-runner does not exist", "runner-active"));
    };
    let stack = &facts.stack;
    let wanted = [
        ("STACK_NAME", stack.name.as_str()),
        ("GUARDS_TABLE", stack.output("GuardsTableName")?),
        ("QUEUE_TABLE", stack.output("QueueTableName")?),
        ("EMAIL_TOPIC_ARN", stack.output("EmailTopicArn")?),
        ("SMS_TOPIC_ARN", stack.output("SmsTopicArn")?),
        ("FORCE_STOP_TOPIC_ARN", stack.output("ForceStopTopicArn")?),
        ("STOP_MODE", stack.output("StopMode")?),
    ];
    // To the function an empty value is as good as none, and as what is expected here.
    let minute = runs.environment.get(MINUTE).map(|_| (MINUTE, ""));
    let wanted: Vec<_> = wanted.into_iter().chain(minute).collect();
    judge_environment("wave-runner", function, runs, &wanted)?;
    Ok("this stack's".to_owned())
}

fn judge_runner_role_sufficient(facts: &Facts) -> CheckResult {
    let runner = FunctionWithRole {
        arn: runner_function(facts)?,
        function: &facts.runner,
        role: &facts.runner_role,
        role_arn: facts.stack.output("WaveRunnerRoleArn")?,
    };
    judge_function_role(facts, &runner, &required_rights(facts)?)
}

/// Everything that the function asks of AWS, but for passing the roles that a release names: which those are,
/// only its config says.
fn required_rights(facts: &Facts) -> Result<Vec<RequiredRight>, NotProven> {
    let stack = &facts.stack;
    let (partition, account, region) = (stack.partition(), stack.account(), &facts.region);
    let iot = |resource: &str| format!("arn:{partition}:iot:{region}:{account}:{resource}");
    let alarm = |name: &str| format!("arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}");
    let on_any = |action: &'static str, resource: String| RequiredRight {
        names: unlike_names().collect(),
        ..right_to(action, resource)
    };
    let on_waves = |action: &'static str| RequiredRight {
        context: vec![(TAG_KEY, stack.name.clone())],
        ..on_any(action, iot("job/wave-*"))
    };
    let guards = guards_table(facts)?;
    let releases = stack.output("QueueTableArn")?;
    let item = |action: &'static str, table: &str, key: &str| RequiredRight {
        names: if key.ends_with('*') { unlike_names().collect() } else { Vec::new() },
        context: vec![("dynamodb:LeadingKeys", key.to_owned())],
        ..right_to(action, table)
    };
    let mut all = vec![
        on_waves("iot:CreateJob"),
        on_waves("iot:TagResource"),
        on_any("iot:CreateJob", iot("thing/*")),
        on_any("iot:CreateJob", iot("thinggroup/*")),
        right_on_jobs("iot:DescribeJob", facts),
        right_on_jobs("iot:CancelJob", facts),
        right_on_jobs("iot:ListTagsForResource", facts),
        on_any("iot:DeleteThingGroup", iot("thinggroup/tripline-wave-*")),
        // A list is asked for, and not an alarm by its name.
        right_to("cloudwatch:DescribeAlarms", alarm("*")),
        on_any("cloudwatch:DescribeAlarmHistory", alarm("tripline-wave-*")),
        on_any("cloudwatch:PutMetricAlarm", alarm("tripline-wave-*")),
        on_any("cloudwatch:TagResource", alarm("tripline-wave-*")),
        item("dynamodb:PutItem", &guards, "wave-*"),
        item("dynamodb:GetItem", &guards, &format!("{}*", Record::KEY_PREFIX)),
        item("dynamodb:GetItem", &guards, HOLDS),
        item("dynamodb:UpdateItem", &guards, HOLDS),
        item("dynamodb:GetItem", releases, State::QUEUE),
        item("dynamodb:GetItem", releases, State::PLANS),
        item("dynamodb:GetItem", releases, State::APPROVALS),
        item("dynamodb:PutItem", releases, State::QUEUE),
        right_to("sns:Publish", stack.output("EmailTopicArn")?),
        right_to("sns:Publish", stack.output("SmsTopicArn")?),
    ];
    let machine = stack.output("ReleaseMachineArn")?;
    all.extend(
        [
            "states:ListExecutions",
            "states:SendTaskSuccess",
            "states:SendTaskFailure",
            "states:SendTaskHeartbeat",
        ]
        .map(|action| right_to(action, machine)),
    );
    all.extend(rights_to_key(facts));
    Ok(all)
}

/// What it must not be allowed: a job of any other name, and a wave with another stack's tag.
fn judge_runner_creates_only_waves(facts: &Facts) -> CheckResult {
    runner_function(facts)?;
    let Some(role) = facts.runner_role.as_ref()? else {
        return Err(NotProven::elsewhere("the role does not exist", "runner-role-sufficient"));
    };
    let stack = &facts.stack;
    let (partition, account, region) = (stack.partition(), stack.account(), &facts.region);
    let another = format!("not-{}", stack.name);
    for (job, tag) in [
        ("any", stack.name.as_str()),
        ("X9_q-71", stack.name.as_str()),
        ("wave-any", another.as_str()),
    ] {
        let resource = format!("arn:{partition}:iot:{region}:{account}:job/{job}");
        let context = [
            (TAG_KEY, tag),
            ("aws:RequestedRegion", region.as_str()),
            ("aws:PrincipalAccount", account),
            ("aws:ResourceAccount", account),
        ];
        let action = "iot:CreateJob";
        let request = Request { service: None, action, resource: &resource, context: &context };
        match role.policy.decide(request) {
            Decision::NotAllowed | Decision::Denied => {}
            Decision::Unclear => return Err(NotProven::unclear_policy(&role.name)),
            Decision::Allowed => {
                return Err(NotProven::finding(
                    format!(
                        "the role `{}` may create a job `{job}` with the tag `{STACK_TAG}` = `{tag}`",
                        role.name
                    ),
                    format!(
                        "aws iam list-role-policies --role-name {}   # one of them allows it",
                        quoted(&role.name)
                    ),
                ));
            }
        }
    }
    Ok("named `wave-..`, with this stack's tag".to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::doctor::tests::sound::{policy, sound};

    #[test]
    fn the_tag_is_the_one_that_jobs_have() {
        assert_eq!(TAG_KEY, format!("aws:RequestTag/{STACK_TAG}"));
    }

    /// What the template lets the function do is what it needs, and is what is checked.
    #[test]
    fn the_rights_are_the_template_s() {
        let template = include_str!("../../../../../templates/tripline.yaml");
        let (_, role) = template.split_once("PolicyName: wave-runner").unwrap();
        let (role, _) = role.split_once("WaveRunnerLogs:\n").unwrap();
        let services = ["iot:", "cloudwatch:", "dynamodb:", "kms:", "sns:", "states:"];
        let action = |word: &str| {
            let (_, name) = word.split_once(':')?;
            let is_action = services.iter().any(|service| word.starts_with(service))
                && name.starts_with(|c: char| c.is_ascii_uppercase())
                // The key of a condition.
                && name != "LeadingKeys";
            is_action.then(|| word.to_owned())
        };
        let words = role.split(|c: char| c.is_whitespace() || "[],{}".contains(c));
        let allowed: BTreeSet<String> =
            words.map(|word| word.trim_end_matches(':')).filter_map(action).collect();
        let wanted = required_rights(&sound()).unwrap();
        let checked: BTreeSet<String> =
            wanted.iter().map(|wanted| wanted.action.to_owned()).collect();
        assert_eq!(checked, allowed);
    }

    #[test]
    fn each_of_its_rights_is_missed() {
        for wanted in required_rights(&sound()).unwrap() {
            let RequiredRight { action, resource, .. } = &wanted;
            let mut facts = sound();
            let role = facts.runner_role.as_mut().unwrap().as_mut().unwrap();
            role.policy = policy(&format!(
                r#"{{"Effect":"Allow","Action":"*","Resource":"*"}},{{"Effect":"Deny","Action":"{action}","Resource":"*"}}"#
            ));
            let Err(NotProven::Finding { what, .. }) = judge_runner_role_sufficient(&facts) else {
                panic!("{action}")
            };
            assert!(what.contains(&format!("`{action}` on `{resource}`")), "{what}");
        }
    }

    /// Waves without the tag, with another one, or under any name are other people's jobs.
    #[test]
    fn a_right_to_create_more_than_waves_is_found() {
        let job = "arn:aws:iot:us-east-1:111122223333:job";
        let tag = r#","Condition":{"StringEquals":{"aws:RequestTag/tripline:stack":"tripline"}}"#;
        let any_tag = r#","Condition":{"StringLike":{"aws:RequestTag/tripline:stack":"*"}}"#;
        for (names, condition, is_right) in [
            ("wave-*", tag, true),
            ("*", tag, false),
            ("wave-*", any_tag, false),
            ("wave-*", "", false),
        ] {
            let mut facts = sound();
            let role = facts.runner_role.as_mut().unwrap().as_mut().unwrap();
            role.policy = policy(&format!(
                r#"{{"Effect":"Allow","Action":"iot:CreateJob","Resource":"{job}/{names}"{condition}}}"#
            ));
            let judged = judge_runner_creates_only_waves(&facts);
            assert_eq!(judged.is_ok(), is_right, "{names} {condition}: {judged:?}");
        }
    }

    #[test]
    fn the_schedule_of_a_stack_that_is_minutes_old_is_not_blamed() {
        let mut facts = sound();
        facts.health.as_mut().unwrap().runner_minutes = 4;
        let Err(NotProven::Finding { what, fix }) = judge_runner_running(&facts) else {
            panic!("it is silent")
        };
        assert_eq!(what, "the wave-runner ran in 4 of the last ten minutes");
        assert!(fix.starts_with("aws events enable-rule --name waves\n"), "{fix}");
        facts.stack.age = Some(200);
        assert!(matches!(judge_runner_running(&facts), Err(NotProven::Untold(_))));
    }

    #[test]
    fn a_minute_that_is_shorter_than_one_is_found() {
        let mut facts = sound();
        let runs = facts.runner.runs.as_mut().unwrap().as_mut().unwrap();
        runs.environment.insert(MINUTE.to_owned(), "2".to_owned());
        let Err(NotProven::Finding { what, .. }) = judge_runner_configured(&facts) else {
            panic!("it is another minute")
        };
        assert!(what.contains("EVIDENCE_MINUTE_SECONDS"), "{what}");
    }

    #[test]
    fn a_stack_without_releases_has_nothing_to_check() {
        let mut facts = sound();
        facts.stack.outputs.retain(|name, _| !name.starts_with("WaveRunner"));
        for check in CHECKS {
            assert!(matches!((check.judge)(&facts), Err(NotProven::Skipped(_))), "{}", check.name);
        }
        assert!(!has_releases(&facts));
    }
}
