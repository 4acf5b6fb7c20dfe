//! An account in which every duty of the guard-keeper waits for the next minute, and the function as the template
//! declares it.

use std::sync::OnceLock;

use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tripline_tests::faults::Plan;
use tripline_tests::http_aws::{Account, Alarm, HttpAws, alarm_arn, now, topic_arn};
use tripline_tests::lambda_runtime::{Ended, Environment, Function};

use crate::matrix::released;

/// A rollout that is not armed yet.
pub const NEW: &str = "fw-7";
/// One that was to be stopped, runs on, and whose guard somebody has damaged.
pub const RUNS_ON: &str = "fw-5";
/// One that has ended, and whose alarms are still there.
pub const ENDED: &str = "fw-6";
/// The alarm that is missing its actions.
const DAMAGED: &str = "tripline-fw-5-default-DownloadTime";
const ON_EVIDENCE: &str = "tripline-fw-5-default-Evidence";
/// Alarms that are none of the keeper's: somebody else's, and another stack's under a name like its own.
const FOREIGN: [&str; 2] = ["pump-pressure", "tripline-fw-9-default-FailureRate"];
const TABLE: &str = "GuardsTable";
const HOUR: f64 = 3_600.0;
const DAY: f64 = 24.0 * HOUR;

/// What the keeper is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Duty {
    /// A rollout in progress gets its alarms.
    Arm,
    /// An alarm that somebody changed is as it was.
    Repair,
    /// A rollout that still runs has its alarm fire again.
    FireAgain,
    /// Evidence of every rollout is published.
    Evidence,
    /// Alarms of a rollout that ended are removed.
    Remove,
    /// Its config is forgotten.
    Forget,
    /// Job events are enabled.
    Events,
    /// People are alerted to the rollout that still runs.
    Alert,
}

impl Duty {
    pub const ALL: [Self; 8] = [
        Self::Arm,
        Self::Repair,
        Self::FireAgain,
        Self::Evidence,
        Self::Remove,
        Self::Forget,
        Self::Events,
        Self::Alert,
    ];

    /// Its word in the table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Arm => "arm",
            Self::Repair => "repair",
            Self::FireAgain => "fire-again",
            Self::Evidence => "evidence",
            Self::Remove => "remove",
            Self::Forget => "forget",
            Self::Events => "job-events",
            Self::Alert => "alert",
        }
    }

    /// Whether it is done in this account.
    pub fn is_done(self, account: &Account) -> bool {
        let actions =
            |alarm: &Alarm| alarm.described["AlarmActions"].as_array().map_or(0, Vec::len);
        let stops = |name: &str| account.alarms.get(name).is_some_and(|alarm| actions(alarm) == 2);
        match self {
            Self::Arm => is_armed(account, NEW),
            Self::Repair => stops(DAMAGED),
            Self::FireAgain => account.alarms[ON_EVIDENCE].described["StateValue"] == "OK",
            Self::Evidence => [NEW, RUNS_ON].into_iter().all(|job| {
                let mut datums = account.metrics.iter();
                datums.any(|datum| datum.name == "evidence" && datum.dimension == job)
            }),
            Self::Remove => alarms_of(account, ENDED) == 0,
            Self::Forget => {
                let mut keys = account.items.keys();
                !keys.any(|(table, key)| table == TABLE && key.contains(&format!("\"{ENDED}\"")))
            }
            Self::Events => account.job_events_are_on,
            Self::Alert => {
                let mut mails = account.published.iter();
                mails.any(|mail| {
                    mail.message.contains(RUNS_ON) && mail.message.contains("still runs")
                })
            }
        }
    }
}

fn alarms_of(account: &Account, job: &str) -> usize {
    let prefix = format!("tripline-{job}-");
    account.alarms.keys().filter(|name| name.starts_with(&prefix)).count()
}

/// Whether every way in which devices can go wrong stops this rollout.
pub fn is_armed(account: &Account, job: &str) -> bool {
    ["DownloadTime", "FailureRate", "Evidence"].into_iter().all(|name| {
        let alarm = account.alarms.get(&format!("tripline-{job}-default-{name}"));
        let actions = |alarm: &Alarm| alarm.described["AlarmActions"].as_array().cloned();
        let actions = alarm.and_then(actions).unwrap_or_default();
        actions.contains(&topic_arn("ForceStopTopic").into())
    })
}

