//! Devices that carry a job out, and AWS IoT that tries them again.
//!
//! As the guide has it ("Job execution retry configuration"): an execution that fails or times out while its job
//! has retries left for that gets a new one, `QUEUED` and with the next number; every attempt stays listed and
//! counts. A rejection is never tried again.

use aws_sdk_iot::types::{
    JobExecutionsRetryConfig, JobProcessDetails, JobStatus, RetryCriteria, RetryableFailureType,
    TargetSelection,
};

use crate::iot::{Execution, Iot};

const QUEUED: &str = "QUEUED";
const IN_PROGRESS: &str = "IN_PROGRESS";

impl Iot {
    /// How often a job tries its devices again.
    pub fn retry(&mut self, job: &str, of: RetryableFailureType, times: i32) {
        let criterion =
            RetryCriteria::builder().failure_type(of).number_of_retries(times).build().unwrap();
        let job = &mut self.jobs.get_mut(job).expect("a job").0;
        let before = job.job_executions_retry_config.take();
        let mut criteria = before.map(|config| config.criteria_list).unwrap_or_default();
        criteria.push(criterion);
        let config = JobExecutionsRetryConfig::builder().set_criteria_list(Some(criteria));
        job.job_executions_retry_config = Some(config.build().unwrap());
    }

    /// The job reaches a thing, for the first time or again since it has joined a group again.
    pub fn notify(&mut self, job: &str, thing: &str) {
        let number = 1 + self.attempts(job, thing);
        self.queue(job, thing, number);
        self.count(job);
    }

    /// A thing's execution ends. With retries left it gets another; a job that is no longer open to
    /// anybody has completed.
    pub fn report(&mut self, job: &str, thing: &str, status: &str) {
        let taken = [QUEUED, IN_PROGRESS].into_iter().find_map(|open| {
            let all = self.executions.get_mut(&(job.to_owned(), open.to_owned()))?;
            let at = all.iter().position(|one| one.thing == thing)?;
            Some(all.remove(at))
        });
        let execution = taken.expect("an open execution");
        let number = execution.number;
        let of = (job.to_owned(), status.to_owned());
        self.executions.entry(of).or_default().push(execution);
        if number <= self.retries_of(job, status) {
            self.queue(job, thing, number + 1);
        }
        self.count(job);
        let job = &mut self.jobs.get_mut(job).expect("a job").0;
        let details = job.job_process_details.as_ref().expect("counts");
        let open = [details.number_of_queued_things, details.number_of_in_progress_things];
        let is_continuous = job.target_selection == Some(TargetSelection::Continuous);
        if open == [Some(0); 2] && job.status == Some(JobStatus::InProgress) && !is_continuous {
            job.status = Some(JobStatus::Completed);
        }
    }

    fn queue(&mut self, job: &str, thing: &str, number: u32) {
        let thing = thing.to_owned();
        let execution = Execution { thing, began: -1, changed: 0, number };
        let of = (job.to_owned(), QUEUED.to_owned());
        self.executions.entry(of).or_default().push(execution);
    }

    /// How many executions of a job a thing has had.
    fn attempts(&self, job: &str, thing: &str) -> u32 {
        let of_job = self.executions.iter().filter(|((of, _), _)| of == job);
        let own = of_job.flat_map(|(_, all)| all).filter(|one| one.thing == thing);
        own.map(|one| one.number).max().unwrap_or(0)
    }

    fn retries_of(&self, job: &str, status: &str) -> u32 {
        let config = self.jobs[job].0.job_executions_retry_config.as_ref();
        let criteria = config.map(JobExecutionsRetryConfig::criteria_list).unwrap_or_default();
        let applies = |criterion: &&RetryCriteria| match criterion.failure_type() {
            RetryableFailureType::All => ["FAILED", "TIMED_OUT"].contains(&status),
            of => of.as_str() == status,
        };
        let times = criteria.iter().filter(applies).map(RetryCriteria::number_of_retries);
        times.max().map_or(0, |times| u32::try_from(times).unwrap())
    }

    /// Counts each attempt, as AWS IoT does.
    fn count(&mut self, job: &str) {
        let count = |status: &str| {
            let all = self.executions.get(&(job.to_owned(), status.to_owned()));
            i32::try_from(all.map_or(0, Vec::len)).unwrap()
        };
        let details = JobProcessDetails::builder()
            .number_of_queued_things(count(QUEUED))
            .number_of_in_progress_things(count(IN_PROGRESS))
            .number_of_succeeded_things(count("SUCCEEDED"))
            .number_of_failed_things(count("FAILED"))
            .number_of_rejected_things(count("REJECTED"))
            .number_of_timed_out_things(count("TIMED_OUT"))
            .number_of_canceled_things(count("CANCELED"))
            .number_of_removed_things(count("REMOVED"))
            .build();
        self.jobs.get_mut(job).expect("a job").0.job_process_details = Some(details);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(iot: &Iot) -> [i32; 4] {
        let details = iot.jobs["fw"].0.job_process_details().unwrap();
        [
            details.number_of_queued_things.unwrap(),
            details.number_of_succeeded_things.unwrap(),
            details.number_of_failed_things.unwrap(),
            details.number_of_timed_out_things.unwrap(),
        ]
    }

    #[test]
    fn a_device_is_tried_again_until_its_retries_are_spent_and_each_attempt_counts() {
        let mut iot = Iot::default();
        iot.job("fw", JobStatus::InProgress, &["thing/a", "thing/b"]);
        iot.retry("fw", RetryableFailureType::Failed, 2);
        iot.notify("fw", "a");
        iot.notify("fw", "b");
        iot.report("fw", "b", "TIMED_OUT");
        assert_eq!(counts(&iot), [1, 0, 0, 1], "nobody tries a timeout again here");
        for failed in 1..=2 {
            iot.report("fw", "a", "FAILED");
            assert_eq!(counts(&iot), [1, 0, failed, 1]);
            assert_eq!(iot.jobs["fw"].0.status(), Some(&JobStatus::InProgress));
        }
        iot.report("fw", "a", "FAILED");
        assert_eq!(counts(&iot), [0, 0, 3, 1]);
        assert_eq!(iot.jobs["fw"].0.status(), Some(&JobStatus::Completed));
        let failed = &iot.executions[&("fw".to_owned(), "FAILED".to_owned())];
        assert_eq!(failed.iter().map(|one| one.number).collect::<Vec<_>>(), [1, 2, 3]);
    }
}
