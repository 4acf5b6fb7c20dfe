//! The guard of a job that follows another: it is armed before there is a job.

use tripline::job::{JobId, JobState};

use super::aws::Aws;
use super::config::Config;
use super::earlier_guards::EarlierGuards;
use super::place::Earlier;
use crate::aws::arming::guard::Guard;
use crate::aws::arming::plan::Change;
use crate::exit::{End, Error};
use crate::terminal::print::say;
use crate::terminal::verdict::Verdict;

/// What guards jobs with the alarms of one config.
#[derive(Debug, Clone, Copy)]
pub struct Guarding<'a> {
    pub config: &'a Config,
    /// The stack's name.
    pub stack: &'a str,
    /// It is meant that no alarm stops the rollout.
    pub alert_only: bool,
    pub dry_run: bool,
}

impl Guarding<'_> {
    /// Looks whether earlier jobs that are in progress still have their alarms, and arms them again
    /// if not.
    pub async fn see_to(&self, aws: &Aws, earlier: &[Earlier]) -> Result<EarlierGuards, Error> {
        let mut seen = EarlierGuards::default();
        for job in earlier.iter().filter(|earlier| earlier.state() == JobState::Active) {
            let mut guard = self.guard(&job.id);
            let report = guard.apply(&aws.alarms).await?;
            let lost = report.plan.alarms.iter().any(|alarm| alarm.change == Change::Create);
            // It was armed with another config: that is not this one's to replace.
            let plan = &report.plan;
            if lost && !(plan.strays.is_empty() && plan.spared.is_empty()) {
                say(&format!(
                    "note: job `{}` has other alarms than those of {}, which stay",
                    job.id, self.config.name
                ));
                continue;
            }
            if lost {
                guard.dry_run = self.dry_run;
                seen.unguarded |= !arm(aws, &guard, true).await?;
                seen.rearmed.push(job.id.clone());
                continue;
            }
            for finding in Verdict::of_arming(&guard, &report, &aws.alarms.region).findings {
                say(&finding.labeled("finding"));
                seen.unguarded = true;
            }
        }
        Ok(seen)
    }

    /// A job's guard, to be looked at first.
    pub fn guard(&self, job: &JobId) -> Guard {
        let config = self.config;
        Guard {
            file: config.name.clone(),
            stack: self.stack.to_owned(),
            job: job.clone(),
            alarms: config.alarms.clone(),
            default_guard: config.default_guard,
            evidence: config.evidence.clone(),
            alert_only: self.alert_only,
            dry_run: true,
        }
    }
}

/// Arms the job that is to be, or looks what that would come to; `false` if its guard would not
/// stop it. A look is reported only if `say`, or if it finds something.
pub async fn arm(aws: &Aws, guard: &Guard, say: bool) -> Result<bool, Error> {
    let report = guard.apply(&aws.alarms).await?;
    let verdict = Verdict::of_arming(guard, &report, &aws.alarms.region);
    let guarded = verdict.end() == End::Done;
    if say || !guarded {
        verdict.say();
    }
    Ok(guarded)
}
