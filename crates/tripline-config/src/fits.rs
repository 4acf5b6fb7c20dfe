//! Whether the ARNs, Regions and accounts of a deployment go together.
//!
//! AWS refuses what does not, but only when it is asked: a role when the job is created, a topic when the
//! alarms are armed, a bucket when a device wants the firmware.

use tripline::alarm::{Topic, TopicArn};
use tripline::faults::Fault;
use tripline::text::excerpt;

use crate::deploy::{DeployConfig, DocumentSource};
use crate::keys::{ALARM_PREFIX, DEFAULT, EVIDENCE_CONFIG};
use crate::placeholders;
use crate::regions::{self, partition_of};
use crate::things::ThingList;
use crate::values::{RoleArn, S3Url};

/// What does not go together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Misfits {
    /// What AWS would refuse.
    pub faults: Vec<Fault>,
    /// What it would take, and what may still not do what it seems to.
    pub findings: Vec<Fault>,
}

/// Where a deployment goes.
struct Destination<'a> {
    region: &'a str,
    account: Option<&'a str>,
}

impl DeployConfig {
    /// What does not fit a job in this Region, for these targets. `is_given`: the Region is not the config's.
    pub fn misfits(&self, things: &ThingList, region: &str, is_given: bool) -> Misfits {
        let destination = Destination { region, account: things.account() };
        let mut misfits = Misfits::default();
        if !is_given {
            misfits.faults.extend(self.region_misfit(things, region));
        }
        let roles = [
            (self.stream.as_ref().map(|stream| &stream.role), DEFAULT),
            (self.presigned.as_ref().map(|presigned| &presigned.role), "PRESIGNED_URL_CONFIG"),
        ];
        for (role, section) in roles {
            let line = self.lines.of(section, "roleArn");
            let wrong = role.and_then(|role| destination.role(role));
            misfits.faults.extend(wrong.map(|wrong| Fault {
                line,
                text: format!("`[{section}]`: roleArn: {wrong}"),
                hint: None,
            }));
        }
        for (place, line, topics) in self.topics() {
            for topic in topics {
                let Topic::Arn(topic) = topic else { continue };
                destination.topic(topic, &place, line, &mut misfits);
            }
        }
        if let Some(DocumentSource::Url(url)) = &self.document {
            let line = self.lines.of("CUSTOM_JOB_DOCUMENT", "jobDocSrcUrl");
            destination.url(url, "`[CUSTOM_JOB_DOCUMENT]`: jobDocSrcUrl", line, &mut misfits);
        }
        misfits
    }

    fn region_misfit(&self, things: &ThingList, region: &str) -> Option<Fault> {
        let line = self.lines.of(DEFAULT, "region");
        let fault = |text: String, hint| Some(Fault { line, text, hint });
        if let Some(targets) = things.region().filter(|targets| *targets != region) {
            let text = format!(
                "`[DEFAULT]`: region is `{}`, and the targets are in `{}` (expected one region)",
                excerpt(region),
                excerpt(targets)
            );
            return fault(text, None);
        }
        if regions::is_known(region) {
            return None;
        }
        let region = excerpt(region);
        let meant = regions::meant(&region).map_or_else(String::new, |meant| format!("{meant} "));
        let hint = format!("{meant}if AWS has opened it since, say `--region {region}`");
        fault(format!("`[DEFAULT]`: `{region}` is no AWS Region that is known"), Some(hint))
    }

    /// The topics of each alarm, and where they stand.
    fn topics(&self) -> Vec<(String, Option<usize>, &[Topic])> {
        let alarms = self.alarms.alarms.iter().map(|alarm| {
            let name = alarm.name.as_str();
            let line = self.lines.of(&format!("{ALARM_PREFIX}{name}"), "snsTopics");
            (format!("alarm `{}`", excerpt(name)), line, alarm.topics.as_slice())
        });
        let evidence = self.evidence.iter().flat_map(|evidence| {
            [("snsTopics", &evidence.topics), ("blindTopics", &evidence.blind_topics)].map(
                |(key, topics)| {
                    let line = self.lines.of(EVIDENCE_CONFIG, key);
                    (format!("`[{EVIDENCE_CONFIG}]`"), line, topics.as_slice())
                },
            )
        });
        alarms.chain(evidence).collect()
    }
}

