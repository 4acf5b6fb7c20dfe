//! The alarms on the guard itself: what the template has them watch, and whether they still do.

use std::sync::LazyLock;

use aws_sdk_cloudwatch::types::{ComparisonOperator, MetricAlarm, StateValue};
use serde::Deserialize;
use serde_json::json;
use tripline::metric::STACK_DIMENSION;
use tripline::text::excerpt;

use crate::aws::commands::quoted;
use crate::doctor::facts::Facts;
use crate::doctor::result::{CheckResult, NotProven, all_right};

/// An alarm of the template's. All have periods of a minute, and fire from their threshold on.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HealthAlarm {
    logical_id: &'static str,
    namespace: &'static str,
    metric_name: &'static str,
    /// The output that names what is watched; none: the stack itself.
    output: Option<&'static str>,
    statistic: &'static str,
    threshold: f64,
    datapoints_to_alarm: i32,
    evaluation_periods: i32,
    treat_missing_data: &'static str,
}

const PERIOD: i32 = 60;
const FROM: ComparisonOperator = ComparisonOperator::GreaterThanOrEqualToThreshold;

/// The table that the template's alarms are generated from; a test holds it to be readable.
static ALL: LazyLock<Vec<HealthAlarm>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../../../templates/health-alarms.json"))
        .unwrap_or_default()
});

impl HealthAlarm {
    fn dimension(&self) -> &'static str {
        match self.namespace {
            "AWS/SQS" => "QueueName",
            "AWS/SNS" => "TopicName",
            "AWS/Lambda" => "FunctionName",
            _ => STACK_DIMENSION,
        }
    }

    /// The name of what is watched.
    fn watched<'a>(&self, facts: &'a Facts) -> Result<&'a str, NotProven> {
        let Some(output) = self.output else {
            return Ok(&facts.stack.name);
        };
        let arn = facts.stack.output(output)?;
        Ok(arn.rsplit(':').next().unwrap_or(arn))
    }

    /// What of an alarm is not as in the template.
    fn wrong(&self, facts: &Facts, alarm: &MetricAlarm) -> Result<Vec<String>, NotProven> {
        let mut wrong = Vec::new();
        let mut compare = |what: &str, found: &str, wanted: &str| {
            if found != wanted {
                wrong.push(format!("its {what} is `{}` (expected `{wanted}`)", excerpt(found)));
            }
        };
        compare("namespace", alarm.namespace().unwrap_or("none"), self.namespace);
        compare("metric", alarm.metric_name().unwrap_or("none"), self.metric_name);
        let watches = match alarm.dimensions() {
            [one] => {
                format!("{}={}", one.name().unwrap_or_default(), one.value().unwrap_or_default())
            }
            others => format!("{} of them", others.len()),
        };
        compare("dimension", &watches, &format!("{}={}", self.dimension(), self.watched(facts)?));
        let statistic = alarm.statistic().map_or("none", |statistic| statistic.as_str());
        compare("statistic", statistic, self.statistic);
        let number =
            |number: Option<f64>| number.map_or("none".to_owned(), |number| number.to_string());
        compare("threshold", &number(alarm.threshold()), &self.threshold.to_string());
        let comparison =
            alarm.comparison_operator().map_or("none", |comparison| comparison.as_str());
        compare("comparison", comparison, FROM.as_str());
        compare("period", &number(alarm.period().map(f64::from)), &PERIOD.to_string());
        let last = alarm.evaluation_periods().unwrap_or(0);
        let of = alarm.datapoints_to_alarm().unwrap_or(last);
        let wanted = format!("{} of {}", self.datapoints_to_alarm, self.evaluation_periods);
        compare("window", &format!("{of} of {last}"), &wanted);
        compare(
            "missing data",
            alarm.treat_missing_data().unwrap_or("missing"),
            self.treat_missing_data,
        );
        Ok(wrong)
    }

    /// The command that makes it the template's. Other subscribers that somebody added by hand stay.
    fn put(
        &self,
        facts: &Facts,
        name: &str,
        found: Option<&MetricAlarm>,
    ) -> Result<String, NotProven> {
        let email = facts.stack.output("EmailTopicArn")?;
        let others = found.map_or(&[][..], MetricAlarm::alarm_actions).iter();
        let others = others.filter(|action| *action != email).map(|action| quoted(action));
        let actions: Vec<String> = std::iter::once(quoted(email)).chain(others).collect();
        let description = found.and_then(MetricAlarm::alarm_description);
        let description = description
            .map_or_else(String::new, |text| format!(" --alarm-description {}", quoted(text)));
        let (of, last) = (self.datapoints_to_alarm, self.evaluation_periods);
        let watched = json!([{"Name": self.dimension(), "Value": self.watched(facts)?}]);
        Ok(format!(
            "aws cloudwatch put-metric-alarm --alarm-name {}{description} --namespace {} --metric-name {} --dimensions {} --statistic {} --period {PERIOD} --evaluation-periods {last} --datapoints-to-alarm {of} --threshold {} --comparison-operator {} --treat-missing-data {} --alarm-actions {}",
            quoted(name),
            self.namespace,
            self.metric_name,
            quoted(&watched.to_string()),
            self.statistic,
            self.threshold,
            FROM.as_str(),
            self.treat_missing_data,
            actions.join(" ")
        ))
    }
}

