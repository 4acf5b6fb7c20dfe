//! A stack, job events enabled, no alarms and no job, in the AWS in memory.

use std::collections::BTreeMap;
use std::sync::MutexGuard;

use aws_sdk_cloudwatch::types::{MetricAlarm, StateValue};
use aws_sdk_iot::types::JobStatus;
use fake_aws::{Account, Fault, Table};
use tripline::job::JobId;
use tripline_guard::desired::GuardAlarm;
use tripline_guard::request::request_for;

use crate::aws::clients::Aws;

pub const EMAIL: &str = "arn:aws:sns:us-east-1:111122223333:email";
pub const FORCE_STOP: &str = "arn:aws:sns:us-east-1:111122223333:force-stop";
/// The table of the configs that jobs were armed with.
const GUARDS: &str = "guards";

#[derive(Debug, Clone)]
pub struct FakeAws(pub fake_aws::FakeAws);

impl FakeAws {
    pub fn new() -> Self {
        let fake = Self(fake_aws::FakeAws::default());
        let mut world = fake.world();
        world.cloudformation.stack = Some("CREATE_COMPLETE");
        world.cloudformation.outputs = vec![
            ("StopMode", "cancel"),
            ("EmailTopicArn", EMAIL),
            ("GuardKeeperFunctionArn", "arn:aws:lambda:us-east-1:111122223333:function:keeper"),
            ("GuardsTableName", GUARDS),
            ("ForceStopTopicArn", FORCE_STOP),
        ];
        // The force-stopper's is on the second page.
        world.sns.subscriptions = vec![
            [FORCE_STOP, "sqs", "arn:aws:sqs:us-east-1:111122223333:log", "arn:log"],
            [FORCE_STOP, "lambda", "arn:aws:lambda:us-east-1:111122223333:function:f", "arn:f"],
            [EMAIL, "email", "ops@example.com", "arn:ops"],
        ];
        for event in ["JOB", "JOB_EXECUTION", "THING"] {
            world.iot.events.insert(event.to_owned(), event != "THING");
        }
        world.dynamodb.tables.insert(GUARDS.to_owned(), Table::new(&["jobId"]));
        drop(world);
        fake
    }

    pub fn world(&self) -> MutexGuard<'_, Account> {
        self.0.account()
    }

    /// What was changed since the last look.
    pub fn changes(&self) -> Vec<String> {
        self.world().take_changes()
    }

    pub fn set_state(&self, name: &str, state: StateValue) {
        self.world().cloudwatch.alarms.get_mut(name).unwrap().state_value = Some(state);
    }

    /// The job `fw` has this status.
    pub fn set_job(&self, status: JobStatus) {
        self.world().iot.job("fw", status, &[]);
    }

    /// `PutMetricAlarm` of this name fails.
    pub fn refuse(&self, name: &'static str) {
        self.0.fail(move |call| {
            let is_meant = call.operation == "PutMetricAlarm" && call.subject == name;
            is_meant.then_some(Fault::Refused("LimitExceededFault", "no more alarms"))
        });
    }

    /// The configs that the stack's table keeps, by job.
    pub fn kept(&self) -> BTreeMap<String, String> {
        let world = self.world();
        let items = world.dynamodb.tables[GUARDS].items.values();
        items
            .map(|item| {
                assert!(item["armedAt"].as_n().unwrap().parse::<i64>().unwrap() > 0);
                let text = |key: &str| item[key].as_s().unwrap().clone();
                (text("jobId"), text("config"))
            })
            .collect()
    }

    /// The baseline that is kept with a job's config.
    pub fn kept_baseline(&self, job: &str) -> Option<String> {
        let world = self.world();
        let mut items = world.dynamodb.tables[GUARDS].items.values();
        let item = items.find(|item| item["jobId"].as_s().is_ok_and(|of| of == job)).unwrap();
        item.get("baseline").map(|text| text.as_s().unwrap().clone())
    }

    /// Whether the config that is kept of a job is meant to stop nothing.
    pub fn is_kept_to_alert_only(&self, job: &str) -> bool {
        let world = self.world();
        let mut items = world.dynamodb.tables[GUARDS].items.values();
        let item = items.find(|item| item["jobId"].as_s().is_ok_and(|of| of == job)).unwrap();
        *item[tripline_guard::kept::ALERT_ONLY].as_bool().unwrap()
    }

    /// The table keeps nothing any more.
    pub fn forget_kept(&self) {
        self.world().dynamodb.tables.get_mut(GUARDS).unwrap().items.clear();
    }

    pub fn aws(&self) -> Aws {
        Aws {
            region: fake_aws::REGION.to_owned(),
            cloudwatch: self.0.cloudwatch(),
            dynamodb: self.0.dynamodb(),
            iot: self.0.iot(),
            cloudformation: self.0.cloudformation(),
            sns: self.0.sns(),
        }
    }
}

/// An alarm as CloudWatch shows it.
pub fn shown(alarm: &GuardAlarm, job: &JobId, actions: &[String]) -> MetricAlarm {
    let put = request_for(alarm, job, actions);
    MetricAlarm::builder()
        .set_alarm_name(put.get_alarm_name().clone())
        .set_alarm_description(put.get_alarm_description().clone())
        .set_actions_enabled(*put.get_actions_enabled())
        .set_alarm_actions(put.get_alarm_actions().clone())
        .set_namespace(put.get_namespace().clone())
        .set_metric_name(put.get_metric_name().clone())
        .set_dimensions(put.get_dimensions().clone())
        .set_statistic(put.get_statistic().clone())
        .set_extended_statistic(put.get_extended_statistic().clone())
        .set_period(*put.get_period())
        .set_evaluation_periods(*put.get_evaluation_periods())
        .set_datapoints_to_alarm(*put.get_datapoints_to_alarm())
        .set_threshold(*put.get_threshold())
        .set_comparison_operator(put.get_comparison_operator().clone())
        .set_treat_missing_data(put.get_treat_missing_data().clone())
        .set_metrics(put.get_metrics().clone())
        .state_value(StateValue::InsufficientData)
        .build()
}
