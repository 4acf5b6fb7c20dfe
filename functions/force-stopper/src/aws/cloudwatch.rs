use std::collections::BTreeSet;

use aws_sdk_cloudwatch::config::http::HttpResponse;
use aws_sdk_cloudwatch::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudwatch::operation::describe_alarm_history::DescribeAlarmHistoryOutput;
use aws_sdk_cloudwatch::operation::describe_alarms::DescribeAlarmsOutput;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    AlarmHistoryItem, AlarmType, ComparisonOperator, CompositeAlarm, Dimension, HistoryItemType,
    Metric, MetricAlarm, MetricDataQuery, ScanBy, StateValue,
};
use serde_json::Value;
use tripline::metric::{DIMENSION, KeptMetric, NAMESPACE};
use tripline::notification::{AlarmState, Watched, rule_in_words};
use tripline::stop::{EvidenceRule, FailureRateRule, Firing, KnownAlarm, KnownSubject};
use tripline_aws::answer::{Complete, LastAnswer};
use tripline_aws::{Failure, FailureKind};

use super::Aws;
use crate::ask::{DescribeAlarms, LastFiring};

/// Most pages of history that are read, of 100 items each.
const MAX_PAGES: usize = 3;

impl DescribeAlarms for Aws {
    async fn describe_alarms(&self, names: &[String]) -> Result<Vec<KnownAlarm>, Failure> {
        let last = LastAnswer::new();
        let output = self
            .cloudwatch
            .describe_alarms()
            .set_alarm_names(Some(names.to_vec()))
            // Without this, only metric alarms are returned.
            .alarm_types(AlarmType::MetricAlarm)
            .alarm_types(AlarmType::CompositeAlarm)
            .max_records(100)
            .customize()
            .interceptor(last.clone())
            // An empty list is an answer, none is not.
            .interceptor(Complete::<DescribeAlarmsOutput>::new(|output| {
                output.metric_alarms.is_some() || output.composite_alarms.is_some()
            }))
            .send()
            .await;
        let output = match output {
            Ok(output) => output,
            // CloudWatch says that nothing can have such a name. Of names that alarms have it says no such thing.
            Err(error)
                if is_invalid_name(&error) && !names.iter().all(|name| can_be_named(name)) =>
            {
                return Ok(Vec::new());
            }
            Err(error) => return Err(unanswered("DescribeAlarms", &error, &last)),
        };
        let metric = output.metric_alarms.into_iter().flatten().filter_map(metric_alarm);
        let composite = output.composite_alarms.into_iter().flatten().filter_map(composite_alarm);
        Ok(metric.chain(composite).collect())
    }
}

/// Whether a call was refused for its parameters, of which only the names are not constants.
fn is_invalid_name<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let is_refused = error.raw_response().is_some_and(|raw| raw.status().as_u16() == 400);
    is_refused && matches!(error.code(), Some("ValidationError" | "ValidationException"))
}

/// Whether an alarm can certainly have this name: 1 to 255 printable characters of ASCII. Of others CloudWatch's word
/// counts, or whoever forges a message could have it unanswered by its name alone.
fn can_be_named(name: &str) -> bool {
    (1..=255).contains(&name.len()) && name.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// No failure of CloudWatch says that an alarm does not exist or has not fired.
fn unanswered<E>(
    operation: &'static str,
    error: &SdkError<E, HttpResponse>,
    last: &LastAnswer<E>,
) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let mut failure = last.failure(operation, error);
    if matches!(failure.kind, FailureKind::NotFound | FailureKind::Refused) {
        failure.kind = FailureKind::Unavailable;
    }
    failure
}

