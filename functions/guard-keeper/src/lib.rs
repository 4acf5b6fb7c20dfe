//! Keeps every rollout guarded: each minute, job events are on, every job in progress has its alarms,
//! jobs that ended lose theirs, and people are alerted to a job that is not guarded, of ended executions that
//! nobody counts, and of devices that may have died.
//!
//! Each minute begins with what is there. Whatever is not done in time, or fails, comes again the next
//! minute, so that nothing here is retried for long and nothing has to be undone.
//!
//! - [`ask`]: what is asked of AWS; [`aws`]: how; [`clock`]: how often, and until when;
//! - `observe`: what there is; `act`: alarms of jobs in progress; `cleanup`: what others have left; `health`:
//!   how far jobs are, and whether what devices do is seen; `evidence`: how unlikely what a job shows is under
//!   its limits; `coverage`: what would be seen of it; `announce`: what people are alerted to, by name.

mod act;
mod announce;
pub mod ask;
pub mod aws;
mod cleanup;
pub mod clock;
mod coverage;
mod evidence;
mod failed;
mod finding;
mod findings;
mod health;
mod keeper;
mod observe;
mod pace;
pub mod settings;

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use act::Guarding;
use ask::{Ask, JobGauge, MAX_GAUGES, StackGauge};
use clock::{Clock, Minute};
pub use failed::Failed;
use failed::Failures;
use health::{Events, Watching};
pub use keeper::Keeper;
use observe::{Account, late};
use tripline::metric::stack;
use tripline_aws::{Failure, FailureKind};

impl<C: Ask, K: Clock + Sync> Keeper<C, K> {
    /// One minute. The counts that the failure rate goes by come first: they wait for the list of jobs alone, and
    /// neither for alarms nor for tags.
    ///
    /// # Errors
    /// The calls that failed, after everything else has been done.
    pub async fn tick(&self) -> Result<Value, Failed> {
        let minute = Minute::begin(&self.clock, &self.paces);
        let jobs = match self.list_all_jobs(&minute).await {
            Ok(jobs) => jobs,
            Err(failure) => {
                let (_, failures) = self.keep_job_events().await;
                return Err(failed_without_numbers(failures, failure));
            }
        };
        let account = OnceCell::new();
        // Whoever comes first observes, and the other waits for it.
        let observed = || account.get_or_init(|| self.observe(&minute, &jobs));
        let (guarding, (watching, weighed, events, mut failures)) = tokio::join!(
            async { Some(self.guard(&minute, observed().await.as_ref().ok()?).await) },
            async {
                let (mut counted, (events, failures)) =
                    tokio::join!(self.count_devices(&minute, &jobs), self.keep_job_events());
                let account = observed().await.as_ref().ok();
                self.publish_waiting(&minute, &jobs, &mut counted, false).await;
                // What stops by the counts alone waits for no list.
                let mut weighed = self.weigh_counts(&minute, account, &counted.jobs).await;
                self.publish_waiting(&minute, &jobs, &mut counted, true).await;
                let watching = self.watch(&minute, account, (counted, &mut weighed), events).await;
                (watching, weighed, events, failures)
            }
        );
        let account = match account.into_inner() {
            Some(Ok(account)) => account,
            failed => {
                failures.extend(watching.failures);
                let failure = failed.and_then(Result::err);
                let failure = failure.unwrap_or_else(|| late("DescribeAlarms"));
                return Err(failed_without_numbers(failures, failure));
            }
        };
        let mut guarding = guarding.unwrap_or_default();
        self.count_guards(&minute, &account, &mut guarding, &weighed);
        guarding.findings.extend(weighed.findings);
        failures.extend(weighed.failures);
        let found = (guarding, (watching, weighed.gauges), events);
        let summary = self.publish_findings(&minute, &account, found, &mut failures).await;
        failures.into_result()?;
        Ok(summary)
    }

    /// Enables job events where they are off, if that is the keeper's to do.
    async fn keep_job_events(&self) -> (Events, Failures) {
        let mut failures = Failures::default();
        let events = match self.client.job_events_are_on().await {
            Ok(true) => Events::On,
            Ok(false) if !self.settings.keep_job_events => {
                tracing::error!("job_events_off");
                Events::Off
            }
            Ok(false) => match self.enable_job_events().await {
                Ok(()) => {
                    tracing::warn!("job_events_enabled");
                    Events::Enabled
                }
                Err(failure) => {
                    failures.add("job events", failure);
                    Events::Off
                }
            },
            Err(failure) => {
                failures.add("job events", failure);
                Events::Unknown
            }
        };
        (events, failures)
    }

    /// Enables them, and looks whether they are: an answer of a proxy would read as "done" each minute.
    async fn enable_job_events(&self) -> Result<(), Failure> {
        const OPERATION: &str = "UpdateEventConfigurations";
        self.client.enable_job_events().await?;
        match self.client.job_events_are_on().await? {
            true => Ok(()),
            false => Err(Failure::new(OPERATION, FailureKind::Unavailable, "they are still off")),
        }
    }

