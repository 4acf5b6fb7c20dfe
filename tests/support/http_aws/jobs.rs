//! AWS IoT: jobs, their executions, things, tags and job events, by AWS's rules as far as the functions come to
//! them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::account::{ACCOUNT, Account, Answer, Refusal};
use super::alarms::pairs;
use super::page::page;
use super::{REGION, now};

impl Account {
    /// A job in progress that was created at this time (seconds since the epoch).
    pub fn add_job(&mut self, id: &str, created_at: f64) {
        let job = json!({
            "jobArn": job_arn(id),
            "jobId": id,
            "targetSelection": "SNAPSHOT",
            "status": "IN_PROGRESS",
            "targets": [format!("arn:aws:iot:{REGION}:{ACCOUNT}:thinggroup/all")],
            "createdAt": created_at,
            "lastUpdatedAt": created_at,
            "jobProcessDetails": {
                "numberOfSucceededThings": 60,
                "numberOfFailedThings": 40,
                "numberOfInProgressThings": 20,
                "numberOfQueuedThings": 100,
            },
        });
        self.jobs.insert(id.to_owned(), job);
    }

    /// Whether a job was stopped.
    pub fn is_canceled(&self, job: &str) -> bool {
        self.jobs.get(job).is_some_and(|job| job["status"] == "CANCELED")
    }

    /// Why a job was canceled, in the words of whoever did it.
    pub fn comment(&self, job: &str) -> &str {
        self.jobs.get(job).and_then(|job| job["comment"].as_str()).unwrap_or_default()
    }

    pub(super) fn list_jobs(&self, asked: &BTreeMap<String, String>) -> Value {
        let status = asked.get("status");
        let jobs = self.jobs.values().filter(|job| status.is_none_or(|is| job["status"] == **is));
        let summary = |job: &Value| {
            json!({
                "jobArn": job["jobArn"], "jobId": job["jobId"], "status": job["status"],
                "targetSelection": job["targetSelection"], "createdAt": job["createdAt"],
                "lastUpdatedAt": job["lastUpdatedAt"],
            })
        };
        let (jobs, next) = page(jobs.map(summary), &token(asked));
        with_next(json!({"jobs": jobs}), next)
    }

    pub(super) fn describe_job(&self, id: &str) -> Answer {
        let job = self.jobs.get(id).ok_or_else(|| no_job(id))?;
        Ok(json!({"job": job}))
    }

    pub(super) fn create_job(&mut self, id: &str, asked: &Value) -> Answer {
        if self.jobs.contains_key(id) {
            let text = format!("Job {id} already exists");
            return Err((409, "ResourceAlreadyExistsException", text));
        }
        self.add_job(id, now());
        self.job_tags.insert(id.to_owned(), pairs(asked.get("tags"), ["Key", "Value"]));
        let Some(job) = self.jobs.get_mut(id) else { return Err(no_job(id)) };
        job["targets"] = asked["targets"].clone();
        job["jobProcessDetails"] = json!({"numberOfQueuedThings": 0});
        for key in ["jobExecutionsRolloutConfig", "abortConfig", "timeoutConfig", "description"] {
            if let Some(value) = asked.get(key) {
                job[key] = value.clone();
            }
        }
        Ok(json!({"jobArn": job["jobArn"], "jobId": id}))
    }

    /// What AWS answers of a job that has ended is not documented; the job stays as it is.
    pub(super) fn cancel_job(&mut self, id: &str, force: bool, asked: &Value) -> Answer {
        let job = self.jobs.get_mut(id).ok_or_else(|| no_job(id))?;
        if job["status"] != "IN_PROGRESS" {
            let text = format!("Job {id} cannot be canceled in its state");
            return Err((400, "InvalidRequestException", text));
        }
        let is_comment =
            |text: &str| text.chars().count() <= 2_028 && !text.contains(char::is_control);
        if !asked["comment"].as_str().is_none_or(is_comment) {
            return Err((400, "InvalidRequestException", "comment: no control characters".into()));
        }
        job["status"] = "CANCELED".into();
        job["forceCanceled"] = force.into();
        job["reasonCode"] = asked["reasonCode"].clone();
        job["comment"] = asked["comment"].clone();
        job["completedAt"] = now().into();
        job["lastUpdatedAt"] = now().into();
        Ok(json!({"jobArn": job["jobArn"], "jobId": id}))
    }

    pub(super) fn list_executions(&self, id: &str, asked: &BTreeMap<String, String>) -> Answer {
        self.jobs.get(id).ok_or_else(|| no_job(id))?;
        let status = asked.get("status");
        let of_job = self.executions.get(id).into_iter().flatten();
        let executions = of_job.filter(|execution| {
            status.is_none_or(|is| execution["jobExecutionSummary"]["status"] == **is)
        });
        let (executions, next) = page(executions.cloned(), &token(asked));
        Ok(with_next(json!({"executionSummaries": executions}), next))
    }

    pub(super) fn list_things(&self, group: &str, asked: &BTreeMap<String, String>) -> Answer {
        let things = self.groups.get(group);
        let things = things
            .ok_or_else(|| (404, "ResourceNotFoundException", format!("no group {group}")))?;
        let (things, next) = page(things.iter(), &token(asked));
        Ok(with_next(json!({"things": things}), next))
    }

    pub(super) fn delete_group(&mut self, group: &str) -> Answer {
        self.groups.remove(group);
        Ok(json!({}))
    }

    pub(super) fn tags_of_job(&self, asked: &BTreeMap<String, String>) -> Value {
        let arn = asked.get("resourceArn").map_or("", String::as_str);
        let tags = self.job_tags.iter().find(|(id, _)| job_arn(id) == arn);
        let tags = tags.into_iter().flat_map(|(_, tags)| tags);
        let tags = tags.map(|(key, value)| json!({"Key": key, "Value": value}));
        let (tags, next) = page(tags, &token(asked));
        with_next(json!({"tags": tags}), next)
    }

    pub(super) fn event_configurations(&self) -> Value {
        let on = json!({"Enabled": self.job_events_are_on});
        json!({"eventConfigurations": {"JOB": on, "JOB_EXECUTION": on, "THING": {"Enabled": true}}})
    }

    pub(super) fn update_event_configurations(&mut self, asked: &Value) -> Answer {
        let of = |event: &str| asked["eventConfigurations"][event]["Enabled"].as_bool();
        if let (Some(job), Some(execution)) = (of("JOB"), of("JOB_EXECUTION")) {
            self.job_events_are_on = job && execution;
        }
        Ok(json!({}))
    }
}

/// The ARN of a job.
pub fn job_arn(id: &str) -> String {
    format!("arn:aws:iot:{REGION}:{ACCOUNT}:job/{id}")
}

fn token(asked: &BTreeMap<String, String>) -> Value {
    asked.get("nextToken").cloned().map_or(Value::Null, Value::from)
}

/// AWS IoT leaves the token of the last page out.
fn with_next(mut answer: Value, next: Option<String>) -> Value {
    if let Some(next) = next {
        answer["nextToken"] = next.into();
    }
    answer
}

fn no_job(id: &str) -> Refusal {
    (404, "ResourceNotFoundException", format!("Job {id} cannot be found"))
}
