//! The guard-keeper, which sees to it that every job is guarded.

use crate::doctor::check::{About, Check, Judged, Not, quoted};
use crate::doctor::facts::{Facts, Need, seen};

use super::functions::{active, errors};
use super::rights::{any_job, function_role, publish_metrics, wanted};

pub const CHECKS: &[Check] = &[
    Check {
        name: "keeper-active",
        about: About::Stack,
        proves: "the guard-keeper is there, its last update succeeded, and it may run",
        why: "a job that somebody else creates would stay without alarms",
        needs: &[Need::Keeper],
        judge: |facts| {
            deployed(facts)?;
            active(facts, &facts.keeper, FUNCTION)
        },
        fix: None,
    },
    Check {
        name: "keeper-errors",
        about: About::Stack,
        proves: "the guard-keeper neither failed nor had to wait in the last hour",
        why: "a job that was created meanwhile may have no alarms",
        needs: &[Need::Health],
        judge: |facts| {
            deployed(facts)?;
            errors(facts, FUNCTION, "GuardKeeperLogGroup")
        },
        fix: None,
    },
    Check {
        name: "keeper-runs",
        about: About::Stack,
        proves: "the guard-keeper's schedule is on: it has spoken in the last ten minutes",
        why: "a schedule that is off leaves new jobs without alarms, and nothing fails",
        needs: &[Need::Health],
        judge: runs,
        fix: None,
    },
    Check {
        name: "keeper-role",
        about: About::Stack,
        proves: "the guard-keeper may find jobs, create their alarms and say so",
        why: "it would run every minute, and arm nothing",
        needs: &[Need::KeeperRole],
        judge: role,
        fix: None,
    },
    Check {
        name: "unguarded-jobs",
        about: About::Stack,
        proves: "the guard-keeper knows of no job in progress without a guard",
        why: "a rollout is under way that nothing would stop",
        needs: &[Need::Health],
        judge: unguarded,
        fix: None,
    },
];

const FUNCTION: &str = "GuardKeeperFunctionArn";

fn deployed(facts: &Facts) -> Result<(), Not> {
    match facts.stack.outputs.contains_key(FUNCTION) {
        true => Ok(()),
        false => Err(Not::skipped("the stack has no guard-keeper")),
    }
}

fn runs(facts: &Facts) -> Judged {
    deployed(facts)?;
    match seen(&facts.health)?.unguarded {
        Some(_) => Ok("in the last ten minutes".to_owned()),
        None => {
            let schedule =
                facts.stack.outputs.get("GuardKeeperScheduleArn").map_or("", String::as_str);
            let name = schedule.rsplit('/').next().unwrap_or(schedule);
            Err(Not::finding(
                "the guard-keeper has said nothing for ten minutes",
                format!("aws events enable-rule --name {}", quoted(name)),
            ))
        }
    }
}

fn role(facts: &Facts) -> Judged {
    deployed(facts)?;
    let stack = &facts.stack;
    let job = any_job(facts);
    let (partition, account) = (stack.partition(), stack.account());
    let alarm = format!("arn:{partition}:cloudwatch:{}:{account}:alarm:tripline-any", facts.region);
    let all = [
        wanted("iot:ListJobs", "*"),
        wanted("iot:DescribeEventConfigurations", "*"),
        wanted("iot:DescribeJob", job),
        wanted("cloudwatch:DescribeAlarms", alarm.as_str()),
        wanted("cloudwatch:PutMetricAlarm", alarm),
        publish_metrics("Tripline"),
    ];
    function_role(&facts.keeper_role, stack.output_seen("GuardKeeperRoleArn")?, &all)
}

fn unguarded(facts: &Facts) -> Judged {
    deployed(facts)?;
    match seen(&facts.health)?.unguarded {
        None => Err(Not::skipped("the guard-keeper is silent: see `keeper-runs`")),
        Some(0.0) => Ok("none".to_owned()),
        Some(jobs) => {
            let log = facts.stack.outputs.get("GuardKeeperLogGroup").map_or("", String::as_str);
            Err(Not::finding(
                format!("jobs in progress without a guard: {jobs:.0}"),
                format!(
                    "aws logs filter-log-events --log-group-name {} --filter-pattern unguarded",
                    quoted(log)
                ),
            ))
        }
    }
}