impl Misfits {
    /// What does not fit a job in this Region, of the addresses in a job document.
    pub fn of_document(text: &str, region: &str) -> Self {
        let destination = Destination { region, account: None };
        let mut misfits = Self::default();
        for placeholder in placeholders::find(text).0 {
            let what = format!("`${{{}:..}}`", placeholder.name);
            destination.url(placeholder.address, &what, Some(placeholder.line), &mut misfits);
        }
        misfits
    }
}

impl Destination<'_> {
    fn role(&self, role: &RoleArn) -> Option<String> {
        if let Some(wrong) = regions::wrong_partition(role.partition(), self.region) {
            return Some(wrong);
        }
        let account = self.account.filter(|account| *account != role.account())?;
        Some(format!(
            "the role is of account {}, and the targets are of {account} (expected one account: AWS IoT takes a role of its own)",
            role.account()
        ))
    }

    fn topic(&self, topic: &TopicArn, place: &str, line: Option<usize>, misfits: &mut Misfits) {
        let parts: Vec<&str> = topic.as_str().split(':').collect();
        let [_, partition, _, region, account, _] = parts[..] else { return };
        let shown = excerpt(topic.as_str());
        let fault = |text: String, hint| Fault { line, text: format!("{place}: {text}"), hint };
        if !regions::could_be(region) {
            let text =
                format!("topic `{shown}` is in `{}`, which is no AWS Region", excerpt(region));
            misfits.faults.push(fault(text, regions::meant(region)));
        } else if let Some(wrong) = regions::wrong_partition(partition, region) {
            misfits.faults.push(fault(format!("topic `{shown}`: {wrong}"), None));
        } else if region != self.region {
            let text = format!(
                "topic `{shown}` is in another region than the alarms, which are in `{}`",
                excerpt(self.region)
            );
            let hint =
                "`@email`, `@sms` and `@force-stop` are the topics of the stack, wherever it is";
            misfits.faults.push(fault(text, Some(hint.to_owned())));
        } else if let Some(own) = self.account.filter(|own| *own != account) {
            let text = format!(
                "topic `{shown}` is of another account than the targets, which are of {own}"
            );
            let hint = format!(
                "it gets nothing unless its policy lets CloudWatch of account {own} publish to it"
            );
            misfits.findings.push(fault(text, Some(hint)));
        }
    }

    /// An object in S3: its partition has to be the job's, and its Region should be.
    fn url(&self, url: &str, what: &str, line: Option<usize>, misfits: &mut Misfits) {
        let Some(url) = S3Url::parse(url) else { return };
        let fault = |text: String| Fault { line, text: format!("{what}: {text}"), hint: None };
        let region = url.region.unwrap_or(self.region);
        let (theirs, ours) = (partition_of(region), partition_of(self.region));
        let domain = if theirs == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
        let has_own_domain = !matches!(theirs, "aws" | "aws-us-gov" | "aws-cn");
        if !regions::could_be(region) {
            let text = format!(
                "bucket `{}` is in `{}`, which is no AWS Region",
                excerpt(url.bucket),
                excerpt(region)
            );
            misfits.faults.push(fault(text).hint(regions::meant(region)));
        } else if url.domain != domain && !has_own_domain {
            misfits.faults.push(fault(format!(
                "`{}` is not the domain of S3 in `{}` (expected `{domain}`)",
                url.domain,
                excerpt(region)
            )));
        } else if theirs != ours {
            misfits.faults.push(fault(format!(
                "bucket `{}` is in `{}`, of partition `{theirs}`, and the job in `{}` (expected partition `{ours}`)",
                excerpt(url.bucket),
                excerpt(region),
                excerpt(self.region)
            )));
        } else if region != self.region {
            misfits.findings.push(fault(format!(
                "bucket `{}` is in `{}`, and the job in `{}`",
                excerpt(url.bucket),
                excerpt(region),
                excerpt(self.region)
            )));
        }
    }
}

#[cfg(test)]
#[path = "tests/fits.rs"]
mod tests;