    /// Publishes what was found, alerts people to what is new of it, and writes down what is to be remembered.
    async fn publish_findings(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        (guarding, (mut watching, of_evidence), events): (
            Guarding,
            (Watching, Vec<JobGauge>),
            Events,
        ),
        failures: &mut Failures,
    ) -> Value {
        let Guarding {
            mut guarded,
            partly_guarded,
            mut unguarded,
            opted_out,
            done,
            forget,
            restored,
            alert_only,
            mut findings,
            failures: of_guard,
            ..
        } = guarding;
        for (about, failure) in &account.failures {
            failures.add(about, failure.clone());
        }
        failures.extend(of_guard);
        if events == Events::Off {
            unguarded += std::mem::take(&mut guarded);
        }
        let mut gauges = vec![
            (stack::GUARDED_JOBS, count(guarded)),
            (stack::PARTLY_GUARDED_JOBS, count(partly_guarded)),
            (stack::UNGUARDED_JOBS, count(unguarded)),
        ];
        // A metric costs in the hours in which it has points, and most stacks never have any of these. On the
        // first there is no alarm: somebody wanted it so, and each is announced by name.
        let mut seldom = vec![
            (stack::OPTED_OUT_JOBS, count(opted_out)),
            (stack::ALERTS_ONLY_JOBS, count(alert_only)),
        ];
        let mut of_jobs = watching.gauges();
        of_jobs.extend(of_evidence);
        let (mut uncounted, mut overcounted, mut overdue) = (0, 0, 0);
        if watching.remembers {
            (uncounted, overcounted) = (watching.uncounted(), watching.memory.overcounted());
            overdue = watching.memory.worrying();
            gauges.push((stack::UNCOUNTED_COUNT, uncounted as f64));
            seldom.push((stack::OVERCOUNTED_COUNT, overcounted as f64));
            gauges.push((stack::OVERDUE_JOBS, count(overdue)));
            findings.extend(watching.findings());
            watching.memory.restored = restored;
        }
        gauges.extend(seldom.into_iter().filter(|(_, number)| *number > 0.0));
        failures.extend(watching.failures);
        let alerts = async {
            let announced = watching.remembers.then_some(&mut watching.memory.announced);
            let alerted = self.announce(minute, account, &findings, announced).await;
            // What people were alerted to is written down once they were.
            let before = account.table.as_ref().and_then(|table| table.memory.as_deref());
            let memory = watching.remembers.then(|| watching.memory.to_text());
            let memory = memory.filter(|text| before != Some(text));
            (alerted, self.client.write_table(memory.as_deref(), &forget).await)
        };
        let (published, (alerted, written)) =
            tokio::join!(self.publish(minute, &gauges, of_jobs), alerts);
        let forgotten = if written.is_ok() { forget.len() } else { 0 };
        let result = alerted.as_ref().map(|_| ()).map_err(Clone::clone);
        let alerted = alerted.unwrap_or(0);
        for (what, result) in [
            ("numbers", published),
            ("the alert to people", result),
            ("the stack's table", written),
        ] {
            if let Err(failure) = result {
                failures.add(what, failure);
            }
        }
        tracing::info!(
            guarded,
            partly_guarded,
            unguarded,
            opted_out,
            alert_only,
            armed = done.armed,
            repaired = done.repaired,
            removed = done.removed,
            forgotten,
            uncounted,
            overcounted,
            overdue,
            alerted,
            "keeper_tick"
        );
        json!({
            "guardedJobs": guarded, "partlyGuardedJobs": partly_guarded,
            "unguardedJobs": unguarded, "optedOutJobs": opted_out, "alertsOnlyJobs": alert_only,
            "armed": done.armed, "repaired": done.repaired, "removed": done.removed,
            "forgotten": forgotten, "uncountedCount": uncounted, "overcountedCount": overcounted,
            "overdueJobs": overdue, "alerted": alerted,
        })
    }

    /// Publishes the stack's numbers, and then as many of the jobs' as there is time for: others each minute.
    async fn publish(
        &self,
        minute: &Minute<'_, K>,
        stack: &[StackGauge],
        mut jobs: Vec<JobGauge>,
    ) -> Result<(), Failure> {
        self.client.publish_stack(stack).await?;
        let turn = usize::try_from(minute.turn()).unwrap_or(0).wrapping_mul(MAX_GAUGES);
        if jobs.len() > MAX_GAUGES {
            let by = turn % jobs.len();
            jobs.rotate_left(by);
        }
        for some in jobs.chunks(MAX_GAUGES) {
            if !minute.may_publish() {
                return Err(late("PutMetricData"));
            }
            self.client.publish_jobs(some).await?;
        }
        Ok(())
    }
}

/// Without numbers the alarm on unguarded jobs goes off, as it should.
fn failed_without_numbers(mut failures: Failures, failure: Failure) -> Failed {
    failures.add("what there is", failure.clone());
    failures.into_result().err().unwrap_or(Failed { first: failure, more: 0 })
}

/// Far below what a number can hold.
fn count(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests;