fn metric_alarm(alarm: MetricAlarm) -> Option<KnownAlarm> {
    let statistic = alarm.statistic.as_ref().map(|statistic| statistic.as_str());
    let rule = rule_in_words(
        alarm.extended_statistic.as_deref().or(statistic),
        alarm.metric_name.as_deref(),
        alarm.comparison_operator.as_ref().map_or("", |operator| operator.as_str()),
        alarm.threshold.unwrap_or_default(),
    );
    let (failure_rate, evidence) = (failure_rate(&alarm), evidence(&alarm));
    let mut watched = Watched::default();
    add(&mut watched, alarm.namespace, alarm.dimensions);
    for query in alarm.metrics.into_iter().flatten() {
        watched.accounts.extend(query.account_id);
        if let Some(Metric { namespace, dimensions, .. }) =
            query.metric_stat.and_then(|stat| stat.metric)
        {
            add(&mut watched, namespace, dimensions);
        }
    }
    Some(KnownAlarm {
        name: alarm.alarm_name?,
        state: state(alarm.state_value.as_ref()),
        reason: alarm.state_reason.unwrap_or_default(),
        since: since(alarm.state_transitioned_timestamp, alarm.state_updated_timestamp),
        subject: KnownSubject::Metrics(watched),
        actions: actions(alarm.actions_enabled, alarm.alarm_actions),
        rule,
        failure_rate,
        evidence,
    })
}

/// The rule of Tripline's own failure rate, if it is over the two counts that the guard-keeper
/// publishes, and fires above its limit as the guard-keeper makes it.
fn failure_rate(alarm: &MetricAlarm) -> Option<FailureRateRule> {
    let operator = alarm.comparison_operator();
    (operator == Some(&ComparisonOperator::GreaterThanThreshold)).then_some(())?;
    let queries = alarm.metrics();
    let id_of = |kept: KeptMetric| {
        let is_count = |query: &&MetricDataQuery| {
            let metric = query.metric_stat().and_then(|stat| stat.metric());
            metric.is_some_and(|metric| {
                metric.namespace() == Some(NAMESPACE) && metric.metric_name() == Some(kept.name())
            })
        };
        queries.iter().find(is_count)?.id()
    };
    let decided = queries.iter().find(|query| query.return_data() == Some(true))?.expression()?;
    let (notified, unsuccessful) =
        (id_of(KeptMetric::NotifiedCount)?, id_of(KeptMetric::UnsuccessfulCount)?);
    FailureRateRule::read(decided, notified, unsuccessful, alarm.threshold?)
}

/// What an alarm says of evidence that the guard-keeper publishes, if it watches that: by its own rule,
/// or in metric math.
fn evidence(alarm: &MetricAlarm) -> Option<EvidenceRule> {
    let is_evidence = |namespace: Option<&str>, name: Option<&str>| {
        namespace == Some(NAMESPACE) && name == Some(KeptMetric::Evidence.name())
    };
    if is_evidence(alarm.namespace(), alarm.metric_name()) {
        let comparison = alarm.comparison_operator()?.as_str();
        let missing_breaches = alarm.treat_missing_data() == Some("breaching");
        return EvidenceRule::read(comparison, alarm.threshold?, missing_breaches);
    }
    let in_math = |query: &MetricDataQuery| {
        let metric = query.metric_stat().and_then(|stat| stat.metric());
        metric.is_some_and(|metric| is_evidence(metric.namespace(), metric.metric_name()))
    };
    alarm.metrics().iter().any(in_math).then_some(EvidenceRule::MATH)
}

/// The last change of the state, or the last update of it where changes are not kept.
fn since(transitioned: Option<DateTime>, updated: Option<DateTime>) -> Option<i64> {
    transitioned.or(updated).map(|at| at.secs())
}

fn actions(enabled: Option<bool>, actions: Option<Vec<String>>) -> BTreeSet<String> {
    // CloudWatch always says whether they are enabled.
    actions.into_iter().flatten().filter(|_| enabled == Some(true)).collect()
}