pub fn judge(facts: &Facts) -> CheckResult {
    let resources = facts.resources.as_ref()?;
    let there = facts.own_alarms.as_ref()?;
    let (mut wrong, mut fixes) = (Vec::new(), Vec::new());
    let expected: Vec<_> =
        resources.iter().filter(|resource| resource.kind == "AWS::CloudWatch::Alarm").collect();
    if expected.is_empty() {
        return Err(NotProven::skipped("the stack has no alarms of its own"));
    }
    let email = facts.stack.output("EmailTopicArn")?;
    for resource in &expected {
        let (logical, physical) = (&resource.logical, resource.physical.as_str());
        let name = quoted(physical);
        let own = ALL.iter().find(|own| own.logical_id == logical);
        let put = |found: Option<&MetricAlarm>| match own {
            Some(own) => own.put(facts, physical, found),
            // An update that changes nothing brings nothing back.
            None => Ok(format!(
                "aws cloudformation detect-stack-drift --stack-name {}",
                quoted(&facts.stack.name)
            )),
        };
        let Some(alarm) = there.iter().find(|alarm| alarm.alarm_name() == Some(physical)) else {
            wrong.push(format!("`{logical}` does not exist"));
            fixes.push(put(None)?);
            continue;
        };
        let mut changed = own.map_or(Ok(Vec::new()), |own| own.wrong(facts, alarm))?;
        if !alarm.alarm_actions().iter().any(|action| action == email) {
            changed.push("it does not go to the e-mail topic".to_owned());
        }
        if !changed.is_empty() {
            wrong.push(format!("`{logical}`: {}", changed.join(", ")));
            fixes.push(put(Some(alarm))?);
        }
        if alarm.actions_enabled() != Some(true) {
            wrong.push(format!("the actions of `{logical}` are off"));
            fixes.push(format!("aws cloudwatch enable-alarm-actions --alarm-names {name}"));
        }
        if alarm.state_value() == Some(&StateValue::Alarm) {
            wrong.push(format!("`{logical}` is in ALARM"));
            fixes.push(format!("aws cloudwatch describe-alarms --alarm-names {name}"));
        }
    }
    all_right(format!("{} alarms", expected.len()), wrong, fixes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const TEMPLATE: &str = include_str!("../../../../../templates/tripline.yaml");

    /// The properties of the template's alarms, by their logical id.
    fn alarms() -> Vec<(&'static str, &'static str)> {
        let head = ":\n    Type: AWS::CloudWatch::Alarm\n";
        let found = TEMPLATE.match_indices(head).map(|(at, _)| {
            let logical = TEMPLATE[..at].rsplit(' ').next().unwrap();
            let block = TEMPLATE[at + head.len()..].split("\n\n").next().unwrap();
            (logical, block)
        });
        found.collect()
    }

    fn property<'a>(block: &'a str, key: &str) -> Option<&'a str> {
        block.lines().find_map(|line| line.trim().strip_prefix(&format!("{key}: ")))
    }

    #[test]
    fn they_are_the_template_s() {
        let all: BTreeSet<_> = ALL.iter().map(|own| own.logical_id).collect();
        let alarms = alarms();
        assert_eq!(all, alarms.iter().map(|(logical, _)| *logical).collect());
        for own in ALL.iter() {
            let (_, block) = alarms.iter().find(|(logical, _)| *logical == own.logical_id).unwrap();
            let number = |key: &str| property(block, key).map(|text| text.parse::<f64>().unwrap());
            let watched = own.output.and_then(|output| output.strip_suffix("Arn"));
            let dimension = match watched {
                None => "!Ref AWS::StackName".to_owned(),
                Some(function) if own.namespace == "AWS/Lambda" => format!("!Ref {function}"),
                Some(watched) => format!("!GetAtt {watched}.{}", own.dimension()),
            };
            let dimension = format!("[{{ Name: {}, Value: {dimension} }}]", own.dimension());
            for (key, wanted) in [
                ("Namespace", own.namespace),
                ("MetricName", own.metric_name),
                ("Dimensions", &dimension),
                ("Statistic", own.statistic),
                ("ComparisonOperator", FROM.as_str()),
                ("TreatMissingData", own.treat_missing_data),
                ("AlarmActions", "[!Ref EmailTopic]"),
            ] {
                assert_eq!(property(block, key), Some(wanted), "{}: {key}", own.logical_id);
            }
            assert_eq!(number("Threshold"), Some(own.threshold), "{}", own.logical_id);
            assert_eq!(number("Period"), Some(f64::from(PERIOD)), "{}", own.logical_id);
            let last = number("EvaluationPeriods").unwrap();
            let of = number("DatapointsToAlarm").unwrap_or(last);
            let wanted = (own.datapoints_to_alarm.into(), own.evaluation_periods.into());
            assert_eq!((of, last), wanted, "{}", own.logical_id);
        }
    }
}