/// An alarm by its name, with its tags.
pub type Tagged = (&'static str, Alarm, Option<Vec<(String, String)>>);

/// What is nobody's but others' business: it stays as it is.
pub fn foreign(account: &Account) -> Vec<Tagged> {
    let one = |name| (name, account.alarms[name].clone(), account.alarm_tags.get(name).cloned());
    FOREIGN.map(one).into()
}

/// The function.
pub fn function() -> Function {
    static FUNCTION: OnceLock<Function> = OnceLock::new();
    let chosen = &[("StopMode", "cancel"), ("EvidenceAction", "stop")];
    FUNCTION.get_or_init(|| released("guard-keeper", "GuardKeeperFunction", chosen)).clone()
}

/// One minute of the keeper.
pub async fn minute(environment: &mut Environment) -> Ended {
    environment.invoke(&json!({}), None).await.unwrap()
}

/// The account before the minute: made once, by the keeper itself as far as it is its work.
pub async fn account() -> Account {
    static ACCOUNT: OnceCell<Account> = OnceCell::const_new();
    ACCOUNT.get_or_init(prepare).await.clone()
}

async fn prepare() -> Account {
    let aws = HttpAws::default();
    {
        let mut account = aws.account();
        account.job_events_are_on = true;
        account.groups.insert("all".to_owned(), (0..400).map(|n| format!("t-{n}")).collect());
        for job in [RUNS_ON, ENDED] {
            account.add_job(job, now() - 600.0);
            working(&mut account, job);
        }
        for name in FOREIGN {
            account.alarms.insert(name.to_owned(), foreign_alarm(name));
        }
        let tags = [("tripline:job", "fw-9"), ("tripline:stack", "another")];
        let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned()));
        account.alarm_tags.insert(FOREIGN[1].to_owned(), tags.into());
        account.put_item(TABLE, [("jobId", ENDED)], kept());
    }
    let door = aws.door(|_| Plan::none()).await.unwrap();
    let mut environment = function().environment(door).await.unwrap();
    // The tags of jobs and the shape of a guard are known after the second.
    for _ in 0..2 {
        let ended = minute(&mut environment).await;
        assert!(matches!(ended, Ended::Ok(_)), "{ended:?}\n{}", environment.log());
    }
    let mut account = aws.account().clone();
    assert!(is_armed(&account, RUNS_ON), "{:?}", account.alarms);
    assert!(alarms_of(&account, ENDED) > 0);
    change(&mut account);
    account
}

/// What happens between that minute and the next.
fn change(account: &mut Account) {
    account.published.clear();
    account.metrics.clear();
    account.job_events_are_on = false;
    account.add_job(NEW, now() - 120.0);
    working(account, NEW);
    // So that its devices have to be counted from lists.
    account.jobs.get_mut(NEW).unwrap()["jobExecutionsRetryConfig"] =
        json!({"criteriaList": [{"failureType": "FAILED", "numberOfRetries": 1}]});
    let ended = account.jobs.get_mut(ENDED).unwrap();
    ended["status"] = "COMPLETED".into();
    ended["completedAt"] = (now() - 3.0 * HOUR).into();
    account.alarms.get_mut(DAMAGED).unwrap().described["AlarmActions"] = json!([]);
    // Evidence has asked for a stop long ago, and nothing came of it.
    let on_evidence = account.alarms.get_mut(ON_EVIDENCE).unwrap();
    on_evidence.described["StateValue"] = "ALARM".into();
    for (state, of_record) in account.items.iter_mut().filter_map(|((_, key), item)| {
        key.contains(&format!("evidence#{RUNS_ON}")).then_some((item.get("tick")?.clone(), item))
    }) {
        assert!(state["N"].is_string());
        let mut record: Value =
            serde_json::from_str(of_record["evidence"]["S"].as_str().unwrap()).unwrap();
        assert!(record["breached"].is_i64(), "{record}");
        record["breached"] = ((now() - HOUR) as i64).into();
        of_record["evidence"]["S"] = record.to_string().into();
    }
    account.mute_rules.insert("night".to_owned(), vec![FOREIGN[0].to_owned()]);
}

/// Many devices, of which far too many fail.
fn working(account: &mut Account, job: &str) {
    let described = account.jobs.get_mut(job).unwrap();
    described["jobProcessDetails"] = json!({
        "numberOfSucceededThings": 60,
        "numberOfFailedThings": 40,
        "numberOfInProgressThings": 4,
        "numberOfQueuedThings": 296,
    });
    let execution = |n: u32, status: &str| {
        json!({
            "thingArn": format!("arn:aws:iot:us-east-1:111122223333:thing/t-{n}"),
            "jobExecutionSummary": {
                "status": status, "queuedAt": now() - 500.0, "startedAt": now() - 400.0,
                "lastUpdatedAt": now() - 300.0, "executionNumber": 1,
            },
        })
    };
    let at_work = (0..4).map(|n| execution(n, "IN_PROGRESS"));
    let failed = (4..44).map(|n| execution(n, "FAILED"));
    let succeeded = (44..104).map(|n| execution(n, "SUCCEEDED"));
    account.executions.insert(job.to_owned(), at_work.chain(failed).chain(succeeded).collect());
}

/// The config that a job was armed with.
fn kept() -> Value {
    let text = "[ALARM_CONFIG]\nalarmList = refused\n[ALARM_CONFIG_refused]\nnamespace = IoT:OTA:JobExecution\n\
        metricName = rejectedCount\nstat = Sum\nperiod = 300\nthreshold = 9\nalarmType = upper\n\
        evaluationPeriods = 1\ndatapointsToAlarm = 1\nsnsTopics = @email, @force-stop\n";
    json!({"config": {"S": text}, "armedAt": {"N": ((now() - DAY) as i64).to_string()}})
}

fn foreign_alarm(name: &str) -> Alarm {
    let described = json!({
        "AlarmName": name,
        "AlarmArn": alarm_arn(name),
        "ActionsEnabled": true,
        "AlarmActions": [topic_arn("EmailTopic")],
        "StateValue": "OK",
        "MetricName": "pressure",
        "Namespace": "Pumps",
        "Statistic": "Maximum",
        "Dimensions": [],
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 3.0,
        "ComparisonOperator": "GreaterThanThreshold",
    });
    Alarm { described, ..Alarm::default() }
}