fn add(watched: &mut Watched, namespace: Option<String>, dimensions: Option<Vec<Dimension>>) {
    watched.namespaces.extend(namespace.filter(|namespace| !namespace.is_empty()));
    let dimensions = dimensions.into_iter().flatten();
    let jobs = dimensions.filter(|d| d.name.as_deref() == Some(DIMENSION)).filter_map(|d| d.value);
    watched.jobs.extend(jobs);
}

fn composite_alarm(alarm: CompositeAlarm) -> Option<KnownAlarm> {
    Some(KnownAlarm {
        name: alarm.alarm_name?,
        state: state(alarm.state_value.as_ref()),
        reason: alarm.state_reason.unwrap_or_default(),
        since: since(alarm.state_transitioned_timestamp, alarm.state_updated_timestamp),
        subject: KnownSubject::Composite { rule: alarm.alarm_rule.unwrap_or_default() },
        // Its suppressor keeps them from being carried out.
        actions: match alarm.actions_suppressed_by {
            None => actions(alarm.actions_enabled, alarm.alarm_actions),
            Some(_) => BTreeSet::new(),
        },
        rule: None,
        failure_rate: None,
        evidence: None,
    })
}

/// A state that is not known is not ALARM; then the history decides.
fn state(value: Option<&StateValue>) -> AlarmState {
    value
        .and_then(|value| AlarmState::parse(value.as_str()))
        .unwrap_or(AlarmState::InsufficientData)
}

impl LastFiring for Aws {
    async fn last_firing(
        &self,
        alarm: &str,
        since: Option<i64>,
        until: Option<i64>,
    ) -> Result<Option<Firing>, Failure> {
        const OPERATION: &str = "DescribeAlarmHistory";
        let mut next = None;
        for _ in 0..MAX_PAGES {
            let last = LastAnswer::new();
            let page = self
                .cloudwatch
                .describe_alarm_history()
                .alarm_name(alarm)
                .alarm_types(AlarmType::MetricAlarm)
                .alarm_types(AlarmType::CompositeAlarm)
                .history_item_type(HistoryItemType::StateUpdate)
                .set_start_date(since.map(DateTime::from_secs))
                .set_end_date(until.map(|until| DateTime::from_secs(until.saturating_add(1))))
                .scan_by(ScanBy::TimestampDescending)
                .max_records(100)
                .set_next_token(next)
                .customize()
                .interceptor(last.clone())
                .interceptor(Complete::<DescribeAlarmHistoryOutput>::new(|output| {
                    output.alarm_history_items.is_some()
                }))
                .send()
                .await
                .map_err(|error| unanswered(OPERATION, &error, &last))?;
            let items = page.alarm_history_items.into_iter().flatten();
            // The times are compared here too, for whoever answers without regard to them.
            let mut recent = items.filter(|item| {
                item.timestamp.is_none_or(|at| {
                    since.is_none_or(|since| at.secs() >= since)
                        && until.is_none_or(|until| at.secs() <= until)
                })
            });
            if let Some(firing) = recent.find_map(|item| firing(&item)) {
                return Ok(Some(firing));
            }
            next = page.next_token;
            if next.is_none() {
                return Ok(None);
            }
        }
        // What was not read may say that it fired.
        Err(Failure::new(OPERATION, FailureKind::Unavailable, "too long to be read"))
    }
}

/// What an item says of a change to ALARM. `historyData` is JSON with the new state; the summary
/// says the same in words.
fn firing(item: &AlarmHistoryItem) -> Option<Firing> {
    let data: Option<Value> =
        item.history_data.as_deref().and_then(|data| serde_json::from_str(data).ok());
    let new = |key: &str| data.as_ref()?.pointer(&format!("/newState/{key}"))?.as_str();
    let fired = match new("stateValue") {
        Some(state) => state == "ALARM",
        None => item.history_summary.as_deref().is_some_and(|text| text.ends_with("to ALARM")),
    };
    let reason = new("stateReason").unwrap_or_default().to_owned();
    fired.then(|| Firing { reason, at: item.timestamp.map(|at| at.secs()) })
}
