//! How many devices have the firmware, where AWS IoT counts attempts.
//!
//! A job with a retry config, or a `CONTINUOUS` one for groups, has several executions of one device, and each
//! counts (see [`tripline::attempts`]). Which are of one device the lists of the executions say that failed, were
//! rejected or timed out. They are read whole, [`MOST_PAGES`] of them, one call a second; a list is not read again
//! while its count is the same.
//!
//! The lists do not say what came after a device's last unsuccessful attempt. While a rollout goes on nothing hangs
//! on that. Once it is through, AWS IoT is asked for the newest execution (`DescribeJobExecution`) of each device
//! that it leaves open, if these are [`MOST_ASKED`] at most:
//!
//! - of any job, those that have retries left. If they are more, a later attempt is taken to have decided, as AWS IoT
//!   completes a job only when every device's attempts have ended;
//! - of a `CONTINUOUS` job with groups, those whose attempts are spent: they may have left the group, joined it again
//!   and succeeded. If they are more, they stay unsuccessful, although some may have the firmware. A device that
//!   succeeded twice counts twice.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_iot::Client;
use aws_sdk_iot::types::{Job, JobExecutionStatus, JobExecutionSummaryForJob};
use tokio::time::sleep;
use tripline::attempts::{Attempt, unsuccessful_devices};
use tripline::job::{EndedCounts, ExecutionCounts, JobId, JobState, Setup};
use tripline_aws::{Failure, FailureKind, iot};

use super::budget::Budget;
use super::executions::{PAGE, outcome_of, passes, read_executions};
use super::job::{Counted, DescribedJob};
use super::tally::Tally;

/// Most pages of lists that are read: ten thousand attempts.
const MOST_PAGES: usize = 40;
/// Most devices whose newest execution is asked for.
const MOST_ASKED: usize = 25;
/// How often lists are read that have fewer attempts than AWS IoT counts: they may come late ..
const LOOKS: u32 = 3;
/// .. and what lies between.
const BETWEEN: Duration = Duration::from_secs(3);

/// An attempt of a device, by the ARN of its thing.
type Tried = Attempt<String>;

/// Devices of one job, and what is remembered of its lists.
#[derive(Debug, Default)]
pub struct Devices {
    lists: [List; 3],
    /// What was found out last.
    found: Option<Found>,
}

/// Counts, whether the rollout was over, and what they came to.
#[derive(Debug)]
struct Found {
    counts: ExecutionCounts,
    is_over: bool,
    tally: Tally,
    counted: Counted,
}

/// The attempts that ended in one way.
#[derive(Debug, Default)]
struct List {
    /// What AWS IoT counted when it was read.
    count: u32,
    attempts: Vec<Tried>,
}

/// What the lists say.
enum Listed {
    /// All attempts that are counted.
    Whole(Vec<Tried>),
    /// So many attempts fewer.
    Short(Vec<Tried>, u32),
    /// More than are read.
    TooLong,
}

impl Devices {
    /// What `DescribeJob` shows of a job, in devices. Where its lists cannot be read, it stays in attempts and says
    /// why.
    ///
    /// # Errors
    /// An outage or throttling, of a job that is through: what is decided by its counts is decided later.
    pub async fn describe(
        &mut self,
        client: &Client,
        job: &JobId,
        found: &Job,
        budget: &mut Budget,
    ) -> Result<DescribedJob, Failure> {
        let mut described = DescribedJob::from(found);
        if described.counted == Counted::Devices {
            return Ok(described);
        }
        let read = iot::job_of(found);
        let counts = read.counts;
        let is_over = described.is_through() || read.state == JobState::Canceled;
        if let Some(found) = &self.found
            && (found.counts, found.is_over) == (counts, is_over)
        {
            (described.tally, described.counted) = (found.tally, found.counted.clone());
            return Ok(described);
        }
        let attempts = described.tally;
        match self.count(client, job, counts, &read.setup, is_over, budget).await {
            Ok(Ok(unsuccessful)) => {
                described.tally = counts.of_devices(unsuccessful).into();
                let is_same = described.tally == attempts;
                described.counted =
                    if is_same { Counted::Devices } else { Counted::Tried(attempts) };
            }
            Ok(Err(why)) => described.counted = Counted::Attempts(why),
            Err(failure) if passes(&failure) && described.is_through() => return Err(failure),
            Err(failure) => {
                described.counted = Counted::Attempts(refusal(&failure));
                if passes(&failure) {
                    // The next look may find out.
                    return Ok(described);
                }
            }
        }
        let (tally, counted) = (described.tally, described.counted.clone());
        self.found = Some(Found { counts, is_over, tally, counted });
        Ok(described)
    }

