//! The sentinel: a job that asks for nothing, for two things that are no devices.
//!
//! One of the things reports; the other never begins, so that there is something to stop.

use aws_sdk_iot::types::{AttributePayload, Tag};
use serde_json::json;
use tripline::alarm::{
    AlarmDefinition, AlarmName, Evaluation, Limit, MissingData, Period, Statistic, Topic,
};
use tripline::metric::{Metric, NAMESPACE};
use tripline_aws::{Failure, FailureKind};

use super::clients::{DrillClients, MARK, NAME, TAG};
use crate::aws::drill_name::DrillName;
use crate::exit::Error;

/// The drill's alarm, in its job's config.
pub const ALARM: &str = "Drill";
/// What the sentinel reports, in seconds: nothing that breaches, neither here nor elsewhere.
pub const DOWNLOAD_TIME: f64 = 1.0;
/// More than any device may report, but for a second. The alarm never fires by itself.
const THRESHOLD: f64 = 604_799.0;
/// The guard-keeper leaves a job with this tag to itself: the drill brings its own alarm.
const UNKEPT: (&str, &str) = ("tripline:guard", "off");
const SAYS: &str =
    "Fire drill by `tripline drill`: a job that asks for nothing and is deleted at the end";

/// The alarm that guards the sentinel.
pub fn alarm() -> Option<AlarmDefinition> {
    let period = Period::new(60).ok()?;
    Some(AlarmDefinition {
        name: AlarmName::new(ALARM).ok()?,
        namespace: NAMESPACE.to_owned(),
        metric: Metric::DownloadTime.name().to_owned(),
        statistic: Statistic::Maximum,
        period,
        threshold: THRESHOLD,
        limit: Limit::Upper,
        evaluation: Evaluation::new(1, 1, period).ok()?,
        missing_data: MissingData::default(),
        min_samples: None,
        topics: vec![Topic::Email, Topic::ForceStop],
    })
}

/// Makes the things and then the job. What has one of the names already and is not this drill's is
/// an error, and stays as it is.
pub async fn create(cloud: &DrillClients, name: &DrillName) -> Result<(), Error> {
    let mut targets = Vec::new();
    for thing in name.things() {
        targets.push(create_thing(cloud, name, &thing).await?);
    }
    let document = json!({"operation": "none", "tripline": "drill", "note": SAYS});
    let tag = |(key, value): (&str, &str)| Tag::builder().key(key).value(value).build().ok();
    let tags = [(TAG, name.as_str()), UNKEPT].into_iter().filter_map(tag).collect();
    let created = cloud
        .aws
        .iot
        .create_job()
        .job_id(name.as_str())
        .set_targets(Some(targets))
        .document(document.to_string())
        .description(SAYS)
        .set_tags(Some(tags))
        .send()
        .await;
    match created {
        Ok(_) => Ok(()),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(|e| e.is_resource_already_exists_exception()) =>
        {
            match cloud.job(name).await? {
                // An earlier try of the same call, whose answer was lost.
                Some((_, true)) => Ok(()),
                _ => Err(taken("CreateJob", "job", name.as_str())),
            }
        }
        Err(error) => Err(Failure::from_sdk("CreateJob", &error).into()),
    }
}

/// AWS answers a repeated call with the same attributes as the first one.
async fn create_thing(
    cloud: &DrillClients,
    name: &DrillName,
    thing: &str,
) -> Result<String, Error> {
    const CREATE: &str = "CreateThing";
    let attributes = AttributePayload::builder()
        .attributes(MARK.0, MARK.1)
        .attributes(NAME, name.as_str())
        .build();
    let created =
        cloud.aws.iot.create_thing().thing_name(thing).attribute_payload(attributes).send().await;
    match created {
        Ok(created) => created.thing_arn.ok_or_else(|| {
            let missing = "the answer has no ARN of the thing";
            Failure::new(CREATE, FailureKind::Unavailable, missing).into()
        }),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(|e| e.is_resource_already_exists_exception()) =>
        {
            Err(taken(CREATE, "thing", thing))
        }
        Err(error) => Err(Failure::from_sdk(CREATE, &error).into()),
    }
}

fn taken(operation: &'static str, kind: &str, name: &str) -> Error {
    let text = format!("{kind} `{name}` exists and is not of this drill; it was left as it is");
    Failure::new(operation, FailureKind::Refused, text)
        .with_hint("run the command again: every drill has another name")
        .into()
}

#[cfg(test)]
mod tests {
    use tripline::job::JobId;

    use super::*;

    #[test]
    fn the_alarm_watches_the_sentinel_and_never_fires_by_itself() {
        let alarm = alarm().unwrap();
        let job = JobId::new(DrillName::random().as_str()).unwrap();
        assert_eq!(alarm.name_for(&job), format!("tripline-{job}-Drill"));
        assert!(alarm.limit == Limit::Upper && DOWNLOAD_TIME < alarm.threshold);
        assert_eq!(alarm.missing_data, MissingData::NotBreaching);
        assert_eq!(alarm.topics, [Topic::Email, Topic::ForceStop]);
    }
}
