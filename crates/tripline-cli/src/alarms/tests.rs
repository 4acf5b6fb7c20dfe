//! The commands against a small AWS in memory.

mod apply;
mod evidence;
mod list_remove;
mod refusals;
mod shape;
mod unsuccessful_rate;
mod verdict;

use tripline::alarm::AlarmDefinition;
use tripline::job::JobId;
use tripline_config::AlarmConfig;

use super::fake::FakeAws;
use crate::aws::arming::guard::{Guard, Report};
use crate::exit::Error;

fn job(id: &str) -> JobId {
    JobId::new(id).unwrap()
}

/// Alarms of these names; `extra` is added to each section.
fn alarms(names: &[&str], extra: &str) -> Vec<AlarmDefinition> {
    let mut text = format!("[ALARM_CONFIG]\nalarmList = {}\n", names.join(","));
    for name in names {
        text += &format!(
            "[ALARM_CONFIG_{name}]\nnamespace = IoT:OTA:JobExecution\nmetricName = downloadTime\nstat = p99\nperiod = 60\nthreshold = 3600\nalarmType = upper\nevaluationPeriods = 5\ndatapointsToAlarm = 3\nsnsTopics = @email, @force-stop\n{extra}\n"
        );
    }
    AlarmConfig::parse("dev.ini", &text).unwrap().alarms
}

fn guard(id: &str, names: &[&str]) -> Guard {
    let stack = "tripline".to_owned();
    Guard {
        file: "dev.ini".to_owned(),
        stack,
        job: job(id),
        alarms: alarms(names, ""),
        default_guard: true,
        evidence: None,
        alert_only: false,
        dry_run: false,
    }
}

async fn apply(aws: &FakeAws, guard: &Guard) -> Result<Report, Error> {
    guard.apply(&aws.aws()).await
}

fn text(error: Error) -> String {
    error.to_string()
}