    /// The devices that were unsuccessful for good, or why that is not known.
    async fn count(
        &mut self,
        client: &Client,
        job: &JobId,
        counts: ExecutionCounts,
        setup: &Setup,
        is_over: bool,
        budget: &mut Budget,
    ) -> Result<Result<EndedCounts, String>, Failure> {
        let mut looks = 1;
        let attempts = loop {
            match self.lists(client, job, counts.ended, budget).await? {
                Listed::Whole(attempts) => break attempts,
                Listed::Short(attempts, missing) => {
                    let unsuccessful = unsuccessful_devices(attempts, setup.retries);
                    if is_accounted_for(counts, unsuccessful, setup) {
                        return Ok(Ok(unsuccessful));
                    }
                    if !is_over || looks == LOOKS {
                        return Ok(Err(format!("AWS IoT lists {missing} fewer than it counts")));
                    }
                    looks += 1;
                    sleep(BETWEEN).await;
                }
                Listed::TooLong => {
                    let most = MOST_PAGES * PAGE as usize;
                    return Ok(Err(format!("more than the {most} that are read")));
                }
            }
        };
        let unsuccessful = unsuccessful_devices(attempts.clone(), setup.retries);
        if !is_over || is_accounted_for(counts, unsuccessful, setup) {
            return Ok(Ok(unsuccessful));
        }
        let attempts = asked(client, job, attempts, setup, budget).await?;
        Ok(Ok(unsuccessful_devices(attempts, setup.retries)))
    }

    /// The lists, of which those are read whose count is another.
    async fn lists(
        &mut self,
        client: &Client,
        job: &JobId,
        ended: EndedCounts,
        budget: &mut Budget,
    ) -> Result<Listed, Failure> {
        let states = [
            (JobExecutionStatus::Failed, ended.failed),
            (JobExecutionStatus::Rejected, ended.rejected),
            (JobExecutionStatus::TimedOut, ended.timed_out),
        ];
        let pages = |count: u32| count.div_ceil(PAGE) as usize;
        if states.iter().map(|(_, count)| pages(*count)).sum::<usize>() > MOST_PAGES {
            return Ok(Listed::TooLong);
        }
        let mut left = MOST_PAGES;
        for ((status, count), list) in states.into_iter().zip(&mut self.lists) {
            // One that came short may be whole by now.
            if list.count == count && list.attempts.len() >= count as usize {
                continue;
            }
            if count == 0 {
                *list = List::default();
                continue;
            }
            let (mut attempts, mut turned) = (Vec::new(), 0);
            let page = |page: &[JobExecutionSummaryForJob]| {
                turned += 1;
                attempts.extend(page.iter().filter_map(attempt));
            };
            if !read_executions(client, job, Some(status), left, budget, page).await? {
                return Ok(Listed::TooLong);
            }
            left = left.saturating_sub(turned);
            *list = List { count, attempts };
        }
        let listed: Vec<_> = self.lists.iter().flat_map(|list| list.attempts.clone()).collect();
        let number = u32::try_from(listed.len()).unwrap_or(u32::MAX);
        match ended.unsuccessful().saturating_sub(number) {
            0 => Ok(Listed::Whole(listed)),
            missing => Ok(Listed::Short(listed, missing)),
        }
    }
}

/// Whether every thing that the job names is known to have ended, whatever the lists have.
fn is_accounted_for(counts: ExecutionCounts, unsuccessful: EndedCounts, setup: &Setup) -> bool {
    let devices = counts.of_devices(unsuccessful);
    setup.things > 0 && setup.groups.is_empty() && devices.notified() == setup.things
}

/// The attempts with what came after them, where AWS IoT is asked.
async fn asked(
    client: &Client,
    job: &JobId,
    mut attempts: Vec<Tried>,
    setup: &Setup,
    budget: &mut Budget,
) -> Result<Vec<Tried>, Failure> {
    let mut last: BTreeMap<&str, &Tried> = BTreeMap::new();
    for attempt in &attempts {
        let known = last.entry(&attempt.thing).or_insert(attempt);
        if attempt.number > known.number {
            *known = attempt;
        }
    }
    let can_join_again = setup.is_continuous && !setup.groups.is_empty();
    let is_spent =
        |attempt: &Tried| unsuccessful_devices([attempt.clone()], setup.retries).unsuccessful() > 0;
    let open = last.into_values().filter(|attempt| can_join_again || !is_spent(attempt));
    let open: Vec<String> = open.map(|attempt| attempt.thing.clone()).collect();
    if open.len() > MOST_ASKED {
        return Ok(attempts);
    }
    for thing in open {
        let newest = match newest(client, job, &thing, budget).await {
            Ok(newest) => newest,
            Err(failure) if passes(&failure) => return Err(failure),
            // Whoever may not ask leaves it; of a device that is gone there is nothing to ask.
            Err(failure) if failure.kind == FailureKind::NotFound => continue,
            Err(_) => break,
        };
        match newest.as_ref().map(outcome_of) {
            // No other follows, however many retries there were to be.
            Some(Some(outcome)) => attempts.push(Attempt { thing, number: u32::MAX, outcome }),
            Some(None) => attempts.retain(|attempt| attempt.thing != thing),
            None => {}
        }
    }
    Ok(attempts)
}

