//! Further attempts of devices, as AWS IoT makes them of a job with a retry config: each counts in `DescribeJob`, and
//! is an entry of `ListJobExecutionsForJob` with an `executionNumber` of its own, from 1.
//!
//! **A stand-in, not AWS.** The local AWS keeps a job's retry config and shows it, and never tries a device again. What
//! a test adds here are attempts that failed before the one execution of the device that the local AWS knows. Events,
//! and what the device itself is shown, stay as the local AWS has them.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::call::{Call, parameter};
use crate::local_aws::REGION;

/// The local AWS's account.
const ACCOUNT: &str = "000000000000";
const FAILED: &str = "FAILED";

/// By job and thing, the attempts that failed before.
#[derive(Debug, Default)]
pub(super) struct Attempts(BTreeMap<String, BTreeMap<String, Failed>>);

/// Attempts that failed.
#[derive(Debug, Clone, Copy)]
struct Failed {
    number: u32,
    /// Seconds since the epoch.
    at: u64,
}

impl Attempts {
    /// A thing has failed so often before.
    pub(super) fn put(&mut self, job: &str, thing: &str, number: u32) {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let of_job = self.0.entry(job.to_owned()).or_default();
        of_job.insert(thing.to_owned(), Failed { number, at });
    }

    /// The answer to a call with these attempts in it; `None`: it is as it is.
    pub(super) fn shown(&self, call: &Call, answer: &[u8]) -> Option<Vec<u8>> {
        let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let (job, is_list) = match (call.method.as_str(), &segments[..]) {
            ("GET", ["jobs", job]) => (*job, false),
            ("GET", ["jobs", job, "things"]) => (*job, true),
            _ => return None,
        };
        let of_job = self.0.get(job)?;
        let mut answer: Value = serde_json::from_slice(answer).ok()?;
        match is_list {
            true => list(of_job, parameter(query, "status").as_deref(), &mut answer)?,
            false => count(of_job, &mut answer)?,
        }
        serde_json::to_vec(&answer).ok()
    }
}

fn count(of_job: &BTreeMap<String, Failed>, answer: &mut Value) -> Option<()> {
    let failed = answer.pointer_mut("/job/jobProcessDetails/numberOfFailedThings")?;
    let more: u32 = of_job.values().map(|failed| failed.number).sum();
    *failed = json!(failed.as_u64()? + u64::from(more));
    Some(())
}

/// They are on the last page.
fn list(of_job: &BTreeMap<String, Failed>, status: Option<&str>, answer: &mut Value) -> Option<()> {
    let is_last = answer.get("nextToken").is_none_or(Value::is_null);
    let entries = answer.get_mut("executionSummaries")?.as_array_mut()?;
    for entry in &mut *entries {
        let thing = entry.get("thingArn")?.as_str()?.rsplit('/').next()?;
        let Some(failed) = of_job.get(thing) else { continue };
        let summary = entry.get_mut("jobExecutionSummary")?.as_object_mut()?;
        summary.insert("executionNumber".to_owned(), json!(failed.number + 1));
        summary.insert("retryAttempt".to_owned(), json!(failed.number));
    }
    if is_last && status.is_none_or(|status| status == FAILED) {
        for (thing, failed) in of_job {
            entries.extend((1..=failed.number).map(|number| entry(thing, *failed, number)));
        }
    }
    Some(())
}

fn arn(thing: &str) -> String {
    format!("arn:aws:iot:{REGION}:{ACCOUNT}:thing/{thing}")
}

fn entry(thing: &str, failed: Failed, number: u32) -> Value {
    let at = failed.at;
    json!({
        "thingArn": arn(thing),
        "jobExecutionSummary": {
            "status": FAILED, "queuedAt": at, "startedAt": at, "lastUpdatedAt": at,
            "executionNumber": number, "retryAttempt": number - 1,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(path: &str, answer: &Value) -> Option<Value> {
        let mut attempts = Attempts::default();
        attempts.put("fw", "a", 2);
        attempts.put("fw", "b", 1);
        let request = hyper::Request::builder().method("GET").uri(path).body(()).unwrap();
        let call = Call::of(&request.into_parts().0, b"");
        let shown = attempts.shown(&call, &serde_json::to_vec(answer).unwrap())?;
        serde_json::from_slice(&shown).ok()
    }

    #[test]
    fn each_attempt_counts() {
        let job = json!({"job": {"jobProcessDetails": {"numberOfFailedThings": 1}}});
        let counted = shown("/jobs/fw", &job).unwrap();
        assert_eq!(counted["job"]["jobProcessDetails"]["numberOfFailedThings"], 4);
        assert_eq!(shown("/jobs/another", &job), None);
    }

    #[test]
    fn each_attempt_is_listed_under_its_number() {
        let own = json!({
            "thingArn": arn("a"), "jobExecutionSummary": {"status": "FAILED", "executionNumber": 1},
        });
        let mut list = json!({"executionSummaries": [own]});
        let numbers = |path: &str, list: &Value| -> Vec<(Value, Value)> {
            let shown = shown(path, list).unwrap();
            let entries = shown["executionSummaries"].as_array().unwrap().iter();
            let number = |entry: &Value| entry["jobExecutionSummary"]["executionNumber"].clone();
            entries.map(|entry| (entry["thingArn"].clone(), number(entry))).collect()
        };
        let pair = |(thing, number): &(&str, u64)| (arn(thing).into(), (*number).into());
        let pairs =
            |pairs: &[(&str, u64)]| -> Vec<(Value, Value)> { pairs.iter().map(pair).collect() };
        let all = pairs(&[("a", 3), ("a", 1), ("a", 2), ("b", 1)]);
        assert_eq!(numbers("/jobs/fw/things?status=FAILED&maxResults=250", &list), all);
        assert_eq!(numbers("/jobs/fw/things", &list), all);
        assert_eq!(numbers("/jobs/fw/things?status=REJECTED", &list), pairs(&[("a", 3)]));
        list["nextToken"] = json!("more");
        assert_eq!(numbers("/jobs/fw/things", &list), pairs(&[("a", 3)]), "not the last page");
    }
}
