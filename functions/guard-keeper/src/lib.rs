//! Keeps every rollout guarded: each minute, job events are on, every job in progress has its alarms,
//! jobs that ended lose theirs, and people hear of a job that is not guarded, of ended executions that
//! nobody counts, and of devices that may have died.
//!
//! Each minute begins with what is there. Whatever is not done in time, or fails, comes again the next
//! minute, so that nothing here is retried for long and nothing has to be undone.
//!
//! - [`ask`]: what is asked of AWS; [`aws`]: how; [`clock`]: how often, and until when;
//! - `observe`: what there is; `act`: alarms of jobs in progress; `cleanup`: what others have left; `health`:
//!   whether what devices do is seen.

mod act;
pub mod ask;
pub mod aws;
mod cleanup;
pub mod clock;
mod failed;
mod finding;
mod findings;
mod health;
mod keeper;
mod observe;
mod pace;
pub mod settings;

use serde_json::{Value, json};

use act::Guarding;
use ask::{Ask, JobGauge, MAX_GAUGES, StackGauge};
use clock::{Clock, Minute};
pub use failed::Failed;
use failed::Trouble;
use health::{Events, Watching};
pub use keeper::Keeper;
use observe::{Account, late};
use tripline_aws::Failure;

impl<C: Ask, K: Clock + Sync> Keeper<C, K> {
    /// One minute.
    ///
    /// # Errors
    /// The calls that failed, after everything else has been done.
    pub async fn tick(&self) -> Result<Value, Failed> {
        let minute = Minute::begin(&self.clock, &self.paces);
        let mut trouble = Trouble::default();
        let events = self.keep_job_events(&mut trouble).await;
        let account = match self.observe(&minute, &mut trouble).await {
            Ok(account) => account,
            Err(failure) => {
                // Without numbers the alarm on unguarded jobs goes off, as it should.
                trouble.add("what there is", failure.clone());
                trouble.into_result()?;
                return Err(Failed { first: failure, more: 0 });
            }
        };
        let (guarding, watching) =
            tokio::join!(self.guard(&minute, &account), self.watch(&minute, &account, events));
        let summary = self
            .publish_findings((&minute, &account), guarding, watching, events, &mut trouble)
            .await;
        trouble.into_result()?;
        Ok(summary)
    }

    /// Enables job events where they are off, if that is the keeper's to do.
    async fn keep_job_events(&self, trouble: &mut Trouble) -> Events {
        match self.client.job_events_are_on().await {
            Ok(true) => Events::On,
            Ok(false) if !self.settings.keep_job_events => {
                tracing::error!("job_events_off");
                Events::Off
            }
            Ok(false) => match self.client.enable_job_events().await {
                Ok(()) => {
                    tracing::warn!("job_events_enabled");
                    Events::Enabled
                }
                Err(failure) => {
                    trouble.add("job events", failure);
                    Events::Off
                }
            },
            Err(failure) => {
                trouble.add("job events", failure);
                Events::Unknown
            }
        }
    }

    /// Publishes what was found, and writes down what is to be remembered.
    async fn publish_findings(
        &self,
        (minute, account): (&Minute<'_, K>, &Account),
        guarding: Guarding,
        mut watching: Watching,
        events: Events,
        trouble: &mut Trouble,
    ) -> Value {
        let Guarding {
            mut guarded,
            mut unguarded,
            opted_out,
            done,
            forget,
            restored,
            alert_only,
            // Announced by name in a later step.
            findings: _,
            trouble: of_guard,
        } = guarding;
        trouble.extend(of_guard);
        if events == Events::Off {
            unguarded += std::mem::take(&mut guarded);
        }
        let mut gauges = vec![("guardedJobs", count(guarded)), ("unguardedJobs", count(unguarded))];
        let of_jobs = watching.gauges();
        let mut memory = None;
        let (mut uncounted, mut overdue) = (0, 0);
        if watching.remembers {
            (uncounted, overdue) = (watching.memory.uncounted(), watching.memory.worrying());
            gauges.push(("uncountedCount", uncounted as f64));
            gauges.push(("overdueJobs", count(overdue)));
            watching.memory.restored = restored;
            let before = account.table.as_ref().and_then(|table| table.memory.as_deref());
            memory = Some(watching.memory.to_text()).filter(|text| before != Some(text));
        }
        trouble.extend(watching.trouble);
        let (published, written) = tokio::join!(
            self.publish(minute, &gauges, of_jobs),
            self.client.write_table(memory.as_deref(), &forget)
        );
        let forgotten = if written.is_ok() { forget.len() } else { 0 };
        for (what, result) in [("numbers", published), ("the stack's table", written)] {
            if let Err(failure) = result {
                trouble.add(what, failure);
            }
        }
        tracing::info!(
            guarded,
            unguarded,
            opted_out,
            alert_only,
            armed = done.armed,
            repaired = done.repaired,
            removed = done.removed,
            forgotten,
            uncounted,
            overdue,
            "keeper_tick"
        );
        json!({
            "guardedJobs": guarded, "unguardedJobs": unguarded, "optedOutJobs": opted_out,
            "alertOnlyJobs": alert_only,
            "armed": done.armed, "repaired": done.repaired, "removed": done.removed,
            "forgotten": forgotten, "uncountedCount": uncounted, "overdueJobs": overdue,
        })
    }
}

impl<C: Ask, K: Clock + Sync> Keeper<C, K> {
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
            if !minute.may_tell() {
                return Err(late("PutMetricData"));
            }
            self.client.publish_jobs(some).await?;
        }
        Ok(())
    }
}

/// Far below what a number can hold.
fn count(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests;