/// The state of a device's newest execution.
async fn newest(
    client: &Client,
    job: &JobId,
    thing: &str,
    budget: &mut Budget,
) -> Result<Option<JobExecutionStatus>, Failure> {
    let name = thing.split_once(":thing/").map_or(thing, |(_, name)| name);
    budget.turn().await;
    let answer = client.describe_job_execution().job_id(job.as_str()).thing_name(name).send().await;
    let answer = answer.map_err(|error| Failure::from_sdk("DescribeJobExecution", &error))?;
    Ok(answer.execution.and_then(|execution| execution.status))
}

fn attempt(listed: &JobExecutionSummaryForJob) -> Option<Tried> {
    let summary = listed.job_execution_summary()?;
    let again = || summary.retry_attempt().map(|retries| i64::from(retries).saturating_add(1));
    let number = summary.execution_number().or_else(again).unwrap_or(1);
    Some(Attempt {
        thing: listed.thing_arn()?.to_owned(),
        number: u32::try_from(number).unwrap_or(u32::MAX),
        outcome: summary.status().and_then(outcome_of)?,
    })
}

/// Why a list was not read, and what would change that.
fn refusal(failure: &Failure) -> String {
    match failure.kind {
        FailureKind::Denied => {
            format!("{}; allow `iot:ListJobExecutionsForJob`", failure.in_short())
        }
        _ => failure.in_short(),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_iot::types::{JobStatus, RetryableFailureType};
    use fake_aws::FakeAws;
    use proptest::prelude::*;

    use super::*;

    /// How a device ends that fails less often than it may.
    const LAST: [&str; 4] = ["SUCCEEDED", "REJECTED", "CANCELED", "REMOVED"];

    /// Each device fails so often and then ends as said, unless its retries are spent before.
    fn rollout(fake: &FakeAws, retries: u32, is_group: bool, devices: &[(u32, usize)]) -> Tally {
        let iot = &mut fake.account().iot;
        let things: Vec<_> = (0..devices.len()).map(|n| format!("thing/d{n}")).collect();
        let things: Vec<_> = things.iter().map(String::as_str).collect();
        let targets = if is_group { &["thinggroup/all"][..] } else { &things[..] };
        iot.job("fw", JobStatus::InProgress, targets);
        iot.retry("fw", RetryableFailureType::All, i32::try_from(retries).unwrap());
        (0..devices.len()).for_each(|n| iot.notify("fw", &format!("d{n}")));
        let mut expected = Tally::default();
        for (n, (failures, last)) in devices.iter().enumerate() {
            let thing = format!("d{n}");
            for failure in 0..=(*failures).min(retries) {
                let is_last = failure == *failures;
                let way = if failure % 2 == 0 { "FAILED" } else { "TIMED_OUT" };
                iot.report("fw", &thing, if is_last { LAST[*last] } else { way });
                *match (is_last, failure == retries) {
                    (true, _) => match LAST[*last] {
                        "SUCCEEDED" => &mut expected.succeeded,
                        "REJECTED" => &mut expected.rejected,
                        "CANCELED" => &mut expected.canceled,
                        _ => &mut expected.removed,
                    },
                    (false, true) if failure % 2 == 0 => &mut expected.failed,
                    (false, true) => &mut expected.timed_out,
                    (false, false) => continue,
                } += 1;
            }
        }
        expected
    }

    async fn described(fake: &FakeAws) -> DescribedJob {
        let found = fake.account().iot.jobs["fw"].0.clone();
        let job = JobId::new("fw").unwrap();
        let mut budget = Budget::new();
        Devices::default().describe(&fake.iot(), &job, &found, &mut budget).await.unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn each_device_counts_once_and_as_it_ended(
            retries in 1_u32..=10,
            is_group: bool,
            devices in prop::collection::vec((0_u32..=11, 0_usize..LAST.len()), 1..70),
        ) {
            let fake = FakeAws::default();
            let expected = rollout(&fake, retries, is_group, &devices);
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().start_paused(true).build().unwrap();
            let job = runtime.block_on(described(&fake));
            prop_assert_eq!(job.tally, expected);
            prop_assert_eq!(job.uncounted(), None);
            prop_assert_eq!(job.tally.all() as usize, devices.len());
            let most = MOST_PAGES + MOST_ASKED;
            prop_assert!(fake.account().calls.len() <= most);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn of_things_that_are_all_accounted_for_nobody_is_asked_for() {
        let fake = FakeAws::default();
        rollout(&fake, 2, false, &[(1, 0), (2, 0), (3, 0), (0, 0)]);
        described(&fake).await;
        let calls: Vec<_> = fake.account().calls.iter().map(|call| call.operation).collect();
        assert_eq!(calls, ["ListJobExecutionsForJob"; 2]);
    }
}
