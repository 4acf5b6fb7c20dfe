//! What would be seen of a job if it went wrong, by what AWS shows of it and by what the guard-keeper keeps. `watch`
//! and doctor ask here.

use tripline::evidence::{Needs, Record};
use tripline::job::Job;
use tripline_guard::coverage::{Coverage, Devices, Facts, Keeper, Shape, Watcher};
use tripline_guard::desired::Purpose;
use tripline_guard::verdict::{Verdict, Why};

/// A job in progress.
#[derive(Debug, Clone, Copy)]
pub struct KnownJob<'a> {
    /// What it was created with.
    pub shape: &'a Shape,
    /// When it was created, in seconds since the epoch, if AWS says so.
    pub created: Option<i64>,
    /// What the guard-keeper keeps of this very job.
    pub record: Option<&'a Record>,
    /// In seconds since the epoch.
    pub now: i64,
}

/// What a job was created with. The devices of its groups are not counted here.
pub fn shape_of(job: &Job) -> Shape {
    let setup = &job.setup;
    let at_least = match setup.groups.is_empty() {
        true => Devices::Unknown,
        false => Devices::AtLeast(setup.things),
    };
    Shape::of_job(job, Devices::of_things(setup).unwrap_or(at_least))
}

impl KnownJob<'_> {
    /// Without a record the guard-keeper has not looked yet, or does not look; where nobody asks for evidence, it
    /// keeps none.
    fn facts(&self, watchers: &[Watcher]) -> Facts {
        let (shape, now) = (self.shape.clone(), self.now);
        if let Some(record) = self.record {
            return Facts::of_record(shape, record, now);
        }
        let is_expected = watchers.iter().any(Watcher::is_on_evidence);
        let keeper = match self.created.filter(|_| is_expected) {
            Some(created) => Keeper::last_seen(created, now),
            None => Keeper::Alive,
        };
        Facts { keeper, ..Facts::of_new(shape, Some(Needs::LEAST), 0) }
    }

    /// By these watchers; `verdict`: whether the job's alarms guard it.
    pub fn coverage(&self, watchers: &[Watcher], verdict: &Verdict) -> Coverage {
        let is_meant = self.record.is_some_and(|record| record.coverage.alerts_only);
        let purpose = if is_meant { Purpose::Alert } else { Purpose::Stop };
        let coverage = Coverage::new(&self.facts(watchers), watchers, purpose);
        match verdict {
            Verdict::Unguarded(Why::Alarm(..)) => coverage.with_fault(),
            Verdict::Guarded | Verdict::Unguarded(_) => coverage,
        }
    }
}
